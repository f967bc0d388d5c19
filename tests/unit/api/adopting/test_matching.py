"""The file that an application means is found however it wrote its path, and below roots only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.api.adopting.matching import Hints, Places, written_moves


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Path]:
    """A root with files, and things that are none."""
    out = tmp_path / "app/save_outputs"
    (out / "deep/er").mkdir(parents=True)
    for name in ("a.png", "deep/er/b.png"):
        (out / name).write_bytes(b"123")
    (out / "link.png").symlink_to("a.png")
    (out / "way").symlink_to("deep")
    (tmp_path / "secret.png").write_bytes(b"x")
    yield tmp_path
    assert not [fd for fd in os.listdir("/proc/self/fd") if _into(fd, out)]


def _into(fd: str, place: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(str(place))
    except OSError:
        return False


def found(top: Path, written: str | bytes, **hints: object) -> tuple[str, str]:
    """Return where below the top it is, and how."""
    roots = {"save_outputs": os.fsencode(top / "app/save_outputs")}
    with Places(roots, Hints(**hints)) as places:  # type: ignore[arg-type]  # as they are given
        placed = places.find(os.fsencode(written))
    return os.fsdecode(placed.path).removeprefix(f"{top}/app/save_outputs/"), placed.state


def test_paths_are_found_however_they_are_written(app: Path) -> None:
    base = {"bases": (os.fsencode(app / "app"),)}
    top = app / "app/save_outputs"

    assert found(app, f"{top}/a.png") == ("a.png", "there")
    assert found(app, f"{top}/deep/../deep/./er/b.png") == ("deep/er/b.png", "there")
    assert found(app, f"file://{top}/a.png") == ("a.png", "there")
    assert found(app, "save_outputs/a.png") == ("a.png", "there")
    assert found(app, "/save_outputs/deep/er/b.png") == ("deep/er/b.png", "there")
    assert found(app, "./save_outputs/a.png", **base) == ("a.png", "there")
    assert found(app, "a.png", bases=(os.fsencode(top),)) == ("a.png", "there")


def test_a_directory_that_moved_is_found_where_it_is_now(app: Path) -> None:
    moved = written_moves(["/old=/nowhere", f"/old/app={app}/app"])

    assert found(app, "/old/app/save_outputs/a.png", moved=moved) == ("a.png", "there")
    assert found(app, "/older/app/save_outputs/a.png", moved=moved)[1] == "outside"
    for wrong in ("/old", "=/new", "/old=new"):
        with pytest.raises(ValueError, match=wrong):
            written_moves([wrong])


def test_what_is_not_there_is_known_by_where_it_would_be(app: Path) -> None:
    assert found(app, f"{app}/app/save_outputs/no.png") == ("no.png", "absent")
    assert found(app, f"{app}/app/save_outputs/no/no.png") == ("no/no.png", "absent")


def test_no_link_is_followed_and_nothing_outside_is_looked_at(app: Path) -> None:
    top = app / "app/save_outputs"

    assert found(app, f"{top}/link.png")[1] == "absent"
    assert found(app, f"{top}/way/er/b.png")[1] == "absent"
    assert found(app, f"{top}/deep")[1] == "absent"
    assert found(app, f"{app}/secret.png")[1] == "outside"
    assert found(app, f"{top}/../../secret.png")[1] == "outside"
    assert found(app, "../secret.png", bases=(os.fsencode(app / "app"),))[1] == "outside"


@pytest.mark.parametrize("written", ["https://a/b.png", "b.png", "", b"a\0b", b"\xff"])
def test_what_is_no_path_below_a_root_is_told(app: Path, written: str | bytes) -> None:
    assert found(app, written)[1] == "outside"


def test_what_was_put_away_is_no_loss(app: Path) -> None:
    top = os.fsencode(app / "app/save_outputs")
    asked: list[tuple[str, bytes]] = []

    def kept(root: str, path: bytes) -> str | None:
        asked.append((root, path))
        return "is archived" if path == b"old.png" else None

    with Places({"out": top}, Hints(), kept) as places:
        states = [places.find(top + b"/" + name).state for name in (b"old.png", b"a.png", b"no")]

    assert states == ["kept", "there", "absent"]
    assert asked == [("out", b"old.png"), ("out", b"no")]


def test_more_directories_than_are_kept_open_are_no_trouble(app: Path) -> None:
    top = app / "app/save_outputs"
    for number in range(150):
        (top / str(number)).mkdir()
        (top / f"{number}/x").write_bytes(b"")
    with Places({"out": os.fsencode(top)}, Hints()) as places:
        for _ in range(2):
            for number in range(150):
                assert places.find(os.fsencode(top / f"{number}/x")).state == "there"
