"""How a file went, by whom, and how to have it again; and what was last tried with it in vain."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from storewarden.catalogue.subjects import acted_on
from storewarden.measure.shown import shown

if TYPE_CHECKING:
    from storewarden.catalogue.acts import Act
    from storewarden.catalogue.engine import Engine

AWAY = ("archived", "trashed", "purged", "missing")
_WORDS = {"archive": "archived", "move": "moved", "trash": "put into the trash", "purge": "purged"}


class Lies(NamedTuple):
    """Where a copy lies."""

    store: str
    key: str
    damaged: bool  # when it was last read


class Went(NamedTuple):
    """What took a file from its place, and what brings it back."""

    act: int | None  # none: nobody of ours
    what: str
    at_ns: int | None
    by: str
    policy: str | None
    reason: str
    lies: tuple[Lies, ...]
    back: str  # a command; empty: nothing brings it back


class Tried(NamedTuple):
    """The last act on a file, when nothing came of it."""

    act: int
    verb: str
    state: str
    at_ns: int
    again_ns: int | None  # when it is tried again
    why: str


def read(
    engine: Engine, file_id: int, state: str, root: str, path: bytes
) -> tuple[Went | None, Tried | None]:
    """Return how a file went, if it did, and what was last tried with it, if nothing came of it."""
    if state not in AWAY and not acted_on(engine, file_id):
        return None, None  # as most: what acts are takes four milliseconds to load

    from storewarden.catalogue import acts, copies  # noqa: PLC0415  # for few files

    newest = acts.of_file(engine, file_id)
    tried = _tried(newest[0]) if newest else None
    if state not in AWAY:
        return None, tried
    act = _that_took_it(newest) if state != "missing" else None
    known = copies.of_files(engine, [file_id]).get(file_id, [])
    lies = tuple(
        Lies(one.store, one.key, one.scrubbed_ns < 0) for one in known if one.key is not None
    )
    here = state in {"archived", "trashed"}
    back = _back(root, path, act) if here or lies else ""
    return _went(act, lies, back), tried


def _that_took_it(newest: list[Act]) -> Act | None:
    from storewarden.catalogue.acts import DONE, REMOVING  # noqa: PLC0415  # as above

    found = (one for one in newest if one.state == DONE and one.verb in REMOVING)
    return next(found, None)


def _went(act: Act | None, lies: tuple[Lies, ...], back: str) -> Went:
    if act is None:
        return Went(None, "", None, "", None, "", lies, back)
    to = f" to {shown(act.store)}" if act.store else ""
    return Went(
        *(act.id, f"{_WORDS[act.verb]}{to}", act.ended_ns, act.asked_by, act.policy),
        *(act.reason, lies, back),
    )


def _back(root: str, path: bytes, act: Act | None) -> str:
    """Return the command that brings a file back; by its number where no text holds its name."""
    whole = root.encode() + b"/" + path
    if shown(whole).encode() == whole or act is None:
        return f"storewarden restore {shlex.quote(shown(whole))}"
    return f"storewarden undo {act.id}"


def _tried(act: Act) -> Tried | None:
    if act.state in {"done", "undone"}:
        return None
    at_ns = act.ended_ns if act.ended_ns is not None else act.changed_ns
    return Tried(act.id, act.verb, act.state, at_ns, act.next_try_ns, act.error)


def went_as_json(went: Went | None) -> dict[str, Any] | None:
    """Return how a file went as an object of JSON."""
    if went is None:
        return None
    told = went._asdict()
    return told | {"lies": [one._asdict() for one in went.lies]}


def tried_as_json(tried: Tried | None) -> dict[str, Any] | None:
    """Return what was tried as an object of JSON."""
    return None if tried is None else tried._asdict()
