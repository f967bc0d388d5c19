"""What policies come to on a machine, from files that were counted by what they match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any as Anything

from storewarden.policy.covered import Coverage, Meeting, Missing, Sum, cover, missing, names
from storewarden.policy.expression import All, Any, Condition, Not, Term, Truth, Value
from storewarden.policy.rules import Care, Force, Phase, Placement, Policy, PolicySet, Timer

DAY = 86_400 * 10**9
TRASH = (Phase(Force.TRASH, 30 * DAY),)
CARE = Care(integrity=Timer(every_ns=DAY))
ANY_FILE = All(())


@dataclass(frozen=True)
class Some:
    """Files that match the same policies."""

    truths: tuple[Truth, ...]
    files: int = 1
    bytes: int = 10
    kind: str = "image"
    root: str = "uploads"
    file_id: int | None = None


def policy(id_: str, **kinds: Anything) -> Policy:
    return Policy(id_, ANY_FILE, **kinds)


def covered(policies: list[Policy], *groups: Some) -> Coverage:
    return cover(PolicySet(tuple(policies)), groups)


def test_what_each_policy_matches_and_wins() -> None:
    found = covered(
        [policy("first", phases=TRASH), policy("second", phases=TRASH)],
        Some((True, True), 3),
        Some((False, True), 4),
        Some((None, True), 5),
        Some((False, False), 6),
    )
    first, second = found.policies["first"], found.policies["second"]

    assert (first.matches.files, first.unknown.files, first.wins["phases"].files) == (3, 5, 3)
    # of what the first one may match nothing is known, so the second one does not win it
    assert (second.matches.files, second.wins["phases"].files) == (12, 4)
    assert found.files == Sum(18, 40)


def test_what_is_required_wins_wherever_it_stands() -> None:
    cloud, local = Placement(preferred=("cloud",)), Placement(required=("local",))
    found = covered([policy("away", place=cloud), policy("here", place=local)], Some((True, True)))

    assert found.policies["here"].wins["place"].files == 1
    assert found.policies["away"].won == 0
    assert found.meetings == {Meeting("place", "here", "away"): Sum(1, 10)}


def test_overlaps_that_occur_are_told_where_the_outcome_is_another() -> None:
    trash, purge = policy("a", phases=TRASH), policy("b", phases=(Phase(Force.PURGE, DAY),))
    again = policy("c", phases=TRASH)
    found = covered([trash, purge, again], Some((True, True, True), 2), Some((None, True, False)))

    assert found.meetings == {
        Meeting("phases", "a", "b"): Sum(2, 10),
        Meeting("phases", "b", "c"): Sum(2, 10),
    }


def test_what_no_policy_says_anything_about() -> None:
    found = covered(
        [policy("life", phases=TRASH), policy("care", care=CARE)],
        Some((False, False), 3),
        Some((None, False), 2, kind="video"),
        Some((True, False), 1),
        Some((False, True), 1, kind="database", file_id=7),
        Some((False, False), 1, kind="database", file_id=8),
        Some((True, True), 1, kind="database", file_id=9),
        Some((None, True), 1, kind="database", file_id=10),
    )

    assert found.uncovered == {
        ("uploads", "image"): Sum(3, 10),
        ("uploads", "database"): Sum(2, 20),
    }
    assert set(found.undecided) == {("uploads", "video"), ("uploads", "database")}
    assert found.databases == [(7, True), (8, False)]
    assert found.all_databases == 4


def test_care_is_won_by_databases_only() -> None:
    found = covered(
        [policy("care", care=CARE)],
        Some((True,), 5),
        Some((True,), 1, kind="database", file_id=1),
    )

    assert found.policies["care"].wins["care"] == Sum(1, 10)


def test_policies_about_rows_take_no_part() -> None:
    rows = Policy("rows", ANY_FILE, rows="app.items", phases=TRASH)
    found = covered([rows, policy("files", phases=TRASH)], Some((True,)))

    assert list(found.policies) == ["files"]
    assert found.policies["files"].won == 1


# -- names --------------------------------------------------------------------------------------


def named(*values: Value, compare: Anything = "=") -> Term:
    return Term("name", compare, values)


def listing(id_: str, condition: Condition) -> Policy:
    return Policy(id_, condition, phases=TRASH)


def test_names_that_no_file_bears() -> None:
    databases = listing("hot", All((Term("kind", "=", ("database",)), named("a.db", "b.db", "c*"))))
    others = listing("cold", Any((named("a.db", "z.db", "a.db"), Not(named("y*")))))
    both = PolicySet((databases, others))
    listed = names(both)

    assert [(one.policy, one.name, one.pattern) for one in listed] == [
        ("hot", "a.db", False),
        ("hot", "b.db", False),
        ("hot", "c*", True),
        ("cold", "a.db", False),
        ("cold", "z.db", False),
        ("cold", "y*", True),
    ]
    borne = [(b"a.db", "database", (True, True)), (b"b.db", "other", (False, True))]
    assert missing(both, listed, borne, {"c*": False, "y*": True}) == [
        Missing("hot", "b.db", ("other",)),
        Missing("hot", "c*"),
        Missing("cold", "z.db"),
    ]


def test_names_that_are_excluded_are_not_looked_for() -> None:
    assert names(PolicySet((listing("p", named("a.db", compare="!=")),))) == []


def test_a_name_of_bytes_that_are_no_text() -> None:
    (one,) = names(PolicySet((listing("p", named("a\udcff.db")),)))

    assert one.encoded == b"a\xff.db"
