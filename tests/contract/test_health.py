"""What may be wrong is read from the catalogue, and how it was is kept, on both catalogues."""

from __future__ import annotations

import json
from typing import Any

import pytest

from storewarden.catalogue import (
    copies,
    health,
    health_history,
    held_back,
    policy_runs,
    query_times,
)
from storewarden.catalogue.care import Stands, write
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.health_history import KEPT_NS, Was
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.policy_runs import LastRun
from storewarden.catalogue.policy_sets import put_in_force
from storewarden.catalogue.query_times import CATALOGUE, Heard
from storewarden.catalogue.roots import Figures, write_blindness, write_figures
from storewarden.config.schema import RootSettings
from storewarden.health.gather import Outside, gather
from storewarden.health.losses import losses
from storewarden.health.probes import (
    Acts,
    Backed,
    Care,
    Damaged,
    LastCopies,
    Late,
    Orphans,
    Probes,
    Slow,
    Unseen,
)
from storewarden.model import Blind, Blindness
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.load import read
from storewarden.policy.rules import PolicySet
from tests.catalogues import COLUMNS, DAY, NOW, file_row

HOST = 1
SECOND = 10**9
HOUR = 3600 * SECOND
OUTSIDE = Outside([RootSettings("uploads", b"/srv/uploads")])


def database(engine: Engine, number: int, name: str, **more: Any) -> None:
    row = {
        "id": number,
        "host_id": HOST,
        "name": name,
        "place": b"/srv/" + name.encode(),
        "engine": "sqlite",
        "first_seen_ns": NOW,
        **more,
    }
    with engine.transaction():
        engine.insert("databases", tuple(row), [tuple(row.values())])


def stand(engine: Engine, number: int, what: str, detail: Any = None, **more: Any) -> None:
    write(engine, [Stands(number, what, **more, detail=json.dumps(detail or {}))])


def backup(engine: Engine, number: int, database_id: int, **more: Any) -> None:
    row = {
        "id": number,
        "database_id": database_id,
        "kind": "full",
        "store": "nas",
        "key": f"key{number}",
        "state": "good",
        "asked_by": "x",
        "began_ns": NOW,
        **more,
    }
    with engine.transaction():
        engine.insert("backups", tuple(row), [tuple(row.values())])


def probed(engine: Engine, outside: Outside = OUTSIDE) -> Probes:
    return gather(engine, HOST, outside, NOW)


def test_of_a_new_catalogue_nothing_is_wrong(engine: Engine) -> None:
    assert probed(engine) == Probes()
    assert losses(probed(engine), NOW) == []


def test_a_database_counts_that_its_last_check_found_damaged_while_it_is_there(
    engine: Engine,
) -> None:
    wrong = {"why": "page 3", "facts": {"problems": [{"kind": "page"}, {"kind": "index"}]}}
    index = {"why": "index i", "facts": {"problems": [{"kind": "index"}]}}
    for number, (name, detail) in enumerate((("a", wrong), ("b", index), ("c", wrong)), 1):
        database(engine, number, name)
        stand(engine, number, "check", detail, last_ns=NOW, good_ns=None, outcome="found")
    database(engine, 4, "gone", there=0)
    stand(engine, 4, "check", wrong, last_ns=NOW, outcome="found")
    # rows without a parent are found, and no damage
    stand(engine, 3, "check", wrong, last_ns=NOW, good_ns=NOW, outcome="found")
    assert probed(engine).damaged == (Damaged("a", "page 3"), Damaged("b", "index i", True))

    stand(engine, 1, "check", last_ns=NOW + 1, good_ns=NOW + 1, outcome="done")
    assert [one.database for one in probed(engine).damaged] == ["b"]


def test_last_copies_that_are_damaged_count_by_store(engine: Engine) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"%d" % n, inode=n) for n in range(1, 4)])
        columns = ("file_id", "store", "key", "bytes", "stored_bytes", "digest", "verified_ns")
        row = ("cold", 1, 1, b"\0" * 32, NOW)
        engine.insert(
            "copies",
            (*columns, "scrubbed_ns"),
            [(n, row[0], f"k{n}", *row[1:], -NOW if n < 3 else NOW) for n in (1, 2, 3)],
        )
        engine.execute(
            "INSERT INTO store_totals (host_id, store, files, bytes, stored_bytes)"
            " VALUES (1, 'cold', 3, 3, 3)"
        )
    assert [one.store for one in copies.stored(engine, HOST)] == ["cold"]
    assert probed(engine).last_copies == (LastCopies("cold", 2),)


def test_foreign_keys_count_where_it_shows_that_nobody_heeds_them(engine: Engine) -> None:
    for number, keys in enumerate(("none", "declared", "off", "on"), 1):
        database(engine, number, keys, foreign_keys=keys)
    assert probed(engine).unheeded == ("off",)


def test_orphans_count_by_child_table(engine: Engine) -> None:
    figures = (("due.p", 9), ("orphans.memory", 3), ("orphans.context", 0), ("fileless", 4))
    with engine.transaction():
        engine.insert(
            "row_figures",
            ("host_id", "name", "figure", "value", "counted_ns"),
            [(HOST, "app.talks", figure, value, NOW) for figure, value in figures],
        )
    assert probed(engine).orphans == (Orphans("app.talks", "memory", 3),)


def test_slow_statements_count_for_a_day_and_ours_never(engine: Engine) -> None:
    database(engine, 1, "a.db")
    noon = NOW // DAY * DAY + DAY // 2
    for source, at_ns, slow in (
        ("/srv/a.db", noon, 3),
        ("/srv/a.db", noon - DAY, 8),
        ("/srv/a.db", noon - 2 * DAY, 1000),
        ("/srv/elsewhere.db", noon, 1),
        (CATALOGUE, noon, 500),
    ):
        query_times.keep(engine, HOST, source, Heard(slow, slow, 1.0), at_ns)
    assert health.slow(engine, HOST, noon) == {"/srv/a.db": 7.0, "/srv/elsewhere.db": 1.0}
    found = gather(engine, HOST, OUTSIDE, noon).slow
    assert sorted(found) == [
        Slow("/srv/elsewhere.db", "/srv/elsewhere.db", 1.0),
        Slow("a.db", "a.db", 7.0),
    ]


@pytest.mark.parametrize("live", [True, False])
def test_what_cannot_be_seen_counts_while_somebody_looks(engine: Engine, *, live: bool) -> None:
    write_figures(engine, {1: Figures("inotify", "blind", 1, 1, NOW - 200 * SECOND, 0)}, NOW)
    blind = Blind("uploads", Blindness.WATCHES_EXHAUSTED, b"a\xff", "no watch", "sudo sysctl")
    write_blindness(engine, 1, [blind], NOW)
    found = probed(engine, Outside(OUTSIDE.roots, live=live))
    unseen = Unseen("uploads", "watches-exhausted", b"a\xff", "no watch", "sudo sysctl")
    assert found.unseen == ((unseen,) if live else ())
    # what never rests may take its time until it is said to be growing
    assert found.late == ((Late("uploads", 140.0),) if live else ())
    assert probed(engine, Outside([])).unseen == ()  # a root that is configured no more


def test_a_frozen_root_is_blind_also_where_no_place_is_named(engine: Engine) -> None:
    write_figures(engine, {1: Figures("none", "frozen", 0, 0, None, 0)}, NOW)
    assert probed(engine).unseen == (Unseen("uploads", "frozen"),)


def test_backups_are_held_against_their_schedule(engine: Engine) -> None:
    for number, name in enumerate(("kept", "new", "unwanted"), 1):
        database(engine, number, name)
    stand(engine, 1, "backup", last_ns=NOW - HOUR, due_ns=NOW)
    stand(engine, 2, "backup", due_ns=NOW + HOUR)
    stand(engine, 3, "backup", last_ns=NOW - DAY)
    backup(engine, 1, 1, taken_ns=NOW - 3 * HOUR, proven_ns=NOW - 2 * HOUR)
    backup(engine, 2, 1, taken_ns=NOW - HOUR, base_id=1, kind="increment")
    backup(engine, 3, 1, taken_ns=NOW, state="bad", proven_ns=NOW)
    assert probed(engine).backed == (
        Backed("kept", HOUR, NOW, NOW - HOUR, NOW - 2 * HOUR),
        Backed("new", None, NOW + HOUR, None, None),
    )


def test_care_counts_that_fails_again_and_again_or_waits_for_a_day(engine: Engine) -> None:
    database(engine, 1, "a")
    stand(engine, 1, "look", due_ns=NOW - DAY)
    stand(engine, 1, "check", due_ns=NOW - DAY - 1)
    stand(engine, 1, "backup", {"why": "full"}, due_ns=NOW, failures=3)
    stand(engine, 1, "vacuum", due_ns=NOW - 3 * DAY, outcome="put_off")
    stand(engine, 1, "analyze", due_ns=None, failures=9)
    assert probed(engine).care == (
        Care("a", "backup", NOW, 3, "full"),
        Care("a", "vacuum", NOW - 3 * DAY, 0, "", True),
        Care("a", "check", NOW - DAY - 1, 0),
    )


def policies(engine: Engine, **triggers: str) -> PolicySet:
    """Put policies in force that trash what is old, and let a file be due by each for nine days."""
    told = "".join(
        f"- {{id: {name}, match: {{ext: {name}}}, phases: [{{after: 1d, do: trash}}]{more}}}\n"
        for name, more in triggers.items()
    )
    found = read([("p.yaml", f"version: 1\npolicies:\n{told}".encode())], stores=(), tables=())
    marks = {policy.id: fingerprint(policy) for policy in found.policies}
    stored = put_in_force(engine, HOST, found.fingerprint, found.sources, marks, NOW - 30 * DAY)
    with engine.transaction():
        rows = [file_row(b"f." + name.encode(), inode=n) for n, name in enumerate(triggers, 1)]
        engine.insert("files", COLUMNS, rows)
        engine.execute("DELETE FROM schedule")
        for name in triggers:
            ((number,),) = engine.execute(
                "SELECT id FROM files WHERE name = ?", (b"f." + name.encode(),)
            )
            ((policy,),) = engine.execute("SELECT id FROM policies WHERE name = ?", (name,))
            engine.insert(
                "schedule",
                ("file_id", "policy_id", "action", "due_ns"),
                [(number, policy, 3, NOW - 9 * DAY)],
            )
    assert stored
    return found


def test_what_policies_are_to_do_counts_from_when_they_should_have(engine: Engine) -> None:
    found = policies(
        engine,
        prompt="",
        weekly=", trigger: {every: 14d}",
        daily=", trigger: {every: 1d}",
        pressed=", trigger: {pressure: {high: 90%, low: 80%}}",
    )
    outside = Outside(OUTSIDE.roots, found)
    acts = {one.policy: one for one in probed(engine, outside).acts}
    assert acts["prompt"] == Acts("prompt", 1, NOW - 9 * DAY)
    assert "pressed" not in acts
    assert acts["daily"].since_ns <= NOW - 8 * DAY
    policy_runs.write(engine, HOST, LastRun("daily", "timer", NOW, NOW - HOUR))
    lost = losses(probed(engine, outside), NOW)
    late = acts["weekly"].since_ns < NOW - DAY  # whole multiples since 1970: by the calendar
    assert [loss.object for loss in lost] == ["policy prompt", *["policy weekly"] * late]
    assert probed(engine, Outside(OUTSIDE.roots, None)).acts == ()


def test_what_waits_for_a_person_to_look_first_is_nobodys_failure(engine: Engine) -> None:
    found = policies(engine, seen="", met="", failing="", frozen="")
    for name, guard in (
        ("seen", "observed"),
        ("met", "max_objects"),
        ("failing", "max_errors"),
        ("frozen", "frozen-root: uploads"),
    ):
        one = HeldBack(name, guard, "because", 7, 70, 0, f"storewarden apply --policy {name}")
        held_back.replace(engine, HOST, name, [one], NOW - 2 * DAY)
    acts = {one.policy: one for one in probed(engine, Outside(OUTSIDE.roots, found)).acts}
    assert "seen" not in acts
    told = ("because", "storewarden apply --policy met")
    assert acts["met"] == Acts("met", 7, NOW - 2 * DAY, *told)
    assert acts["failing"].failing
    assert acts["frozen"] == Acts("frozen", 1, NOW - 9 * DAY)


def test_acts_count_that_were_tried_again_and_again(engine: Engine) -> None:
    act = {
        "root_id": 1,
        "verb": "archive",
        "members": "[]",
        "asked_by": "x",
        "reason": "",
        "bytes": 1,
        "planned_ns": NOW,
        "changed_ns": NOW,
    }
    some = (("p", 3, "full"), ("p", 5, "full"), (None, 4, "away"), ("q", 2, "busy"))
    with engine.transaction():
        for number, (policy, attempts, error) in enumerate(some):
            row = {**act, "mark": f"{number:016}", "policy": policy}
            row |= {"attempts": attempts, "error": error}
            engine.insert("acts", tuple(row), [tuple(row.values())])
    assert probed(engine).acts == (
        Acts("", 1, NOW, "away", "", True),
        Acts("p", 2, NOW, "full", "storewarden history --troubles --policy p", True),
    )


def test_another_hosts_troubles_are_its_own(engine: Engine) -> None:
    with engine.transaction():
        engine.execute(
            "INSERT INTO hosts (id, name, machine_id, first_seen_ns) VALUES (2,'o','o',1)"
        )
    database(engine, 1, "a", foreign_keys="off")
    stand(engine, 1, "check", {"why": "x"}, last_ns=NOW, outcome="found")
    stand(engine, 1, "backup", due_ns=NOW - 9 * DAY, failures=9)
    assert gather(engine, 2, Outside([]), NOW) == Probes()


# -- how it was -----------------------------------------------------------------------------------


def was(at_ns: int, until_ns: int, score: int = 100) -> Was:
    status = "healthy" if score >= 80 else "warning"
    return Was(at_ns, until_ns, score, status, "default", "[]")


def test_what_was_so_at_a_time_and_since_is_told_in_order(engine: Engine) -> None:
    assert health_history.last(engine, HOST) is None
    for hour, score in enumerate((100, 70, 90)):
        health_history.begin(engine, HOST, was(NOW + hour * HOUR, NOW + (hour + 1) * HOUR, score))
    assert health_history.last(engine, HOST) == was(NOW + 2 * HOUR, NOW + 3 * HOUR, 90)
    told = health_history.since(engine, HOST, NOW + HOUR + 1)
    assert [one.score for one in told] == [70, 90]
    assert health_history.since(engine, 2, 0) == []


def test_it_goes_on_without_a_new_row(engine: Engine) -> None:
    health_history.begin(engine, HOST, was(NOW, NOW, 70))
    health_history.go_on(engine, HOST, was(NOW, NOW + HOUR)._replace(deductions='["x"]'))
    told = health_history.since(engine, HOST, 0)
    assert told == [Was(NOW, NOW + HOUR, 70, "warning", "default", '["x"]')]


def test_what_is_old_is_forgotten_and_so_is_too_much(engine: Engine) -> None:
    for number in range(10):
        health_history.begin(engine, HOST, was(NOW + number, NOW + number))
    health_history.begin(engine, HOST, was(NOW - KEPT_NS - 2, NOW - KEPT_NS - 1))
    health_history.forget(engine, HOST, NOW)
    assert len(health_history.since(engine, HOST, 0)) == 10
    health_history.forget(engine, HOST, NOW, most=4)
    assert [one.at_ns - NOW for one in health_history.since(engine, HOST, 0)] == [6, 7, 8, 9]


def test_a_clock_that_stands_still_replaces_what_it_said(engine: Engine) -> None:
    health_history.begin(engine, HOST, was(NOW, NOW, 100))
    health_history.begin(engine, HOST, was(NOW, NOW, 70))
    assert [one.score for one in health_history.since(engine, HOST, 0)] == [70]
