"""Many bundles come back out of one drawer of the trash, never over anything.

A rename that a power cut takes back leaves the file in the drawer: whoever recovers looks at both
places. So directories are synced once, behind all moves and before any act is said to be done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from storewarden.act import remove
from storewarden.act.directories import Directories, open_directories
from storewarden.act.drawers import Drawer, Lying, identity_at, name_of, still_is
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.act.trash import taken_back

Before = Callable[[], None]
"""Asked before each act touches anything; what it raises ends all of it at once."""


class Return(NamedTuple):
    """The files of a bundle, all of which lie in the drawer, and where each shall come."""

    pairs: tuple[tuple[Lying, bytes], ...]


class Landed(NamedTuple):
    """A file at its place, as it was seen there, and its directory."""

    path: bytes
    status: os.stat_result
    above: os.stat_result
    intact: bool  # what was decided on, when it was trashed


Came = tuple[Landed, ...]
"""The files of a bundle that are back, durably."""


def return_together(
    root_fd: int, drawer: Drawer, wanted: Sequence[Return], kernel: Kernel, before: Before
) -> list[Came | Refused | None]:
    """Put bundles back; None for one in whose way something is: it is for who carries it out alone.

    Of such a bundle some files may be back, as after a kill; `trash.restore` goes on from there.

    Args:
        root_fd: the root, open.
        drawer: holds all of them.
        wanted: what shall come where.
        kernel: the system calls.
        before: asked before each bundle.
    """
    try:
        with open_directories(root_fd, kernel) as directories:
            done = [_returned(drawer, one, directories, before) for one in wanted]
            directories.sync()
        kernel.sync(drawer.descriptor)
    except OSError as error:  # it is not known which of the moves will last
        return [_taken_back(root_fd, drawer, one, error, kernel) for one in wanted]
    return [*done]


def _taken_back(
    root_fd: int, drawer: Drawer, one: Return, error: OSError, kernel: Kernel
) -> Refused:
    return taken_back(root_fd, drawer, one.pairs, refused(error, one.pairs[0][1]), kernel)


def _returned(drawer: Drawer, one: Return, directories: Directories, before: Before) -> Came | None:
    before()
    directories.spare(sync=True)
    landed: dict[bytes, Landed] = {}
    try:
        for _, place in one.pairs:
            _require_free(place, directories)
        # The first file gives the others their meaning: it comes last.
        for file, place in reversed(one.pairs):
            landed[place] = _brought(drawer, file, place, directories)
    except (Stop, OSError):
        return None
    return tuple(landed[place] for _, place in one.pairs)


def _require_free(place: bytes, directories: Directories) -> None:
    try:
        parent, name = directories.of(place)
    except FileNotFoundError:
        return
    if identity_at(parent, name, directories.kernel) is not None:
        raise Stop(Reason.TAKEN, place)


def _brought(drawer: Drawer, file: Lying, place: bytes, directories: Directories) -> Landed:
    kernel = directories.kernel
    modes = file.noted.above if file.noted and file.noted.path == place else ()
    parent, name = directories.made(place, modes)
    remove.back(drawer.descriptor, name_of(file.number), parent, name, kernel)
    status = kernel.stat(name, parent)
    intact = file.noted is not None and still_is(file.noted.identity, Identity.of(status))
    return Landed(place, status, kernel.fstat(parent), intact)
