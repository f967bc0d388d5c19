"""What a row can become: the deeds, and two things that no deed tells, with their fields."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

from storewarden.api import shapes
from storewarden.api.deeds import (
    USER,
    Owner,
    Phase,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)
from storewarden.api.fields import Field, fields_of
from storewarden.api.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptUser:
    """A user of the application: no secret comes along, so that a new token has to be given."""

    name: Annotated[
        str,
        Shape(
            "letters, digits and . _ @ + -, 64 at most, a letter or digit first",
            1,
            64,
            pattern=USER,
        ),
    ]
    quota_bytes: shapes.Count | None = None
    quota_files: shapes.Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPhase:
    """A part of a workflow that the application keeps in a table of its own."""

    workflow: shapes.Name
    name: shapes.Name
    status: str | None = None
    started: shapes.When | None = None
    ended: shapes.When | None = None
    detail: shapes.Text | None = None

    def deed(self) -> TellWorkflow:
        """Return what tells it."""
        phase = Phase(
            name=self.name,
            status=self.status,
            started=self.started,
            ended=self.ended,
            detail=self.detail,
        )
        return TellWorkflow(workflow=self.workflow, phases=(phase,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What a map may say of rows besides what is told of them."""

    size: shapes.Count | None = None
    by: Owner | None = None


KINDS: Final[dict[str, Any]] = {
    "user": AdoptUser,
    "workflow": TellWorkflow,
    "phase": AdoptPhase,
    "scene": TellScene,
    "file": TellFile,
    "text": TellText,
    "usage": TellUsage,
    "chat": TellChat,
}

_NEVER: Final = {"workflow": ("must",), "usage": ("key",), "chat": ("key",)}
_BESIDE: Final = {"file": ("size",), "usage": ("by",), "chat": ("by",)}


@cache
def fields(kind: str) -> dict[str, Field]:
    """Return what a map may say of a kind, by name."""
    known = dict(fields_of(KINDS[kind]))
    for name in _NEVER.get(kind, ()):
        del known[name]
    if kind == "phase":
        known["status"] = fields_of(Phase)["status"]
    return known | {name: fields_of(_Beside)[name] for name in _BESIDE.get(kind, ())}


def is_beside(kind: str, name: str) -> bool:
    """Whether a field is no part of what is told."""
    return name in _BESIDE.get(kind, ())


@dataclass(frozen=True, slots=True)
class Through:
    """A value that another table has, where its key is what our column holds."""

    table: str
    key: str
    take: tuple[str, ...]  # the first of these columns that there is


@dataclass(frozen=True, slots=True)
class Value:
    """Where a field comes from, and what becomes of what is found there.

    Of several ``columns`` the first that the table has is read; ``through`` goes from one table to
    the next. Of what is ``gathered`` each has
    its own name in the result; what is in ``json`` is read and laid beside it.
    """

    place: str  # in the map, for messages
    columns: tuple[str, ...] = ()
    through: tuple[Through, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    otherwise: str | None = None
    constant: str | None = None
    form: str = "{}"
    unit: str = "s"
    cut: bool = False
    gathered: tuple[str, ...] = ()
    json: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """What a row of a table becomes."""

    kind: str
    place: str
    values: dict[str, Value]
    only_if: tuple[str, ...] = ()  # the first that there is of these columns has to hold something


@dataclass(frozen=True, slots=True)
class TableMap:
    """What becomes of a table."""

    name: str
    place: str
    tellings: tuple[Telling, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """What becomes of the tables of an application."""

    name: str
    tables: tuple[TableMap, ...]
    about: str = ""
    zone: str = "UTC"
    lenient: bool = False  # what the database does not have is left out, and no mistake
    marks: tuple[str, ...] = ()  # tables by which a database of this application is known
