"""What a person writes into a search, and what it is taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.query import Item, parse
from storewarden.errors import UsageError


def word(*words: str, **settings: object) -> Item:
    return Item(words, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted", "excluded"),
    [
        ("lighthouse dusk", [word("lighthouse"), word("dusk")], []),
        ('"at dusk"', [word("at", "dusk")], []),
        ("light*", [word("light", prefix=True)], []),
        ('"golden ho"*', [word("golden", "ho", prefix=True)], []),
        ("a -fog", [word("a")], [word("fog", excluded=True)]),
        ('a -"bad hands"', [word("a")], [word("bad", "hands", excluded=True)]),
        ("prompt:dusk", [word("dusk", field="prompt")], []),
        ('Model:"flux dev"*', [word("flux", "dev", field="model", prefix=True)], []),
        ("a -path:old*", [word("a")], [word("old", field="path", prefix=True, excluded=True)]),
        ("sd_xl", [word("sd", "xl")], []),
        ("灯台*", [word("灯", "台", prefix=True)], []),
        ("12:30", [word("12", "30")], []),
        ("(quality:1.2)", [word("quality", "1", "2")], []),
        ("https://example.org", [word("https", "example", "org")], []),
        ("prompt: dusk", [word("prompt"), word("dusk")], []),
        ("AND OR NOT", [word("and"), word("or"), word("not")], []),
        ("a - b -- *", [word("a"), word("b")], []),
        ("--a b", [word("b")], [word("a", excluded=True)]),
        ('foo"bar baz"', [word("foo"), word("bar", "baz")], []),
    ],
)
def test_what_is_read(text: str, wanted: list[Item], excluded: list[Item]) -> None:
    query = parse(text)

    assert list(query.wanted) == wanted
    assert list(query.excluded) == excluded


def test_free_words_are_one_phrase_as_well() -> None:
    assert parse("a lighthouse at dusk").whole == word("a", "lighthouse", "at", "dusk")
    assert parse('new "york city"').whole == word("new", "york", "city")
    assert parse("golden ho*").whole == word("golden", "ho", prefix=True)
    assert parse("prompt:dusk sea -fog").whole is None
    assert parse("gold* hour").whole is None


def test_in_a_field_a_colon_means_nothing() -> None:
    assert parse("model:dusk -sea", field="prompt").wanted == (
        word("model", "dusk", field="prompt"),
    )
    assert parse("a -sea", field="prompt").excluded[0].field == "prompt"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "storewarden search dusk"),
        ("-fog", "add a word that shall be there"),
        ('"at dusk', "close it"),
        ("transcrpt:dusk", r"did you mean transcript:"),
    ],
)
def test_what_is_refused_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


@given(st.text(st.sampled_from("ab*\"-: \n_😀灯é\\'|&!()<>"), max_size=40))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    for item in (*query.wanted, *query.excluded):
        assert item.words
        assert all(each.isalnum() for each in item.words)
