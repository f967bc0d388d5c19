"""Wishes, progress and results reach the other process as they were meant."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.daemon.acting.wish import (
    MOST_TROUBLES,
    Result,
    Told,
    Trouble,
    Wanted,
    Wish,
)
from storewarden.errors import UsageError

PATHS = st.binary(min_size=1, max_size=40) | st.text(min_size=1).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@given(PATHS)
def test_any_name_survives(path: bytes) -> None:
    wish = Wish(
        (Wanted(3, "restore", to=path, undoes=7), Wanted(4, "archive", "cold", "old")),
        *("anna", "because"),
        ("old",),
    )
    told = Told(1, 2, 3, 4, 10, 5, 6, 7, "uploads", path)
    trouble = Trouble("uploads", path, "trash", "refused", "it changed")

    assert Wish.of(json.loads(json.dumps(wish.facts()))) == wish
    assert Told.of(json.loads(json.dumps(told.facts()))) == told
    assert Trouble.of(json.loads(json.dumps(trouble.facts()))) == trouble


def test_a_result_survives_and_two_are_one() -> None:
    trouble = Trouble("r", b"\xff", "trash", "failed", "no")
    one = Result(1, 2, 3, 4, 5, 6, 7, 0.5, (trouble,) * 600, 1, ("owner",))
    assert Result.of(json.loads(json.dumps(one.facts()))) == one

    both = one.plus(one)
    assert both[:8] == (2, 4, 6, 8, 10, 12, 14, 1.0)
    assert len(both.troubles) == MOST_TROUBLES
    assert both.more_troubles == 202
    assert Told.of({}) == Told()


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"wanted": [{}], "asked_by": "anna", "reason": ""},
        {"wanted": [{"file_id": 1, "verb": "burn"}], "asked_by": "anna", "reason": ""},
        {"wanted": [{"file_id": 1, "verb": "copy"}], "asked_by": "anna", "reason": ""},
        {
            "wanted": [{"file_id": 1, "verb": "trash", "store": "cold"}],
            "asked_by": "anna",
            "reason": "",
        },
        {"wanted": [], "asked_by": "", "reason": ""},
        {"wanted": "nothing", "asked_by": "anna", "reason": ""},
    ],
)
def test_what_is_no_wish_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Wish.of(facts)
