"""Why a condition is true of a file: as it was written, with what is known."""

from dataclasses import replace

from storewarden.policy.evaluate import evaluate
from storewarden.policy.explain import Explained, explain
from storewarden.policy.expression import All, Class, Not, Term
from storewarden.policy.subject import Subject

DAY = 86_400 * 10**9
NOW = 20_000 * DAY
FILE = Subject(1, "uploads", b"a/\xff.tar.gz", "video", 3 * 2**30, NOW - 40 * DAY, NOW)


def shown(name: str, subject: Subject = FILE) -> str:
    value = {"size": 1, "age": 1, "rating": 4, "pinned": True}.get(name, "x")
    compare = "<" if name == "age" else "="
    return explain(Term(name, compare, (value,)), subject, NOW).value  # type: ignore[arg-type]


def test_every_part_is_there_with_its_truth() -> None:
    old = Term("age", ">", (30 * DAY,), "30d")
    keeper = Class("keeper", Term("rating", ">=", (4,), "4"))
    condition = All((old, Not(keeper)))

    assert explain(condition, FILE, NOW) == Explained(
        "all of",
        "",
        True,
        (
            Explained("age > 30d", "40d", True),
            Explained(
                "not",
                "",
                True,
                (Explained("class keeper", "", False, (Explained("rating >= 4", "none", False),)),),
            ),
        ),
    )
    assert explain(condition, FILE, NOW).truth is evaluate(condition, FILE, NOW)


def test_values_are_shown_as_people_read_them() -> None:
    assert shown("size") == "3.0 GiB"
    assert shown("model") == "unknown"
    assert shown("model", replace(FILE, inspected=True, understood=True)) == "none"
    assert shown("tag") == "none"
    assert shown("tag", replace(FILE, tags=("a", "b"))) == "a, b"
    assert shown("name") == r"\xff.tar.gz" or shown("name") == r"\udcff.tar.gz"
    assert shown("ext") == "gz"
    assert shown("pinned") == "false"


def test_a_long_prompt_is_one_short_line() -> None:
    told = replace(FILE, inspected=True, understood=True, prompt="a cat\n" * 100)

    assert len(shown("prompt", told)) == 80
    assert "\n" not in shown("prompt", told)
