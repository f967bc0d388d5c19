"""The words of conditions: what may be compared with what, in which units."""

import pytest

from storewarden.policy import terms
from storewarden.policy.expression import Term, Value
from storewarden.policy.terms import TERMS, TermError


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size", "1GiB", 2**30),
        ("age", "30d", 30 * 86_400 * 10**9),
        ("duration", "1h 30min", 5400 * 10**9),
        ("rating", "4", 4),
        ("rating", "4.5", 4.5),
        ("free_ratio", "25%", 0.25),
        ("free_ratio", "0.25", 0.25),
        ("width", "1024", 1024),
        ("seed", "0042", 42),
        ("seed", "123456789012345678901234567890", 123456789012345678901234567890),
        ("pinned", "true", True),
        ("kind", "video", "video"),
        ("path", "a/b/", "a/b/"),
    ],
)
def test_values_are_read_with_their_units(name: str, text: str, value: Value) -> None:
    assert terms.read(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("size", "5", "5 has no unit"),
        ("age", "30", "30 has no unit"),
        ("age", "5m", "ambiguous"),
        ("duration", "2", "2 has no unit"),
        ("rating", "good", "'good' is no number"),
        ("rating", "nan", "'nan' is no number"),
        ("rating", "inf", "'inf' is no number"),
        ("rating", "1..5", "'1..5' is no number"),
        ("cost", "1e999", "too large"),
        ("width", "10.5", "no whole number"),
        ("width", "9" * 30, "beyond 64 bits"),
        ("seed", "4.2", "no whole number"),
        ("pinned", "yes", "neither true nor false"),
        ("kind", "", "compared with nothing"),
        ("name", "a\0b", "leave out the NUL character"),
        ("path", "/srv/a", "leave out the slash"),
        ("ext", "jp*", "no ending of a name"),
        ("sise", "5B", "did you mean size?"),
        ("nothing_like_it", "5B", "there are: kind, root"),
    ],
)
def test_what_is_no_value_is_refused(name: str, text: str, says: str) -> None:
    with pytest.raises(TermError, match=says):
        terms.read(name, text)


@pytest.mark.parametrize(
    ("name", "compare", "says"),
    [
        ("age", "=", "write age <"),
        ("kind", ">", "write kind = or kind !="),
        ("pinned", "<", "pinned does not go with <"),
        ("seed", ">=", "seed does not go with >="),
    ],
)
def test_what_does_not_compare_is_refused(name: str, compare: str, says: str) -> None:
    with pytest.raises(TermError, match=says):
        terms.check(name, compare, (1,))  # type: ignore[arg-type]


def test_only_equality_goes_with_several_values() -> None:
    terms.check("kind", "!=", ("image", "video"))
    with pytest.raises(TermError, match="one value"):
        terms.check("size", ">", (1, 2))


def test_a_term_is_shown_as_it_was_written() -> None:
    assert terms.written(Term("size", ">", (2**30,), "1GiB")) == "size > 1GiB"
    assert terms.written(Term("size", ">", (2**30,), "> 1GiB")) == "size > 1GiB"
    assert terms.written(Term("kind", "=", ("image", "video"))) == "kind = image, video"
    assert terms.written(Term("idle", ">=", (90 * 86_400 * 10**9,))) == "idle >= 90d"
    assert terms.written(Term("pinned", "=", (True,))) == "pinned = true"


def test_every_term_has_a_meaning_and_what_is_ordered_by_is_a_number() -> None:
    assert all(term.says for term in TERMS.values())
    assert all(TERMS[name].kind != "text" for name in terms.ORDERS)
