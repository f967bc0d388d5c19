"""What a person typed after ``search``: words that may begin with a minus, and terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

# No argument of a command line can hold it.
WORD = "\0"


class WordsCommand(click.Command):
    """Takes ``-word`` as a word: options have two dashes here, but for ``-h``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hide words with a minus from click, which would read letters of them as options."""
        rest = super().parse_args(ctx, list(self._hidden(ctx, args)))
        ctx.params["words"] = tuple(word.removeprefix(WORD) for word in ctx.params.get("words", ()))
        return rest

    def _hidden(self, ctx: click.Context, args: Iterable[str]) -> Iterator[str]:
        short = set(ctx.help_option_names)
        valued = {
            name
            for one in self.params
            if isinstance(one, click.Option) and not one.is_flag
            for name in one.opts
        }
        before = ""
        for argument in args:
            single = argument.startswith("-") and not argument.startswith("--")
            word = single and argument not in short and before not in valued
            yield WORD + argument if word else argument
            before = argument


def understood(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the query and the terms that the arguments say.

    An argument with spaces came in quotes that the shell took away: where it is excluded or of one
    field (``-"oil painting"``, ``prompt:"at dusk"``) it is a phrase again. Any other is words.
    """
    from storewarden.catalogue.query import FIELDS
    from storewarden.catalogue.terms import NAMES, SHAPE

    words, terms = [], []
    for argument in arguments:
        found = SHAPE.fullmatch(argument)
        if found is not None and found[1] in NAMES:
            terms.append(argument)
        elif found is not None and not any(map(str.isspace, argument)):
            raise _no_term(argument, found[1], NAMES)
        else:
            words.append(_phrase(argument, FIELDS))
    if terms and not words:
        raise _no_words(terms)
    return " ".join(words), terms


def _phrase(argument: str, known: Iterable[str]) -> str:
    if " " not in argument or '"' in argument:
        return argument
    rest = argument.removeprefix("-")
    minus = argument[: len(argument) - len(rest)]
    field, colon, words = rest.partition(":")
    if colon and field in known:
        return f'{minus}{field}:"{words}"'
    return f'{minus}"{rest}"' if minus else argument


def _no_words(terms: Sequence[str]) -> Exception:
    import shlex

    from storewarden.errors import UsageError

    remedy = f"without words it is: storewarden files {shlex.join(terms)}"
    return UsageError("there is no word to search for", remedy=remedy)


def _no_term(argument: str, name: str, known: Sequence[str]) -> Exception:
    from difflib import get_close_matches

    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown

    near = get_close_matches(name.lower(), known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return UsageError(
        "a term cannot be understood",
        where=shown(argument),
        why=f"there is no term {name!r}",
        remedy=f"""{meant}to search for the words: '"{shown(argument)}"'""",
    )
