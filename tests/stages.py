"""Policies and wishes over a real root, catalogue and store, step by step, by a clock of ours."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from storewarden.act.execute import Patience
from storewarden.catalogue import policy_runs, policy_sets
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.policy_runs import LastRun
from storewarden.catalogue.roots import this_machine
from storewarden.clock import ManualClock
from storewarden.daemon.acting.actor import Actor
from storewarden.daemon.acting.hands import Acting
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.pressing import Resting
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.shown import Shown
from storewarden.daemon.acting.stores import open_stores
from storewarden.daemon.acting.wish import Facts
from storewarden.daemon.ground import Ground, RootMemory, prepared
from storewarden.measure.metrics import Metrics
from storewarden.pipeline.deciding import Deciding, InForce
from storewarden.policy import load, verdict
from storewarden.policy.fingerprints import fingerprint
from tests.homes import Home

SECOND = 1_000_000_000


class Stage:
    """A home with somebody who acts in it; ends with `close`."""

    def __init__(self, base: Path, catalogue: str = "sqlite") -> None:
        base.mkdir()
        self.home = Home(base, catalogue)
        self.clock = ManualClock(time.time_ns() + 3600 * SECOND)  # all that is written is older
        self.busy = False
        self.answers: list[tuple[int, Facts, bool]] = []
        self.hinted: list[str] = []
        self._stack = ExitStack()
        self.metrics = Metrics("1")
        self._text = ""
        self._begun = False

    def begin(self) -> None:
        """Begin as a process does that was just started."""
        self.ground: Ground = self._stack.enter_context(
            prepared(self.home.settings, self.clock, "a test")
        )
        self.engine, self.host_id = self.ground.engine, self.ground.host_id
        self.counts = Counts(self.engine, self.ground.roots)
        roots = OpenRoots(this_machine().name, RootMemory(self.ground).known)
        roots.want(self.home.settings.roots)
        stores = open_stores(
            self.home.settings, os.environ, clock=self.clock, sleep=self.clock.advance
        )
        self.acting = Acting(
            self.ground,
            self.counts,
            roots,
            stores,
            hint=lambda act: self.hinted.append(os.fsdecode(act.path)),
            patience=Patience(first=60.0),
        )
        self.deciding = Deciding(self.engine, self.host_id, self.clock)
        shown = Shown(self.engine, self.host_id, self.metrics, self.clock)
        self.actor = Actor(
            *(self.acting, self.ground.roots, Resting(self.counts), shown),
            busy=lambda: self.busy,
            decided=lambda: self.deciding.decided,
        )
        self.actor.answer = self._answered
        self._begun = True
        if self._text:
            self.policies(self._text)

    def _answered(self, job: int, outcome: Facts, *, failed: bool = False) -> None:
        self.answers.append((job, outcome, failed))

    def close(self) -> None:
        if self._begun:
            self.actor.finish()
        self._stack.close()
        self._begun = False

    def again(self) -> None:
        """End this process, and begin the next one."""
        self.close()
        self.begin()

    def scan(self) -> None:
        """Record what is there, as the recorder does; the lease is another's meanwhile."""
        self.close()
        self.home.scan()
        self.begin()

    def policies(self, text: str) -> None:
        """Put policies in force, and have all files decided by them."""
        self._text = text
        policies = load.read([("policies.yaml", text.encode())], stores=("cold",))
        stored = policy_sets.put_in_force(
            *(self.engine, self.host_id, policies.fingerprint, policies.sources),
            {policy.id: fingerprint(policy) for policy in policies.policies},
            self.clock.wall_ns(),
        )
        rows = policy_sets.policies(self.engine, self.host_id)
        ids = {policy.id: rows[policy.id].id for policy in policies.policies}
        dialect = self.engine.dialect
        self.deciding.put(
            InForce(stored.id, lambda now_ns: verdict.verdict(policies, ids, dialect, now_ns))
        )
        self.actor.judge_by(Judge(self.engine, self.host_id, policies))
        self.decide()

    def replace(self, text: str) -> None:
        """Have other policies in force from the next start on."""
        self._text = text

    def decide(self) -> None:
        """Decide all that waits."""
        self.deciding.step()
        while self.deciding.going_on:
            self.deciding.step()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.decide()

    def step(self, times: int = 1) -> float:
        """Let the actor do what it does, with the seconds that it waits between."""
        wait = 0.0
        for _ in range(times):
            self.decide()
            wait = self.actor.step()
            self.clock.advance(max(wait, 0.05))
        return wait

    def last(self, policy: str) -> LastRun:
        return policy_runs.read(self.engine, self.host_id)[policy]

    def held(self) -> dict[str, int]:
        """Return how many files each guard holds back."""
        return dict(self.engine.execute("SELECT guard, files FROM held_back"))

    def acts(self) -> list[tuple[Any, ...]]:
        return self.engine.execute("SELECT verb, state FROM acts ORDER BY id")

    def states(self) -> dict[str, str]:
        rows = self.engine.execute(
            "SELECT d.path, f.name, f.state FROM files f JOIN directories d"
            " ON d.id = f.directory_id ORDER BY f.id"
        )
        return {
            os.fsdecode(bytes(path) + b"/" + bytes(name) if path else bytes(name)): state
            for path, name, state in rows
        }

    def id(self, name: str) -> int:
        rows = self.engine.execute(
            "SELECT id FROM files WHERE name = ? ORDER BY id DESC", (os.fsencode(name),)
        )
        found: int = rows[0][0]
        return found
