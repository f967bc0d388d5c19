"""The acts on local files, each with what it is done to, for sweeps over kills and faults."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from enum import Enum
from typing import NamedTuple

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.aside import Wish, put_aside
from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, forget, look, recover
from storewarden.act.giveback import PutBack, put_back
from storewarden.act.kernel import Kernel
from storewarden.act.leaving import Left, leave
from storewarden.act.members import Bundle
from storewarden.act.refused import Refused
from storewarden.act.trash import Purged, Restored, Trashed, purge, restore, trash
from tests.interfering import MARK, NOW, Before, Ground, Standing, nothing, proof_of

DATABASE: Mapping[bytes, bytes] = {
    b"data/app.db": b"the database",
    b"data/app.db-wal": b"its log",
    b"side/by/side/app.txt": b"what is told of it",
}
Act = Callable[[Kernel], object]


class Where(Enum):
    """Where all files of a bundle are, if the act was done or refused."""

    PLACE = "place"
    DRAWER = "drawer"
    NOWHERE = "nowhere"


class Scene(NamedTuple):
    """An act, ready to be done to a ground; it can be called again and again."""

    act: Act
    done: type  # what it returns when it was done
    done_is: Where
    refused_is: Where
    meddle: Before = nothing  # what somebody else does meanwhile

    @property
    def removes(self) -> bool:
        return self.done_is is Where.NOWHERE


def trashing(ground: Ground) -> Scene:
    bundle = _bundle(ground)
    return Scene(
        lambda kernel: trash(ground.fd, bundle, kernel=kernel), Trashed, Where.DRAWER, Where.PLACE
    )


def leaving(ground: Ground) -> Scene:
    bundle = _bundle(ground)
    proofs = [proof_of(member) for member in bundle.members]
    return Scene(
        lambda kernel: leave(ground.fd, bundle, proofs, kernel=kernel),
        Left,
        Where.NOWHERE,
        Where.PLACE,
    )


def restoring(ground: Ground) -> Scene:
    _trashed(ground)
    return Scene(
        lambda kernel: restore(ground.fd, MARK, kernel=kernel), Restored, Where.PLACE, Where.DRAWER
    )


def purging(ground: Ground) -> Scene:
    _trashed(ground)

    def act(kernel: Kernel) -> object:
        entry = look(ground.fd, Room.TRASH, MARK)
        assert isinstance(entry, Entry)
        allowance = allow_purge(entry, asked_by="renders", at_least_ns=1, now_ns=NOW + 1)
        assert isinstance(allowance, Allowance)
        return purge(ground.fd, allowance, kernel=kernel)

    return Scene(act, Purged, Where.NOWHERE, Where.DRAWER)


def putting_back(ground: Ground) -> Scene:
    _set_aside(ground)
    return Scene(
        lambda kernel: put_back(ground.fd, Room.LEAVING, MARK, kernel=kernel),
        PutBack,
        Where.PLACE,
        Where.DRAWER,
    )


def putting_back_where_it_is_taken(ground: Ground) -> Scene:
    _set_aside(ground)
    ground.put(b"data/app.db-wal", b"a new log")
    return Scene(
        lambda kernel: put_back(ground.fd, Room.LEAVING, MARK, kernel=kernel),
        PutBack,
        Where.PLACE,
        Where.DRAWER,
    )


def trashing_what_is_replaced(ground: Ground) -> Scene:
    bundle = _bundle(ground)
    return Scene(
        lambda kernel: trash(ground.fd, bundle, kernel=kernel),
        Trashed,
        Where.DRAWER,
        Where.PLACE,
        _replacing(ground),
    )


def leaving_what_is_replaced(ground: Ground) -> Scene:
    bundle = _bundle(ground)
    proofs = [proof_of(member) for member in bundle.members]
    return Scene(
        lambda kernel: leave(ground.fd, bundle, proofs, kernel=kernel),
        Left,
        Where.NOWHERE,
        Where.PLACE,
        _replacing(ground),
    )


def leaving_what_changes_at_the_last_instant(ground: Ground) -> Scene:
    return leaving(ground)._replace(meddle=_touching(ground, "0"))


def leaving_what_changes_when_others_are_removed(ground: Ground) -> Scene:
    return leaving(ground)._replace(meddle=_touching(ground, "1"))


def restoring_where_it_is_taken(ground: Ground) -> Scene:
    _trashed(ground)
    place = ground.path / "data" / "app.db"

    def take(_number: int, name: str) -> None:
        if (
            name == "rename"
            and (ground.path / "data" / "app.db-wal").exists()
            and not place.exists()
        ):
            place.write_bytes(b"a new database")

    return Scene(
        lambda kernel: restore(ground.fd, MARK, kernel=kernel),
        Restored,
        Where.PLACE,
        Where.DRAWER,
        take,
    )


SCENES: tuple[Callable[[Ground], Scene], ...] = (
    trashing,
    leaving,
    restoring,
    purging,
    putting_back,
    putting_back_where_it_is_taken,
    trashing_what_is_replaced,
    leaving_what_is_replaced,
    leaving_what_changes_at_the_last_instant,
    leaving_what_changes_when_others_are_removed,
    restoring_where_it_is_taken,
)


def tidy(ground: Ground) -> None:
    """Do what the journal does in the end: nothing is lost by forgetting what is empty."""
    for room in Room:
        forget(ground.fd, room, MARK)


def all_there_once(ground: Ground) -> set[bytes]:
    """Check what must hold at any instant; return which contents are not there.

    They can only have been removed, which the drawer tells.
    """
    census = ground.census()
    assert all(len(paths) == 1 for paths in census.values()), census
    assert b"not asked about" in census
    missing = set(DATABASE.values()) - set(census)
    if missing:
        found = recover(ground.fd, MARK)
        assert not isinstance(found, Refused)
        assert any(one.entry.going for one in found)
    return missing


def lie(ground: Ground, where: Where, but: Collection[bytes] = ()) -> None:
    """Check that all files of the bundle are where they should be, but for some contents.

    At a place that another file has taken meanwhile, or that the meddler moved it to, is well too.
    """
    census = ground.census()
    for path, content in DATABASE.items():
        if content in but or where is Where.NOWHERE:
            assert content not in census
            continue
        (lies,) = census[content]
        if where is Where.DRAWER:
            assert lies.startswith(b".storewarden/"), (lies, where)
        elif lies not in {path, content}:
            assert lies.startswith(b".storewarden/"), (lies, where)
            assert (ground.path / path.decode()).exists(), (lies, where)


def _bundle(ground: Ground) -> Bundle:
    for path, content in DATABASE.items():
        ground.put(path, content)
    return ground.bundle(*DATABASE)


def _trashed(ground: Ground) -> None:
    assert isinstance(trash(ground.fd, _bundle(ground), kernel=Standing()), Trashed)
    for directory in ("side/by/side", "side/by", "side", "data"):
        (ground.path / directory).rmdir()


def _set_aside(ground: Ground) -> None:
    with ExitStack() as stack:
        put_aside(ground.fd, Wish(Room.LEAVING, _bundle(ground)), Standing(), stack)


def _replacing(ground: Ground) -> Before:
    """Put another file in the place of the second one, once the first one is gone."""

    def replace(_number: int, name: str) -> None:
        first, second = ground.path / "data" / "app.db", ground.path / "data" / "app.db-wal"
        away = ground.path / "its log"
        if name == "rename" and not first.exists() and second.exists() and not away.exists():
            second.rename(away)
            second.write_bytes(b"a new log")

    return replace


def _touching(ground: Ground, number: str) -> Before:
    """Change the mode of a file in the drawer as soon as removing began."""
    drawer = ground.path / ".storewarden" / "leaving" / MARK
    done: list[bool] = []

    def touch(_number: int, _name: str) -> None:
        if not done and (drawer / "going").exists():
            done.append(True)
            (drawer / number).chmod(0o600)

    return touch
