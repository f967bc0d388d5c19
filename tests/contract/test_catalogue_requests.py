"""Verbs ask, whoever holds the lease answers, and neither loses the other."""

import threading

import pytest

from storewarden.catalogue import requests
from storewarden.catalogue.engine import Engine
from storewarden.clock import SystemClock
from storewarden.errors import CatalogueRefused
from tests.catalogues import NOW, Place


def ask(engine: Engine, verb: str = "scan", root: int | None = 1) -> int:
    return requests.ask(engine, verb, root, {"deep": True}, asked_by="me@here", now_ns=NOW)


def test_a_request_goes_its_way(engine: Engine, place: Place) -> None:
    asker = place.open()
    number = ask(asker)
    taken = requests.take_next(engine, 3, NOW + 1)
    assert taken
    assert (taken.id, taken.verb, taken.root_id, taken.state) == (number, "scan", 1, "running")
    assert (taken.arguments, taken.asked_by, taken.epoch) == ({"deep": True}, "me@here", 3)
    requests.progress(engine, number, {"files": 7})
    seen = requests.read(asker, number)
    assert seen
    assert seen.progress == {"files": 7}
    assert not seen.ended
    requests.finish(engine, number, {"files": 9}, NOW + 2)
    (last,) = requests.wait(asker, number, place.clock, place.clock.advance)

    assert (last.state, last.outcome, last.started_ns, last.ended_ns) == (
        *("done", {"files": 9}),
        *(NOW + 1, NOW + 2),
    )
    assert last.ended


def test_requests_are_taken_in_the_order_of_asking_and_once(engine: Engine) -> None:
    asked = [ask(engine) for _ in range(3)]
    taken = [requests.take_next(engine, 1, NOW) for _ in range(4)]

    assert [request.id for request in taken if request] == asked
    assert taken[3] is None


def test_what_a_dead_holder_left_running_is_taken_up(engine: Engine) -> None:
    number = ask(engine)
    assert requests.take_next(engine, 1, NOW)
    assert requests.take_next(engine, 1, NOW) is None
    again = requests.take_next(engine, 2, NOW + 5)

    assert again
    assert (again.id, again.epoch, again.started_ns) == (number, 2, NOW + 5)


def test_a_host_takes_what_concerns_its_roots(engine: Engine) -> None:
    with engine.transaction():
        engine.insert("hosts", ("id", "name", "machine_id", "first_seen_ns"), [(2, "b", "b", 1)])
        engine.insert(
            "roots", ("id", "host_id", "name", "path", "uuid"), [(20, 2, "theirs", b"/t", "u")]
        )
    theirs, ours, anybodys = ask(engine, root=20), ask(engine, root=1), ask(engine, root=None)

    first = requests.take_next(engine, 1, NOW, host_id=1)
    second = requests.take_next(engine, 1, NOW, host_id=1)
    assert [first and first.id, second and second.id] == [ours, anybodys]
    assert requests.take_next(engine, 1, NOW, host_id=1) is None
    other = requests.take_next(engine, 1, NOW, host_id=2)
    assert other
    assert other.id == theirs


def test_a_failure_says_why(engine: Engine, place: Place) -> None:
    number = ask(engine)
    requests.take_next(engine, 1, NOW)
    requests.finish(engine, number, {"error": "root not there"}, NOW, failed=True)
    (last,) = requests.wait(engine, number, place.clock, place.clock.advance)

    assert (last.state, last.outcome) == ("failed", {"error": "root not there"})


def test_waiting_shows_every_change_and_ends_in_time(engine: Engine, place: Place) -> None:
    number = ask(engine)
    waiting = requests.wait(place.open(), number, place.clock, place.clock.advance, seconds=1)
    assert next(waiting).state == "planned"
    requests.take_next(engine, 1, NOW)
    assert next(waiting).state == "running"

    assert list(waiting) == []
    assert list(requests.wait(engine, 4711, place.clock, place.clock.advance)) == []


def test_waiting_in_another_thread(engine: Engine, place: Place) -> None:
    number = ask(engine)
    states: list[str] = []
    woken = threading.Event()

    def nap(_seconds: float) -> None:
        woken.wait(0.01)

    def wait() -> None:
        reader = place.open(readonly=True)
        seen = requests.wait(reader, number, SystemClock(), nap, seconds=20)
        states.extend(request.state for request in seen)

    thread = threading.Thread(target=wait)
    thread.start()
    requests.take_next(engine, 1, NOW)
    requests.finish(engine, number, {}, NOW)
    thread.join(timeout=20)

    assert states[-1] == "done"


def test_old_requests_are_forgotten(engine: Engine) -> None:
    old, new, waiting = ask(engine), ask(engine), ask(engine)
    requests.finish(engine, old, {}, NOW)
    requests.finish(engine, new, {}, NOW + requests.KEPT_NS)
    requests.forget_old(engine, NOW + requests.KEPT_NS + 1)

    assert requests.read(engine, old) is None
    assert requests.read(engine, new)
    assert requests.read(engine, waiting)


def test_progress_of_what_ended_changes_nothing(engine: Engine) -> None:
    number = ask(engine)
    requests.finish(engine, number, {"ok": 1}, NOW)
    requests.progress(engine, number, {"late": True})

    request = requests.read(engine, number)
    assert request
    assert request.progress == {}


def test_a_request_without_a_verb_is_refused(engine: Engine) -> None:
    with pytest.raises(CatalogueRefused, match="verb"):
        ask(engine, verb="")
    with pytest.raises(CatalogueRefused, match=r"(?i)foreign key"):
        ask(engine, root=4711)
