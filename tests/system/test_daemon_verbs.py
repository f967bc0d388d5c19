"""Verbs that act, carried out by a real daemon: what they promise holds beside its own work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archived import noise, words
from tests.daemon import Daemon

OLD_NS = 1_700_000_000_123_456_789
FILES = {
    "cat.png": noise(300_000, 1),
    "renders/film.mp4": noise(2_000_000, 2),
    "renders/film.srt": words(9_000),
    "two\nlines \udcff.png": noise(50_000, 3),
}
POLICIES = """
version: 1
policies:
  - id: notes
    match: {ext: txt}
    clock: modified
    phases: [{after: 30d, do: archive, to: cold}]
    trigger: [{every: 1d}]
"""

Seen = tuple[bytes, int, int, bytes] | None


class Keeper:
    """A daemon over a root with files and a store, and what anybody sees of them."""

    def __init__(self, base: Path) -> None:
        self.root = base / "save_outputs"
        for name, content in FILES.items():
            self.put(name, content)
        (base / "cold").mkdir()
        (base / "policies.yaml").write_text(POLICIES)
        self.daemon = Daemon(
            base,
            {"save_outputs": self.root},
            settings={
                "stores": {"cold": {"path": str(base / "cold")}},
                "policies": [str(base / "policies.yaml")],
            },
        )
        done = self.daemon.verb("store", "prepare", "cold")
        assert done.returncode == 0, done.stderr

    def put(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o640)
        os.setxattr(path, "user.rating", b"5\0\xff")
        os.utime(path, ns=(OLD_NS, OLD_NS))

    def seen(self, name: str) -> Seen:
        path = self.root / name
        if not path.exists():
            return None
        status = path.stat()
        attribute = os.getxattr(path, "user.rating")
        return path.read_bytes(), status.st_mode & 0o7777, status.st_mtime_ns, attribute

    def all(self) -> dict[str, Seen]:
        return {name: self.seen(name) for name in FILES}

    def does(self, *verb: str) -> dict[str, Any]:
        """Run a verb that acts; return what it says that came of it."""
        done = self.daemon.verb(*verb, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def lines(self, *verb: str) -> list[dict[str, Any]]:
        done = self.daemon.verb(*verb, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def states(self) -> dict[str, str]:
        return {
            os.fsdecode(bytes.fromhex(one["path_hex"])) if "path_hex" in one else one["path"]: one[
                "state"
            ]
            for one in self.lines("files", "state=any")
        }

    def why(self, name: str) -> dict[str, Any]:
        (told,) = self.lines("why", f"save_outputs/{name}")
        return told


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    with keeper.daemon:
        keeper.daemon.settled()
        yield keeper


def test_there_and_back_beside_the_daemon(keeper: Keeper) -> None:
    before = keeper.all()

    archived = keeper.does("archive", "--to", "cold", "root=save_outputs")
    assert (archived["done"], archived["skipped"], archived["failed"]) == (4, 0, 0)
    assert archived["bytes_freed"] >= 2_000_000
    assert keeper.all() == dict.fromkeys(FILES)
    keeper.daemon.settled()
    assert keeper.states() == dict.fromkeys(FILES, "archived")
    went = keeper.why("cat.png")["went"]
    assert (went["what"], went["policy"], went["back"]) == (
        *("archived to cold", None, "storewarden restore save_outputs/cat.png"),
    )

    restored = keeper.does("restore", "root=save_outputs")
    assert (restored["done"], restored["lacking"]) == (4, [])
    assert keeper.all() == before
    keeper.daemon.settled()
    assert keeper.states() == dict.fromkeys(FILES, "present")

    assert keeper.does("trash", "save_outputs/cat.png")["done"] == 1
    assert keeper.does("undo")["done"] == 1
    assert keeper.all() == before
    assert keeper.does("trash", "save_outputs/cat.png")["done"] == 1
    assert keeper.does("purge", "save_outputs/cat.png", "--yes")["bytes_freed"] >= 300_000
    keeper.daemon.settled()
    assert keeper.states()["cat.png"] == "purged"
    assert [one["what"] for one in keeper.lines("history", "save_outputs/cat.png")][:5] == [
        *("purge", "trash", "restore", "trash", "restore"),
    ]


def test_an_emergency_beside_the_daemon(keeper: Keeper) -> None:
    before = keeper.all()
    assert keeper.does("archive", "--to", "cold", "save_outputs/renders/film.mp4")["done"] >= 1
    assert keeper.does("restore", "save_outputs/renders/film.mp4")["done"] >= 1
    keeper.daemon.settled()

    told = keeper.does("free", "1MiB", "--yes")
    assert (told["failed"], told["missing"]) == (0, 0)
    assert told["bytes_freed"] >= 2**20
    assert keeper.seen("renders/film.mp4") is None
    assert keeper.does("undo")["done"] >= 1
    assert keeper.all() == before


def test_the_plan_that_was_seen_is_applied_or_none(keeper: Keeper) -> None:
    keeper.put("notes.txt", words(5_000))
    keeper.daemon.settled()
    plan = keeper.does("plan")["plan"]
    keeper.put("more.txt", words(6_000))
    keeper.daemon.settled()

    other = keeper.daemon.verb("apply", plan)
    assert (other.returncode, other.stdout) == (1, "")
    assert "it was of 1 file, now it is of 2 files" in other.stderr
    assert keeper.seen("notes.txt") is not None

    told = keeper.does("apply", keeper.does("plan")["plan"])
    assert (told["done"], {one["outcome"] for one in told["items"]}) == (2, {"done"})
    keeper.daemon.settled()
    assert (keeper.states()["notes.txt"], keeper.states()["more.txt"]) == ("archived", "archived")
    assert keeper.why("notes.txt")["went"]["policy"] == "notes"


def test_pins_are_heeded_at_once(keeper: Keeper) -> None:
    keeper.put("notes.txt", words(5_000))
    keeper.daemon.settled()
    assert keeper.does("pin", "save_outputs/notes.txt")["changed"] == 1
    assert keeper.why("notes.txt")["next"]["blocked"] == "pinned"
    assert keeper.does("apply", "--yes")["done"] == 0
    assert keeper.does("unpin", "save_outputs/notes.txt")["changed"] == 1
    assert keeper.does("apply", "--yes")["done"] == 1


def test_who_has_enough_leaves_the_rest_to_the_daemon(keeper: Keeper) -> None:
    many = 30
    for number in range(many):
        keeper.put(f"many/{number}.bin", noise(20_000, number))
    keeper.daemon.settled()
    process = subprocess.Popen(
        keeper.daemon.command("archive", "--to", "cold", "save_outputs/many"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=keeper.daemon.environment(),
        cwd=keeper.daemon.base,
    )
    with process:
        keeper.daemon.until(lambda: keeper.lines("history", "--limit", "1"), "it has begun")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    if process.returncode == 0:  # it was faster than we were
        assert f"done\t{many}" in out
    else:
        assert (process.returncode, out) == (130, "")
        assert "the daemon goes on with it" in err
    keeper.daemon.until(
        lambda: list(keeper.states().values()).count("archived") == many, "all is archived", 45.0
    )
    assert keeper.does("undo")["done"] == many
