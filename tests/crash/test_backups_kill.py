"""``db backup`` and ``db restore`` are killed at any time: nothing is half, and nothing is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from storewarden.databases import objects
from storewarden.store.directory import DirectoryStore
from tests.backing_up import Vault, database, said, say
from tests.daemon import PROGRAM

QUICK, FULL = 3, 700
ROUNDS = [QUICK, pytest.param(FULL, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])]
PATIENCE = 30.0


class Machine(Vault):
    """A home with a configuration of its own, in which verbs are run and killed."""

    def prepare(self) -> None:
        self.base.joinpath("storewarden.yaml").write_text(
            f"state: {self.settings.state}\nstores: {{cold: {{path: {self.store}}}}}\n"
            f"roots: {{r: {{path: {self.roots['r']}, inspect: false, digest: false}}}}\n"
            f"policies: [{self.base / 'policies.yaml'}]\n"
        )
        self.policies(
            "version: 1\npolicies:\n"
            "  - {id: care, match: {kind: database}, care: {backup: {every: 1d, keep_last: 3}}}\n"
        )

    def killed(self, after: float, *words: str) -> bool:
        """Run a verb and kill it; tell whether it was not through by then."""
        config = str(self.base / "storewarden.yaml")
        with subprocess.Popen(
            [str(PROGRAM), "--config", config, "db", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            return process.wait() < 0


@pytest.mark.parametrize("rounds", ROUNDS)
def test_whatever_is_killed_at_any_time_what_counts_comes_back_and_nothing_is_half(
    tmp_path: Path, rounds: int
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    machine = Machine(tmp_path)
    machine.prepare()
    path = database(machine.roots["r"] / "chat.db", rows=4000)
    machine.know()
    began = time.monotonic()
    assert not machine.killed(PATIENCE, "backup", "chat.db")
    longest = (time.monotonic() - began) * 1.1  # so that some come to their end
    killed = 0
    for number in range(rounds):
        say(path, 50)
        content, count = path.read_bytes(), said(path)
        good = next(one for one in machine.backups("chat.db") if one.good)
        killed += machine.killed(chance.uniform(0, longest), "backup", "chat.db")

        target = tmp_path / f"back-{number}.db"
        killed += machine.killed(
            chance.uniform(0, longest), "restore", "chat.db", "--to", str(target)
        )

        assert path.read_bytes() == content, f"seed {seed}, round {number}"
        if target.exists():
            assert good.counted["messages"] <= said(target) <= count, f"seed {seed}"
        assert [one.name for one in tmp_path.glob(".storewarden*")] == []
        target.unlink(missing_ok=True)
        machine.done("drill", "chat.db")
        rows = machine.backups("chat.db")
        assert {one.state for one in rows} == {"good"}, f"seed {seed}, round {number}"
        assert rows[0].at_ns >= good.at_ns
        assert set(machine.objects()) == {one.key for one in rows}
        assert list(machine.settings.state.joinpath("scratch").iterdir()) == []
    store = DirectoryStore("backups", str(machine.settings.state / "backups"))
    for one in machine.backups("chat.db"):
        about, stored = objects.met(store, one.key)
        objects.read_back(store, stored, about)
    assert killed, f"seed {seed}"
