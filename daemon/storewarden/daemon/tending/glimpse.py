"""Databases where they lie: the directory of each opened, and children asked what they are.

A child looks at many, one after the other. One that ends it is told as what it is, and the others
are looked at by another child.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from storewarden.catalogue.databases import Database
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.unnoticed import unnoticed
from storewarden.databases import mark
from storewarden.databases.child import run_job
from storewarden.databases.mark import Seen
from storewarden.databases.wire import to_error
from storewarden.errors import FileUnusable, StorewardenError, TransientError, WorkStopped

AT_ONCE: Final = 200  # that one child looks at
_DIRECTORIES: Final = 12  # that it is handed: it may have 32 files open
_SECONDS: Final = 30.0  # that it may take, and for each database:
_SECONDS_EACH: Final = 12.0
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Where(NamedTuple):
    """Where a database lies: below a root, or in a directory that a person named."""

    root: str | None
    directory: bytes  # of one below no root
    path: bytes  # below that


class Told(NamedTuple):
    """What a child said of a database: what it is, or why that could not be seen."""

    look: Mapping[str, Any] | None
    error: StorewardenError | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A database, and what its directory tells of it: nothing when it is not there."""

    database: Database
    where: Where
    seen: Seen | None


Heard = Callable[[Place, Told], None]


def place_all(
    hands: Hands, databases: Iterable[Database]
) -> tuple[list[Place], list[tuple[Database, StorewardenError]]]:
    """Return what the directories tell of databases, and of which nothing can be told now."""
    tops = {root.name: root.path for root in hands.settings.roots}
    by_directory: dict[tuple[str | None, bytes], list[tuple[Database, Where]]] = defaultdict(list)
    for one in databases:
        where = where_is(one.place, tops)
        by_directory[where.root, where.directory].append((one, where))
    places: list[Place] = []
    wrong: list[tuple[Database, StorewardenError]] = []
    for (root, directory), some in by_directory.items():
        try:
            with opened(hands, root, directory) as descriptor:
                for one, where in some:
                    _place(one, where, descriptor, places, wrong)
        except FileNotFoundError:
            places += [Place(one, where, None) for one, where in some]
        except (FileUnusable, OSError) as error:
            wrong += [(one, _unusable(one, error)) for one, _ in some]
    return places, wrong


def where_is(place: bytes, tops: Mapping[str, bytes]) -> Where:
    """Return in which root a path lies, else in which directory."""
    for name, top in tops.items():
        base = top.rstrip(b"/") + b"/"
        if place.startswith(base):
            return Where(name, b"", place[len(base) :])
    directory, _, name_ = place.rpartition(b"/")
    return Where(None, directory or b"/", name_)


@contextmanager
def opened(hands: Hands, root: str | None, directory: bytes) -> Iterator[int]:
    """Lend a descriptor of a root, or of another directory.

    Raises:
        FileUnusable: the root is not the one that is known.
        OSError: it cannot be opened.
    """
    if root is not None:
        with hands.roots.opened(root) as lent:
            yield lent.descriptor
        return
    descriptor = os.open(directory, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def ask(hands: Hands, places: Sequence[Place], heard: Heard, stopping: Callable[[], bool]) -> None:
    """Have children look at databases; each is heard of once.

    Raises:
        GivenUp: we are to stop.
    """
    for some in _batches(places):
        left = list(some)
        while left:
            left = _asked(hands, left, heard, stopping)


def _batches(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Yield databases as one child may look at them: not too many, in few directories."""
    batch: list[Place] = []
    directories: set[tuple[str | None, bytes]] = set()
    for one in sorted(places, key=lambda place: (place.where.root or "", place.where.directory)):
        directory = (one.where.root, one.where.directory)
        if len(batch) == AT_ONCE or len(directories | {directory}) > _DIRECTORIES:
            yield batch
            batch, directories = [], set()
        batch.append(one)
        directories.add(directory)
    if batch:
        yield batch


def _asked(
    hands: Hands, places: list[Place], heard: Heard, stopping: Callable[[], bool]
) -> list[Place]:
    """Have one child look at databases; return those that it did not come to."""
    told: set[int] = set()
    begun = 0

    def hear(line: Mapping[str, Any]) -> None:
        nonlocal begun
        number = line.get("begun", line.get("number"))
        if not isinstance(number, int) or not 0 <= number < len(places) or number in told:
            return
        begun = number
        if "number" in line:
            told.add(number)
            heard(places[number], _understood(line))

    try:
        with ExitStack() as stack:
            stack.enter_context(unnoticed(hands, (one.database.place for one in places)))
            numbers, descriptors = _directories(hands, places, stack)
            scratch = os.open(hands.scratch, _DIRECTORY)
            stack.callback(os.close, scratch)
            run_job(
                "look",
                {"databases": list(zip(numbers, (one.where.path for one in places), strict=True))},
                descriptors=descriptors,
                scratch=scratch,
                progress=hear,
                stopping=stopping,
                seconds=_SECONDS + _SECONDS_EACH * len(places),
            )
    except WorkStopped:
        raise GivenUp from None
    except (StorewardenError, OSError) as error:
        if begun not in told:
            heard(places[begun], Told(None, _unusable(places[begun].database, error)))
            told.add(begun)
    left = [one for number, one in enumerate(places) if number not in told]
    # one that says nothing of any would be asked for ever
    if len(left) == len(places):
        heard(left[0], Told(None, _unusable(left[0].database, OSError("nothing was said of it"))))
        return left[1:]
    return left


def _directories(
    hands: Hands, places: Sequence[Place], stack: ExitStack
) -> tuple[list[int], list[int]]:
    """Open the directories of some databases; return which is whose, and their descriptors."""
    numbers: dict[tuple[str | None, bytes], int] = {}
    descriptors: list[int] = []
    for one in places:
        directory = (one.where.root, one.where.directory)
        if directory not in numbers:
            numbers[directory] = len(descriptors)
            descriptors.append(stack.enter_context(opened(hands, *directory)))
    return [numbers[one.where.root, one.where.directory] for one in places], descriptors


def _understood(line: Mapping[str, Any]) -> Told:
    if isinstance(line.get("look"), dict):
        return Told(line["look"])
    return Told(None, to_error(line.get("error")))


def _place(
    one: Database,
    where: Where,
    descriptor: int,
    places: list[Place],
    wrong: list[tuple[Database, StorewardenError]],
) -> None:
    try:
        places.append(Place(one, where, mark.seen(descriptor, where.path)))
    except (FileNotFoundError, NotADirectoryError):
        places.append(Place(one, where, None))
    except OSError as error:
        wrong.append((one, _unusable(one, error)))


def _unusable(one: Database, error: StorewardenError | OSError) -> StorewardenError:
    if isinstance(error, StorewardenError):
        return error
    why = error.strerror or str(error)
    remedy = "let the user that Storewarden runs as read it"
    return FileUnusable("a database cannot be looked at", where=one.name, why=why, remedy=remedy)


def passes(error: StorewardenError) -> bool:
    """Tell whether looking again may help though nobody writes into the database."""
    return isinstance(error, TransientError)
