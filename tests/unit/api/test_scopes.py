"""Scopes: which there are, how they are written, and what each lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.api import scopes
from storewarden.api.who import MACHINE, Scope, Who
from storewarden.errors import NotAllowed, UsageError

SETS = st.frozensets(st.sampled_from(scopes.SCOPES), min_size=1)


@given(SETS)
def test_scopes_are_read_as_they_are_written(kept: frozenset[Scope]) -> None:
    assert scopes.read_scopes(scopes.write_scopes(kept)) == kept


def test_scopes_are_written_in_one_order() -> None:
    assert scopes.write_scopes(["write", "read"]) == "read,write"
    assert scopes.read_scopes(" write , read,") == {"read", "write"}


@pytest.mark.parametrize(
    ("text", "why"),
    [("raed", "raed is none of read, write, admin"), ("", "none is named"), (",", "none is named")],
)
def test_a_scope_that_there_is_not_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        scopes.read_scopes(text)


@given(SETS)
def test_an_administrator_may_do_all_and_nobody_else_more_than_is_said(
    kept: frozenset[Scope],
) -> None:
    assert scopes.granted(kept) == (set(scopes.SCOPES) if "admin" in kept else kept)


def test_who_lacks_a_scope_is_told_which_it_has_and_which_it_needs() -> None:
    scopes.require(MACHINE, "admin")
    who = Who(1, "ada", frozenset({"read"}))
    scopes.require(who, "read")
    with pytest.raises(NotAllowed) as refused:
        scopes.require(who, "write")
    assert str(refused.value) == (
        "this token may not write: its scope is read;"
        " use one with the scope write: storewarden user token NAME --scope write"
    )
