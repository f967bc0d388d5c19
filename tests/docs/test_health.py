"""The guide to health names every reason, with what it costs, and every profile."""

from __future__ import annotations

import re
from pathlib import Path

from storewarden.config.schema import HEALTH_PROFILES, HealthSettings
from storewarden.health.losses import (
    FULL_DAYS,
    FULL_DAYS_BACK,
    FULL_SHARE,
    FULL_SHARE_BACK,
    LATE_SECONDS_BACK,
    SLOW_STATEMENTS,
)
from storewarden.health.profiles import TIMES, profile_of
from storewarden.health.reasons import REASONS
from storewarden.health.score import HEALTHY, MOST_OBJECTS, WARNING
from storewarden.measure.table import TABLE

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guide/health.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (\d+)(?: each, (\d+) at most)? \| (.+) \| (.+) \|$", re.MULTILINE)


def test_every_reason_has_its_line_with_what_it_costs_and_what_mends_it() -> None:
    rows = {reason: (points, most) for reason, points, most, _, _ in ROW.findall(GUIDE)}
    points = profile_of(HealthSettings()).points
    assert tuple(rows) == REASONS
    for reason, (each, most) in rows.items():
        assert int(each) == points[reason]
        assert int(most or each) == points[reason] * TIMES.get(reason, 1)


def test_what_mends_it_leads_to_a_page() -> None:
    for reason, _, _, _, mends in ROW.findall(GUIDE):
        assert "](" in mends or "storewarden" in mends, reason


def test_every_profile_is_told() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| (?:as above|the formula)", GUIDE, re.MULTILINE)) == set(
        HEALTH_PROFILES
    )


def test_the_limits_are_those_of_the_program() -> None:
    assert f"From {HEALTHY} it is healthy, from {WARNING} a warning" in GUIDE
    assert f"more than {FULL_SHARE:.0%} full" in GUIDE
    assert f"below {FULL_SHARE_BACK:.0%}" in GUIDE
    assert (FULL_DAYS, FULL_DAYS_BACK, LATE_SECONDS_BACK) == (7, 8, 30)
    assert "within seven days" in GUIDE
    assert "with eight days left" in GUIDE
    assert (SLOW_STATEMENTS, MOST_OBJECTS) == (10, 10)
    assert "more than ten statements within a day" in GUIDE


def test_the_metric_names_every_reason() -> None:
    (row,) = [row for row in TABLE if row.name == "health_deduction_points"]
    assert f"({', '.join(REASONS)})" in row.help
