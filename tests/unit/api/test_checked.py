"""What applications send is a deed, or everything that is wrong with it is told at once."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.api.checked import Wrong, check, moment_ns, nanos, read
from storewarden.api.deeds import (
    DEEDS,
    Phase,
    TellChat,
    TellFile,
    TellScene,
    TellUsage,
    TellWorkflow,
)

PLACE = {"path": "save_outputs/a.png"}
WHOLE: dict[type, dict[str, Any]] = {
    TellWorkflow: {
        "workflow": "trailer-7",
        "status": "running",
        "started": "2026-01-31T12:00:00Z",
        "phases": [{"name": "script", "status": "done"}, {"name": "images"}],
        "more": {"style": "noir", "shots": [1, 2.5, None, True, {"deep": "er"}]},
    },
    TellScene: {"workflow": "trailer-7", "scene": "1", "number": 1, "prompt": "a\nb"},
    TellFile: {"path": "/data/\udcff.png", "workflow": "w", "scene": "s", "tags": ["a", "b"]},
    TellUsage: {"provider": "openai", "cost": "0.000000001", "tokens_in": 12, "duration": 1},
    TellChat: {**PLACE, "question": "who?", "answer": "nobody", "key": "k-1"},
}


@pytest.mark.parametrize("kind", WHOLE, ids=lambda kind: kind.__name__)
def test_what_is_right_becomes_a_deed_with_what_was_said(kind: type[Any]) -> None:
    deed = read(kind, WHOLE[kind])
    check(deed)
    for name, value in WHOLE[kind].items():
        if name not in {"phases", "tags", "cost"}:
            assert getattr(deed, name) == value


def test_what_is_null_was_not_said() -> None:
    assert read(TellFile, {**PLACE, "title": None, "tags": None}) == TellFile(path=PLACE["path"])


def told(kind: type[Any], fields: Any) -> list[str]:
    with pytest.raises(Wrong) as wrong:
        read(kind, fields)
    return [str(problem) for problem in wrong.value.problems]


def test_everything_wrong_is_told_at_once_with_its_place() -> None:
    lines = told(
        TellWorkflow,
        {
            "titel": "x",
            "started": "2026-01-01T00:00:00",
            "phases": [{"name": "a", "status": "don"}, 7],
        },
    )
    assert lines == [
        "/titel: is not known here; did you mean title?",
        "/started: is of no time zone; write Z, or +01:00, behind it",
        "/phases/0/status: is 'don'; did you mean done?",
        "/phases/1: is the number 7; write an object: {…}",
        "/workflow: is missing; a name without control characters",
    ]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("path", "", "is empty"),
        ("path", "a\0b", r"is 'a\x00b'"),
        ("path", "\ud800", "lone surrogate"),
        ("path", 7, "is the number 7"),
        ("path", None, "is null"),
        ("title", "two\nlines", r"is 'two\nlines'"),
        ("title", "\udcff", "lone surrogate"),
        ("title", "x" * 201, "has 201 characters"),
        ("rating", True, "is true"),
        ("rating", 5.5, "is 5.5"),
        ("rating", math.nan, "is the number nan"),
        ("rating", 10**400, "is the number too large"),
        ("public", "yes", "is a text"),
        ("tags", "a", "is a text"),
        ("tags", ["a", ""], "/tags/1: is empty"),
        ("tags", ["a"] * 1001, "has 1001 items"),
        ("metadata", [], "is a list"),
        ("metadata", {"a": math.inf}, "a number that is none"),
        ("metadata", {"a": "\0"}, "cannot be kept"),
        ("metadata", {"a": "x" * 100_001}, "characters of JSON"),
        ("metadata", {1: 2}, "a key that is the number 1"),
        ("a/b~c", 1, "/a~1b~0c: is not known here"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(field: str, value: Any, why: str) -> None:
    (line,) = told(TellFile, {**PLACE, field: value})
    assert why in line


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (-1, "is -1"),
        ("1e999999", "is 1e+999999"),
        ("NaN", "is a text"),
        ("a lot", "is a text"),
        (True, "is true"),
    ],
)
def test_money_that_is_none_is_refused(value: Any, why: str) -> None:
    (line,) = told(TellUsage, {"provider": "x", "cost": value})
    assert why in line


def test_fields_that_do_not_go_together_are_refused() -> None:
    assert told(TellFile, {**PLACE, "scene": "1"}) == [
        "/scene: is of no workflow; say the workflow too"
    ]
    times = {"started": "2026-01-02T00:00:00Z", "ended": "2026-01-02T00:30:00+01:00"}
    assert "/ended: is before it started" in told(TellWorkflow, {"workflow": "w", **times})[0]
    twice = [{"name": "a"}, {"name": "a"}]
    assert (
        "/phases/1/name: is there twice"
        in told(TellWorkflow, {"workflow": "w", "phases": twice})[0]
    )


def test_what_is_nested_without_end_is_refused_and_harms_nothing() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert "nested too deeply" in told(TellFile, {**PLACE, "metadata": deep})[0]


def test_a_deed_made_by_a_program_is_held_to_the_same() -> None:
    wrong = TellWorkflow(workflow="w", status="gone", phases=(Phase(name=""),))
    with pytest.raises(Wrong) as refused:
        check(wrong)
    assert [problem.pointer for problem in refused.value.problems] == ["/status", "/phases/0/name"]


def test_times_and_money_are_exact() -> None:
    assert moment_ns("1970-01-01T01:00:00.000001+01:00") == 1000
    assert moment_ns("2026-01-31T12:00:00Z") == 1_769_860_800_000_000_000
    assert nanos(Decimal("12345678.123456789")) == 12_345_678_123_456_789


anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


@given(data=some.data())
def test_whatever_is_sent_is_a_deed_or_is_refused(data: some.DataObject) -> None:
    kind: type[Any] = data.draw(some.sampled_from(DEEDS))
    names = some.sampled_from([*asdict_names(kind), "other"])
    fields = data.draw(some.dictionaries(names, anything, max_size=6))
    with suppress(Wrong):
        check(read(kind, fields))


def asdict_names(kind: type[Any]) -> list[str]:
    return list(kind.__dataclass_fields__)


def test_phases_keep_their_order() -> None:
    deed = read(TellWorkflow, WHOLE[TellWorkflow])
    assert [asdict(phase)["name"] for phase in deed.phases] == ["script", "images"]
