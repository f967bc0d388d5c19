"""The id of a plan: equal for the same, another one for anything else; and what differs is said."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.pipeline.plan_id import Items, PlanId

Item = tuple[int, int, int, int, str, str | None]
some_items = st.lists(
    st.tuples(
        st.integers(1, 2**40),
        st.integers(0, 2**50),
        st.integers(-(2**62), 2**62),
        st.integers(1, 5),
        st.sampled_from(("renders", "films")),
        st.sampled_from((None, "cold", "local")),
    ),
    unique_by=lambda each: each[0],
    max_size=20,
)
CHANGES: dict[str, Any] = {
    "file": (0, 99),
    "size": (1, 99),
    "time": (2, 99),
    "action": (3, 4),
    "policy": (4, "other"),
    "store": (5, "cold"),
}
ITEM: Item = (1, 2, 3, 5, "renders", None)


def id_of(items: list[Item], policies: str = "as they are") -> PlanId:
    added = Items()
    for item in items:
        added.add(*item)
    return added.id(policies)


@given(some_items, st.integers())
def test_the_order_does_not_matter_and_it_is_read_back(items: list[Item], seed: int) -> None:
    shuffled = random.Random(seed).sample(items, len(items))
    first = id_of(items)
    assert id_of(shuffled) == first
    assert first.files == len(items)
    assert PlanId.of(f" {first}\n") == first
    assert first.unlike(id_of(shuffled)) == ""


@pytest.mark.parametrize("what", list(CHANGES))
def test_whatever_changes_makes_it_another_one(what: str) -> None:
    at, value = CHANGES[what]
    other: Any = (*ITEM[:at], value, *ITEM[at + 1 :])
    assert id_of([ITEM]).unlike(id_of([other])) == (
        "other files are meant, or they changed, or go elsewhere"
    )


def test_what_differs_is_said() -> None:
    assert id_of([ITEM]).unlike(id_of([])) == "it was of 1 file, now it is of 0 files"
    assert id_of([ITEM]).unlike(id_of([ITEM], "others")) == "the policies say something else now"
    both = id_of([ITEM] * 1204).unlike(id_of([ITEM], "others"))
    assert both == (
        "the policies say something else now, and it was of 1,204 files, now it is of 1 file"
    )


@pytest.mark.parametrize("text", ["", "12", "9f2c-1204", "9f2c-x-0123456789abcdef", "9F2C-1-0"])
def test_what_is_no_id_is_none(text: str) -> None:
    assert PlanId.of(text) is None
