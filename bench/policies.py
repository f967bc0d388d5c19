"""Deciding: a million files under thirty policies, and what it costs a burst that is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.daemon import Daemon
from bench.gallery import Gallery
from bench.ground import Ground
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, write
from storewarden.catalogue import due, policy_sets
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from storewarden.pipeline.deciding import Deciding, InForce
from storewarden.policy import load
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import PolicySet
from storewarden.policy.sql import joins, render
from storewarden.policy.sql_pieces import Sql
from storewarden.policy.verdict import verdict
from tests.catalogues import DAY, NOW

POLICIES = Path(__file__).parent / "policies.yaml"
_STORES = ("cloud", "cold")
_SECONDS = 5.0  # allowed for a million files
_TIMES = 2.0  # as long as what is written by hand
_SHARE = 0.9  # of the rate at which is recorded without policies
_RUNS = 3
_DIRECTORIES = 10
_PATIENCE = 60.0


def run(ground: Ground) -> list[Figure]:
    """Decide a large catalogue, and record bursts with and without policies."""
    return [*_decide(ground), *_beside_recording(ground)]


# -- a change of policies ---------------------------------------------------------------------


def _decide(ground: Ground) -> Iterator[Figure]:
    state = ground.directory / "decided"
    ground.remove(state)
    state.mkdir()
    ground.say(f"making a catalogue of {ground.files:,} files")
    engine = open_catalogue("sqlite", state, role="bench")
    fill(engine, ground.files)
    policy_set = read_policies()
    ground.say(f"deciding them by {len(policy_set.policies)} policies")
    first = decide_all(engine, policy_set)
    again = decide_all(engine, changed(policy_set))
    by_hand = written_by_hand(engine, policy_set)
    rows = engine.execute("SELECT count(*) FROM schedule")[0][0]
    began = time.perf_counter()
    due.won(engine, 1)
    due.waits(engine, 1, NOW)
    counted = time.perf_counter() - began
    engine.close()
    per_million = again * 1_000_000 / ground.files
    policies = f"one of {len(policy_set.policies)} policies"
    yield Figure(
        f"{ground.files:,} files decided anew after {policies} changed",
        Measured(again, "s"),
        Measured(by_hand, "s", "the same conditions in SQL by hand"),
        Target(
            f"≤ {_TIMES:g} × and ≤ {_SECONDS:g} s a million",
            again <= _TIMES * by_hand and per_million <= _SECONDS,
        ),
    )
    yield Figure(
        f"and decided for the first time, {rows:,} rows",
        Measured(first, "s"),
        Measured(by_hand, "s", "the same conditions in SQL by hand"),
    )
    yield Figure("counting what is due of them, for the metrics", Measured(counted, "s"))


def fill(engine: Engine, files: int) -> None:
    """Make a catalogue of files that differ in what policies ask for."""
    Gallery(files).fill(engine, words=False)
    with engine.transaction():
        engine.execute(
            "UPDATE files SET kind = CASE WHEN id % 10 < 5 THEN 'image' WHEN id % 10 < 8 THEN"
            " 'video' WHEN id % 10 = 8 THEN 'text' ELSE 'database' END,"
            # A store grows day by day: who came later has the higher number.
            f" first_seen_ns = ? - (? - id) * {400 * DAY // files}, inspected_ns = ?",
            (NOW, files, NOW),
        )
        engine.execute("UPDATE roots SET usage_since_ns = ?", (NOW - 90 * DAY,))
        engine.execute(
            "INSERT INTO usage SELECT id, ? - (id % 60) * ?, 3, 1 FROM files WHERE id % 10 = 0",
            (NOW, DAY),
        )
        engine.execute(
            "INSERT INTO usage_days SELECT file_id, last_ns / ?, opens, writes FROM usage", (DAY,)
        )
        engine.execute(
            "INSERT INTO marks (file_id, pinned, rating, tags) SELECT id, id % 100 = 0,"
            " id % 6, '[\"keep\"]' FROM files WHERE id % 50 = 0"
        )
    engine.checkpoint()
    engine.learn()


def read_policies() -> PolicySet:
    """Return the thirty."""
    return load.read([(POLICIES.name, POLICIES.read_bytes())], stores=_STORES)


def changed(policy_set: PolicySet) -> PolicySet:
    """Return the same policies in another order of the last two."""
    *most, last, least = policy_set.policies
    return PolicySet((*most, least, last), fingerprint="another")


def decide_all(engine: Engine, policy_set: PolicySet) -> float:
    """Decide every file, a slice at a time as the daemon does; return the seconds."""
    prints = {policy.id: fingerprint(policy) for policy in policy_set.policies}
    stored = policy_sets.put_in_force(engine, 1, policy_set.fingerprint, (), prints, NOW)
    ids = {name: row.id for name, row in policy_sets.policies(engine, 1).items()}
    deciding = Deciding(engine, 1, Moment(NOW))
    deciding.put(
        InForce(stored.id, lambda now_ns: verdict(policy_set, ids, engine.dialect, now_ns))
    )
    began = time.perf_counter()
    while deciding.step() == 0.0:
        pass
    return time.perf_counter() - began


class Moment(ManualClock):
    """A wall clock that stands beside one that runs."""

    def monotonic(self) -> float:
        """Return the real one."""
        return time.perf_counter()


def written_by_hand(engine: Engine, policy_set: PolicySet) -> float:
    """Write which policy wins of each kind into a table, what it does, and when that is due."""
    kinds = {
        "hold": [policy for policy in policy_set.policies if policy.hold],
        "place": [policy for policy in policy_set.policies if policy.place],
        "phases": [policy for policy in policy_set.policies if policy.phases],
        "care": [policy for policy in policy_set.policies if policy.care],
    }
    needed: set[str] = set()
    params: list[object] = []
    columns: list[str] = []
    for name, policies in kinds.items():
        cases = []
        for number, policy in enumerate(policies, 1):
            condition: Sql = render(policy.match, "sqlite", NOW)
            needed |= condition.joins
            params += condition.params
            cases.append(f"WHEN {condition.text} THEN {number}")
        columns.append(f"CASE {' '.join(cases)} END AS {name}")
    first = {number: policy.phases[0] for number, policy in enumerate(kinds["phases"], 1)}
    dues = " ".join(f"WHEN {at} THEN seen + {phase.after_ns}" for at, phase in first.items())
    acts = " ".join(f"WHEN {at} THEN {int(phase.do)}" for at, phase in first.items())
    with engine.transaction():
        engine.execute(
            "CREATE TABLE by_hand (file_id INTEGER PRIMARY KEY, hold INTEGER, place INTEGER,"
            " phases INTEGER, care INTEGER, due_ns INTEGER, action INTEGER)"
        )
        engine.execute("CREATE INDEX by_hand_due ON by_hand (due_ns)")
    inside = f"SELECT f.id, f.first_seen_ns AS seen, {', '.join(columns)}"
    began = time.perf_counter()
    with engine.transaction():
        engine.execute(
            "INSERT INTO by_hand SELECT id, hold, place, phases, care,"
            f" CASE phases {dues} END, CASE phases {acts} END"
            f" FROM ({inside} FROM {joins(needed, 'sqlite')} LIMIT -1) t"
            " WHERE coalesce(hold, place, phases, care) IS NOT NULL",
            params,
        )
    took = time.perf_counter() - began
    with engine.transaction():
        engine.execute("DROP TABLE by_hand")
    return took


# -- beside recording ---------------------------------------------------------------------------


def _beside_recording(ground: Ground) -> Iterator[Figure]:
    files = ground.files // 5
    rates: dict[bool, list[float]] = {False: [], True: []}
    for number in range(_RUNS):
        for decides, measured in rates.items():
            with_them = "with" if decides else "without"
            ground.say(f"burst of {files:,} files {with_them} policies, {number + 1} of {_RUNS}")
            measured.append(_burst(ground, files, decides=decides))
    with_policies, without = median(rates[True]), median(rates[False])
    yield Figure(
        "files recorded in a second while thirty policies are in force",
        Measured(with_policies, "files"),
        Measured(without, "files", "without policies"),
        Target(f"≥ {_SHARE:g} ×", with_policies >= _SHARE * without),
    )


def _burst(ground: Ground, files: int, *, decides: bool) -> float:
    """Return the rate from the first file made to the last one recorded."""
    burst = Burst(ground.place("burst"), _DIRECTORIES, files)
    burst.make_directories()
    ground.settle()
    policies = (str(POLICIES),) if decides else ()
    house = replace(ground.house("burst-decided", burst.root), policies=policies)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        catalogue = house.open_catalogue()
        written = write(ground.writer, burst)
        ended = catalogue.wait_for(files, _PATIENCE)
        catalogue.close()
    return files / (ended - written.ended + written.seconds)
