"""Conditions and orders as a line of text, and what is said of a line that cannot be read."""

from pathlib import Path

import pytest

from storewarden.config.problems import Origin, Place, Problems
from storewarden.policy import text
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.rules import Order

PLACE = Place(Origin("p.yaml", Path()), 3, 7)
PINNED = Term("pinned", "=", (True,), "true")
BUSY = Term("opens_per_day", ">=", (5,), "5")
BIG = Term("size", ">", (2**30,), "1GiB")


def read(line: str) -> Condition | None:
    problems = Problems()
    found = text.parse(line, PLACE, problems, "local_if", {"keeper": PINNED})
    assert problems.lines() == ()
    return found


def wrong(line: str) -> str:
    problems = Problems()
    assert text.parse(line, PLACE, problems, "local_if") is None
    assert len(problems.lines()) == 1
    return problems.lines()[0].removeprefix("p.yaml:3:7: local_if: ")


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("opens_per_day >= 5", BUSY),
        ("opens_per_day>=5 or size>1GiB", Any((BUSY, BIG))),
        ("pinned or opens_per_day >= 5 and size > 1GiB", Any((PINNED, All((BUSY, BIG))))),
        ("(pinned or opens_per_day >= 5) and size > 1GiB", All((Any((PINNED, BUSY)), BIG))),
        ("not pinned and size > 1GiB", All((Not(PINNED), BIG))),
        ("not (pinned and size > 1GiB)", Not(All((PINNED, BIG)))),
        ("keeper", Class("keeper", PINNED)),
        ("kind = image, video", Term("kind", "=", ("image", "video"), "image, video")),
        ("kind == image", Term("kind", "=", ("image",), "image")),
        ('name = "a b, c"', Term("name", "=", ("a b, c",), '"a b, c"')),
        ("model != flux*", Term("model", "!=", ("flux*",), "flux*")),
        ("name = '[ab]*.db'", Term("name", "=", ("[ab]*.db",), "[ab]*.db")),
    ],
)
def test_lines_are_conditions(line: str, means: Condition) -> None:
    assert read(line) == means


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "nothing is no condition; write for example opens_per_day >= 5"),
        ("opens_per_dy >= 5", "at character 1; did you mean opens_per_day?"),
        ("size > 5", "5 has no unit at character 1; write 5B, 5MB, 5GiB, …"),
        ("pinned and", "a term is missing after 'and' at character 8"),
        ("size >", "a value of size is missing after '>' at character 6"),
        ("size > and pinned", "a value of size is missing after '>' at character 6"),
        ("(pinned", "the bracket is not closed at character 1; write ) behind it"),
        ("pinned)", "')' is unexpected at character 7; open a bracket before"),
        ("pinned regenerable", "is unexpected at character 8; join conditions by and, or"),
        ("size", "size is compared with nothing at character 1; write for example size = …"),
        ("age", "age is compared with nothing at character 1; write for example age >= …"),
        ("pinned ! true", "'!' is unexpected at character 8; write != or not"),
        ("name = 'a", "is unexpected at character 8; close the quotes"),
        ("not " * 60 + "pinned", "the expression is too deep; put parts of it into classes"),
        ("(" * 60, "the expression is too deep"),
        ("pinned or " * 2000 + "pinned", "the expression is too long"),
    ],
)
def test_what_is_no_condition_is_told_with_its_character(line: str, says: str) -> None:
    assert says in wrong(line)


def test_an_order_is_a_line_or_a_list() -> None:
    problems = Problems()
    wanted = (Order("regenerable", descending=True), Order("last_used"))

    assert text.parse_order("regenerable desc, last_used asc", PLACE, problems) == wanted
    assert text.parse_order(["regenerable desc", "last_used"], PLACE, problems) == wanted
    assert problems.lines() == ()


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("kind desc", "files are not ordered by 'kind'; there are: size,"),
        ("size down", "'size down' is no order; write size desc"),
        ("size, size desc", "size is there twice"),
        ("size,", "files are not ordered by ''"),
    ],
)
def test_what_is_no_order_is_told(order: str, says: str) -> None:
    problems = Problems()
    text.parse_order(order, PLACE, problems, "order")

    assert says in problems.lines()[0]
