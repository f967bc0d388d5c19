"""A plan is read from the schedule as far as that stands, and says what a verdict would say.

Policies and files are made by chance; some of it is decided, then time goes by, something is told
of a file, files land or a directory is renamed, or other policies come into force.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storewarden import __version__
from storewarden.catalogue import clocks, undecided
from storewarden.catalogue.clocks import Clocks
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.stands import Stands, stands
from storewarden.cli.plan_lines import write_items, write_lines
from storewarden.pipeline.decisions import due_lines
from storewarden.pipeline.planning import Item, Plan, Question
from storewarden.policy import load
from storewarden.policy.rules import PolicySet
from tests.catalogues import COLUMNS, Place, file_row, fresh_database
from tests.office import Office
from tests.policies import DAY, NOW, SECOND, clean, many_subjects, store
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
    with fresh_database(server, "storewarden_planned") as url:
        place = Place(url, tmp_path_factory.mktemp("state"))
        yield place.made()
        place.close()


# In these much depends on time, on what is told of a file, and on where it lies.
TELLING = load.read(
    [
        (
            "telling",
            b"""
version: 1
policies:
  - {id: young, match: {age: "< 30d"}, hold: true}
  - {id: good, match: {rating: ">= 4"}, hold: true}
  - {id: inside, match: {path: "a/"}, phases: [{after: 1d, do: trash}]}
  - {id: large, match: {size: ">= 1KiB"}, phases: [{after: 2d, do: archive, to: cold}]}
  - {id: ripe, match: {age: "> 7d"}, phases: [{after: 5d, do: trash}]}
  - {id: away, match: {age: "> 60d"}, place: {required: cloud}}
  - {id: rest, match: {size: ">= 0B"}, phases: [{after: 60d, do: trash}]}
""",
        )
    ],
    stores=("cold", "cloud"),
).policies


def any_set() -> st.SearchStrategy[PolicySet]:
    """Policies by chance, or some of those above."""
    some = st.lists(st.sampled_from(TELLING), min_size=1, unique_by=lambda each: each.id)
    return some.map(lambda policies: PolicySet(tuple(policies))) | sets()


def planned(office: Office, host: int | None) -> tuple[str, Counter[Item]]:
    """Return what is due now: for its own host it may be read, for nobody's it is decided."""
    now_ns = office.clock.wall_ns()
    made = Plan(office.engine, office.policy_set, Question(now_ns, now_ns, host))
    found = Counter(made.items())
    return made.id, found


def written(office: Office, host: int | None) -> list[str]:
    """Return the lines that a pipe gets, sorted."""
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        write_lines(due_lines(office.engine, office.policy_set, office.clock.wall_ns(), host))
        return sorted(sys.stdout.getvalue().split("\n"))
    finally:
        sys.stdout = out


def written_of(items: Counter[Item]) -> list[str]:
    """Return the lines of items, sorted."""
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        write_items(items.elements())
        return sorted(sys.stdout.getvalue().split("\n"))
    finally:
        sys.stdout = out


# the database stays, and what each example finds in it is its own
quick = settings(
    deadline=None,
    max_examples=40,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(data=st.data())
def test_what_is_read_is_what_would_be_decided(engine: Engine, data: st.DataObject) -> None:
    clean(engine)
    store(engine, data.draw(many_subjects(most=8)))
    office = Office(engine)
    office.use(data.draw(any_set()))
    office.settle()

    for _ in range(data.draw(st.integers(1, 3))):
        asked = office.policy_set
        match data.draw(st.sampled_from(("time", "told", "lands", "renamed", "set", "decided"))):
            case "time":
                days = data.draw(st.sampled_from((0, 1, 2, 7, 29, 31, 60, 365)))
                office.clock.advance(days * DAY / SECOND + data.draw(st.sampled_from((0, 1))))
            case "told":
                _told(engine)
            case "lands":
                _lands(engine)
            case "renamed":
                _renamed(engine)
            case "set":
                office.use(data.draw(any_set()))
            case "decided":
                office.clock.advance(1.0)
                office.deciding._limit = 2
                office.deciding.step()
        by_verdict, decided = planned(office, None)
        by_schedule, read = planned(office, office.host)
        assert read == decided
        assert by_schedule == by_verdict
        assert written(office, office.host) == written_of(decided)
        assert written(office, None) == written_of(decided)
        if office.policy_set is not asked:  # who asks with other policies than those in force
            in_force, office.policy_set = office.policy_set, asked
            assert planned(office, office.host) == planned(office, None)
            office.policy_set = in_force


def _told(engine: Engine) -> None:
    with engine.transaction():
        engine.execute(
            "INSERT INTO marks (file_id, pinned, rating) VALUES (1, 1, 4.0) ON CONFLICT"
            " (file_id) DO UPDATE SET pinned = 1 - marks.pinned, rating = 4.0"
        )
        engine.execute("UPDATE files SET size = size + 1000 WHERE id = 1")
        undecided.mark(engine, [1])


def _lands(engine: Engine) -> None:
    """Have a file land: its id is beyond those of all that were decided."""
    ((last, directory),) = engine.execute("SELECT max(id), max(directory_id) FROM files")
    row = dict(zip(COLUMNS, file_row(b"new\t\xff\n%d.png" % last, inode=7000 + last), strict=True))
    row |= {"directory_id": directory, "first_seen_ns": NOW - 400 * DAY}
    row["modified_ns"] = NOW - 400 * DAY
    with engine.transaction():
        engine.insert("files", ("id", *COLUMNS), [(last + 1, *row.values())])


def _renamed(engine: Engine) -> None:
    """Rename all directories, or back."""
    with engine.transaction():
        for id_, path in engine.execute("SELECT id, path FROM directories"):
            other = path.removeprefix(b"z") if path[:1] == b"z" else b"z" + path
            engine.execute("UPDATE directories SET path = ? WHERE id = ?", (other, id_))
            undecided.mark_directories(engine, [id_])


# -- when it stands -----------------------------------------------------------------------------

TRASH = b"""
version: 1
policies: [{id: all, match: {size: ">= 0B"}, phases: [{after: 1d, do: trash}]}]
"""


@pytest.fixture
def decided(engine: Engine) -> Office:
    """Two files that are due, and decided."""
    clean(engine)
    office = Office(_with_files(engine))
    office.use(load.read([("p", TRASH)]))
    office.settle()
    return office


def _with_files(engine: Engine) -> Engine:
    with engine.transaction():
        host = ("id", "name", "machine_id", "first_seen_ns")
        engine.insert("hosts", host, [(1, "h", "m", 1)])
        root = ("id", "host_id", "name", "path", "uuid")
        engine.insert("roots", root, [(1, 1, "uploads", b"/srv", "u")])
        directory = ("id", "root_id", "path", "device", "inode")
        engine.insert("directories", directory, [(1, 1, b"", 1, 1), (2, 1, b"a", 1, 2)])
        columns = ("id", *COLUMNS)
        seen_ns = NOW - 2 * DAY
        rows = [
            (n, *file_row(b"f", inode=n, directory_id=n, first_seen_ns=seen_ns)) for n in (1, 2)
        ]
        engine.insert("files", columns, rows)
    return engine


def stand(office: Office, program: str = __version__) -> Stands | None:
    names = [policy.id for policy in office.policy_set.policies]
    print_, now_ns = office.policy_set.fingerprint, office.clock.wall_ns()
    return stands(office.engine, office.host, print_, program, names, now_ns)


def test_what_is_decided_is_not_decided_again(
    decided: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storewarden.policy import verdict

    monkeypatch.delattr(verdict, "verdict")  # whoever wants to ask policies fails

    assert len(planned(decided, decided.host)[1]) == 2
    assert written(decided, decided.host) == written_of(planned(decided, decided.host)[1])
    with pytest.raises(ImportError):
        planned(decided, None)


WAITS = {
    "told": "INSERT INTO undecided (file_id) VALUES (?)",
    "renamed": "UPDATE directories SET undecided = 1"
    " WHERE id = (SELECT directory_id FROM files WHERE id = ?)",
    "new": "UPDATE policy_sets SET decided_through = ? - 1",
    "time": "UPDATE schedule SET again_ns = 1 WHERE file_id = ?",
}


@pytest.mark.parametrize("why", WAITS)
def test_only_what_waits_is_decided(decided: Office, why: str) -> None:
    engine = decided.engine
    ((file_id,),) = engine.execute("SELECT max(id) FROM files")
    with engine.transaction():  # wrong on purpose: it is seen who reads it
        engine.execute("UPDATE schedule SET action = 5")
        engine.execute(WAITS[why], (file_id,))

    _, items = planned(decided, decided.host)
    assert {item.file_id: item.action.word for item in items} == {
        file_id - 1: "purge",
        file_id: "trash",
    }


def test_a_schedule_of_others_does_not_stand(decided: Office) -> None:
    assert stand(decided)
    assert stand(decided, program="another version") is None
    decided.policy_set = replace(decided.policy_set, fingerprint="as it was written since")
    assert stand(decided) is None


def test_a_schedule_does_not_stand_while_nothing_was_decided(decided: Office) -> None:
    decided.use(PolicySet(decided.policy_set.policies * 1, fingerprint=""))
    assert stand(decided)
    with decided.engine.transaction():
        decided.engine.execute("UPDATE policy_sets SET decided_through = 0")

    assert stand(decided) is None


@pytest.mark.parametrize(("by_ns", "jumped_ns"), [(0, DAY), (1, None)])
def test_a_schedule_does_not_stand_after_the_clock_jumped(
    decided: Office, by_ns: int, jumped_ns: int | None
) -> None:
    noted = Clocks(decided.clock.wall_ns() + by_ns, 1, "b", jumped_ns)
    with decided.engine.transaction():
        clocks.note(decided.engine, decided.host, noted)

    assert stand(decided) is None
