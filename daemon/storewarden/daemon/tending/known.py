"""Databases of the catalogue as migrations see them, and by which names they are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storewarden.catalogue.movable import Movable
from storewarden.databases.migrate import Database
from storewarden.pipeline.judging import judged
from storewarden.policy.subject import Subject


def known(found: Movable) -> Database:
    """Return a database of the catalogue as migrations see it."""
    trouble = "its last check found it so" if found.damaged else ""
    return Database(judged(found.row), found.size, found.written_ns, trouble)


def meant(subject: Subject, names: Sequence[str], tops: Mapping[str, bytes]) -> bool:
    """Tell whether a database is named by its name, its place or its path; none: all are."""
    top = tops.get(subject.root, b"").rstrip(b"/")
    place = subject.root.encode() + b"/" + subject.path
    words = (subject.name, place, top + b"/" + subject.path)
    return not names or bool({_text(one) for one in words} & set(names))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
