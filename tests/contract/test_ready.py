"""What a run takes up is what is decided and may be done, in the right order, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from storewarden.catalogue import policy_sets
from storewarden.catalogue import ready as rows
from storewarden.catalogue.engine import Engine
from storewarden.pipeline import ready
from storewarden.policy.pressure import Room
from storewarden.policy.rules import Force, Order, Pressure
from storewarden.policy.run import Due
from tests.catalogues import COLUMNS, file_row

DAY = 86_400 * 1_000_000_000
NOW = 20_000 * DAY
HOST = 1
OLDEST = Pressure(0.9, 0.8, (Order("size", descending=True),))


@pytest.fixture
def policy(engine: Engine) -> int:
    """A policy in force that has decided everything."""
    stored = policy_sets.put_in_force(engine, HOST, "set", (), {"p": "mark", "q": "mark"}, NOW)
    with engine.transaction():
        engine.execute("UPDATE policy_sets SET decided_through = ?", (10**9,))
    assert stored.fingerprint == "set"
    return policy_sets.policies(engine, HOST)["p"].id


def put(engine: Engine, policy: int, at: int, due_ns: int, **more: Any) -> int:
    """A file, and what is decided of it."""
    told = {"blocked": 0, "action": int(Force.TRASH), "store": None} | {
        key: more.pop(key) for key in ("blocked", "action", "store") if key in more
    }
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"%d" % at, inode=at, **more)])
        ((file_id,),) = engine.execute("SELECT max(id) FROM files")
        columns = ("file_id", "policy_id", "due_ns", *told)
        engine.insert("schedule", columns, [(file_id, policy, due_ns, *told.values())])
    return int(file_id)


def ids(engine: Engine, policy: int, now_ns: int = NOW) -> list[int]:
    return [each.file_id for each in ready.due(engine, HOST, policy, now_ns)]


def test_what_was_due_first_is_taken_up_first_and_nothing_before_its_time(
    engine: Engine, policy: int
) -> None:
    late, early = put(engine, policy, 1, NOW), put(engine, policy, 2, NOW - 5)
    put(engine, policy, 3, NOW + 1)
    put(engine, policy, 4, NOW, blocked=2)
    put(engine, policy_sets.policies(engine, HOST)["q"].id, 5, NOW)

    assert ids(engine, policy) == [early, late]
    assert list(ready.due(engine, 99, policy, NOW)) == []
    assert rows.earliest(engine, HOST)[policy] == NOW - 5
    assert rows.earliest(engine, 99) == {}


def test_all_of_it_is_read_page_by_page(engine: Engine, policy: int) -> None:
    made = [put(engine, policy, at, NOW - at // 3) for at in range(1, 12)]
    whole = ids(engine, policy)

    assert sorted(whole) == sorted(made)
    for page in (1, 2, 3, 11):
        found = rows.ready(engine, HOST, policy, NOW, page=page)
        assert [each.file_id for each in found] == whole


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO undecided (file_id) VALUES (1)",
        "UPDATE directories SET undecided = 1",
        "UPDATE policy_sets SET decided_through = 0",
    ],
)
def test_what_waits_to_be_decided_anew_is_not_taken_up(
    engine: Engine, policy: int, statement: str
) -> None:
    assert put(engine, policy, 1, NOW) == 1
    with engine.transaction():
        engine.execute(statement)

    assert ids(engine, policy) == []


def test_what_an_act_has_in_hand_is_not_taken_up(engine: Engine, policy: int) -> None:
    file_id = put(engine, policy, 1, NOW)
    with engine.transaction():
        engine.execute(
            "INSERT INTO acts (id, root_id, verb, mark, members, asked_by, reason, bytes,"
            " planned_ns, changed_ns) VALUES (1, 1, 'trash', '0123456789abcdef', '[]', 'p', 'p',"
            " 1, 1, 1)"
        )
        engine.execute("INSERT INTO act_files (act_id, file_id) VALUES (1, ?)", (file_id,))
    assert ids(engine, policy) == []

    with engine.transaction():
        engine.execute("UPDATE act_files SET open = 0")
    assert ids(engine, policy) == [file_id]


def test_what_goes_along_is_counted(engine: Engine, policy: int) -> None:
    whole = put(engine, policy, 1, NOW, action=int(Force.ARCHIVE), store="cold", size=100, blocks=8)
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"s", inode=9, size=7)])
        ((other,),) = engine.execute("SELECT max(id) FROM files")
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(other, whole, "metadata")])

    assert list(ready.due(engine, HOST, policy, NOW)) == [
        Due(whole, "uploads", Force.ARCHIVE, 107, 2, "cold", NOW)
    ]


def test_under_pressure_it_comes_in_the_order_that_is_written(engine: Engine, policy: int) -> None:
    made = [put(engine, policy, at, NOW - at, size=at % 4, blocks=8) for at in range(1, 9)]

    def first(limit: int, root: str = "uploads") -> list[int]:
        found = ready.spares(engine, HOST, policy, NOW, OLDEST, [root], limit)
        assert all(each.candidate.room == Room(rests=4096) for each in found)
        return [each.due.file_id for each in found]

    wanted = [made[at - 1] for at in (7, 3, 6, 2, 5, 1, 8, 4)]
    assert first(100) == wanted
    assert first(3) == wanted[:3]
    assert first(100, "other") == []
    without = Pressure(0.9, 0.8)
    found = ready.spares(engine, HOST, policy, NOW, without, ["uploads"])
    assert [each.due.file_id for each in found] == made[::-1]


def test_what_lies_elsewhere_frees_nothing_here(engine: Engine, policy: int) -> None:
    put(engine, policy, 1, NOW, action=int(Force.PURGE), state="archived", gone_ns=1, blocks=8)
    (spare,) = ready.spares(engine, HOST, policy, NOW, OLDEST, ["uploads"])
    assert not spare.candidate.room
