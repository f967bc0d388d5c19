"""What is said of policies before a single file is looked at."""

from __future__ import annotations

from typing import Any as Anything

import pytest

from storewarden.policy.analysis import Finding, RootFacts, analyse
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Value
from storewarden.policy.possible import possible
from storewarden.policy.rules import (
    Care,
    Evaluate,
    Force,
    Phase,
    Placement,
    Policy,
    PolicySet,
    Timer,
)

DAY = 86_400 * 10**9
TRASH = (Phase(Force.TRASH, 30 * DAY),)
ARCHIVE = (Phase(Force.ARCHIVE, 30 * DAY, to="cold"),)
LOCAL, CLOUD = Placement(required=("local",)), Placement(preferred=("cloud",))
EVERYTHING = All(())


def term(name: str, compare: Anything, *values: Value, written: str = "") -> Term:
    sign = "" if compare == "=" else f"{compare} "
    return Term(name, compare, values, written or sign + ", ".join(map(str, values)))


def is_(name: str, *values: Value) -> Term:
    return term(name, "=", *values)


def policy(id_: str, match: Condition, **kinds: Anything) -> Policy:
    return Policy(id_, match, **(kinds or {"phases": TRASH}))


def found(*policies: Policy, roots: tuple[RootFacts, ...] = ()) -> list[Finding]:
    return analyse(PolicySet(policies), roots)


def said(*policies: Policy, roots: tuple[RootFacts, ...] = ()) -> list[str]:
    return [str(finding) for finding in found(*policies, roots=roots)]


# -- what no file can be ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        All((is_("kind", "video"), is_("kind", "image"))),
        All((is_("root", "uploads"), Not(is_("root", "up*")))),
        All((term("age", ">", 30 * DAY), term("age", "<", 7 * DAY))),
        All((term("size", ">=", 5), term("size", "<", 5))),
        All((is_("ext", "png"), is_("name", "*.jpg"))),
        All((is_("path", "renders/"), is_("path", "drafts/"))),
        All((is_("rating", 4), Not(is_("rating", 4)))),
        All((term("model", "!=", "flux*"), is_("model", "flux-dev"))),
        All((is_("pinned", True), is_("pinned", False))),
        All((Class("old", term("age", ">", 9)), Class("new", Not(term("age", ">", 8))))),
        All((is_("kind", "a"), Any((is_("kind", "b"), is_("kind", "c"))))),
        All((is_("kind", "a", "b"), is_("kind", "b", "c"), term("kind", "!=", "b"))),
        All((is_("tag", "draft"), Not(is_("tag", "d*")))),
        All((is_("prompt", "fog"), Not(is_("prompt", "fog")))),
        Any(()),
        Not(EVERYTHING),
    ],
)
def test_what_contradicts_itself_is_impossible(condition: Condition) -> None:
    assert not possible(condition)


@pytest.mark.parametrize(
    "condition",
    [
        All((is_("kind", "video", "image"), is_("kind", "image"))),
        All((is_("tag", "draft"), is_("tag", "final"))),
        All((term("age", ">", 7), term("age", "<", 30))),
        All((term("width", ">", 10**18), term("width", "<", 10**18 + 2))),
        All((Not(term("rating", "<", 4)), Not(term("rating", ">=", 4)))),  # one that has none
        All((term("model", "!=", "*"),)),  # one that tells none
        All((is_("prompt", "fog"), is_("prompt", "dusk"))),
        All((is_("ext", "png"), is_("name", "*.PNG"))),
        EVERYTHING,
        Not(Any(())),
    ],
)
def test_what_some_file_may_be_is_possible(condition: Condition) -> None:
    assert possible(condition)


def test_what_takes_too_long_to_prove_is_called_possible() -> None:
    holes = range(8)  # nine pigeons in eight holes: impossible, and nobody sees it at once
    sits = [[is_(f"{pigeon}in{hole}", 1) for hole in holes] for pigeon in range(9)]
    crowded = [
        Not(All((sits[one][hole], sits[other][hole])))
        for hole in holes
        for one in range(9)
        for other in range(one)
    ]

    assert possible(All((*(Any(tuple(one)) for one in sits), *crowded)))


# -- policies by themselves ---------------------------------------------------------------------


def test_a_policy_that_can_never_match_tells_the_terms_that_exclude_each_other() -> None:
    match = All((is_("kind", "video"), is_("root", "uploads"), is_("kind", "image")))

    assert said(policy("films", match)) == [
        (
            "films: it can never match: no file has both kind = video and kind = image;"
            " take one of them out"
        )
    ]


def test_the_same_behind_classes_and_negations() -> None:
    old = Class("old", term("age", ">", 30 * DAY, written="> 30d"))
    young = Not(term("age", ">=", 7 * DAY, written=">= 7d"))

    assert "no file has both age > 30d and not age >= 7d" in said(policy("p", All((old, young))))[0]


def test_what_nobody_counts_is_never_known() -> None:
    idle = policy("idle", term("idle", ">", 90 * DAY))
    here = RootFacts("uploads", usage=False, inspect=True)
    counted = RootFacts("save_outputs", usage=True, inspect=True)

    assert said(idle, roots=(here,)) == [
        "idle: it can never match: idle is not known of any file in uploads; set usage: true there"
    ]
    assert said(idle, roots=(here, counted)) == []
    elsewhere = policy("p", All((term("idle", ">", 90 * DAY), is_("root", "uploads"))))
    assert len(said(elsewhere, roots=(here, counted))) == 1
    either = policy("p", Any((term("idle", ">", 90 * DAY), is_("kind", "video"))))
    assert said(either, roots=(here,)) == []


def test_what_nobody_looks_into_is_never_known() -> None:
    blind = RootFacts("uploads", usage=True, inspect=False)
    flux = policy("flux", All((is_("model", "flux*"), is_("kind", "image"))))

    assert said(flux, roots=(blind,)) == [
        (
            "flux: it can never match: model is not known of any file in uploads;"
            " set inspect: true there"
        )
    ]


def test_phases_and_places_that_wait_for_what_is_never_known() -> None:
    here = RootFacts("uploads", usage=False, inspect=True)
    renders = policy("renders", is_("kind", "video"), phases=TRASH, clock="last_used")
    often = term("opens_per_day", ">=", 5)
    hybrid = policy(
        "hybrid",
        is_("kind", "database"),
        place=Placement(evaluate=Evaluate(30 * DAY, often, "cloud")),
    )

    assert said(renders, hybrid, roots=(here,)) == [
        (
            "renders: its phases never become due: they count from last_used, which is not known of"
            " any file in uploads; set usage: true there"
        ),
        (
            "hybrid: it never decides where a file belongs: how often it is used is not known of"
            " any file in uploads; set usage: true there"
        ),
    ]


def test_a_root_that_is_not_there_is_a_remark() -> None:
    one = found(
        policy("p", is_("root", "elsewhere")),
        roots=(RootFacts("uploads", usage=True, inspect=True),),
    )

    assert [str(finding) for finding in one] == ["p: it matches nothing in uploads, the roots here"]
    assert not one[0].wrong


def test_care_is_for_databases() -> None:
    care = Care(integrity=Timer(every_ns=DAY))
    films = policy("films", is_("kind", "video"), care=care)
    all_files = policy("all", EVERYTHING, care=care)

    assert said(films) == [
        (
            "films: its care is for nothing: care is taken of databases, and it matches none;"
            " add kind: database"
        )
    ]
    databases = policy("databases", is_("kind", "database"), care=Care(drill=Timer(every_ns=DAY)))
    assert [(one.sort, one.policy) for one in found(databases, all_files)] == [("shadowed", "all")]


# -- two policies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (is_("kind", "video"), is_("kind", "video")),
        (is_("kind", "video"), All((is_("kind", "video"), is_("root", "uploads")))),
        (term("age", ">", 30 * DAY), term("age", ">", 60 * DAY)),
        (is_("kind", "video", "image"), is_("kind", "image")),
        (is_("path", "renders/"), is_("path", "renders/2026/")),
        (is_("name", "*.[dD][bB]"), is_("ext", "db")),
        (Any((is_("kind", "video"), is_("kind", "image"))), is_("kind", "image")),
        (EVERYTHING, is_("kind", "image")),
    ],
)
def test_what_an_earlier_one_takes_wholly_is_shadowed(first: Condition, second: Condition) -> None:
    one, two = policy("first", first), policy("second", second)

    assert said(one, two) == [
        (
            "second: its phases are never used: first, which comes first, matches all its files;"
            " put it before first, or take it out"
        )
    ]
    assert [finding.sort for finding in found(two, one)] in ([], ["shadowed"])


def test_several_earlier_ones_together_shadow() -> None:
    small = policy("small", term("size", "<", 100))
    films = policy("films", is_("kind", "video"))
    large = policy("large", term("size", ">=", 100))
    late = policy("late", is_("kind", "image"))

    (finding,) = [one for one in found(small, films, large, late) if one.policy == "late"]

    assert (finding.sort, finding.others) == ("shadowed", ("small", "large"))
    assert "small and large, which come first, match all its files" in finding.what


def test_what_is_required_comes_first_wherever_it_stands() -> None:
    cloud = policy("cloud", is_("name", "a.db"), place=CLOUD)
    local = policy("local", is_("kind", "database"), place=LOCAL)
    same = policy("same", is_("name", "a.db"), place=LOCAL)

    assert [(one.policy, one.others) for one in found(cloud, same) if one.wrong] == [
        ("cloud", ("same",))
    ]
    assert found(cloud, same)[0].hint == "take it out"
    assert [one.sort for one in found(cloud, local)] == ["overlap"]


def test_kinds_do_not_shadow_each_other() -> None:
    match = is_("kind", "video")

    assert (
        said(
            policy("place", match, place=CLOUD),
            policy("life", match),
            policy("stop", match, hold=True),
        )
        == []
    )


def test_overlaps_with_other_outcomes_are_remarks() -> None:
    films = policy("films", is_("kind", "video"), phases=ARCHIVE)
    uploads = policy("uploads", is_("root", "uploads"))
    (finding,) = found(films, uploads)

    assert (finding.sort, finding.policy, finding.others) == ("overlap", "uploads", ("films",))
    assert (finding.wrong, finding.nested) == (False, False)
    assert str(finding) == (
        "uploads: a file can match films as well: then the phases of films wins"
    )


def test_an_exception_before_the_rule_is_told_as_such() -> None:
    special = policy("special", All((is_("kind", "video"), is_("root", "uploads"))), phases=ARCHIVE)
    (finding,) = found(special, policy("rule", is_("kind", "video")))

    assert (finding.nested, finding.policy) == (True, "rule")


def test_the_same_outcome_is_no_overlap_worth_telling() -> None:
    assert found(policy("films", is_("kind", "video")), policy("up", is_("root", "uploads"))) == []
    other_clock = Policy("up", is_("root", "uploads"), phases=TRASH, clock="modified")
    assert len(found(policy("films", is_("kind", "video")), other_clock)) == 1


def test_what_cannot_meet_does_not_overlap() -> None:
    assert (
        found(policy("a", is_("kind", "video"), phases=ARCHIVE), policy("b", is_("kind", "image")))
        == []
    )


# -- the rest -----------------------------------------------------------------------------------


def test_a_class_that_nobody_uses_is_told() -> None:
    used, inner = is_("kind", "video"), is_("root", "uploads")
    classes = (("film", All((used, Class("up", inner)))), ("up", inner), ("idle", is_("kind", "x")))
    policies = (policy("p", Class("film", All((used, Class("up", inner))))),)

    (finding,) = analyse(PolicySet(policies, classes))

    assert (finding.sort, finding.policy, finding.wrong) == ("unused", "idle", False)
    assert str(finding) == "class idle: no policy uses it; take it out"


def test_policies_about_rows_are_left_alone() -> None:
    rows = Policy("rows", EVERYTHING, rows="app.conversations", phases=TRASH)

    assert found(rows, policy("files", is_("kind", "image"))) == []
