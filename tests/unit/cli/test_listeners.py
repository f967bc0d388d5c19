"""Listeners on the command line, as people, pipes and programs see them."""

import json
import re
from pathlib import Path

import pytest

from storewarden.catalogue import roots
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import dead, feed, listeners, rounds
from storewarden.clock import SystemClock
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

MINUTE = 60 * 10**9
REFUSED = {
    "id": "1.2.3.f4",
    "event": "created",
    "at_ns": 5,
    "host": "here",
    "file": {"id": 4, "path": "cat\\n.png"},
}


@pytest.fixture
def told(here: Path, catalogue: Engine, run: Run) -> Run:
    """One listener that is well, one that fails and has a dead letter, one new, one removed."""
    (here / "storewarden.yaml").write_text(
        """
roots: {save_outputs: ./save_outputs}
listeners:
  app: https://app.example.org/hook
  bus: redis://127.0.0.1:6379/0
  late: https://late.example.org/
"""
    )
    now = SystemClock().wall_ns()
    host = roots.host_id(catalogue, roots.this_machine())
    assert host is not None
    rounds.follow(catalogue, host, lambda: now - 90 * MINUTE)
    for name, place in (
        ("app", "https://app.example.org/hook"),
        ("bus", "redis://127.0.0.1:6379/0 storewarden"),
        ("old", "http://127.0.0.1:1/"),
    ):
        listeners.begin(catalogue, host, name, place, now - 90 * MINUTE)
    with catalogue.transaction():
        rounds.write(catalogue, host, now - 30 * MINUTE, [0, 1, 0, 0])
    ended = feed.newest(catalogue, host)
    listeners.heard(catalogue, host, "bus", ended, 1234567, now)
    why = "a listener cannot be told: https://app.example.org/hook: Connection refused"
    listeners.failed(catalogue, host, "app", why, now - 20 * MINUTE, now + MINUTE)
    with catalogue.transaction():
        dead.bury(catalogue, host, "app", json.dumps(REFUSED), "it answers 422: no", now - MINUTE)
    return run


def masked(text: str) -> str:
    text = re.sub(r"\b1[0-9]{18}\b", "<ns>", text)
    text = re.sub(r'"behind_seconds": 18[0-9.]+', '"behind_seconds": 1800.0', text)
    return re.sub(r"\t180[0-9]\.[0-9]\t", "\t1800.0\t", text)


def shown(run: Run, *words: str) -> str:
    lines = []
    for form in ("programs", "json", "people"):
        ran = run(*words, *(["--json"] if form == "json" else []), terminal=form == "people")
        lines.append(f"$ storewarden {' '.join(words)}   # {form}: {ran.code}\n{ran.out}{ran.err}")
    return masked("\n".join(lines))


def test_all_are_shown(told: Run, golden: Golden) -> None:
    golden("cli/listeners.txt", shown(told, "listeners"))


def test_one_is_shown_with_what_it_refuses(told: Run, golden: Golden) -> None:
    golden("cli/listeners-one.txt", shown(told, "listeners", "app"))


def test_letters_are_sent_again_and_thrown_away(told: Run, catalogue: Engine) -> None:
    ran = told("listeners", "--retry", "app", terminal=True)
    assert (ran.code, ran.out) == (0, "app is tried at once; 1 dead letter sent once more\n")
    host = roots.host_id(catalogue, roots.this_machine())
    assert host is not None
    assert [letter.again for letter in dead.letters(catalogue, host, "app")] == [1]
    assert listeners.hurried(catalogue, host, "app")
    assert "to be sent again" in told("listeners", "app", terminal=True).out
    assert told("listeners", "app", "--forget", "--json").json == {
        "action": "forgotten",
        "listener": "app",
        "letters": 1,
    }
    assert dead.letters(catalogue, host) == []


def test_mistakes_are_told(told: Run) -> None:
    ran = told("listeners", "lates")
    assert (ran.code, ran.err) == (
        2,
        "storewarden: there is no such listener: lates; did you mean late?\n",
    )
    assert told("listeners", "--retry").code == 2
    assert told("listeners", "app", "--retry", "--forget").code == 2


def test_without_any_it_says_where_to_read(here: Path, catalogue: Engine, run: Run) -> None:
    (here / "storewarden.yaml").write_text("roots: {save_outputs: ./save_outputs}\n")
    ran = run("listeners", terminal=True)
    assert (ran.code, ran.out) == (0, "no listeners: see docs/guide/events.md\n")
    assert run("listeners", "--json").json == {"listeners": []}
