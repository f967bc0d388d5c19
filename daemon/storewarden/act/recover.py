"""At the start: what a kill or a power cut left half done goes on, or is undone.

The journal tells what was begun, the drawers of a root what was done of it. What no act knows of is
left alone and reported. A second time, nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from storewarden.act.batch import carry_out_all
from storewarden.act.carry.work import Root, Tools, drawer_place, file_ids
from storewarden.act.drawers import Room, open_room
from storewarden.act.entries import Entry, forget, look_into
from storewarden.act.execute import Executor, Outcome
from storewarden.act.giveback import put_back
from storewarden.act.refused import Refused, Stop, refused
from storewarden.catalogue import acts
from storewarden.catalogue.acts import DONE, Act

_PAGE = 1000


class Recovered(NamedTuple):
    """What a recovery did to a root, and what it met there that it left alone."""

    outcomes: tuple[Outcome, ...] = ()  # of acts that were carried on
    put_back: tuple[str, ...] = ()  # marks of drawers whose files are at their places again
    forgotten: int = 0  # drawers that were empty, and whose acts had ended
    unknown: tuple[Entry, ...] = ()  # of which no act tells why they lie there
    unreadable: tuple[Refused, ...] = ()


def recover(executor: Executor, root_name: str, root_id: int) -> Recovered:
    """Bring all acts of a root that go on to their end, or to a state from which they can go on.

    Raises:
        LeaseLost: another process acts now.
        StorewardenError: the catalogue cannot be used, or the root is not there, now.
    """
    # Lent before anything is tried: what waits for its root has not failed because of that.
    with executor.tools.roots.opened(root_name) as root:
        outcomes = [
            outcome
            for some in _due(executor.tools, root_id)
            for outcome in carry_out_all(executor, some)
        ]
        return _Drawers(executor.tools, root, root_id).tidied(tuple(outcomes))


def _due(tools: Tools, root_id: int) -> Iterator[list[Act]]:
    """Yield acts that go on and wait for nothing, in their order, each once, some at a time."""
    tried: set[int] = set()
    engine = tools.journal.engine
    while True:
        due = acts.open_acts(engine, root_id, tools.clock.wall_ns(), limit=_PAGE + len(tried))
        fresh = [act for act in due if act.id not in tried]
        if not fresh:
            return
        tried.update(act.id for act in fresh)
        yield fresh


class _Drawers:
    """Goes through all drawers of a root."""

    def __init__(self, tools: Tools, root: Root, root_id: int) -> None:
        self._tools, self._root = tools, root
        self._put_back: list[str] = []
        self._forgotten = 0
        self._unknown: list[Entry] = []
        self._unreadable: list[Refused] = []
        self._busy = _busy(tools, root_id)

    def tidied(self, outcomes: tuple[Outcome, ...]) -> Recovered:
        for room in (Room.LEAVING, Room.TRASH):  # what has to stay goes from there to here
            for mark in self._marks(room):
                self._tidy(room, mark)
        return Recovered(
            outcomes,
            tuple(self._put_back),
            self._forgotten,
            tuple(self._unknown),
            tuple(self._unreadable),
        )

    def _marks(self, room: Room) -> list[str]:
        kernel = self._tools.kernel
        try:
            with ExitStack() as stack:
                above = open_room(self._root.descriptor, room, kernel, stack, make=False)
                return [name.decode("ascii", "replace") for name in kernel.names(above)]
        except FileNotFoundError:
            return []
        except (OSError, Stop) as error:
            self._unreadable.append(refused(error))
            return []

    def _tidy(self, room: Room, drawer: str) -> None:
        try:
            found = look_into(self._root.descriptor, room, drawer, self._tools.kernel)
        except ValueError:
            return  # no drawer of ours bears such a name
        if isinstance(found, Refused):
            self._unreadable.append(found)
            return
        engine = self._tools.journal.engine
        known = acts.all_marked(engine, [entry.mark for entry in found])
        for entry in found:
            act = known.get(entry.mark)
            if act is None:
                if entry.here or len(found) == 1:
                    self._unknown.append(entry)
            elif entry.here:
                self._tidy_files(entry, act)
        if known and all(self._over(entry, known.get(entry.mark)) for entry in found):
            self._forget(found[0])

    def _over(self, entry: Entry, act: Act | None) -> bool:
        """Tell whether nothing lies there of an act, and nobody may still ask what became of it."""
        if entry.here:
            return False
        return act is None or (act.ended and self._busy.isdisjoint(file_ids(act.members)))

    def _tidy_files(self, entry: Entry, act: Act) -> None:
        if entry.room is Room.LEAVING:
            # Whoever wants it gone proves the copy anew; until then it is where its user looks.
            self._require_lease()
            done = put_back(
                self._root.descriptor, entry.room, entry.mark, kernel=self._tools.kernel
            )
            if done.back:
                self._put_back.append(entry.mark)
        elif act.ended and not _tells_of_trash(act, entry):
            self._unknown.append(entry)

    def _forget(self, entry: Entry) -> None:
        self._require_lease()
        told = forget(self._root.descriptor, entry.room, entry.drawer, self._tools.kernel)
        if told is None:
            self._forgotten += 1
        else:
            self._unreadable.append(told)

    def _require_lease(self) -> None:
        with self._tools.journal.engine.transaction():
            pass


def _tells_of_trash(act: Act, entry: Entry) -> bool:
    return act.state == DONE and act.place == drawer_place(Room.TRASH, entry.drawer)


def _busy(tools: Tools, root_id: int) -> set[int]:
    """Return the files that an act which goes on may still have to look for in the trash."""
    found: set[int] = set()
    for act in acts.open_acts(tools.journal.engine, root_id, limit=1_000_000):
        found.update(file_ids(act.members))
    return found
