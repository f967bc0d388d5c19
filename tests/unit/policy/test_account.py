"""Every policy says what it makes of a file, and every action why it does not happen."""

from dataclasses import replace

import pytest

from storewarden.policy.account import accounts, decisive, obstacles
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
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
from storewarden.policy.subject import Subject
from storewarden.policy.terms import written

NOW = 1_795_246_201_000_000_000
DAY = 86_400 * 10**9
FILM = Subject(1, "outputs", b"a/film.mp4", "video", 3 << 30, NOW - 10 * DAY, NOW - 9 * DAY)

VIDEO = Term("kind", "=", ("video",), "video")
IMAGE = Term("kind", "=", ("image",), "image")
MP4 = Term("ext", "=", ("mp4",), "mp4")
FLUX = Term("model", "=", ("flux*",), "flux*")
LIFE = (Phase(Force.ARCHIVE, 30 * DAY, to="cold"), Phase(Force.TRASH, 365 * DAY))


WHEN = "archive to cold 30d after it was first seen, which was 2026-11-11"


def policy(name: str, match: Condition, **more: object) -> Policy:
    return Policy(name, match, **({"phases": LIFE} | more))  # type: ignore[arg-type]


def results(*policies: Policy, film: Subject = FILM) -> list[tuple[str, str, tuple[str, ...]]]:
    found = accounts(film, PolicySet(policies), NOW)
    return [(each.policy.id, each.result, each.earlier) for each in found]


def why_not(action: Force, *policies: Policy, film: Subject = FILM) -> list[str]:
    return [
        f"{each.policy}: {each.what}" + "".join(f" [{written(term)}]" for term in each.terms)
        for each in obstacles(film, PolicySet(policies), action, NOW)
    ]


def test_the_first_that_matches_wins_and_the_others_say_who_came_first() -> None:
    assert results(policy("pictures", IMAGE), policy("films", VIDEO), policy("mp4", MP4)) == [
        ("pictures", "no", ()),
        ("films", "wins", ()),
        ("mp4", "earlier", ("films",)),
    ]


def test_what_is_not_known_stands_before_what_is() -> None:
    assert results(policy("flux", FLUX), policy("films", VIDEO)) == [
        ("flux", "unknown", ()),
        ("films", "earlier", ("flux",)),
    ]


def test_a_policy_of_two_kinds_wins_with_either() -> None:
    both = policy("both", VIDEO, place=Placement(preferred=("local",)))

    assert results(policy("films", VIDEO), both)[1] == ("both", "wins", ("films",))


@pytest.mark.parametrize("condition", [VIDEO, FLUX])
def test_what_cares_for_databases_says_nothing_of_a_film(condition: Condition) -> None:
    care = policy("care", condition, phases=(), care=Care(integrity=Timer(every_ns=DAY)))

    assert results(care) == [("care", "no", ())]
    database = replace(FILM, kind="database", inspected=True, understood=True, model="flux1")
    care = replace(care, match=FLUX)
    assert results(care, film=database) == [("care", "wins", ())]


def test_policies_about_rows_say_nothing_of_files() -> None:
    assert results(policy("rows", VIDEO, rows="app.messages")) == []


@pytest.mark.parametrize(
    ("condition", "decides"),
    [
        (All((VIDEO, MP4)), ["kind = video", "ext = mp4"]),
        (All((IMAGE, MP4, FLUX)), ["kind = image"]),
        (All((VIDEO, FLUX)), ["model = flux*"]),
        (Any((IMAGE, MP4)), ["ext = mp4"]),
        (Any((IMAGE, Not(MP4))), ["kind = image", "ext = mp4"]),
        (Not(Class("films", All((VIDEO, MP4)))), ["kind = video", "ext = mp4"]),
        (Any((IMAGE, FLUX)), ["model = flux*"]),
    ],
)
def test_the_terms_that_decide(condition: Condition, decides: list[str]) -> None:
    assert [written(term) for term in decisive(condition, FILM, NOW)] == decides


def test_why_a_file_is_not_archived() -> None:
    films = policy("films", VIDEO)
    old = replace(FILM, first_seen_ns=NOW - 40 * DAY)

    assert why_not(Force.ARCHIVE, policy("pictures", IMAGE), films, policy("mp4", MP4)) == [
        "pictures: does not match [kind = image]",
        f"films: not yet: {WHEN}; 20d from now",
        "mp4: films comes first",
    ]
    assert why_not(Force.ARCHIVE, films, film=old) == []
    assert why_not(Force.ARCHIVE, films, film=replace(old, pinned=True)) == ["films: it is pinned"]
    assert why_not(Force.ARCHIVE, films, film=replace(old, state="archived", state_ns=NOW)) == [
        "films: that is behind it: it is archived"
    ]
    assert why_not(Force.ARCHIVE, policy("flux", FLUX), film=old) == [
        "flux: it is not known whether it matches [model = flux*]"
    ]


def test_why_a_file_is_not_trashed_or_purged() -> None:
    films = policy("films", VIDEO)

    assert why_not(Force.TRASH, films) == ["films: archive comes before it"]
    assert why_not(Force.PURGE, films) == []  # no policy does
    gone = replace(FILM, state="trashed", state_ns=NOW)
    assert why_not(Force.TRASH, films, film=gone) == ["films: nothing follows once it is trashed"]


def test_why_a_file_is_not_moved() -> None:
    stays = policy("stays", VIDEO, phases=(), place=Placement(required=("local",)))
    use = Term("opens_per_day", ">=", (5,), ">= 5")
    by_use = Placement(evaluate=Evaluate(30 * DAY, use, "cold"))
    hybrid = policy("hybrid", VIDEO, phases=(), place=by_use)

    assert why_not(Force.MOVE, stays) == ["stays: it belongs here, where it is"]
    (told,) = why_not(Force.MOVE, hybrid)
    assert told.startswith("hybrid: it belongs here, where it is: opens a day are not counted")


def test_why_the_gentler_of_two_comes_first() -> None:
    old = replace(FILM, first_seen_ns=NOW - 40 * DAY)
    cold = policy("cold", VIDEO, phases=(), place=Placement(preferred=("cold",)))

    assert why_not(Force.ARCHIVE, policy("films", VIDEO), cold, film=old) == [
        "films: move comes first: it is gentler"
    ]
