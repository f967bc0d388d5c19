"""Everybody asks for everything, and nobody is shown, or told of, what is another's alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.catalogues import fresh_database
from tests.daemon import Daemon
from tests.everyone import (
    MISSING,
    MISSING_ID,
    WORD,
    Answer,
    Interface,
    Question,
    World,
    ask,
    difference,
    plain,
    timeless,
)
from tests.servers import postgres
from tests.servers.shared import RUN

SOAK = pytest.mark.soak
pytestmark = pytest.mark.timeout(180)  # a thousand requests each; a busy machine may take its time
PEOPLE = ("ada", "bob", "eve")
SEE_ALL = ("root", "machine")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=SOAK)])
def catalogue(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a catalogue is to be; on a server in a soak only, for that takes as long again."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    given = os.environ.get("STOREWARDEN_TEST_POSTGRES")
    server = given or request.config.stash[RUN].server("postgres", postgres.start).url
    with fresh_database(server, "everyone") as url:
        yield url


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, catalogue: str) -> Iterator[World]:
    """Users with something public and something private of every kind; eve has nothing."""
    base = tmp_path_factory.mktemp("everyone")
    (base / "out").mkdir()
    root = {"path": str(base / "out"), "digest": False}  # which comes when it comes
    settings = {"api": {"loopback_without_token": "none"}}
    with Daemon(base, {"out": root}, catalogue, settings) as daemon:
        world = World(daemon)
        for name in PEOPLE:
            world.user(name)
        world.user("mallory")
        world.user("root", "admin")
        world.tell_everything("ada", public=True)
        world.mix("ada")
        world.before = answers(world, "eve")
        for name in ("ada", "bob", "machine"):
            world.tell_everything(name, public=False)
        world.picture("hiddennobodysq1q.png", "hiddennobodysq2q")
        yield world


def answers(world: World, who: str) -> dict[Question, Answer]:
    with world.api(who) as api:
        return {question: ask(api, question) for question in Interface(world).questions()}


def test_nobody_is_shown_what_is_anothers_alone(world: World) -> None:
    shown: dict[str, set[str]] = {}
    for who in PEOPLE:
        for question, answer in answers(world, who).items():
            words = answer.words() - question.words()
            others = {one for one in words if not one.startswith(f"hidden{who}q")}
            assert not others, (who, question, answer)
            assert answer.status < 500, (who, question, answer)
            shown.setdefault(who, set()).update(words)
    hidden = {one for one in world.said if WORD.fullmatch(one)}
    for who in ("ada", "bob"):
        mine = {one for one in hidden if one.startswith(f"hidden{who}q")}
        assert len(mine - shown[who]) <= 2, (who, mine - shown[who])
    assert shown["eve"] == set()


@pytest.mark.parametrize("who", SEE_ALL)
def test_who_may_see_all_is_shown_all_so_that_the_words_are_right(world: World, who: str) -> None:
    shown: set[str] = set()
    for answer in answers(world, who).values():
        assert answer.status < 500, answer
        shown |= answer.words()
    hidden = {one for one in world.said if WORD.fullmatch(one)}
    assert len(hidden - shown) <= 6, hidden - shown


@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_anothers_is_answered_like_what_is_not_there(world: World, who: str) -> None:
    asked = 0
    with world.api(who) as api:
        for question in Interface(world).questions():
            others = {one for one in question.words() if not one.startswith(f"hidden{who}q")}
            if others and question.words() == others:
                asked += 1
                missing = question.of_what_is_missing()
                assert plain(ask(api, question)) == plain(ask(api, missing)), (who, question)
    assert asked > 100


def test_the_number_of_anothers_file_is_answered_like_one_that_is_not_there(world: World) -> None:
    with world.api("machine") as machine, world.api("bob") as bob:
        for path in world.paths:
            if "hiddenada" not in path or machine.file(path).status != 200:
                continue
            number = str(machine.file(path).json["id"])
            for what in ("", "/why", "/history", "/texts", "/chats"):
                hidden = bob("GET", f"/files/{number}{what}")
                missing = bob("GET", f"/files/{MISSING_ID}{what}")
                assert hidden.status == missing.status == 404
                where = f'"{number}"'.encode(), f'"{MISSING_ID}"'.encode()
                assert hidden.body.replace(*where) == missing.body


def test_of_a_private_workflow_of_a_public_file_nothing_but_its_name_is_told(world: World) -> None:
    (flow,) = world.private_flows
    with world.api("bob") as bob:
        for what in ("", "/scenes"):
            hidden, missing = bob("GET", f"/workflows/{flow}{what}"), bob("GET", "/workflows/none")
            assert hidden.status == missing.status == 404
            assert hidden.body.replace(flow.encode(), b"none") == missing.body


def test_who_has_nothing_notices_nothing_of_what_others_do(world: World) -> None:
    with world.api("eve") as eve:
        for question, answer in world.before.items():
            before, now = timeless(answer), timeless(ask(eve, question))
            assert before.status == now.status, question
            assert difference(before.body, now.body) == (), question


# -- what is said ---------------------------------------------------------------------------------


def about(question: Question) -> bool:
    """Whether a saying names another's file: who tells of a place learns that it is taken."""
    return any(f"{one}.png" in str(question.body) for one in question.words() - {MISSING})


def test_what_is_said_of_what_is_anothers_changes_nothing_and_is_answered_as_of_what_is_not_there(
    world: World,
) -> None:
    """But that a path is taken: there is one file at a place."""
    before = answers(world, "ada")
    said = refused = 0
    with world.api("mallory") as mallory:
        for question in Interface(world).sayings():
            words = question.words() - {MISSING}
            if not words:
                continue
            answer = ask(mallory, question)
            said += 1
            if about(question):
                assert answer.status == 404, (question, answer)
                assert "there is no such file" in answer.body, (question, answer)
                refused += 1
            else:
                missing = ask(mallory, question.of_what_is_missing())
                assert numberless(answer) == numberless(missing), question
    assert said > 50
    assert refused > 10
    with world.api("ada") as ada:
        for question, answer in before.items():
            was, now = timeless(answer), timeless(ask(ada, question))
            assert (now.status, difference(was.body, now.body)) == (was.status, ()), question


def numberless(answer: Answer) -> Answer:
    """Return an answer without the number of the row that was made, and whether it was."""
    body = re.sub(r'"(id|file)":\d+|"created":(true|false)', "", plain(answer).body)
    made = 200 if answer.status == 201 else answer.status
    return Answer(made, body)
