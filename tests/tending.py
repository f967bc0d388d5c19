"""A catalogue with databases, hands that do nothing real, and deeds that only note what they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import care, policy_sets
from storewarden.catalogue.care import Stands
from storewarden.clock import ManualClock
from storewarden.config.schema import Settings
from storewarden.daemon.tending import deeds
from storewarden.daemon.tending.figures import CareFigures
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish, Told
from storewarden.daemon.tending.worker import Tender
from storewarden.databases import schedule
from storewarden.measure.metrics import Metrics
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.load import read
from tests.recording import prepared, registered

Came = Callable[[str], Item]
_DONE: list[Callable[..., TendResult]] = []


def does(hands: Hands, wish: TendWish, told: Any, stopping: Any) -> TendResult:
    """Stand in for every deed: what the test at hand says is done."""
    return _DONE[-1](hands, wish, told, stopping)


class NoStores:
    """Stores of which nothing is asked here."""

    def close(self) -> None:
        pass

    def follow(self, settings: Settings) -> None:
        pass

    def want(self, roots: object) -> None:
        pass


class House:
    """Databases, a clock that the test moves, and who looks after them."""

    def __init__(self, state: Path, patch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        self.engine = prepared("sqlite", state)
        self.ground = registered(self.engine, ["r"])
        self.host = self.ground.host_id
        self.began: list[tuple[str, tuple[str, ...]]] = []
        self.outcome: Outcome | BaseException = "done"
        self.only = ""  # the only deed of which the outcome is that one; of others it is "done"
        self.facts: dict[str, Any] = {}  # that a deed tells
        self.lasts = 0.0
        self.burst = False
        self.answers: list[tuple[int, dict[str, Any], bool]] = []
        nothing: Any = NoStores()
        self.hands = Hands(
            *(self.engine, self.host, self.clock, Settings(state, "sqlite", ()), nothing, nothing),
            scratch=state / "scratch",
            lease=nothing,
            act=nothing,
        )
        kinds = [*schedule.KINDS, "tidy", "rows_apply", "rows_orphans"]
        patch.setattr(deeds, "DEEDS", dict.fromkeys(kinds, "tests.tending:does"))
        patch.setattr("storewarden.daemon.tending.worker.DEEDS", deeds.DEEDS)
        patch.setattr("storewarden.daemon.tending.standing.DEEDS", deeds.DEEDS)
        _DONE.append(self.does)
        self.start()

    def start(self) -> None:
        """Begin as a daemon does; what the one before held is forgotten."""
        self.metrics = Metrics("0")
        figures = CareFigures(self.engine, self.host, self.metrics, self.clock)
        self.tender = Tender(self.hands, figures, UTC, busy=lambda: self.burst)

        def answer(job: int, outcome: Any, *, failed: bool = False) -> None:
            self.answers.append((job, dict(outcome), failed))

        self.tender.answer = answer

    def close(self) -> None:
        _DONE.remove(self.does)
        self.engine.close()

    def does(self, hands: Hands, wish: TendWish, told: Any, stopping: Any) -> TendResult:
        self.began.append((wish.what, wish.databases))
        told(Told(wish.what))
        self.clock.advance(self.lasts)
        outcome = self.outcome if self.only in {"", wish.what} else "done"
        if isinstance(outcome, BaseException):
            raise outcome
        names = wish.databases or self.names()
        return TendResult(
            tuple(Item(name, wish.what, outcome, "because", "", self.facts) for name in names)
        )

    # -- what there is ----------------------------------------------------------------------------

    def database(self, name: str, *, engine: str = "sqlite", there: bool = True) -> int:
        columns = "host_id, name, place, engine, there, first_seen_ns, named"
        with self.engine.transaction():
            rows = self.engine.execute(
                f"INSERT INTO databases ({columns}) VALUES (?, ?, ?, ?, ?, ?, 1) RETURNING id",
                (self.host, name, b"/srv/" + name.encode(), engine, int(there), self.now_ns),
            )
        return int(rows[0][0])

    def names(self) -> tuple[str, ...]:
        return tuple(name for (name,) in self.engine.execute("SELECT name FROM databases"))

    def policies(self, care_of: str) -> None:
        one = f"{{id: p, match: {{kind: database}}, care: {care_of}}}"
        self.in_force(f"version: 1\npolicies: [{one}]\n")

    def in_force(self, text: str, tables: Sequence[str] = ()) -> None:
        """Put policies in force, as a daemon does when it reads them."""
        found = read([("policies.yaml", text.encode())], stores=(), tables=tables)
        marks = {policy.id: fingerprint(policy) for policy in found.policies}
        policy_sets.put_in_force(
            self.engine, self.host, found.fingerprint, found.sources, marks, self.now_ns
        )
        self.hands.policies = found

    @property
    def now_ns(self) -> int:
        return self.clock.wall_ns()

    # -- what happens -----------------------------------------------------------------------------

    def settle(self, most: int = 50) -> list[str]:
        """Let everything be done that is due now; return what was done."""
        before = len(self.began)
        for _ in range(most):
            if self.tender.step() > 0:
                break
        else:
            raise AssertionError(f"it never rests: {self.began[-5:]}")
        return [f"{what} {','.join(names)}".strip() for what, names in self.began[before:]]

    def advance(self, seconds: float) -> list[str]:
        self.clock.advance(seconds)
        return self.settle()

    def stand(self, database_id: int, what: str) -> Stands:
        return care.stands(self.engine, self.host)[database_id, what]

    def runs(self) -> list[tuple[str, str | None]]:
        rows = self.engine.execute("SELECT what, outcome FROM care_runs ORDER BY id")
        return [(what, outcome) for what, outcome in rows]
