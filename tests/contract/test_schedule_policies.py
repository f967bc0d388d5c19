"""The schedule that the database keeps says of every file what is decided of it by itself.

Policies and files are made by chance; then time goes by, something is told of a file, or other
policies come into force. Only what was noted is decided anew, and it has to be enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine
from tests.catalogues import Place, fresh_database
from tests.office import Office
from tests.policies import DAY, SECOND, clean, many_subjects, store
from tests.policies import policy_sets as sets


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
