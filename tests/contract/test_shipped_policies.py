"""What the tests inside the shipped policies promise is decided by both databases as well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.policy.decide import decide
from storewarden.policy.load import read
from storewarden.policy.made_up import make
from storewarden.policy.sources import read_sources, shipped
from storewarden.policy.subject import Day, Subject
from storewarden.policy.trial import NOON_NS, run
from storewarden.policy.verdict import COLUMNS, verdict
from tests import policies as made_up
from tests.policies import clean, store

STORES, TABLES = ("cloud", "archive"), ("app.conversations",)


def storable(made: Subject) -> Subject:
    """A made-up file as a catalogue can hold it: in a root, of a type, used whole times."""
    days = tuple(Day(one.day, int(one.opens), int(one.writes)) for one in made.days)
    root = made.root or "elsewhere"
    return replace(made, id=1, root=root, mime=made.mime or "image/png", days=days)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_policy_keeps_its_promises_in_sql(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    policies = read(read_sources([f"shipped:{name}"]), stores=STORES, tables=TABLES)
    assert all(one.passed for one in run(policies))

    for expectation in policies.tests:
        made = make(expectation, policies, NOON_NS)
        file = storable(made.subject)
        monkeypatch.setattr(made_up, "ROOTS", {file.root: file.usage_since_ns})
        clean(engine)
        store(engine, [file])
        ids = {policy.id: at for at, policy in enumerate(made.policy_set.policies, 1)}
        query = verdict(made.policy_set, ids, engine.dialect, NOON_NS)
        (row,) = engine.execute(query.query("f.id = ?"), (*query.params, 1))
        told = dict(zip(COLUMNS, row[1:], strict=True))

        wanted = decide(file, made.policy_set, NOON_NS)
        assert told["action"] == wanted.action, expectation
        assert (told["due_ns"], told["store"]) == (wanted.due_ns, wanted.store), expectation
        assert told["blocked"] == wanted.blocked, expectation
        assert told["policy_id"] == (ids[wanted.policy] if wanted.policy else None), expectation
