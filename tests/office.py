"""Policies and files over a catalogue, and whoever decides: the daemon's part without a daemon."""

from __future__ import annotations

from dataclasses import replace

from storewarden import __version__
from storewarden.catalogue import policy_sets
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from storewarden.pipeline.deciding import Deciding, InForce
from storewarden.pipeline.judging import every_subject
from storewarden.policy.decide import decide
from storewarden.policy.fingerprints import fingerprint, of_set
from storewarden.policy.rules import PolicySet
from storewarden.policy.verdict import verdict
from tests.policies import NOW

Row = tuple[object, ...]


class Office:
    """Files and policies, and whoever decides."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.host = engine.execute("SELECT id FROM hosts")[0][0]
        self.clock = ManualClock(NOW)
        self.deciding = Deciding(engine, self.host, self.clock)

    def use(self, policy_set: PolicySet) -> None:
        """Put policies in force."""
        policy_set = replace(policy_set, fingerprint=of_set(policy_set.policies))
        self.policy_set = policy_set
        prints = {policy.id: fingerprint(policy) for policy in policy_set.policies}
        stored = policy_sets.put_in_force(
            *(self.engine, self.host, policy_set.fingerprint, (), prints, NOW, __version__)
        )
        rows = policy_sets.policies(self.engine, self.host)
        self.ids = ids = {name: row.id for name, row in rows.items()}
        dialect = self.engine.dialect
        self.deciding.put(
            InForce(stored.id, lambda now_ns: verdict(policy_set, ids, dialect, now_ns))
        )

    def settle(self) -> None:
        """Decide until nothing waits."""
        self.clock.advance(1.0)
        for _ in range(1_000):
            if self.deciding.step() > 0.0:
                assert not self.deciding.stopped
                return
        raise AssertionError("deciding has no end")

    def schedule(self) -> dict[int, Row]:
        """Return what is stored of each file of which anything is decided."""
        rows = self.engine.execute(
            "SELECT file_id, policy_id, action, due_ns, store, blocked, hold, place, phases, care"
            " FROM schedule"
        )
        return {file_id: tuple(rest) for file_id, *rest in rows if any(rest[5:])}

    def expected(self) -> dict[int, Row]:
        """Return what is decided of each file by itself, as rows say it."""
        now_ns = self.deciding._moment[1]
        found: dict[int, Row] = {}
        for subject in every_subject(self.engine, self.host):
            made = decide(subject, self.policy_set, now_ns)
            winners = [self._signed(name) for name in (made.hold, made.place, made.phases)]
            winners.append(self._signed(made.care))
            if any(winners):
                acts = (made.action and int(made.action), made.due_ns, made.store)
                policy = self.ids[made.policy] if made.policy else None
                found[subject.id] = (policy, *acts, int(made.blocked), *winners)
        return found

    def _signed(self, name: str | None) -> int:
        if not name:
            return 0
        return -self.ids[name[1:]] if name.startswith("?") else self.ids[name]
