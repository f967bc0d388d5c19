"""Whose a thing is, who sees it, who may change it, and in which words that is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.api.owning import (
    Owned,
    may_change,
    may_see,
    owner_after,
    refuse_unchangeable,
    refuse_unseen,
)
from storewarden.api.scopes import USUAL
from storewarden.api.who import MACHINE, Who
from storewarden.errors import NotAllowed, NotThere

ADA, BOB = Who(1, "ada", USUAL), Who(2, "bob", USUAL)
ADMIN = Who(3, "root", frozenset({"read", "write", "admin"}))
IDS = st.none() | st.integers(1, 3)
THINGS = st.builds(Owned, IDS, st.booleans(), st.booleans())


@given(THINGS)
def test_the_machine_and_administrators_see_and_change_all(it: Owned) -> None:
    assert may_see(MACHINE, it)
    assert may_see(ADMIN, it)
    assert may_change(MACHINE, it)
    assert may_change(ADMIN, it)


@given(THINGS)
def test_a_user_sees_what_is_its_own_or_public(it: Owned) -> None:
    assert may_see(ADA, it) == (it.owner_id == 1 or it.public)


@given(THINGS)
def test_a_user_changes_what_is_its_own_or_what_nobody_told_of(it: Owned) -> None:
    assert may_change(ADA, it) == (it.owner_id == 1 or (it.owner_id is None and not it.told))


def words(error: pytest.ExceptionInfo[Exception]) -> tuple[type[Exception], str]:
    return type(error.value), str(error.value)


def test_what_may_not_be_seen_is_refused_as_what_is_not_there() -> None:
    with pytest.raises(NotThere) as missing:
        refuse_unseen(BOB, None, "workflow", "story")
    with pytest.raises(NotThere) as hidden:
        refuse_unseen(BOB, Owned(1), "workflow", "story")
    with pytest.raises(NotThere) as unchangeable:
        refuse_unchangeable(BOB, Owned(1), "workflow", "story")
    assert words(missing) == words(hidden) == words(unchangeable)
    assert str(missing.value) == "there is no such workflow: story"


def test_what_is_public_may_be_seen_and_not_changed() -> None:
    refuse_unseen(BOB, Owned(1, public=True), "file", "a")
    with pytest.raises(NotAllowed, match="this file is another user's: a"):
        refuse_unchangeable(BOB, Owned(1, public=True), "file", "a")
    refuse_unchangeable(ADA, Owned(1), "file", "a")


@given(IDS, IDS)
def test_what_is_said_of_the_owner_holds(was: int | None, said: int | None) -> None:
    assert owner_after(MACHINE, was, said) == (said or was)
    assert owner_after(ADMIN, was, said) == (said or was)


def test_what_a_user_tells_of_is_the_users() -> None:
    assert owner_after(ADA, None, None) == 1
    assert owner_after(ADA, 1, None) == 1
