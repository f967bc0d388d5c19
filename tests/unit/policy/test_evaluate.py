"""Terms of one file: true, false, or unknown; what is absent is not unknown."""

from dataclasses import replace

import pytest

from storewarden.policy.evaluate import evaluate, flips, hysteresis
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Truth, Value
from storewarden.policy.subject import Day, Subject

SECOND = 10**9
DAY = 86_400 * SECOND
NOW = 20_000 * DAY + 12 * 3600 * SECOND

PLAIN = Subject(1, "uploads", b"a/b/Cat.PNG", "image", 1024, NOW - 10 * DAY, NOW - 5 * DAY)
LOOKED = replace(PLAIN, inspected=True, understood=True, mime="image/png")
MADE = replace(
    LOOKED, tool="comfyui", model="flux1-dev", prompt="A Cat at dusk", seed="42", width=512
)
TOOL_ONLY = replace(LOOKED, understood=False, tool="novelai")
USED = replace(
    PLAIN,
    usage_since_ns=NOW - 100 * DAY,
    last_opened_ns=NOW - 2 * DAY,
    days=(Day(19_998, 20, 1), Day(19_950, 500, 500)),
)


def term(name: str, compare: str, *values: Value) -> Term:
    return Term(name, compare, values)  # type: ignore[arg-type]


YES, NO, UNKNOWN = (
    term("kind", "=", "image"),
    term("kind", "=", "video"),
    term("model", "=", "flux*"),
)


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        (All(()), True),
        (Any(()), False),
        (All((YES, UNKNOWN)), None),
        (All((UNKNOWN, NO)), False),
        (Any((NO, UNKNOWN)), None),
        (Any((UNKNOWN, YES)), True),
        (Not(UNKNOWN), None),
        (Not(NO), True),
        (Class("c", UNKNOWN), None),
        (Not(All((UNKNOWN, NO))), True),
    ],
)
def test_the_third_truth(condition: Condition, truth: Truth) -> None:
    assert evaluate(condition, PLAIN, NOW) is truth


@pytest.mark.parametrize(
    ("wanted", "truth"),
    [
        (term("root", "=", "uploads"), True),
        (term("root", "!=", "up*"), False),
        (term("kind", "=", "video", "image"), True),
        (term("kind", "!=", "video", "image"), False),
        (term("name", "=", "*.PNG"), True),
        (term("name", "=", "*.png"), False),
        (term("ext", "=", "png"), True),
        (term("ext", "=", ".Png"), True),
        (term("ext", "!=", "jpg", "png"), False),
        (term("path", "=", "a/"), True),
        (term("path", "=", "a/b/"), True),
        (term("path", "=", "a/b"), False),
        (term("path", "=", "a/*.PNG"), True),
        (term("path", "=", "b/*"), False),
        (term("path", "=", "a/b/Cat.PNG"), True),
        (term("size", ">=", 1024), True),
        (term("size", ">", 1024), False),
        (term("age", ">=", 10 * DAY), True),
        (term("age", ">", 10 * DAY), False),
        (term("modified", "<", 5 * DAY + 1), True),
        (term("pinned", "=", value := True), False),
        (term("pinned", "!=", value), True),
        (term("copies", "=", 0), True),
        (term("copies", ">", 0), False),
    ],
)
def test_what_is_recorded_is_known(wanted: Term, truth: Truth) -> None:
    assert evaluate(wanted, PLAIN, NOW) is truth


def test_a_name_that_begins_with_its_only_dot_has_no_extension() -> None:
    assert evaluate(term("ext", "=", "png"), replace(PLAIN, path=b"a/.png"), NOW) is False


@pytest.mark.parametrize("name", ["rating", "tag", "owner"])
def test_what_nobody_told_is_absent_and_not_unknown(name: str) -> None:
    value = 4 if name == "rating" else "x*"
    assert evaluate(term(name, "=", value), PLAIN, NOW) is False
    assert evaluate(term(name, "!=", value), PLAIN, NOW) is True


def test_of_several_tags_any_may_be_meant() -> None:
    tagged = replace(PLAIN, tags=("raw", "client-a"), rating=4.0, owner="ann")

    assert evaluate(term("tag", "=", "client-*"), tagged, NOW) is True
    assert evaluate(term("tag", "!=", "raw"), tagged, NOW) is False
    assert evaluate(term("rating", ">=", 4), tagged, NOW) is True
    assert evaluate(term("owner", "=", "ann"), tagged, NOW) is True


@pytest.mark.parametrize(
    "wanted",
    [
        term("mime", "=", "image/*"),
        term("width", ">=", 512),
        term("height", "<", 5),
        term("duration", "=", SECOND),
        term("workflow", "!=", "x"),
        term("scene", "=", "x"),
        term("tool", "=", "comfyui"),
        term("model", "!=", "x"),
        term("prompt", "=", "cat"),
        term("seed", "=", 42),
        term("regenerable", "=", value),
        term("cost", ">", 0),
        term("idle", ">", DAY),
        term("last_used", ">", DAY),
        term("opens_per_day", "<", 1),
        term("writes_per_day", "=", 0),
        term("free_ratio", ">", 0.2),
    ],
)
def test_what_nobody_looked_at_is_unknown(wanted: Term) -> None:
    assert evaluate(wanted, PLAIN, NOW) is None
    assert evaluate(Not(wanted), PLAIN, NOW) is None


@pytest.mark.parametrize(
    "wanted", [term("width", "!=", 5), term("model", "!=", "x"), term("seed", "!=", 1)]
)
def test_what_was_looked_for_and_is_not_there_is_absent(wanted: Term) -> None:
    opposite = replace(wanted, compare="=")

    assert evaluate(wanted, LOOKED, NOW) is True
    assert evaluate(opposite, LOOKED, NOW) is False
    assert evaluate(term("width", "<", 10**6), LOOKED, NOW) is False


def test_of_a_tool_that_is_not_understood_only_the_tool_is_known() -> None:
    assert evaluate(term("tool", "=", "novelai"), TOOL_ONLY, NOW) is True
    for name, unknown in (("model", "x"), ("prompt", "x"), ("seed", 1), ("regenerable", True)):
        assert evaluate(term(name, "=", unknown), TOOL_ONLY, NOW) is None


def test_how_it_was_made() -> None:
    assert evaluate(term("prompt", "=", "cat AT"), MADE, NOW) is True
    assert evaluate(term("prompt", "=", "a cat*"), MADE, NOW) is True
    assert evaluate(term("prompt", "=", "*cat"), MADE, NOW) is False
    assert evaluate(term("seed", "=", 42), MADE, NOW) is True
    assert evaluate(term("regenerable", "=", True), MADE, NOW) is True
    assert evaluate(term("regenerable", "=", True), replace(MADE, seed=None), NOW) is False
    assert evaluate(term("regenerable", "!=", True), LOOKED, NOW) is True


def test_use_is_counted_over_a_window() -> None:
    assert (
        evaluate(term("opens_per_day", "=", 2), USED, NOW) is True
    )  # 20 in the 10 days it is there
    assert evaluate(term("opens_per_day", ">", 2), USED, NOW) is False
    assert evaluate(term("opens_per_day", ">=", 20), USED, NOW, 7 * DAY) is False
    assert evaluate(term("opens_per_day", ">", 2.8), USED, NOW, 7 * DAY) is True
    assert evaluate(term("writes_per_day", "=", 0.1), USED, NOW) is True


def test_the_last_use_is_the_latest_that_may_have_been() -> None:
    never = replace(USED, last_opened_ns=None)
    counted_late = replace(never, usage_since_ns=NOW - DAY)

    assert evaluate(term("idle", ">=", 2 * DAY), USED, NOW) is True
    assert evaluate(term("idle", ">", 2 * DAY), USED, NOW) is False
    assert evaluate(term("last_used", ">=", 5 * DAY), never, NOW) is True
    assert evaluate(term("idle", ">", DAY), counted_late, NOW) is False


def test_time_changes_what_is_true_at_its_limit_and_not_before() -> None:
    older = term("age", ">", 30 * DAY)
    at_ns = flips(older, PLAIN, NOW)

    assert at_ns == PLAIN.first_seen_ns + 30 * DAY + 1
    assert evaluate(older, PLAIN, at_ns - 1) is False
    assert evaluate(older, PLAIN, at_ns) is True
    assert flips(older, PLAIN, at_ns) is None
    assert flips(term("modified", ">=", 7 * DAY), PLAIN, NOW) == NOW + 2 * DAY
    assert flips(All((older, term("modified", "<", 7 * DAY))), PLAIN, NOW) == NOW + 2 * DAY
    assert flips(term("idle", ">=", DAY), PLAIN, NOW) is None  # nobody counts
    assert flips(YES, PLAIN, NOW) is None


def test_rates_may_change_at_midnight_while_there_was_use() -> None:
    busy = term("opens_per_day", ">", 1)

    assert flips(busy, USED, NOW) == 20_001 * DAY
    assert flips(busy, replace(USED, days=()), NOW) is None
    assert flips(busy, USED, NOW, window_ns=DAY) is None


def test_a_limit_moves_so_that_it_is_met_more_easily() -> None:
    busy, calm = term("opens_per_day", ">=", 5), term("opens_per_day", "<", 5)

    assert hysteresis(busy, 0.8) == term("opens_per_day", ">=", 4.0)
    assert hysteresis(calm, 0.8) == term("opens_per_day", "<", 6.0)
    assert hysteresis(Not(calm), 0.8) == Not(term("opens_per_day", "<", 4.0))
    assert hysteresis(Any((YES, busy)), 1.2) == Any((YES, term("opens_per_day", ">=", 6.0)))
