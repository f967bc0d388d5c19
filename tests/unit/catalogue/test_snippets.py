"""The piece of a text that shows why it answers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storewarden.catalogue.query import parse
from storewarden.catalogue.snippets import CUT, WIDTH, Snippet, snippet
from storewarden.catalogue.tokens import tokens


def shown(text: str, query: str, field: str = "prompt") -> str:
    """The snippet with its marks in brackets."""
    piece = snippet(field, text, parse(query).wanted)
    assert piece is not None
    line = piece.text
    for begin, end in reversed(piece.marks):
        line = f"{line[:begin]}[{line[begin:end]}]{line[end:]}"
    return line


LONG = "rain on the roof, " * 40


@pytest.mark.parametrize(
    ("text", "query", "line"),
    [
        ("A lighthouse at dusk", "dusk lighthouse", "A [lighthouse] at [dusk]"),
        ("A lighthouse at dusk", '"at dusk"', "A lighthouse [at dusk]"),
        ("lighthouses", "light*", "[lighthouses]"),
        ("Un CAFÉ à Paris", "cafe", "Un [CAFÉ] à Paris"),
        ("cafe\u0301 noir", "café", "[cafe]\u0301 noir"),
        ("夕暮れの灯台", "灯台", "夕暮れの[灯台]"),
        ("a\n\n  dusk\tby\r\nthe sea", "dusk sea", "a [dusk] by the [sea]"),
        ("dusk dusk, dusk", "dusk", "[dusk] [dusk], [dusk]"),
        ("a b c", '"a b" "b c"', "[a b c]"),
    ],
)
def test_what_was_searched_for_is_marked(text: str, query: str, line: str) -> None:
    assert shown(text, query) == line


def test_of_a_long_text_the_piece_with_most_of_the_words_is_shown() -> None:
    text = f"{LONG} dusk {LONG} a lighthouse at dusk {LONG}"
    line = shown(text, "lighthouse dusk")

    assert "a [lighthouse] at [dusk] rain" in line
    assert line.startswith(CUT)
    assert line.endswith(CUT)
    assert len(line) <= WIDTH + 10


def test_a_piece_begins_and_ends_between_words() -> None:
    line = shown(f"{LONG} dusk {LONG}", "dusk").strip(CUT)

    assert {word.strip("[],") for word in line.split()} <= set(tokens("rain on the roof dusk"))


def test_other_fields_are_nothing_to_it() -> None:
    assert snippet("prompt", "dusk", parse("model:dusk").wanted) is None
    assert snippet("prompt", "dawn", parse("dusk").wanted) is None
    assert snippet("model", "dusk", parse("model:dusk").wanted) == Snippet(
        "model", "dusk", ((0, 4),)
    )


def test_deep_in_a_very_long_text_it_is_found() -> None:
    text = f"{LONG * 200} the old harbour {LONG * 10}"

    assert "[old harbour]" in shown(text, '"old harbour"', "transcript")


WORDS = st.sampled_from(["a", "dusk", "Ünder", "灯台", "e\u0301", "ﬁ", "x" * 70])
GAPS = st.sampled_from([" ", "\n", ", ", "  ", "😀", "_"])


@given(
    st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=400),
    st.lists(WORDS, min_size=1, max_size=3),
)
@example([("x" * 70, "\n")] * 4, ["x" * 70])  # the last of them is cut, and no mark
def test_marks_hold_what_was_searched_for(parts: list[tuple[str, str]], asked: list[str]) -> None:
    text = "".join(word + gap for word, gap in parts)
    piece = snippet("prompt", text, parse(" ".join(asked)).wanted)

    wanted = {token for word in asked for token in tokens(word)}
    if piece is None:
        assert not wanted & set(tokens(text))
        return
    assert "\n" not in piece.text
    before = 0
    for begin, end in piece.marks:
        assert before <= begin < end <= len(piece.text)
        assert wanted & set(tokens(piece.text[begin:end]))
        before = end
    assert piece.marks
