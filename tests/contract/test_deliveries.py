"""What a listener is promised: everything, in order for each file, and again rather than never."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from storewarden.api.events.bell import Bell
from storewarden.api.events.credentials import Credentials, given
from storewarden.api.events.delivery import BATCH, TRIES, Delivery, Place
from storewarden.api.events.heard import wanted
from storewarden.api.events.sink import Sink
from storewarden.api.events.streams import Streams
from storewarden.api.events.webhook import Webhook
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import dead, feed, listeners, rounds
from storewarden.catalogue.events.cursor import Cursor
from storewarden.errors import CatalogueBusy, ListenerAway
from tests import catalogues
from tests.catalogues import COLUMNS, NOW, file_row
from tests.receiving import SECRET, Receiver, receiving, signed

HISTORY = ("file_id", "at_ns", "event", "detail")


@dataclass
class Counts:
    """What was counted."""

    told: Counter[str] = field(default_factory=Counter)

    def delivered(self, listener: str, events: int) -> None:
        self.told["delivered"] += events

    def failed(self, listener: str) -> None:
        self.told["failed"] += 1

    def buried(self, listener: str) -> None:
        self.told["buried"] += 1


@dataclass
class World:
    """A catalogue with a journal, and one listener that is driven by hand."""

    engine: Engine
    place: catalogues.Place
    counts: Counts = field(default_factory=Counts)
    made: int = 0
    sinks: list[Sink] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = rounds.follow(self.engine, 1, self.wall_ns)

    def wall_ns(self) -> int:
        self.place.clock.advance(0.000_001)
        return self.place.clock.wall_ns()

    def record(self, count: int = 1) -> list[str]:
        """Record files; return their names."""
        names = [f"f{self.made + each:05}.png" for each in range(count)]
        self.made += count
        with self.engine.transaction():
            self.engine.insert("files", COLUMNS, [file_row(name.encode()) for name in names])
        return names

    def listener(self, sink: Sink, *, name: str = "app", kinds: tuple[str, ...] = ()) -> Delivery:
        self.sinks.append(sink)
        shared = Place(
            self.engine,
            1,
            self.place.clock,
            threading.BoundedSemaphore(1),
            lambda: 1.0,
            self.counts,
        )
        return Delivery(name, "a place", wanted(kinds, [], host_id=1), sink, shared)

    def run(self, listener: Delivery, seconds: float = 0.0) -> float:
        """Let a listener do what it can; the time that it waits for passes, up to so much."""
        until = self.place.clock.monotonic() + seconds
        while True:
            pause = listener.step()
            now = self.place.clock.monotonic()
            if pause and now + pause > until:
                return pause
            self.place.clock.advance(pause)


@pytest.fixture
def world(engine: Engine, place: catalogues.Place) -> Iterator[World]:
    world = World(engine, place)
    yield world
    for sink in world.sinks:
        sink.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as lent:
        yield lent


def hook(world: World, receiver: Receiver, timeout: float = 5.0) -> Webhook:
    known = given("app", {"LISTENER_APP_SECRET": SECRET})
    return Webhook("app", receiver.url, timeout, lambda: known, world.wall_ns)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["file"]["path"] for event in events]


def test_everything_since_it_was_configured_arrives_signed_and_in_order(
    world: World, receiver: Receiver
) -> None:
    world.record(3)  # before anybody listened
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    recorded = world.record(BATCH + 20)
    world.run(listener)
    assert names(receiver.taken) == recorded
    assert len(receiver.requests) == 2
    assert all(signed(request) for request in receiver.requests)
    first = receiver.requests[0]
    assert json.loads(first.body)["listener"] == "app"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"].startswith("storewarden/")
    (standing,) = listeners.standings(world.engine, 1)
    assert (standing.delivered, standing.failing_ns) == (BATCH + 20, None)
    assert world.counts.told == Counter(delivered=BATCH + 20)


def test_a_changed_body_or_a_wrong_secret_is_found_out(world: World, receiver: Receiver) -> None:
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    world.record()
    world.run(listener)
    (request,) = receiver.requests
    assert signed(request)
    assert not signed(request, "whsec_AAAA")
    request.body = request.body.replace(b"created", b"missing")
    assert not signed(request)


def test_two_secrets_both_sign(world: World, receiver: Receiver) -> None:
    old = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    known = given("app", {"LISTENER_APP_SECRET": f"{SECRET} {old}"})
    listener = world.listener(Webhook("app", receiver.url, 5.0, lambda: known, world.wall_ns))
    world.run(listener)
    world.record()
    world.run(listener)
    assert signed(receiver.requests[0])
    assert signed(receiver.requests[0], old)


def test_nothing_is_missed_while_the_receiver_is_away(world: World, receiver: Receiver) -> None:
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    recorded = world.record(5)
    receiver.stop()
    pauses = [world.run(listener)]
    for _ in range(10):
        world.place.clock.advance(pauses[-1])
        pauses.append(world.run(listener))
        recorded += world.record()
    assert pauses[:5] == pytest.approx([1.0, 2.0, 4.0, 8.0, 16.0], rel=0.01)
    assert max(pauses) == pytest.approx(300.0, rel=0.01)
    (standing,) = listeners.standings(world.engine, 1)
    assert standing.failing_ns is not None
    assert (standing.attempts, standing.delivered) == (11, 0)
    assert "refused" in standing.error
    assert listeners.behind(world.engine, 1, standing.at) is not None
    receiver.start()
    world.run(listener, 300.0)
    assert names(receiver.taken) == recorded
    (standing,) = listeners.standings(world.engine, 1)
    assert (standing.attempts, standing.failing_ns, standing.error) == (0, None, "")
    assert listeners.behind(world.engine, 1, standing.at) is None


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_who_cannot_now_is_told_the_same_again(
    world: World, receiver: Receiver, status: int
) -> None:
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    world.record(2)
    receiver.judge = lambda _events: status
    world.run(listener, 2.0)
    receiver.judge = lambda _events: 200
    world.run(listener, 10.0)
    assert names(receiver.taken) == ["f00000.png", "f00001.png"]
    ids = {request.headers["webhook-id"] for request in receiver.requests}
    assert len(ids) == 1  # by which a receiver knows what it had
    assert dead.letters(world.engine, 1) == []


def test_who_says_when_is_not_asked_earlier(world: World, receiver: Receiver) -> None:
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    world.record()
    receiver.judge = lambda _events: 503
    receiver.headers["Retry-After"] = "120"
    assert world.run(listener) == 120.0


def test_the_next_daemon_goes_on_where_the_last_was_killed(
    world: World, receiver: Receiver
) -> None:
    """Killed after each delivery, before it could be written down: sent again, never passed by."""
    first = world.listener(hook(world, receiver))
    world.run(first)
    recorded = world.record(3 * BATCH)
    for _ in range(3):
        killed = world.listener(hook(world, receiver))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(listeners, "heard", _killed)
            with pytest.raises(KeyboardInterrupt):
                world.run(killed)
        once = world.listener(hook(world, receiver))
        while once.step() == 0.0 and once._queue and len(once._queue) % BATCH:
            pass
    world.run(world.listener(hook(world, receiver)))
    got = names(receiver.taken)
    assert list(dict.fromkeys(got)) == recorded
    assert len(got) > len(recorded)


def _killed(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_what_is_refused_again_and_again_is_laid_aside_and_the_rest_passes(
    world: World, receiver: Receiver
) -> None:
    bad = {"f00003.png", "f00007.png"}
    receiver.judge = lambda events: 422 if bad & set(names(events)) else 200
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    recorded = world.record(10)
    world.run(listener, 60.0)
    assert names(receiver.taken) == [name for name in recorded if name not in bad]
    letters = dead.letters(world.engine, 1, "app")
    assert [json.loads(letter.event)["file"]["path"] for letter in letters] == sorted(bad)
    assert letters[0].why == "it answers 422: no"
    assert world.counts.told["buried"] == 2
    assert [len(request.events) for request in receiver.requests][: TRIES + 1] == [10] * TRIES + [1]

    assert dead.send_again(world.engine, 1, "app") == 2
    world.run(listener)
    assert len(dead.letters(world.engine, 1)) == 2  # they are still refused
    receiver.judge = lambda _events: 200
    dead.send_again(world.engine, 1, "app")
    world.run(listener)
    assert dead.letters(world.engine, 1) == []
    assert sorted(names(receiver.taken)) == recorded


def test_so_many_dead_letters_make_a_listener_wait_and_none_is_dropped(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "MOST", 3)
    receiver.judge = lambda _events: 400
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    recorded = world.record(5)
    world.run(listener, 200.0)
    assert len(dead.letters(world.engine, 1)) == 3
    (standing,) = listeners.standings(world.engine, 1)
    assert "3 dead letters wait" in standing.error
    receiver.judge = lambda _events: 200
    dead.send_again(world.engine, 1, "app")
    assert listeners.hurry(world.engine, 1, "app")
    world.run(listener, 400.0)
    assert sorted(names(receiver.taken)) == recorded


def test_a_letter_is_buried_with_the_step_beyond_it_or_not_at_all(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.judge = lambda _events: 400
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    world.record()
    world.run(listener, 31.0)
    bury = dead.bury

    def full(*arguments: Any) -> None:
        bury(*arguments)
        raise CatalogueBusy("busy")

    monkeypatch.setattr(dead, "bury", full)
    world.run(listener, 30.0)
    assert dead.letters(world.engine, 1) == []
    monkeypatch.undo()
    world.run(listener, 30.0)
    assert len(dead.letters(world.engine, 1)) == 1


def test_a_listener_without_a_secret_is_not_told_unsigned(world: World, receiver: Receiver) -> None:
    sink = Webhook("app", receiver.url, 5.0, Credentials, world.wall_ns)
    listener = world.listener(sink)
    world.run(listener)
    world.record()
    world.run(listener)
    assert receiver.requests == []
    (standing,) = listeners.standings(world.engine, 1)
    assert "there is no secret to sign with" in standing.error


def test_one_that_hangs_is_given_up_when_the_daemon_ends(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        known = given("app", {"LISTENER_APP_SECRET": SECRET})
        url = f"http://127.0.0.1:{port}/"
        listener = world.listener(Webhook("app", url, 60.0, lambda: known, world.wall_ns))
        world.run(listener)
        world.record()
        thread = threading.Thread(target=listener.step)
        thread.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(65536).startswith(b"POST / ")
            listener.give_up()
            thread.join(5.0)
        assert not thread.is_alive()
    (standing,) = listeners.standings(world.engine, 1)
    assert standing.error == ""  # it is not the listener's fault


def test_each_listener_goes_its_own_way(world: World, receiver: Receiver) -> None:
    class Dead:
        def send(self, messages: object) -> None:
            raise ListenerAway("away", where="nowhere", why="dead")

        def close(self) -> None:
            pass

    one = world.listener(Dead(), name="one")
    two = world.listener(hook(world, receiver), name="two")
    world.run(one)
    world.run(two)
    recorded = world.record(4)
    world.run(one)
    world.run(two)
    assert names(receiver.taken) == recorded
    failing = {each.name: bool(each.error) for each in listeners.standings(world.engine, 1)}
    assert failing == {"one": True, "two": False}


def test_a_catalogue_that_is_busy_delays_and_loses_nothing(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of a delivery fails once; in the end all arrived, in order."""
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    recorded = world.record(3)
    for module, name in ((feed, "last_round"), (feed, "read"), (listeners, "heard")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _busy)
            listener.step()
            listener.step()
        recorded += world.record()
    world.run(listener, 10.0)
    assert list(dict.fromkeys(names(receiver.taken))) == recorded


def _busy(*_arguments: object) -> None:
    raise CatalogueBusy("busy")


def test_who_was_away_longer_than_the_journal_is_told_so(world: World, receiver: Receiver) -> None:
    listener = world.listener(hook(world, receiver))
    world.run(listener)
    world.record(2)
    later = world.record(2)
    rounds.forget(world.engine, 1, 2**62, 100)
    world.run(world.listener(hook(world, receiver)))
    missed, *rest = receiver.taken
    assert (missed["event"], names(rest)) == ("missed", later)


def test_only_the_kinds_that_were_asked_for_are_sent(world: World, receiver: Receiver) -> None:
    listener = world.listener(hook(world, receiver), kinds=("missing",))
    world.run(listener)
    world.record(3)
    with world.engine.transaction():
        world.engine.insert("history", HISTORY, [(2, NOW, "missing", "{}")])
    world.run(listener)
    assert [(event["event"], event["file"]["id"]) for event in receiver.taken] == [("missing", 2)]


# -- server-sent events ---------------------------------------------------------------------------


def parse(stream: Iterator[bytes], count: int) -> list[dict[str, str]]:
    """Read so many messages as EventSource does: a message is what has data."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    for piece in stream:
        for line in piece.decode().split("\n"):
            if line == "":
                if "data" in fields:
                    found.append(fields)
                fields = {}
            elif not line.startswith(":"):
                key, _, value = line.partition(": ")
                fields[key] = value
        if len(found) >= count:
            return found
    return found


def streams(world: World, bell: Bell, heartbeat: float = 15.0) -> Streams:
    reading = threading.BoundedSemaphore(1)
    return Streams(world.engine, bell, world.place.clock, reading, heartbeat=heartbeat)


def test_a_stream_begins_now_and_goes_on_after_any_id(world: World) -> None:
    bell = Bell()
    world.journal.ring = bell.ring
    listening = streams(world, bell)
    world.record(2)
    flow = listening.stream(wanted([], []), listening.begin(""))
    assert next(flow).startswith(b"retry: ")
    recorded = world.record(3)
    messages = parse(flow, 3)
    assert [json.loads(one["data"])["file"]["path"] for one in messages] == recorded
    assert {one["event"] for one in messages} == {"created"}
    assert listening.open == 1
    flow.close()
    assert listening.open == 0
    again = listening.stream(wanted([], []), listening.begin(messages[0]["id"]))
    assert [one["id"] for one in parse(again, 2)] == [one["id"] for one in messages[1:]]
    whole = listening.stream(wanted([], []), listening.begin("start"))
    assert len(parse(whole, 5)) == 5


def test_a_quiet_stream_says_that_it_lives_and_how_far_it_came(world: World) -> None:
    bell = Bell()
    listening = streams(world, bell, heartbeat=0.0)
    flow = listening.stream(wanted(["purged"], []), listening.begin(""))
    next(flow)
    world.record(3)
    beat = next(flow)
    assert beat.startswith(b": ")
    id_ = beat.decode().split("id: ")[1].strip()
    assert id_ == str(feed.newest(world.engine))
    assert parse(iter([beat]), 1) == []


def test_a_stream_ends_with_the_daemon_and_with_its_right(world: World) -> None:
    bell = Bell()
    listening = streams(world, bell, heartbeat=0.0)
    flow = listening.stream(wanted([], []), Cursor(), may=lambda: False)
    assert list(flow)[1:] == []
    flow = listening.stream(wanted([], []), Cursor())
    next(flow)
    bell.end()
    assert list(flow) == []


def test_a_commit_wakes_who_waits(world: World) -> None:
    bell = Bell()
    world.journal.ring = bell.ring
    woken: list[bool] = []
    rung = bell.rung
    waiting = threading.Thread(target=lambda: woken.append(bell.wait(rung, 30.0)))
    waiting.start()
    world.record()
    waiting.join(5.0)
    assert woken == [True]
    assert bell.wait(bell.rung, 0.0) is False
