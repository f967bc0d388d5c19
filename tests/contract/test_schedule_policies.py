"""The schedule that the database keeps says of every file what is decided of it by itself.

Policies and files are made by chance; then time goes by, something is told of a file, or other
policies come into force. Only what was noted is decided anew, and it has to be enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storewarden.catalogue import policy_sets, undecided
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from storewarden.pipeline.deciding import Deciding, InForce
from storewarden.pipeline.judging import every_subject
from storewarden.policy.decide import decide
from storewarden.policy.fingerprints import fingerprint, of_set
from storewarden.policy.rules import PolicySet
from storewarden.policy.verdict import verdict
from tests.catalogues import Place, fresh_database
from tests.policies import DAY, NOW, SECOND, clean, many_subjects, store
from tests.policies import policy_sets as sets

Row = tuple[object, ...]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        place = Place("sqlite", tmp_path_factory.mktemp("state"))
        yield place.made()
        place.close()
        return
    server = request.getfixturevalue("postgres_url")
    with fresh_database(server, "storewarden_schedule") as url:
        place = Place(url, tmp_path_factory.mktemp("state"))
        yield place.made()
        place.close()


class Office:
    """Files and policies, and whoever decides."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.host = engine.execute("SELECT id FROM hosts")[0][0]
        self.clock = ManualClock(NOW)
        self.deciding = Deciding(engine, self.host, self.clock)

    def use(self, policy_set: PolicySet) -> None:
        self.policy_set = policy_set
        prints = {policy.id: fingerprint(policy) for policy in policy_set.policies}
        stored = policy_sets.put_in_force(
            self.engine, self.host, of_set(policy_set.policies), (), prints, NOW
        )
        rows = policy_sets.policies(self.engine, self.host)
        self.ids = ids = {name: row.id for name, row in rows.items()}
        dialect = self.engine.dialect
        self.deciding.put(
            InForce(stored.id, lambda now_ns: verdict(policy_set, ids, dialect, now_ns))
        )

    def settle(self) -> None:
        self.clock.advance(1.0)
        for _ in range(1_000):
            if self.deciding.step() > 0.0:
                assert not self.deciding.stopped
                return
        raise AssertionError("deciding has no end")

    def schedule(self) -> dict[int, Row]:
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


# the database stays, and what each example finds in it is its own
quick = settings(
    deadline=None,
    max_examples=60,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(data=st.data())
def test_the_schedule_is_what_is_decided(engine: Engine, data: st.DataObject) -> None:
    clean(engine)
    store(engine, data.draw(many_subjects(most=8)))
    with engine.transaction():  # days are never counted without the file they are of
        engine.execute(
            "INSERT INTO usage (file_id, last_ns, opens, writes) SELECT DISTINCT file_id, 0, 0, 0"
            " FROM usage_days WHERE file_id NOT IN (SELECT file_id FROM usage)"
        )
    office = Office(engine)
    office.use(data.draw(sets()))
    office.settle()
    assert office.schedule() == office.expected()

    for _ in range(data.draw(st.integers(1, 3))):
        match data.draw(st.sampled_from(("time", "time", "told", "set"))):
            case "time":
                days = data.draw(st.sampled_from((0, 1, 2, 7, 29, 31, 60, 365)))
                office.clock.advance(days * DAY / SECOND + data.draw(st.sampled_from((0, 1))))
            case "told":
                with engine.transaction():
                    engine.execute(
                        "INSERT INTO marks (file_id, pinned, rating) VALUES (1, 1, 4.0) ON CONFLICT"
                        " (file_id) DO UPDATE SET pinned = 1 - marks.pinned, rating = 4.0"
                    )
                    engine.execute("UPDATE files SET inspected_ns = NULL WHERE id = 1")
                    undecided.mark(engine, [1])
            case "set":
                office.use(data.draw(sets()))
        office.settle()
        assert office.schedule() == office.expected()
