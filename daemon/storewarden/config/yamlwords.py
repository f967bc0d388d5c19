"""What the YAML parser's complaints mean to a person who wrote a configuration."""

from __future__ import annotations

from storewarden.config.problems import shown

_QUOTE = 'put the value in quotes, as in "*.part"'

# Of each row, the words are looked for in what the parser says; the first that fits wins.
_MEANINGS = (
    ("while scanning an alias", "a value cannot begin with *", _QUOTE),
    ("while scanning an anchor", "a value cannot begin with &", _QUOTE),
    (
        "mapping values are not allowed",
        "a ': ' does not fit here",
        "end each key with ': ', indent keys of one level alike, quote a value that holds a ': '",
    ),
    ("could not find expected ':'", "a line without ': '", "write key: value"),
    (
        "did not find expected key",
        "does not fit what stands before",
        "give keys of one level the same indentation, and close every quote",
    ),
    (
        "did not find expected '-' indicator",
        "does not fit the list before",
        "begin each item with '- ' in the same column",
    ),
    ("did not find expected ',' or ']'", "a list in [ ] is not closed", "add , or ]"),
    ("did not find expected ',' or '}'", "a mapping in { } is not closed", "add , or }"),
    ("did not find expected node content", "a value is missing here", "write it, or remove the ,"),
    ("found unexpected end of stream", "a quote is not closed", "close it"),
    ("found unexpected document indicator", "a quote is not closed", "close it"),
    (
        "unknown escape character",
        "an unknown escape after \\",
        r"write \\ for one backslash, or use single quotes",
    ),
    ("did not find expected hexdecimal number", "an incomplete escape after \\", "write \\x41"),
    (
        "did not find expected <document start>",
        "does not belong to what stands before",
        "remove it, or give keys of one level the same indentation",
    ),
    ("block sequence entries are not allowed", "a list item cannot begin here", "give it a line"),
    ("scanning a directive", "a line cannot begin with %", "remove it"),
    ("block mapping", "is indented wrongly", "give keys of one level the same indentation"),
)


# What is wrong then is where the quote or bracket was opened, not where the parser gave up.
_UNCLOSED = ("expected ',' or", "unexpected end of stream", "unexpected document indicator")


def unclosed(problem: str | None) -> bool:
    """Whether the parser complains that something opened before is not closed."""
    return any(words in (problem or "") for words in _UNCLOSED)


def explained(problem: str | None, context: str | None, found: str) -> tuple[str, str]:
    """Return what is wrong and what to do, from the parser's words and the character it met."""
    if problem and "cannot start any token" in problem:
        return f"a value cannot begin with {shown(found)}", "put it in quotes"
    if not found and "expected node content" in (problem or ""):
        return "ends inside [ ] or { }", "close it"
    said = f"{context or ''} {problem or ''}"
    for words, what, hint in _MEANINGS:
        if words in said:
            return what, hint
    return problem or "is not YAML", context or ""
