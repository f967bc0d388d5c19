"""Where a page ends is said by a word that can be trusted, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.api.reading import cursor
from storewarden.errors import UsageError

NUMBER = st.integers(-(2**63), 2**63 - 1)


@given(numbers=st.lists(NUMBER, min_size=1, max_size=3))
def test_what_was_said_is_understood(numbers: list[int]) -> None:
    word = cursor.encode("files", *numbers)

    assert cursor.decode("files", word, len(numbers)) == tuple(numbers)
    assert word.isascii()
    assert "=" not in word


@pytest.mark.parametrize(
    "word",
    ["", "x", "💥", "AAAA", "A" * 5000, "....", cursor.encode("usage", 3, 4), "\n", "%00", "="],
)
def test_what_was_not_made_here_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="no page begins there") as refused:
        cursor.decode("files", word)
    assert len(str(refused.value)) < 1000


@given(text=st.text(max_size=60))
def test_no_word_does_harm(text: str) -> None:
    with pytest.raises(UsageError):
        cursor.decode("files", text)


def test_every_changed_letter_is_seen() -> None:
    word = cursor.encode("files", 123_456)

    for at, letter in enumerate(word[:-1]):  # of the last one some bits mean nothing
        other = word[:at] + ("A" if letter != "A" else "B") + word[at + 1 :]
        with pytest.raises(UsageError):
            cursor.decode("files", other)


def test_a_word_is_of_one_list() -> None:
    with pytest.raises(UsageError):
        cursor.decode("usage", cursor.encode("files", 1))
