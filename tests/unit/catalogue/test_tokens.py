"""What a word is: the same for what is searched and for what is searched in."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.tokens import LONGEST, folded, placed, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A lighthouse, at DUSK.", ["a", "lighthouse", "at", "dusk"]),
        ("sd_xl-1.0 (best quality:1.2)", ["sd", "xl", "1", "0", "best", "quality", "1", "2"]),
        ("don't", ["don", "t"]),
        ("Café déjà-vu", ["cafe", "deja", "vu"]),
        ("e\u0301te\u0301", ["ete"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("İstanbul", ["istanbul"]),
        ("Ｃａｆé ﬁre ½", ["cafe", "fire", "1", "2"]),
        ("灯台の夕暮れ", ["灯", "台", "の", "夕", "暮", "れ"]),
        ("ﾊﾝｶｸ ガ", ["ハ", "ン", "カ", "ク", "カ"]),
        ("한국 mixed한", ["한", "국", "mixed", "한"]),
        ("tokyo東京2025", ["tokyo", "東", "京", "2025"]),
        ("маяк в сумерках", ["маяк", "в", "сумерках"]),
        ("😀 — … \0 \ud800", []),
        ("", []),
        ("w" * 100, ["w" * LONGEST]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    # a Korean syllable is held in the parts that Unicode takes it apart into
    assert tokens(text) == [folded(word) for word in words]


ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=60)


@given(ANYTHING)
def test_a_word_is_letters_and_digits_and_stays_what_it_is(text: str) -> None:
    words = tokens(text)

    assert all(word.isalnum() and len(word) <= LONGEST for word in words)
    assert tokens(" ".join(words)) == words
    " ".join(words).encode()


@given(ANYTHING)
def test_where_words_stand_and_what_they_are_agree(text: str) -> None:
    found = list(placed(text))

    assert [word for word, _, _ in found] == tokens(text)
    for word, begin, end in found:
        assert 0 <= begin < end <= len(text)
        assert word in tokens(text[begin:end])


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_plain_text_is_cut_as_any_other(text: str) -> None:
    assert tokens(text) == tokens(text + " é")[:-1]


def test_every_character_is_a_word_or_a_gap() -> None:
    wrong = []
    for block in range(0, sys.maxunicode + 1, 1024):
        text = " ".join(map(chr, range(block, block + 1024)))
        words = tokens(text)
        if tokens(" ".join(words)) != words or [word for word, _, _ in placed(text)] != words:
            wrong.append(block)
    assert wrong == []
