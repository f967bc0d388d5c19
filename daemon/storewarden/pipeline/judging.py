"""Rows of the catalogue as the files that policies judge: the two rooms do not know each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from storewarden.catalogue import subjects as rows
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.subjects import SubjectRow
from storewarden.policy.subject import Day, Subject

_DAYS = SubjectRow._fields.index("days")


def judged(row: SubjectRow) -> Subject:
    """Return a row of the catalogue as policies see it."""
    values: list[Any] = list(row)
    if row.days:
        values[_DAYS] = tuple(Day(*day) for day in row.days)
    return Subject(*values)


def subjects(engine: Engine, ids: Iterable[int]) -> Iterator[Subject]:
    """Yield these files, as far as they are still known."""
    return map(judged, rows.subjects(engine, ids))


def every_subject(engine: Engine, host_id: int | None = None) -> Iterator[Subject]:
    """Yield all files that are not gone, of one host or of all, in the order of their ids."""
    return map(judged, rows.every_subject(engine, host_id))


def subjects_at(engine: Engine, path: bytes, host_id: int | None) -> list[Subject]:
    """Return the files known of an absolute path: the one that is there first, then older ones."""
    return [judged(row) for row in rows.subjects_at(engine, path, host_id)]
