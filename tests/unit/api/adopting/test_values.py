"""What a column holds becomes what a deed takes, or it is told why not."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from storewarden.api.adopting.fitting import Source
from storewarden.api.adopting.kinds import Value, fields
from storewarden.api.adopting.values import Maker, Odd


def made(kind: str, name: str, held: Any, **more: Any) -> Any:
    zone = ZoneInfo("Europe/Berlin")
    source = Source(Value("map:1:1", ("c",), **more), (0,), names=("c",))
    return Maker(zone).made(fields(kind)[name], source, [held])


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("2026-01-02 10:00:00", "2026-01-02T10:00:00+01:00"),
        ("2026-07-02T10:00:00.25", "2026-07-02T10:00:00.250000+02:00"),
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+01:00"),
        (1767348400, "2026-01-02T10:06:40+00:00"),
        (" 1767348400", "2026-01-02T10:06:40+00:00"),
        (1767348400.25, "2026-01-02T10:06:40.250000+00:00"),
        (1767348400250, "2026-01-02T10:06:40.250000+00:00"),
        (1767348400250000, "2026-01-02T10:06:40.250000+00:00"),
        (1767348400250000999, "2026-01-02T10:06:40.250000+00:00"),
    ],
)
def test_times_are_understood_however_they_are_written(held: Any, told: str) -> None:
    assert made("usage", "at", held) == told


@pytest.mark.parametrize(
    ("kind", "name", "held", "told"),
    [
        ("workflow", "workflow", 17, "17"),
        ("workflow", "workflow", 17.0, "17"),
        ("workflow", "title", "", None),
        ("workflow", "title", None, None),
        ("workflow", "public", 0, False),
        ("workflow", "public", " Yes ", True),
        ("scene", "number", "12", 12),
        ("scene", "number", 12.0, 12),
        ("usage", "cost", 0.1, "0.100000000"),
        ("usage", "cost", "12.5", "12.500000000"),
        ("usage", "duration", "3", 3.0),
        ("usage", "tokens_in", 2**40, 2**40),
        ("file", "rating", 4, 4.0),
        ("file", "tags", "a, b,,a", ["a", "b"]),
        ("file", "tags", '["a", 7]', ["a", "7"]),
        ("file", "path", {"__bytes__": "L/8="}, "/\udcff"),
        ("workflow", "status", " Done ", "done"),
    ],
)
def test_values_are_taken_as_they_are_meant(kind: str, name: str, held: Any, told: Any) -> None:
    assert made(kind, name, held) == told


@pytest.mark.parametrize(
    ("kind", "name", "held", "why"),
    [
        ("usage", "at", "yesterday", "'yesterday' is no time"),
        ("usage", "at", 10**30, "can be"),
        ("usage", "at", float("inf"), "can be"),
        ("usage", "cost", "free", "is no number"),
        ("scene", "number", 1.5, "no whole number"),
        ("scene", "number", "1e3", "no whole number"),
        ("workflow", "public", "maybe", "neither yes nor no"),
        ("workflow", "title", {"__bytes__": "/w=="}, "bytes, and no text"),
        ("workflow", "title", {"__long__": 9_000_000}, "9,000,000 bytes long"),
        ("workflow", "status", "exploded", "say in words: of the map"),
        ("file", "tags", "[1", "no JSON"),
    ],
)
def test_what_cannot_be_meant_is_told(kind: str, name: str, held: Any, why: str) -> None:
    with pytest.raises(Odd, match=why):
        made(kind, name, held)


def test_words_of_the_application_are_translated() -> None:
    words = {"words": (("ready", "done"), ("1", "running")), "otherwise": "planned"}

    told = [made("workflow", "status", held, **words) for held in ("READY", 1, "x", None)]

    assert told == ["done", "running", "planned", "planned"]


def test_a_value_is_put_into_a_form_cut_and_counted_in_its_unit() -> None:
    assert made("file", "workflow", 7, form="job-{}") == "job-7"
    assert made("file", "title", "a\nb  c", cut=True) == "a b c"
    assert made("file", "title", "x" * 300, cut=True) == "x" * 199 + "…"
    assert made("usage", "duration", 1500, unit="ms") == 1.5


def gathered(row: list[Any], plain: tuple[str, ...], json: tuple[str, ...]) -> Any:
    at = tuple(range(len(plain)))
    json_at = tuple(range(len(plain), len(row)))
    source = Source(Value("map:1:1"), at, json_at, (*plain, *json))
    return Maker().made(fields("file")["metadata"], source, row)


def test_columns_are_gathered_beside_what_json_says() -> None:
    row = ["ink", None, '{"steps": 30, "style": "x"}', "[1]"]

    assert gathered(row, ("style", "none"), ("meta", "list")) == {
        "steps": 30,
        "style": "ink",
        "list": [1],
    }
    assert gathered([None, ""], ("style",), ("meta",)) is None
    with pytest.raises(Odd, match="infinite"):
        gathered([float("inf")], ("style",), ())
    with pytest.raises(Odd, match="no JSON"):
        gathered(["{"], (), ("meta",))


def phases(held: Any) -> Any:
    value = Value("map:1:1", json=("p",), words=(("completed", "done"),))
    return Maker().made(fields("workflow")["phases"], Source(value, (), (0,), ("p",)), [held])


def test_phases_come_as_names_with_states_or_as_a_list() -> None:
    assert phases('{"script": "completed", "video": {"state": "running", "error": "no"}}') == [
        {"name": "script", "status": "done"},
        {"name": "video", "status": "running", "detail": "no"},
    ]
    assert phases('[{"phase": "a", "started_at": 1767348400}, "b"]') == [
        {"name": "a", "started": "2026-01-02T10:06:40+00:00"},
        {"name": "b"},
    ]
    assert phases("") is None
    for wrong in ("7", '[{"name": ["a"]}]'):
        with pytest.raises(Odd):
            phases(wrong)
