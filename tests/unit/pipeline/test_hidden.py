"""What a mount hides is not gone, whoever looks for it, and whenever: nobody can see it.

A mount is played by another directory in the place of the one that is covered.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storewarden.model import Blind, Blindness, Hint
from storewarden.pipeline.inbox import BlindnessChanged
from tests.recording import World, all_files, prepared, settings_of


@dataclass
class Mounts:
    """What the emitter and the sentinel say of mounts inside the root."""

    over: set[bytes] = field(default_factory=set)
    judged: bool = True  # whether what is mounted now was told to the emitter

    def blind(self) -> tuple[Blind, ...]:
        return tuple(Blind("r", Blindness.MOUNTED_OVER, path, "", "") for path in self.over)

    def ensure(self, path: bytes, device: int, inode: int) -> bool:
        return False


@pytest.fixture
def mounts() -> Mounts:
    return Mounts()


@pytest.fixture
def world(tmp_path: Path, mounts: Mounts) -> Iterator[World]:
    top = tmp_path / "root"
    top.mkdir()
    world = World(prepared("sqlite", tmp_path / "state"), settings_of("r", top))
    world.watches["r"] = mounts
    world.mounts_judged = lambda: mounts.judged
    world.up()
    world.steps()
    yield world
    world.check()
    world.die()
    world.engine.close()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "root"


def fill(top: Path, *paths: str) -> None:
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(path.encode())


def recorded(world: World, top: Path, *paths: str) -> None:
    fill(top, *paths)
    world.clock.advance(10)
    world.scan()
    world.settle()
    assert world.differences() == []


def missing(world: World) -> list[bytes]:
    return sorted(file.whole for file in all_files(world.engine) if file.state == "missing")


def cover(world: World, top: Path, path: str, mounts: Mounts, *, told: bool = True) -> None:
    """Mount something over a directory; ``told``: the sentinel has seen it."""
    (top / path).rename(top.parent / "below")
    (top / path).mkdir()
    mounts.judged = told
    if told:
        tell(world, path, mounts)


def tell(world: World, path: str, mounts: Mounts) -> None:
    mounts.over.add(path.encode())
    mounts.judged = True
    world.stages.inbox.put(BlindnessChanged("r", mounts.blind()))
    world.found(path.encode())
    world.settle()


def uncover(world: World, top: Path, path: str, mounts: Mounts) -> None:
    shutil.rmtree(top / path)
    (top.parent / "below").rename(top / path)
    mounts.over.clear()
    world.stages.inbox.put(BlindnessChanged("r", ()))
    world.found(path.encode())
    world.settle()


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told yet"])
def test_a_file_that_was_never_closed_is_looked_at_again_after_it_was_covered(
    world: World,
    top: Path,
    mounts: Mounts,
    told: bool,  # noqa: FBT001  # a case
) -> None:
    """Its writer may still have it open, so it is looked at for minutes after it was recorded."""
    fill(top, "covered/own", "covered/deep/one", "covered/deep/two")
    # on a file system without leases nothing proves that nobody is writing
    with (top / "covered/own").open("ab"), (top / "covered/deep/one").open("ab"):
        world.hint(Hint.OPENED, b"own", path=b"covered")
        world.hint(Hint.OPENED, b"one", b"two", path=b"covered/deep")
        world.clock.advance(0.5)
        world.steps()
        world.clock.advance(3)
        world.steps()
    assert world.differences() == []
    cover(world, top, "covered", mounts, told=told)

    for _ in range(60):
        world.clock.advance(1)
        world.steps()
    assert missing(world) == []
    if not told:
        tell(world, "covered", mounts)
        world.clock.advance(10)
        world.settle()

    assert missing(world) == []
    assert [world.scan().held for _ in range(2)] == [3, 3]
    assert missing(world) == []


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told yet"])
@pytest.mark.parametrize("path", [b"covered", b"covered/deep", b"covered/deep/est"])
def test_a_directory_that_is_said_to_be_gone(
    world: World,
    top: Path,
    mounts: Mounts,
    path: bytes,
    told: bool,  # noqa: FBT001  # a case
) -> None:
    """As the watching says it before it knows of a mount of the same file system."""
    recorded(world, top, "covered/own", "covered/deep/one", "covered/deep/est/two", "beside")
    cover(world, top, "covered", mounts, told=told)

    world.gone(path)
    for _ in range(20):
        world.clock.advance(1)
        world.steps()
    assert missing(world) == []
    if not told:
        tell(world, "covered", mounts)
        world.settle()

    assert missing(world) == []
    assert world.scan().held == 3


def test_a_scan_concludes_nothing_while_it_is_not_known_what_is_hidden(
    world: World, top: Path, mounts: Mounts
) -> None:
    recorded(world, top, "covered/own", "covered/deep/one", "beside")
    cover(world, top, "covered", mounts, told=False)

    tally = world.scan()

    assert tally.broken
    assert missing(world) == []
    tell(world, "covered", mounts)
    assert world.scan().held == 2


def test_what_is_mounted_while_a_scan_looks_once_more_is_held(
    world: World, top: Path, mounts: Mounts
) -> None:
    """Whoever asks for mounts before it looks misses the one that comes in between."""
    recorded(world, top, "covered/own", "covered/deep/one")
    cover(world, top, "covered", mounts, told=False)
    asked = iter([True])

    def judged() -> bool:
        mounts.over.add(b"covered")
        return next(asked, True)

    world.state().mounts_judged = judged

    assert world.scan().held == 2
    assert missing(world) == []


def test_a_directory_that_holds_what_is_hidden_takes_only_the_rest_along(
    world: World, top: Path, mounts: Mounts
) -> None:
    recorded(world, top, "above/own", "above/covered/one", "above/covered/deep/two")
    cover(world, top, "above/covered", mounts)

    shutil.rmtree(top / "above")
    world.gone(b"above")
    world.settle()

    assert missing(world) == [b"above/own"]
    assert world.scan().held == 2


def test_what_lies_on_top_comes_and_goes_as_ever(world: World, top: Path, mounts: Mounts) -> None:
    """A mount may stand for months: what is done in it is seen, only what it hides is not."""
    recorded(world, top, "covered/own", "covered/deep/one")
    cover(world, top, "covered", mounts)
    world.clock.advance(10)
    fill(top, "covered/top", "covered/deep/top", "covered/other/top")
    world.closed(b"top", path=b"covered")
    world.found(b"covered/deep")
    world.found(b"covered/other")
    world.clock.advance(10)
    world.settle()
    assert len(world.present()) == 5

    (top / "covered/top").unlink()
    world.hint(Hint.GONE, b"top", path=b"covered")
    shutil.rmtree(top / "covered/deep")
    world.gone(b"covered/deep")
    shutil.rmtree(top / "covered/other")
    world.gone(b"covered/other")
    world.settle()

    assert missing(world) == [b"covered/deep/top", b"covered/other/top", b"covered/top"]
    assert world.scan().held == 2


def test_what_was_hidden_is_believed_gone_when_nothing_hides_it(
    world: World, top: Path, mounts: Mounts
) -> None:
    recorded(world, top, "covered/own", "covered/deep/one")
    cover(world, top, "covered", mounts)
    uncover(world, top, "covered", mounts)
    assert world.differences() == []

    (top / "covered/own").unlink()
    world.hint(Hint.GONE, b"own", path=b"covered")
    shutil.rmtree(top / "covered/deep")
    world.gone(b"covered/deep")
    world.settle()

    assert missing(world) == [b"covered/deep/one", b"covered/own"]


def test_an_end_of_the_daemon_calls_nothing_missing_that_is_hidden(
    world: World, top: Path, mounts: Mounts
) -> None:
    recorded(world, top, "covered/own", "covered/deep/one")
    world.hint(Hint.OPENED, b"own", path=b"covered")
    world.hint(Hint.OPENED, b"one", path=b"covered/deep")
    world.steps()
    (top / "covered").rename(top.parent / "below")
    (top / "covered").mkdir()
    mounts.over.add(b"covered")

    world.flow.finish()

    assert missing(world) == []


def test_a_deletion_elsewhere_is_only_put_off_until_the_mounts_are_judged(
    world: World, top: Path, mounts: Mounts
) -> None:
    recorded(world, top, "covered/own", "beside", "d/one")
    mounts.judged = False
    (top / "beside").unlink()
    world.hint(Hint.GONE, b"beside")
    shutil.rmtree(top / "d")
    world.gone(b"d")
    world.clock.advance(1)
    waited = [world.flow.step() for _ in range(5)]
    assert 0 < waited[-1] <= 1, "it does not turn in circles meanwhile"
    assert missing(world) == []

    mounts.judged = True
    world.clock.advance(6)
    world.settle()

    assert missing(world) == [b"beside", b"d/one"]
