"""What was put away is asked back: of the daemon, by the same request as the verb ``restore``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from storewarden.api import owning
from storewarden.api.deeds import Restore
from storewarden.api.done import Done
from storewarden.api.owning import Owned
from storewarden.api.reading.reader import Reader
from storewarden.api.shapes import Shape
from storewarden.api.who import Who
from storewarden.catalogue import copies, find, lease, requests
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.gone_by import gone_by
from storewarden.catalogue.requests import Request
from storewarden.catalogue.told import places
from storewarden.catalogue.told.places import Place
from storewarden.clock import SystemClock
from storewarden.errors import AlreadyThere, PermanentError, UsageError
from storewarden.measure.shown import shown

VERB: Final = "act"
_HERE: Final = frozenset({"present", "held"})
_AWAY: Final = frozenset({"archived", "trashed"})
_OF_PLACE: Final = (
    "SELECT f.id FROM directories d JOIN files f ON f.directory_id = d.id"
    " WHERE d.root_id = ? AND d.path = ? AND f.name = ?"
)
_USER: Final = "user_id"  # of the arguments of a request: who may know what came of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How far it is with what was asked back."""

    id: Annotated[int, Shape("the number of the request")]
    state: Annotated[str, Shape("how far it is", one_of=("planned", "running", "done", "failed"))]
    done: int = 0
    troubles: Annotated[tuple[str, ...], Shape("why it did not come back")] = ()


def ask(
    engine: Engine, host_id: int, deed: Restore, places_: tuple[Place, Place | None], who: Who
) -> Done:
    """Ask for a file; inside a transaction. ``places_``: where it was, and where it shall come.

    Raises:
        PermanentError: there is nothing to bring back, it is another's, or no daemon would do it.
    """
    was, to = places_
    clock = SystemClock()
    row = _which(engine, was, deed.path, who)
    if lease.live_holder(engine, host_id, clock) is None:
        raise PermanentError(
            "no daemon runs that could bring it back",
            where=shown(deed.path),
            remedy="storewarden restore PATH does it without one",
        )
    if to is not None and to.root_id != was.root_id:
        raise UsageError("a file comes back to its own root", where=shown(deed.to or ""))
    wish = _wish(row.id, deed, to, gone_by(engine, [row.id]).get(row.id), who)
    number = requests.ask(
        engine, VERB, was.root_id, wish, asked_by=wish["asked_by"], now_ns=clock.wall_ns()
    )
    return Done(what="restore", id=number, created=True, path=deed.path, file=row.id)


def restored(reader: Reader, number: int) -> Restored:
    """Return what came of a request; who did not ask is told of none.

    Raises:
        NotThere: there is none of that number.
    """
    found = requests.read(reader.engine, number)
    if found is None or found.verb != VERB or not _may_know(reader.who, found):
        raise owning.not_there("request", str(number))
    outcome = found.outcome
    troubles = [str(one.get("why", "")) for one in outcome.get("troubles", ())]
    if "error" in outcome:
        troubles.append(str(outcome["error"]))
    return Restored(
        id=found.id, state=found.state, done=int(outcome.get("done", 0)), troubles=tuple(troubles)
    )


def _which(engine: Engine, was: Place, path: str, who: Who) -> FileRow:
    """Return what was at a place and can come back: what was put away last."""
    ids = [int(id_) for (id_,) in engine.execute(_OF_PLACE, was)]
    rows = [row for row in find.files_by_id(engine, ids) if _may_change(engine, row, path, who)]
    there = [row for row in rows if row.state in _HERE]
    away = [row for row in rows if row.state in _AWAY]
    copied = _with_copies(engine, [row for row in rows if row not in there and row not in away])
    if not rows:
        raise owning.not_there("file", shown(path))
    if not away and there:
        raise AlreadyThere("it is where it belongs", where=shown(path), why="nothing was put away")
    if not away and not copied:
        raise PermanentError("there is no copy of it", where=shown(path), why="it is gone")
    return max(away or copied, key=lambda row: (row.gone_ns or 0, row.id))


def _may_change(engine: Engine, row: FileRow, path: str, who: Who) -> bool:
    """Whether a file is this one's to bring back; another's that is public is refused aloud."""
    if who.sees_all:
        return True
    told = places.of_file(engine, row.id)
    it = Owned() if told is None else Owned(told.owner_id, bool(told.public))
    if not owning.may_see(who, it):
        return False
    owning.refuse_unchangeable(who, it, "file", path)
    return True


def _with_copies(engine: Engine, rows: Sequence[FileRow]) -> list[FileRow]:
    found = copies.of_files(engine, [row.id for row in rows])
    return [row for row in rows if any(one.key is not None for one in found.get(row.id, ()))]


def _wish(
    file_id: int, deed: Restore, to: Place | None, undoes: int | None, who: Who
) -> dict[str, Any]:
    """Return what the daemon reads as a wish, see ``daemon.acting.wish``."""
    wanted: dict[str, Any] = {"file_id": file_id, "verb": "restore"}
    if deed.store is not None:
        wanted["store"] = deed.store
    if undoes is not None:
        wanted["undoes"] = undoes
    if to is not None:
        below = to.directory + b"/" + to.name if to.directory else to.name
        wanted |= {"to": shown(below), "to_hex": below.hex()}
    by = who.name or "an application"
    return {
        "wanted": [wanted],
        "asked_by": by,
        "reason": f"{by} asked for it",
        "approves": [],
        "policies": "",
        _USER: who.user_id,
    }


def _may_know(who: Who, request: Request) -> bool:
    return who.sees_all or request.arguments.get(_USER, -1) == who.user_id
