"""What was typed after `search`: words, words with a minus, phrases, terms."""

import click
import pytest

from storewarden.cli.asked import WordsCommand, understood
from storewarden.errors import UsageError


def typed(*arguments: str) -> tuple[list[str], int]:
    """The words and the limit that click makes of a command line."""
    got: list[tuple[list[str], int]] = []

    @click.command(cls=WordsCommand)
    @click.argument("words", nargs=-1)
    @click.option("--limit", type=int, default=20)
    @click.option("--json", is_flag=True)
    def command(words: tuple[str, ...], limit: int, **_: bool) -> None:
        got.append(([*words], limit))

    command.main([*arguments], standalone_mode=False)
    return got[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dusk", "-storm"], ["dusk", "-storm"]),
        (["-house", "dusk"], ["-house", "dusk"]),  # -h is help, -house is a word
        (["-0", "-json", "dusk"], ["-0", "-json", "dusk"]),
        (["dusk", "--", "--limit", "-x"], ["dusk", "--limit", "-x"]),
        (["-"], ["-"]),
        ([], []),
    ],
)
def test_a_minus_makes_no_option_of_a_word(arguments: list[str], words: list[str]) -> None:
    assert typed(*arguments) == (words, 20)


def test_options_stand_anywhere() -> None:
    assert typed("-storm", "--limit", "3", "dusk", "--json") == (["-storm", "dusk"], 3)


def test_the_value_of_an_option_is_no_word() -> None:
    assert typed("dusk", "--limit", "-5") == (["dusk"], -5)


@pytest.mark.parametrize(
    ("arguments", "query", "terms"),
    [
        (["lighthouse at dusk"], "lighthouse at dusk", []),
        (["lighthouse", "kind=video", "dusk"], "lighthouse dusk", ["kind=video"]),
        (["dusk", "width>=1024", "size<1GiB"], "dusk", ["width>=1024", "size<1GiB"]),
        (["-oil painting", "dusk"], '-"oil painting" dusk', []),
        (["prompt:at dusk"], 'prompt:"at dusk"', []),
        (["-prompt:at dusk", "sea"], '-prompt:"at dusk" sea', []),
        (["scene: at dusk"], "scene: at dusk", []),
        (['-"oil painting" dusk'], '-"oil painting" dusk', []),
        (['"a=b"'], '"a=b"', []),
        (["what > that"], "what > that", []),
    ],
)
def test_words_and_terms_are_told_apart(arguments: list[str], query: str, terms: list[str]) -> None:
    assert understood(arguments) == (query, terms)


def test_a_term_that_is_none_is_told_with_what_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        understood(["dusk", "knd=video"])

    assert str(caught.value) == (
        "a term cannot be understood: knd=video: there is no term 'knd'; did you mean kind? "
        "to search for the words: '\"knd=video\"'"
    )
