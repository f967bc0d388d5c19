"""The last look: each function that takes a file away sees for itself that it is the right one."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act import remove
from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.members import Held, difference, hold, hold_in
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Stop
from storewarden.act.trash import trash
from tests.interfering import MARK, NOW, Ground, Standing, proof_of


class Drawer(NamedTuple):
    """A file in a drawer, held open, and the proof of its copy."""

    path: Path
    descriptor: int
    seen: Identity
    held: Held
    proof: Proof


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    ground.put(b"file", b"content")
    yield ground
    ground.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def drawer(ground: Ground, stack: ExitStack) -> Drawer:
    path = ground.path / "drawer"
    path.mkdir()
    descriptor = os.open(path, os.O_RDONLY)
    stack.callback(os.close, descriptor)
    member = ground.member(b"file")
    held = hold(ground.fd, member, Kernel(), stack)
    seen = remove.aside(held, descriptor, b"0", Kernel())
    return Drawer(path, descriptor, seen, held, proof_of(member))


def unlink(drawer: Drawer, proof: Proof | None = None) -> None:
    remove.proven(
        drawer.descriptor, b"0", drawer.seen, drawer.held, proof or drawer.proof, Kernel()
    )


def test_what_was_proven_is_removed(drawer: Drawer) -> None:
    unlink(drawer)

    assert list(drawer.path.iterdir()) == []


def test_a_proof_of_another_content_removes_nothing(ground: Ground, drawer: Drawer) -> None:
    with pytest.raises(Stop) as stopped:
        unlink(drawer, proof_of(ground.member(b"bystander")))

    assert stopped.value.reason is Reason.UNPROVEN
    assert (drawer.path / "0").exists()


def link(path: Path) -> None:
    path.with_name("second").hardlink_to(path)


def rewrite(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"CONTENT")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(path: Path) -> None:
    path.rename(path.with_name("away"))
    path.write_bytes(b"content")


def make_it_a_link(path: Path) -> None:
    path.rename(path.with_name("away"))
    path.symlink_to("away")


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (link, Reason.LINKED),
        (rewrite, Reason.CHANGED),
        (replace, Reason.CHANGED),
        (make_it_a_link, Reason.CHANGED),
    ],
)
def test_what_is_not_as_it_was_seen_is_not_removed(
    drawer: Drawer, deed: Callable[[Path], None], reason: Reason
) -> None:
    deed(drawer.path / "0")
    before = sorted(drawer.path.iterdir())

    with pytest.raises(Stop) as stopped:
        unlink(drawer)

    assert stopped.value.reason is reason
    assert sorted(drawer.path.iterdir()) == before


def test_what_bears_the_name_now_is_not_removed_for_what_is_held(
    ground: Ground, drawer: Drawer
) -> None:
    """Its name was taken over between the look at the open file and the look at the name."""

    class Swapping(Kernel):
        def stat(self, name: bytes, directory: int) -> os.stat_result:
            replace(drawer.path / "0")
            return super().stat(name, directory)

    with pytest.raises(Stop) as stopped:
        remove.proven(drawer.descriptor, b"0", drawer.seen, drawer.held, drawer.proof, Swapping())

    assert stopped.value.reason is Reason.CHANGED
    assert (drawer.path / "0").exists()


def test_what_was_replaced_before_it_was_moved_is_told(ground: Ground, stack: ExitStack) -> None:
    (ground.path / "drawer").mkdir()
    descriptor = os.open(ground.path / "drawer", os.O_RDONLY)
    stack.callback(os.close, descriptor)
    held = hold(ground.fd, ground.member(b"file"), Kernel(), stack)
    replace(ground.path / "file")

    with pytest.raises(Stop) as stopped:
        remove.aside(held, descriptor, b"0", Kernel())

    assert stopped.value.reason is Reason.CHANGED


def test_nothing_is_put_back_over_anything(ground: Ground, drawer: Drawer) -> None:
    ground.put(b"file", b"new")

    with pytest.raises(FileExistsError):
        remove.back(drawer.descriptor, b"0", ground.fd, b"file", Kernel())

    assert (ground.path / "file").read_bytes() == b"new"
    assert (drawer.path / "0").exists()


@pytest.mark.parametrize("number", [0, 1])
def test_only_what_was_allowed_is_purged(ground: Ground, stack: ExitStack, number: int) -> None:
    trash(ground.fd, ground.bundle(b"file"), kernel=Standing())
    allowance = allow_purge(ground.entry(), asked_by="me", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Allowance)
    path = ground.path / ".storewarden" / "trash" / MARK
    (path / "1").write_bytes(b"put there later")
    (path / "0").chmod(0o600)  # another time of change, and so another identity
    (path / "0").chmod(0o644)
    descriptor = os.open(path, os.O_RDONLY)
    stack.callback(os.close, descriptor)
    held = hold_in(descriptor, b"%d" % number, b"file", Kernel(), stack)

    with pytest.raises(Stop) as stopped:
        remove.allowed(descriptor, number, held, allowance, Kernel())

    assert stopped.value.reason is Reason.CHANGED
    assert (path / str(number)).exists()


def test_what_is_held_open_must_be_what_bears_the_name(ground: Ground, stack: ExitStack) -> None:
    """The lease is on what is held: it would say nothing of another file."""
    trash(ground.fd, ground.bundle(b"file"), kernel=Standing())
    allowance = allow_purge(ground.entry(), asked_by="me", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Allowance)
    path = ground.path / ".storewarden" / "trash" / MARK
    descriptor = os.open(path, os.O_RDONLY)
    stack.callback(os.close, descriptor)
    other = hold_in(ground.fd, b"bystander", b"file", Kernel(), stack)

    with pytest.raises(Stop) as stopped:
        remove.allowed(descriptor, 0, other, allowance, Kernel())

    assert stopped.value.reason is Reason.CHANGED
    assert (path / "0").exists()


def test_it_is_told_what_came_into_the_drawer_in_its_place(
    ground: Ground, stack: ExitStack
) -> None:
    """Only what is another is told: the time that a rename sets is not."""
    (ground.path / "drawer").mkdir()
    descriptor = os.open(ground.path / "drawer", os.O_RDONLY)
    stack.callback(os.close, descriptor)
    held = hold(ground.fd, ground.member(b"file"), Kernel(), stack)
    (ground.path / "other").write_bytes(b"another content")
    (ground.path / "other").replace(ground.path / "file")

    with pytest.raises(Stop) as stopped:
        remove.aside(held, descriptor, b"0", Kernel())

    found = Identity.of(os.lstat(ground.path / "drawer/0"))
    same_time = found._replace(changed_ns=held.identity.changed_ns)
    why = f"meanwhile: {difference(held.identity, same_time)}"
    assert stopped.value.args == (Reason.CHANGED, b"file", why)


class Turned(Kernel):
    """What bears the name is no file any more, though all its numbers are as they were."""

    def stat(self, name: bytes, directory: int) -> os.stat_result:
        status = list(super().stat(name, directory))
        status[0] = stat.S_IFSOCK | 0o600
        real = super().stat(name, directory)
        times = {"st_mtime_ns": real.st_mtime_ns, "st_ctime_ns": real.st_ctime_ns}
        return os.stat_result(status, times)


def test_only_a_file_is_removed(drawer: Drawer) -> None:
    with pytest.raises(Stop) as stopped:
        remove.proven(drawer.descriptor, b"0", drawer.seen, drawer.held, drawer.proof, Turned())

    assert stopped.value.reason is Reason.CHANGED
    assert (drawer.path / "0").exists()
