"""Which directory is which store: what a person said once, kept beside the catalogue.

The marker of a directory tells stores apart. That it is this one which was meant is not told by the
directory itself: another disk may be mounted in its place, with a store of its own on it.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Final, NamedTuple

from storewarden.errors import StoreRefused, StoreUnavailable

_DIRECTORY: Final = "stores"
_LARGEST: Final = 16 << 10


class Known(NamedTuple):
    """A store as it was prepared."""

    identity: str
    path: str  # where it was then, for people


def known(state: Path, name: str) -> Known | None:
    """Return what was noted of a store, None when nobody ever prepared it.

    Raises:
        StoreUnavailable: it cannot be read now.
        StoreRefused: it is not what was written.
    """
    path = _path(state, name)
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(
            "it cannot be read which directory is a store",
            where=str(path),
            why=error.strerror or str(error),
        ) from error
    try:
        told = json.loads(text)
        return Known(str(uuid.UUID(told["store"])), str(told["path"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreRefused(
            "it is not known any more which directory is a store",
            where=str(path),
            why="the file was changed",
            remedy=f"remove it, and say it again: storewarden store prepare {name}",
        ) from None


def note(state: Path, name: str, prepared: Known) -> None:
    """Remember a store, instead of what was noted of it before; durable when this returns.

    Raises:
        StoreUnavailable: nothing can be written there now.
    """
    path = _path(state, name)
    text = json.dumps({"store": prepared.identity, "path": prepared.path}) + "\n"
    half = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with half.open("x", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        for directory in (path.parent, state):
            _sync(directory)
    except OSError as error:
        raise StoreUnavailable(
            "it cannot be noted which directory is a store",
            where=str(path),
            why=error.strerror or str(error),
            remedy="the state directory must be writable",
        ) from error


def _path(state: Path, name: str) -> Path:
    return state / _DIRECTORY / f"{name}.json"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
