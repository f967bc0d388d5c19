"""What goes first under pressure goes first on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden.catalogue.engine import Engine
from storewarden.policy.known import WINDOW, fact
from storewarden.policy.ordering import ordering
from storewarden.policy.rules import Order
from storewarden.policy.sql import joins
from storewarden.policy.sql_pieces import Speech
from storewarden.policy.subject import Day, Subject
from tests.policies import DAY, NOW, clean, many_subjects, store

TERMS = (
    *("size", "age", "modified", "last_used", "regenerable", "rating", "cost", "opens_per_day"),
)
orders = st.lists(st.builds(Order, st.sampled_from(TERMS), st.booleans()), max_size=3)


def in_order(engine: Engine, order: Sequence[Order]) -> list[int]:
    """Ask the database; of equals the one that was known first goes first."""
    by = ordering(order, Speech(engine.dialect, NOW, WINDOW))
    first = f"{by.text}, " if by else ""
    rows = engine.execute(
        f"SELECT f.id FROM {joins(by.joins, engine.dialect)} WHERE f.id <= 20 ORDER BY {first}f.id",
        by.params,
    )
    return [id_ for (id_,) in rows]


def meant(files: list[Subject], order: Sequence[Order]) -> list[int]:
    """What is not known goes last."""
    result = files
    for by in reversed(order):
        known = [(value, each) for each in result if (value := asked(by.term, each)) is not None]
        known.sort(key=lambda pair: pair[0], reverse=by.descending)
        unknown = [each for each in result if asked(by.term, each) is None]
        result = [*(each for _, each in known), *unknown]
    return [each.id for each in result]


def asked(term: str, subject: Subject) -> float | int | None:
    if term == "modified":
        return subject.modified_ns
    if term == "last_used":
        return subject.last_used_ns
    known = fact(term, subject, NOW, WINDOW)
    return known if isinstance(known, int | float) else None


@given(files=many_subjects(least=3, most=20), order=orders)
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_files_go_in_the_order_that_is_meant(
    engine: Engine, files: list[Subject], order: list[Order]
) -> None:
    clean(engine)
    store(engine, files)

    assert in_order(engine, order) == meant(files, order)


def file(id_: int, idle: int, **more: object) -> Subject:
    subject = Subject(
        *(id_, "renders", b"%d.png" % id_, "image", 100, NOW - 100 * DAY, NOW - 100 * DAY),
        inspected=True,
        mime="image/png",
        understood=True,
        usage_since_ns=NOW - 45 * DAY,
        last_opened_ns=NOW - idle * DAY,
    )
    return replace(subject, **more)  # type: ignore[arg-type]  # fields of a subject


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ((Order("size"),), [1, 3, 2]),
        ((Order("size", descending=True),), [2, 3, 1]),
        ((Order("age", descending=True),), [2, 1, 3]),
        ((Order("modified"),), [3, 1, 2]),
        ((Order("rating"),), [2, 1, 3]),  # what nobody rated goes last
        ((Order("rating", descending=True),), [1, 2, 3]),
        ((Order("cost"),), [1, 2, 3]),
        ((Order("regenerable", descending=True), Order("last_used")), [3, 2, 1]),
        ((Order("opens_per_day"), Order("size", descending=True)), [2, 3, 1]),
        ((), [1, 2, 3]),
    ],
)
def test_the_order_is_the_one_that_is_written(
    engine: Engine, order: tuple[Order, ...], first: list[int]
) -> None:
    made = {"tool": "flux", "model": "flux1", "prompt": "dusk", "seed": "1"}
    today = (Day(NOW // DAY - 1, 30, 0),)
    files = [
        file(1, 20, size=10, rating=5.0, modified_ns=NOW - 90 * DAY, days=today),
        file(2, 30, size=99, rating=1.0, first_seen_ns=NOW - 200 * DAY, modified_ns=NOW - 50 * DAY),
        file(3, 10, size=50, first_seen_ns=NOW - 50 * DAY, **made),
    ]
    clean(engine)
    store(engine, files)

    assert in_order(engine, order) == first
