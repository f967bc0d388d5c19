"""What must be on the disk before the next step is taken, so that a power cut finds it there."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.drawers import Room
from storewarden.act.giveback import put_back
from storewarden.act.kernel import Kernel
from storewarden.act.leaving import Left, leave
from storewarden.act.note import Note, Slip
from storewarden.act.together import open_trash, survey, trash_together
from storewarden.act.trash import Purged, Restored, Trashed, purge, restore, trash
from tests.interfering import MARK, MUTATING, NOW, Ground, proof_of


class Telling(Kernel):
    """The kernel; what changes something is told, with the inode that it is done to."""

    def __init__(self) -> None:
        self.told: list[str] = []
        for name in MUTATING:
            setattr(self, name, self._telling(name, getattr(self, name)))

    def _telling(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def telling(*arguments: Any) -> Any:
            done = call(*arguments)
            if name == "sync":
                self.told.append(f"sync {self.named(arguments[0])}")
            elif name == "rename":
                old_fd, old, new_fd, new = arguments
                source, target = self.named(old_fd), self.named(new_fd)
                self.told.append(f"rename {source}/{old.decode()} {target}/{new.decode()}")
            elif name in {"create", "mkdir", "unlink", "rmdir"}:
                self.told.append(f"{name} {self.named(arguments[-1])}/{arguments[0].decode()}")
            return done

        return telling

    def named(self, descriptor: int) -> str:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        return path.name if path.name != MARK else "DRAWER"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    ground.put(b"a/one", b"1")
    ground.put(b"b/two", b"2")
    yield ground
    ground.close()


PREPARED = [
    "create DRAWER/note.part",
    "sync note.part",
    "rename DRAWER/note.part DRAWER/note",
    "sync DRAWER",
    "sync ROOM",
    "rename a/one DRAWER/0",
    "rename b/two DRAWER/1",
    "sync (a|b)",
    "sync (a|b)",
    "sync DRAWER",
]


def tells(told: list[str], room: str, expected: list[str]) -> None:
    made = [line for line in told if not line.startswith("mkdir")]
    text = "\n".join(made)
    pattern = "\n".join(expected).replace("ROOM", room)
    assert re.search(pattern + r"\Z", text), text


def test_a_note_is_durable_before_the_first_file_moves(ground: Ground) -> None:
    kernel = Telling()
    assert isinstance(trash(ground.fd, ground.bundle(b"a/one", b"b/two"), kernel=kernel), Trashed)

    tells(kernel.told, "trash", PREPARED)
    assert kernel.told[:4] == [
        "mkdir root/.storewarden",
        "sync root",
        "mkdir .storewarden/trash",
        "sync .storewarden",
    ]


def test_files_are_out_of_their_places_durably_before_the_first_is_removed(ground: Ground) -> None:
    bundle = ground.bundle(b"a/one", b"b/two")
    proofs = [proof_of(member) for member in bundle.members]
    kernel = Telling()
    assert isinstance(leave(ground.fd, bundle, proofs, kernel=kernel), Left)

    removing = ["create DRAWER/going", "sync DRAWER", "unlink DRAWER/0", "unlink DRAWER/1"]
    tells(kernel.told, "leaving", [*PREPARED, *removing, "sync DRAWER"])


def test_a_restored_file_is_durable_in_its_place(ground: Ground) -> None:
    trash(ground.fd, ground.bundle(b"a/one", b"b/two"))
    kernel = Telling()
    assert isinstance(restore(ground.fd, MARK, kernel=kernel), Restored)

    back = ["rename DRAWER/1 b/two", "sync b", "rename DRAWER/0 a/one", "sync a", "sync DRAWER"]
    tells(kernel.told, "trash", back)


def test_the_first_file_of_a_bundle_comes_last(ground: Ground) -> None:
    """Nobody meets an old log beside a new database, nor a database without its log."""
    trash(ground.fd, ground.bundle(b"a/one", b"b/two"))
    kernel = Telling()
    assert put_back(ground.fd, Room.TRASH, MARK, kernel=kernel).back == (b"b/two", b"a/one")

    back = ["rename DRAWER/1 b/two", "sync b", "rename DRAWER/0 a/one", "sync a", "sync DRAWER"]
    gone = ["unlink DRAWER/note", "rmdir trash/" + MARK, "sync trash"]
    tells(kernel.told, "trash", [*back, *gone])


def test_it_is_durable_that_a_purge_began_before_anything_is_missing(ground: Ground) -> None:
    trash(ground.fd, ground.bundle(b"a/one", b"b/two"))
    allowance = allow_purge(ground.entry(), asked_by="me", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Allowance)
    kernel = Telling()
    assert isinstance(purge(ground.fd, allowance, kernel=kernel), Purged)

    removing = ["create DRAWER/going", "sync DRAWER", "unlink DRAWER/0", "unlink DRAWER/1"]
    tells(kernel.told, "trash", [*removing, "sync DRAWER"])


# -- many acts ------------------------------------------------------------------------------------

BESIDE = "abcdefgh23456733"
FIRST, SECOND = "1000000000000000", "1000000000000001"


def together(ground: Ground, kernel: Kernel) -> None:
    """Trash two files by an act each, in one drawer."""
    bundles = [
        ground.bundle(b"a/one")._replace(shared=MARK),
        ground.bundle(b"b/two")._replace(mark=BESIDE, shared=MARK),
    ]
    slips = tuple(one for one in survey(ground.fd, bundles, kernel) if isinstance(one, Slip))
    done = trash_together(ground.fd, Note(MARK, slips), bundles, kernel, lambda: None)
    assert all(isinstance(one, Trashed) for one in done)


def test_the_note_of_many_is_durable_before_the_first_file_of_any_moves(ground: Ground) -> None:
    kernel = Telling()
    together(ground, kernel)

    moved = [f"rename a/one DRAWER/{FIRST}", f"rename b/two DRAWER/{SECOND}"]
    tells(kernel.told, "trash", [*PREPARED[:5], *moved, *PREPARED[7:]])


def test_it_is_durable_which_files_go_before_the_first_of_them_is_missing(ground: Ground) -> None:
    together(ground, Kernel())
    kernel = Telling()
    with open_trash(ground.fd, MARK, kernel) as opened:
        assert opened is not None
        entries = [opened.entry(mark) for mark in (MARK, BESIDE)]
        allowances = [
            allow_purge(entry, asked_by="me", at_least_ns=0, now_ns=NOW)
            for entry in entries
            if entry is not None
        ]
        given = [one for one in allowances if isinstance(one, Allowance)]
        assert all(isinstance(one, Purged) for one in opened.purge(given, lambda: None))
        going = ground.path / ".storewarden" / "trash" / MARK / "going.0"
        assert going.read_text().split() == [FIRST, SECOND]

    begun = ["create DRAWER/going.0", "sync going.0", "sync DRAWER"]
    removed = [f"unlink DRAWER/{FIRST}", f"unlink DRAWER/{SECOND}"]
    tells(kernel.told, "trash", [*begun, *removed, "sync DRAWER"])
