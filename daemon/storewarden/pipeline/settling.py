"""What settled is looked at and recorded; what is gone is confirmed by a look. Recorder thread."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from storewarden.below import open_directory
from storewarden.catalogue.reconcile import Look
from storewarden.model import Hint
from storewarden.pipeline.look import Looked, look, unwritten
from storewarden.pipeline.parts import Stages
from storewarden.pipeline.round import Round
from storewarden.pipeline.state import RootState, within
from storewarden.watch.settle import Rest
from storewarden.watch.walk import VANISHED


class Settling:
    """Looks at names that are due, inside a round."""

    def __init__(self, stages: Stages, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._recorder = stages.recorder
        self._departures = stages.departures
        self._states = stages.states
        self._own = stages.own

    def confirm_gone(self, root: RootState, root_fd: int, round_: Round) -> None:
        """Mark all below a directory missing that is not there; list it when it is.

        It may have been made again: then what was below it before is looked for as well.
        """
        vanished: list[bytes] = []
        for path in root.gone:
            if self._stands(root_fd, path, vanished):
                root.want_listed(path, recursive=True)
                for inside in self._departures.inside(root.name, path):
                    self._stands(root_fd, inside, vanished)
        if vanished:
            self._take_away(root, vanished, round_)
        round_.gone[root.name] = len(root.gone)

    @staticmethod
    def _stands(root_fd: int, path: bytes, vanished: list[bytes]) -> bool:
        """Tell whether a directory is there."""
        try:
            os.close(open_directory(root_fd, path))
        except OSError as error:
            if error.errno in VANISHED:
                vanished.append(path)
            return False
        return True

    def _take_away(self, root: RootState, vanished: list[bytes], round_: Round) -> None:
        """Mark all below directories missing that are not there, but for what mounts hide."""
        hidden = root.hidden(round_.now_ns)
        if hidden is None:
            root.doubtful.update(dict.fromkeys(vanished))
            return
        for path in vanished:
            left = self._departures.tree(root.name, path, round_.now_ns, hidden=hidden)
            round_.add(root, left)
            if left.missing:  # it may have moved, and the event is still to come
                root.lost_at = round_.now
            for lost in [one for one in root.unreadable if within(one, path)]:
                del root.unreadable[lost]

    def look(self, root: RootState, root_fd: int, round_: Round, limit: int) -> None:
        """Look at the names that are due, at most ``limit`` of them, and record what they show."""
        by_directory: dict[bytes, list[bytes]] = defaultdict(list)
        for directory, name in root.settle.due(round_.now, limit):
            by_directory[directory].append(name)
        absent: list[tuple[bytes, Looked]] = []
        for directory, names in by_directory.items():
            looked = look(root_fd, directory, names)
            if looked.error:
                root.unreadable[directory] = looked.error
                continue  # unanswered: settle hands the names out again
            root.unreadable.pop(directory, None)
            ready, growing = self._answer(root, root_fd, directory, looked.found, round_)
            if ready:
                recorded = self._recorder.names(
                    root.name,
                    directory,
                    looked.place,
                    ready,
                    growing=growing,
                    now_ns=round_.now_ns,
                )
                round_.add(root, recorded)
            if looked.absent:
                absent.append((directory, looked))
            # The time after the look: a listing taken before it may be older than the row.
            root.touched(directory, self._monotonic())
        hidden = root.hidden(round_.now_ns) if absent else None
        if hidden is not None:  # else they stay unanswered as well
            for directory, looked in absent:
                self._gone(root, directory, looked, hidden, round_)

    def _answer(
        self,
        root: RootState,
        root_fd: int,
        directory: bytes,
        found: Iterable[Look],
        round_: Round,
    ) -> tuple[list[Look], frozenset[bytes]]:
        """Tell settle what was seen; return what is to be recorded, and what of it still grows."""
        ready: list[Look] = []
        waiting: dict[bytes, Look] = {}
        growing: set[bytes] = set()
        seen, now, looked = root.settle.seen, round_.now, round_.looked.append
        for pair in found:
            entry = pair[0]
            name = entry[0]
            rest = seen(directory, name, (entry[1], entry[6], entry[8], entry[9]), False, now)  # noqa: FBT003  # settle's order
            if rest is Rest.WAIT:
                waiting[name] = pair
                continue
            if rest is Rest.GROWING:
                growing.add(name)
            ready.append(pair)
            looked((root, directory, name, rest))
        if waiting and root.watches is not None:
            ready += self._proved(root, root_fd, directory, waiting, round_)
        return ready, frozenset(growing)

    def _proved(
        self,
        root: RootState,
        root_fd: int,
        directory: bytes,
        waiting: Mapping[bytes, Look],
        round_: Round,
    ) -> list[Look]:
        """Return those that need not wait, as nobody can be writing them.

        They were closed before their directory was watched, or never opened: a hard link.
        """
        ready: list[Look] = []
        for name in unwritten(root_fd, directory, list(waiting), root.name, self._own):
            entry = waiting[name][0]
            signature = (entry[1], entry[6], entry[8], entry[9])
            rest = root.settle.seen(directory, name, signature, True, round_.now)  # noqa: FBT003  # settle's order
            if rest is Rest.SETTLED:
                ready.append(waiting[name])
                round_.looked.append((root, directory, name, rest))
        return ready

    def _gone(
        self,
        root: RootState,
        directory: bytes,
        looked: Looked,
        hidden: Mapping[bytes, int],
        round_: Round,
    ) -> None:
        gone = []
        for name in looked.absent:
            rest = root.settle.seen(directory, name, None, False, round_.now)  # noqa: FBT003  # settle's order
            if rest is Rest.GONE:
                gone.append(name)
                round_.looked.append((root, directory, name, rest))
        if gone:
            left = self._departures.names(
                root.name, directory, gone, round_.now_ns, device=looked.place[0], hidden=hidden
            )
            round_.add(root, left)
            if looked.place == (0, 0):  # their directory is not there either
                root.lost_at = round_.now

    def look_at_links(self, round_: Round) -> None:
        """Note the other names of what was written: a link made or gone shows in all of them.

        No event says so. Looking at what did not change writes nothing, so this comes to an end.
        """
        for name, inodes in round_.linked.items():
            settle = self._states[name].settle
            for directory, one in self._recorder.links(name, inodes):
                settle.note(directory, one, Hint.CLOSED, round_.now)

    def record_restless(self, root: RootState, root_fd: int, round_: Round) -> None:
        """Record what has not settled as it is now, as growing: there is no later."""
        for directory, names in root.settle.drain().items():
            looked = look(root_fd, directory, list(names))
            if looked.found:
                growing = frozenset(entry[0] for entry, _ in looked.found)
                recorded = self._recorder.names(
                    root.name,
                    directory,
                    looked.place,
                    looked.found,
                    growing=growing,
                    now_ns=round_.now_ns,
                )
                round_.add(root, recorded)
            hidden = root.hidden(round_.now_ns) if looked.absent else None
            if hidden is not None:
                device, now_ns = looked.place[0], round_.now_ns
                left = self._departures.names(
                    root.name, directory, looked.absent, now_ns, device=device, hidden=hidden
                )
                round_.add(root, left)
