"""Many acts share one drawer and what is synced; each file for itself is held, looked at, moved.

What must be durable before what is as for one act, but once for all of them: the note before the
first file moves, all moves before any act is said to be done, and that files are going before the
first is removed. A rename that a power cut takes back leaves the file where it was; whoever
recovers looks at both places.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from storewarden.act import remove
from storewarden.act.allowance import Allowance
from storewarden.act.aside import Wish, noted, undisturbed, undone
from storewarden.act.directories import Directories, open_directories
from storewarden.act.drawers import (
    Drawer,
    Room,
    begin_removing,
    clear,
    is_emptied,
    make_drawer,
    name_of,
    open_drawer,
)
from storewarden.act.entries import Entry, entry_of
from storewarden.act.giveback import put_back_from
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.leases import Quiet, quiet, still_quiet
from storewarden.act.members import (
    Bundle,
    Held,
    difference,
    hold_decided,
    hold_in,
)
from storewarden.act.note import Note, Noted, Slip
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.act.returning import Before, Came, Return, return_together
from storewarden.act.trash import BLOCK, Purged, Trashed, purged_in_part

# -- into the trash -------------------------------------------------------------------------------


def survey(root_fd: int, bundles: Sequence[Bundle], kernel: Kernel) -> list[Slip | Refused]:
    """Look at files as they lie at their places; return what is noted of each bundle.

    Nothing is touched, and nothing held: each is looked at again before it is moved.
    """
    try:
        with open_directories(root_fd, kernel) as directories:
            return [_surveyed(bundle, directories, kernel) for bundle in bundles]
    except OSError as error:  # of the root itself
        return [refused(error, bundle.members[0].path) for bundle in bundles]


def trash_together(
    root_fd: int, note: Note, bundles: Sequence[Bundle], kernel: Kernel, before: Before
) -> list[Trashed | Refused]:
    """Move bundles into the trash, each whole or not at all, into one drawer that is made now.

    Args:
        root_fd: the root, open.
        note: of exactly these bundles.
        bundles: each tells that it shares the drawer.
        kernel: the system calls.
        before: asked before each bundle.
    """
    before()
    with ExitStack() as stack:
        try:
            drawer = make_drawer(root_fd, Room.TRASH, note, kernel, stack)
        except (Stop, OSError) as error:
            return [refused(error, bundle.members[0].path) for bundle in bundles]
        try:
            with open_directories(root_fd, kernel) as directories:
                done = [
                    _trashed(root_fd, drawer, bundle, directories, before) for bundle in bundles
                ]
                directories.sync()
            kernel.sync(drawer.descriptor)
        except OSError as error:  # it is not known which of the moves will last
            return [_taken_back(root_fd, drawer, bundle, error, kernel) for bundle in bundles]
        return done


def _surveyed(bundle: Bundle, directories: Directories, kernel: Kernel) -> Slip | Refused:
    directories.spare(sync=False)
    files: list[Noted] = []
    for path, identity in bundle.members:
        try:
            parent, name = directories.of(path)
            status = kernel.stat(name, parent)
            above = directories.modes(path)
        except (Stop, OSError) as error:
            return refused(error, path)
        found = Identity.of(status)
        if found != identity:
            return Refused(Reason.CHANGED, path, difference(identity, found))
        if not stat.S_ISREG(status.st_mode):
            return Refused(Reason.NOT_REGULAR, path)
        files.append(noted(path, status, above))
    return Slip(bundle.mark, bundle.now_ns, tuple(files), bundle.told)


def _trashed(
    root_fd: int, drawer: Drawer, bundle: Bundle, directories: Directories, before: Before
) -> Trashed | Refused:
    before()
    directories.spare(sync=True)
    kernel, wish = directories.kernel, Wish(Room.TRASH, bundle)
    held: dict[int, Held] = {}
    began = False
    with ExitStack() as stack:
        try:
            for number, member in zip(drawer.numbers(bundle.mark), bundle.members, strict=True):
                parent, name = directories.of(member.path)
                held[number] = hold_decided(
                    *(parent, name, member, directories.device, kernel, stack)
                )
            quiets = tuple(undisturbed(one, wish, kernel) for one in held.values())
            began = True
            for number, one in held.items():
                remove.aside(one, drawer.descriptor, name_of(number), kernel)
        except (Stop, OSError) as error:
            why = refused(error, bundle.members[0].path)
            return undone(root_fd, wish, held, why, kernel) if began else why
    return Trashed(bundle.mark, quiets, drawer.mark, tuple(map(name_of, held)))


def _taken_back(
    root_fd: int, drawer: Drawer, bundle: Bundle, error: OSError, kernel: Kernel
) -> Refused:
    why = refused(error, bundle.members[0].path)
    kernel.require_ours()
    done = put_back_from(root_fd, drawer, bundle.mark, {}, kernel)
    return why._replace(kept=done.kept, removed=done.removed, unsure=done.unsure)


# -- out of it for good ---------------------------------------------------------------------------


class OpenDrawer:
    """A drawer of the trash, out of which the files of many acts are to be removed."""

    def __init__(self, drawer: Drawer, kernel: Kernel) -> None:
        self._drawer, self._kernel = drawer, kernel

    @property
    def marks(self) -> list[str]:
        """The acts that put something here, as far as the note tells."""
        return [slip.mark for slip in self._drawer.note.slips] if self._drawer.note else []

    def entry(self, mark: str) -> Entry | None:
        """Return what an act put here; None when the note tells of nothing.

        Raises:
            OSError: it cannot be told.
        """
        note = self._drawer.note
        return entry_of(self._drawer, mark, self._kernel) if note and note.of(mark) else None

    def purge(self, allowances: Sequence[Allowance], before: Before) -> list[Purged | Refused]:
        """Remove what was allowed, of each allowance exactly that."""
        drawer, kernel = self._drawer, self._kernel
        numbers = [number for allowance in allowances for number in allowance.files]
        try:
            begin_removing(drawer, numbers, kernel)
            done = [self._purged(allowance, before) for allowance in allowances]
            kernel.sync(drawer.descriptor)
        except OSError as error:
            return [self._in_part(allowance, error) for allowance in allowances]
        return done

    def restore(
        self, root_fd: int, wanted: Sequence[Return], before: Before
    ) -> list[Came | Refused | None]:
        """Put bundles back; see `return_together`."""
        return return_together(root_fd, self._drawer, wanted, self._kernel, before)

    def is_empty(self) -> bool:
        """Tell whether no file lies here; not when that cannot be told."""
        try:
            return is_emptied(self._drawer.descriptor, self._kernel)
        except OSError:
            return False

    def forget(self) -> None:
        """Remove the drawer if it is empty; see `entries.forget`."""
        with suppress(Stop, OSError):  # whoever recovers finds it
            clear(self._drawer, self._kernel)

    def _purged(self, allowance: Allowance, before: Before) -> Purged | Refused:
        before()
        drawer, kernel = self._drawer, self._kernel
        freed = 0
        with ExitStack() as stack:
            try:
                for number, held, how in _held(drawer, allowance, kernel, stack):
                    still_quiet(held.descriptor, how, held.path, kernel)
                    remove.allowed(drawer.descriptor, number, held, allowance, kernel)
                    freed += held.status.st_blocks * BLOCK if held.status.st_nlink == 1 else 0
            except (Stop, OSError) as error:
                return self._in_part(allowance, error)
        return Purged(allowance.mark, freed)

    def _in_part(self, allowance: Allowance, error: Stop | OSError) -> Refused:
        why = refused(error, allowance.mark.encode())
        return purged_in_part(self._drawer, allowance, why, self._kernel)


@contextmanager
def open_trash(root_fd: int, mark: str, kernel: Kernel) -> Iterator[OpenDrawer | None]:
    """Open a drawer of the trash; None when it is not there, or cannot be read."""
    with ExitStack() as stack:
        try:
            drawer = open_drawer(root_fd, Room.TRASH, mark, kernel, stack)
        except (Stop, OSError):
            drawer = None
        yield OpenDrawer(drawer, kernel) if drawer is not None else None


def _held(
    drawer: Drawer, allowance: Allowance, kernel: Kernel, stack: ExitStack
) -> list[tuple[int, Held, Quiet]]:
    """Hold all files of an allowance, each of which must be as it was given for it."""
    found = []
    for number, identity in allowance.files.items():
        noted_ = drawer.note.file(number) if drawer.note else None
        path = noted_.path if noted_ else b""
        held = hold_in(drawer.descriptor, name_of(number), path, kernel, stack)
        if held.identity != identity:
            raise Stop(Reason.CHANGED, path, "it is not what the purge was allowed for")
        found.append((number, held, quiet(held.descriptor, path, kernel)))
    return found
