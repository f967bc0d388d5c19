"""A real daemon moves databases in phases: asked by a verb, killed in the middle, asked again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.sqlites import holding, make

POLICIES = """
version: 1
policies:
  - id: critical
    match: {kind: database, name: [runtime.db]}
    place: {required: [local]}
    category: critical
    reason: Video creation waits for it
  - id: others
    match: {kind: database, name: ["far-*.db"]}
    place: {preferred: [cloud]}
    category: others
    reason: Need no fast disk
"""
FAR = 4
AT_ONCE = ("--idle", "0s", "--slower", "1000000")


class Machine:
    """A folder with databases, a store, and a daemon that moves nothing before it is told to."""

    def __init__(self, base: Path) -> None:
        self.root, self.store = base / "data", base / "cloud"
        for place in (self.root, self.store):
            place.mkdir()
        (base / "policies.yaml").write_text(POLICIES)
        (base / "policies.yaml").chmod(0o644)
        settings = {
            "stores": {"cloud": {"path": str(self.store)}},
            "policies": [str(base / "policies.yaml")],
        }
        self.daemon = Daemon(base, {"data": self.root}, settings=settings)
        for number in range(FAR):
            make(self.root / f"far-{number}.db", rows=20 + 60 * number, journal="wal")
        make(self.root / "runtime.db", rows=100)
        assert self.daemon.verb("store", "prepare", "cloud").returncode == 0

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.root.glob("*.db")}

    def migrate(self, *words: str) -> dict[str, Any]:
        ran = self.daemon.verb("db", "migrate", "--json", *AT_ONCE, *words)
        assert ran.returncode in {0, 1}, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        return told


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def by_name(told: dict[str, Any]) -> dict[str, str]:
    return {one["database"]: one["outcome"] for one in told["items"]}


def test_what_is_open_is_put_off_and_moved_when_it_is_closed(machine: Machine) -> None:
    before = machine.contents()
    with machine.daemon as daemon:
        with holding(machine.root / "far-2.db"):
            first = machine.migrate()
        assert {name for name, how in by_name(first).items() if how != "done"} == {"data/far-2.db"}
        assert set(machine.contents()) == {"far-2.db", "runtime.db"}

        daemon.until(lambda: by_name(machine.migrate()).get("data/far-2.db") == "done", "it goes")
        assert set(machine.contents()) == {"runtime.db"}
        totals = machine.migrate()["totals"]
        assert totals["moved_share"] == totals["saved_share"]
        assert totals["moved_share"] > first["totals"]["moved_share"] > 0

        while daemon.verb("undo").returncode == 0:  # one command after the other
            pass
        assert machine.contents() == before
        assert daemon.stop() == 0


@pytest.mark.parametrize(
    "kills", [2, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])]
)
def test_killed_while_it_moves_them_nothing_is_lost_and_it_goes_on(
    machine: Machine, kills: int
) -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    before = machine.contents()
    daemon = machine.daemon
    for _ in range(kills):
        daemon.start()
        asking = subprocess.Popen(
            daemon.command("db", "migrate", *AT_ONCE),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=daemon.environment(),
        )
        time.sleep(chance.uniform(0.2, 2.5))
        daemon.kill()
        asking.kill()
        asking.wait()
    with daemon:
        daemon.until(
            lambda: set(by_name(machine.migrate()).values()) <= {"done"}, f"it ends {seed}"
        )
        assert set(machine.contents()) == {"runtime.db"}, seed
        assert len(list(machine.store.rglob("far-*.about"))) == FAR, seed

        while daemon.verb("undo").returncode == 0:
            pass
        assert machine.contents() == before, seed
        assert daemon.stop() == 0
    assert os.listdir(daemon.state / "scratch") == []
