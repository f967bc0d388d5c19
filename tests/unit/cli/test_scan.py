"""One pass: asked of a daemon that is played here, or done by ourselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import requests, roots
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.cli.progress import Progress
from storewarden.cli.scan import Count
from tests.unit.cli.conftest import Run
from tests.unit.cli.playing import played

COUNTED = {"files": 4, "bytes": 100, "added": 2, "changed": 1, "gone": 1}
OUTCOME = {**COUNTED, "errors": 0, "seconds": 0.25, "held": 0}
COUNTS = ("files", "bytes", "added", "changed", "gone", "errors", "seconds")


def test_the_daemon_is_asked_for_every_root(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", lambda _request: (OUTCOME, False)) as got:
        ran = run("scan", "--json")

    ids = {row.name: row.id for row in roots.roots(catalogue)}
    assert ran.code == 0
    assert tuple(ran.json)[:7] == COUNTS
    assert (ran.json["files"], ran.json["seconds"]) == (8, 0.5)
    assert [one.root_id for one in got] == [ids["save_outputs"], ids["uploads"]]
    assert {one.arguments["accept_missing"] for one in got} == {False}


def test_one_root_with_a_persons_word(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", lambda _request: (OUTCOME, False)) as got:
        ran = run("scan", "uploads", "uploads", "--accept-missing")

    assert (ran.code, len(got)) == (0, 1)
    assert got[0].arguments == {"accept_missing": True}
    assert ran.out.splitlines()[:2] == ["files\t4", "bytes\t100"]


def test_people_are_told_in_sentences(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", lambda _request: (OUTCOME, False)):
        ran = run("scan", "uploads", terminal=True)

    assert ran.out == "4 files, 100 B in 250ms\n2 added, 1 changed, 1 gone\n"


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({**OUTCOME, "errors": 3}, "3 directories could not be read"),
        ({**OUTCOME, "held": 900}, "900 files are missing, too many to believe; if so: "),
        ({**OUTCOME, "held": 900}, "storewarden scan --accept-missing uploads"),
    ],
)
def test_what_needs_a_person_is_told_and_is_1(
    catalogue: Engine, daemon: Lease, run: Run, here: Path, outcome: dict[str, Any], told: str
) -> None:
    with played(daemon, here / "state", lambda _request: (outcome, False)):
        ran = run("scan", "uploads")

    assert ran.code == 1
    assert told in ran.err


def test_a_daemon_that_cannot_says_why(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", lambda _request: ({"error": "uploads is blind"}, True)):
        ran = run("scan", "uploads")

    assert ran.code == 1
    assert ran.err == "storewarden: not scanned: uploads: uploads is blind\n"


def test_a_daemon_that_ends_meanwhile_is_told(
    catalogue: Engine, daemon: Lease, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_once(engine: Engine, number: int, *_rest: object) -> Iterator[requests.Request]:
        daemon.release()
        request = requests.read(engine, number)
        assert request is not None
        yield request

    monkeypatch.setattr(requests, "wait", wait_once)
    ran = run("scan", "uploads")

    assert ran.code == 1
    assert ran.err.startswith("storewarden: the daemon ended before it had scanned: ")


def test_no_such_root(run: Run) -> None:
    ran = run("scan", "upload")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "storewarden: no such root: upload; did you mean uploads?\n"


def test_progress_is_of_all_roots_together() -> None:
    drawn: list[tuple[int, int | None, str]] = []

    class Bar(Progress):
        def update(self, done: int, total: int | None, detail: str = "") -> None:
            drawn.append((done, total, detail))

    count = Count(Bar("scanning", terminal=False), 10)
    for root, files in (("a", 2), ("a", 4), ("b", 1)):
        count.update(root, files)

    assert drawn == [(2, 10, "a"), (4, 10, "a"), (5, 10, "b")]
