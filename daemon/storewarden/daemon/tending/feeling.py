"""How fast the disks of databases are that stay, felt from a process of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from storewarden.daemon.tending.deeds import Stopping
from storewarden.daemon.tending.hands import Hands
from storewarden.databases.child import run_job
from storewarden.databases.effect import Figures
from storewarden.databases.feel import figures
from storewarden.databases.migrate import Task
from storewarden.errors import DatabaseUnusable, FileUnusable
from storewarden.watch.exclude import OURS

_MOST: Final = 16  # databases that are felt; more of one disk tell nothing more
_SECONDS: Final = 60.0
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Feeler:
    """Reads the beginnings of databases, and writes where their file systems are."""

    def __init__(self, hands: Hands, staying: Sequence[Task], stopping: Stopping) -> None:
        """Touch nothing."""
        self._hands, self._stopping = hands, stopping
        self._staying = [task.database.subject for task in staying[:_MOST]]

    def feel(self) -> Figures:
        """Return how fast it is now; what cannot be felt is left out.

        Raises:
            WorkStopped: we are to stop.
        """
        ours = [(subject.root, subject.path) for subject in self._staying]
        with ExitStack() as stack:
            stack.enter_context(self._hands.own.working(ours))
            opened = self._opened(stack)
            numbers = {name: at for at, name in enumerate(opened)}
            arguments: dict[str, Any] = {
                "reads": [
                    (numbers[subject.root], subject.path)
                    for subject in self._staying
                    if subject.root in numbers
                ],
            }
            descriptors = list(opened.values())
            places = self._places(descriptors, stack)
            arguments["writes"] = [len(descriptors) + at for at in range(len(places))]
            try:
                told = run_job(
                    "feel",
                    arguments,
                    descriptors=[*descriptors, *places],
                    stopping=self._stopping,
                    seconds=_SECONDS,
                )
                return figures(told)
            except (DatabaseUnusable, KeyError, TypeError, ValueError):
                return Figures()

    def _opened(self, stack: ExitStack) -> dict[str, int]:
        """Open the roots of what stays, as far as they are there."""
        found: dict[str, int] = {}
        for name in sorted({subject.root for subject in self._staying}):
            try:
                found[name] = stack.enter_context(self._hands.roots.opened(name)).descriptor
            except FileUnusable:
                continue
        return found

    def _places(self, roots: Sequence[int], stack: ExitStack) -> list[int]:
        """Return a directory of ours on each file system that these roots are on."""
        scratch = self._open(os.fsencode(self._hands.scratch), None, stack)
        by_device = {} if scratch is None else {os.fstat(scratch).st_dev: scratch}
        found: dict[int, int] = {}
        for root in roots:
            device = os.fstat(root).st_dev
            place = by_device.get(device)
            if place is None:
                place = self._open(OURS, root, stack)
            if place is not None and os.fstat(place).st_dev == device:
                found[device] = place
        return list(found.values())

    def _open(self, path: bytes, directory: int | None, stack: ExitStack) -> int | None:
        try:
            descriptor = os.open(path, _DIRECTORY, dir_fd=directory)
        except OSError:
            return None
        stack.callback(os.close, descriptor)
        return descriptor
