"""The page about the client, made of the code: signatures, what they say of themselves, bounds.

``python -m storewarden.client.reference > docs/reference/client.md`` writes it; a test holds it in
step.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final

from storewarden.api.deeds import DEEDS, TellText, TellUsage
from storewarden.api.done import Done
from storewarden.api.fields import Field, fields_of
from storewarden.api.reading import records
from storewarden.api.reading.stats import Stats
from storewarden.client import deeds as told
from storewarden.client import errors, happened
from storewarden.client.asking import Asking
from storewarden.client.recording import ApiUsage, Call
from storewarden.client.telling import Telling
from storewarden.client.warden import Warden

_HEAD: Final = """\
# The Python client

`from storewarden.client import Warden`. This page is made of the code; how it is used is in \
[the guide](../guide/client.md).

Everything is typed. Paths are given as `str`, `bytes` or `os.PathLike`; bytes that are no UTF-8 \
included. Times are given as `datetime` with a zone or as text with one, spans as seconds or \
`timedelta`, amounts of money as `Decimal`, as text, or as a number.
"""
_OF_METHODS: Final[dict[str, type[Any]]] = {
    "create_workflow": told.TellWorkflow,
    "update_workflow": told.TellWorkflow,
    "add_scene": told.TellScene,
    "add_generated_file": told.TellFile,
    "record_api_usage": TellUsage,
    "add_transcript": TellText,
    "add_summary": TellText,
    "add_chat": told.TellChat,
}
_DOUBLE: Final = re.compile(r"``(.+?)``")
_SINGLE: Final = re.compile(r"(?<!`)`(\w+)`(?!`)")


def page() -> Iterator[str]:
    """Yield the parts of the page."""
    yield _HEAD
    yield "## Warden\n"
    yield from _method("Warden", Warden.__init__, Warden.__doc__ or "")
    yield from _method("close", Warden.close)
    yield "`with Warden(…) as warden:` closes it at the end.\n"
    yield "## Telling\n"
    yield _words(Telling.__doc__) + "\n"
    for name, method in _public(Telling):
        yield from _recording() if name == "record_api_usage" else _method(name, method)
    yield "## Asking\n"
    yield _words(Asking.__doc__) + "\n"
    for name, method in _public(Asking):
        yield from _method(name, method)
    yield from _values()
    yield from _errors()


def _public(part: type) -> Iterator[tuple[str, Any]]:
    yield from ((name, one) for name, one in vars(part).items() if not name.startswith("_"))


def _recording() -> Iterator[str]:
    yield from _method("record_api_usage", ApiUsage.__call__)
    yield from _method("record_api_usage.timed", ApiUsage.timed)


def _method(name: str, method: Callable[..., Any], said: str = "") -> Iterator[str]:
    signature = inspect.signature(method)
    given = [one for one in signature.parameters.values() if one.name != "self"]
    yield f"### {name}\n"
    yield f"```python\n{_signature(name, given, signature.return_annotation)}\n```\n"
    yield _said(said or method.__doc__)
    deed = _OF_METHODS.get(name)
    if deed is not None:
        yield f"What each may be stands at [{deed.__name__}](#{deed.__name__.lower()}).\n"


def _signature(name: str, given: list[inspect.Parameter], returns: Any) -> str:
    parts: list[str] = []
    named = False
    for one in given:
        if one.kind is one.KEYWORD_ONLY and not named:
            named = True
            if not parts or not parts[-1].startswith("*"):
                parts.append("*")
        star = "*" if one.kind is one.VAR_POSITIONAL else ""
        default = "" if one.default is one.empty else f" = {one.default!r}"
        parts.append(f"{star}{one.name}: {_type(one.annotation)}{default}")
    arrow = "" if name == "Warden" else f" -> {_type(returns)}"
    line = f"{name}({', '.join(parts)}){arrow}"
    if len(line) <= 96:  # noqa: PLR2004  # as wide as code on this page may be
        return line
    inner = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{inner}){arrow}"


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    for name, plain in (
        ("More", "Mapping[str, Any]"),
        ("Generator[Event, None, None]", "Iterator[Event]"),
    ):
        text = text.replace(name, plain)
    return text


def _said(text: str | None) -> str:
    """Return a docstring as a paragraph each; what it raises as a list."""
    body, _, raises = inspect.cleandoc(text or "").partition("\nRaises:\n")
    lines = [_words(body) + "\n"]
    lines += [
        f"- raises `{name}`: {_words(why)}"
        for name, why in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", raises, re.MULTILINE)
    ]
    if raises:
        lines.append("")
    return "\n".join(lines)


def _words(text: str | None) -> str:
    """Return text as Markdown has it, each paragraph on a line."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    joined = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    return _SINGLE.sub(r"`\1`", _DOUBLE.sub(r"`\1`", joined))


def _bounds(field: Field) -> str:
    shape = field.shape
    if field.nested:
        return f"each a [{field.kind.__name__}](#{field.kind.__name__.lower()})"
    if field.kind is bool:
        return shape.words or "`True` or `False`"
    words = shape.words
    if shape.one_of:
        words += ": " + ", ".join(f"`{one}`" for one in shape.one_of)
    elif not shape.moment and shape.least is not None and shape.most is not None:
        of = {"str": " characters", "Mapping": " characters of JSON"}.get(field.kind.__name__, "")
        words += f"; {shape.least:,} to {shape.most:,}{of}"
    return words + ("; several" if field.many else "")


def _values() -> Iterator[str]:
    yield "## What is returned\n"
    yield "Frozen values; a field that is `None` is not known.\n"
    every = [Done, Call, happened.Event, happened.HeardFile, *_of_records()]
    for value in every:
        yield f"### {value.__name__}\n"
        yield _words(value.__doc__) + "\n"
        rows = [(f"`{one.name}`", _annotation(one)) for one in fields(value)]
        yield _table(("field", "type"), rows)
    yield "## Deeds\n"
    yield "What `tell` takes, from `storewarden.client.deeds`; all that is not said is `None`.\n"
    every_deed: list[Any] = [*DEEDS, told.Phase]
    for deed in every_deed:
        yield f"### {deed.__name__}\n"
        yield _words(deed.__doc__) + "\n"
        rows = [(f"`{name}`", _bounds(field)) for name, field in fields_of(deed).items()]
        yield _table(("field", "is"), rows)


def _of_records() -> list[Any]:
    """Return the records that methods answer with, and all that are parts of them."""
    found: dict[Any, None] = {}

    def add(record: Any) -> None:
        if not is_dataclass(record) or record in found:
            return
        if record not in _PAGES:
            found[record] = None
        for field in fields_of(record).values():
            add(field.kind)

    for record in (*records.RECORDS, Stats):
        add(record)
    return list(found)


_PAGES: Final = frozenset(
    {
        *(records.Files, records.Hits, records.History, records.Workflows, records.Scenes),
        *(records.Usages, records.Texts, records.Chats),
    }
)


def _annotation(field: Any) -> str:
    text = str(field.type).replace("|", "\\|")
    default = field.default
    if default is MISSING or default is None:
        return f"`{text}`"
    return f"`{text}`, else `{default!r}`"


def _errors() -> Iterator[str]:
    yield "## Errors\n"
    yield (
        "All are `StorewardenError`, from `storewarden.client.errors`, with `what`, `where`, `why`"
        " and `remedy`; `transient` says whether trying again later can help.\n"
    )
    rows = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        rows.append(
            (
                f"`{name}`",
                "yes" if kind.transient else "no",
                _words(kind.__doc__).replace("\n\n", " "),
            )
        )
    yield _table(("error", "transient", "means"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace(chr(10), ' ') for cell in one)} |\n" for one in lines
    )


if __name__ == "__main__":
    sys.stdout.write("\n".join(part for part in page() if part))
