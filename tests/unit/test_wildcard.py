"""Patterns over bytes mean the same as the shell's, byte by byte."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.wildcard import is_pattern, literal_start, matches, regex

BYTES = st.binary(max_size=12).filter(lambda value: 0 not in value)
LETTERS = st.lists(st.sampled_from([b"a", b"b", b"*", b"?", b"[", b"]", b"!", b"-", b"/", b"\xff"]))


@pytest.mark.parametrize(
    ("pattern", "value", "met"),
    [
        (b"*.png", b"a.png", True),
        (b"*.png", b".png", True),
        (b"*.png", b"a.png\n", False),
        (b"*.png", b"a.PNG", False),
        (b"a?c", b"a\xffc", True),
        (b"a?c", "aöc".encode(), False),  # two bytes
        (b"a*c", b"a/b\nc", True),
        (b"[ab]", b"b", True),
        (b"[!ab]", b"b", False),
        (b"[!ab]", b"\xff", True),
        (b"[a-c]x", b"bx", True),
        (b"[a-c]x", b"dx", False),
        (b"[]]", b"]", True),
        (b"[!]]", b"]", False),
        (b"[a-]", b"-", True),
        (b"[^a]", b"^", True),
        (b"[\\d]", b"5", False),
        (b"[", b"[", True),
        (b"a[b", b"a[b", True),
        (b".+", b".+", True),
        (b".+", b"aa", False),
        (b"", b"", True),
        (b"", b"a", False),
    ],
)
def test_patterns(pattern: bytes, value: bytes, met: object) -> None:
    assert matches(pattern, value) is met


@given(BYTES)
def test_a_literal_matches_itself_and_nothing_else(value: bytes) -> None:
    literal = b"".join(b"[%c]" % byte if byte in b"*?[" else b"%c" % byte for byte in value)

    assert matches(literal, value)
    assert not matches(literal, value + b"x")


@given(LETTERS, LETTERS)
def test_it_means_what_fnmatch_means(pattern: list[bytes], value: list[bytes]) -> None:
    theirs = b"".join(pattern)
    backwards = re.search(rb"\[[^\]]*([^\]])-(.)", theirs)
    if backwards and backwards[1] > backwards[2]:
        return  # a range that runs backwards is nothing there, and its ends the other way here

    assert matches(theirs, b"".join(value)) == fnmatch.fnmatchcase(
        b"".join(value).decode("latin-1"), theirs.decode("latin-1")
    )


@given(BYTES, BYTES)
def test_any_bytes_are_a_pattern(pattern: bytes, value: bytes) -> None:
    matches(pattern, value)
    assert matches(pattern + b"*", literal_start(pattern)) or is_pattern(pattern)


@given(BYTES, BYTES)
def test_what_matches_begins_with_the_literal_start(pattern: bytes, value: bytes) -> None:
    if matches(pattern, value):
        assert value.startswith(literal_start(pattern))


def test_a_regex_holds_only_plain_characters() -> None:
    assert regex(b"a.b\xff'%?") == "^a\\u002eb\\u00ff\\u0027\\u0025.$"
