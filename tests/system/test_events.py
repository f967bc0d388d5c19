"""What a listener of a real daemon is promised, through kills of it and of the receiver."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.hearing import Ear, assert_in_order, by_file
from tests.receiving import SECRET, Receiver, receiving, signed

FAST = {"settle": "50ms", "settle_cap": "1s"}


def daemon_at(base: Path, url: str | None = None, **listener: object) -> Daemon:
    root = base / "root"
    root.mkdir()
    listeners = {"app": {"url": url, **listener}} if url else {}
    return Daemon(
        base / "daemon",
        {"root": {"path": str(root), **FAST}},
        settings={"listeners": listeners} if listeners else {},
        environ={"LISTENER_APP_SECRET": SECRET},
    )


def names(events: list[dict[str, object]], kind: str = "created") -> set[str]:
    return {
        str(event["file"]["path"])  # type: ignore[index]  # JSON
        for event in events
        if event["event"] == kind
    }


def write(root: Path, name: str, text: str = "x") -> None:
    (root / name).write_text(text)


def test_a_closed_file_is_told_by_webhook_and_by_stream(tmp_path: Path) -> None:
    with receiving() as receiver, daemon_at(tmp_path, receiver.url) as daemon:
        ear = Ear(daemon.state / "api.sock", "?event=created&term=ext=png")
        ear.begin()
        daemon.until(lambda: ear.connections, "it listens")
        write(tmp_path / "root", "a.png")
        write(tmp_path / "root", "b.txt")
        daemon.until(lambda: names(receiver.taken) == {"a.png", "b.txt"}, "both were told")
        daemon.until(lambda: ear.events, "the stream tells")
        (tmp_path / "root" / "a.png").rename(tmp_path / "root" / "c.png")
        (tmp_path / "root" / "b.txt").unlink()
        daemon.until(lambda: names(receiver.taken, "missing") == {"b.txt"}, "it went")
        daemon.until(lambda: names(receiver.taken, "renamed") == {"c.png"}, "it has a new name")
        assert all(signed(request) for request in receiver.requests)
        assert names(ear.events) == {"a.png"}
        assert ear.events[0]["file"]["place"] == os.fspath(tmp_path / "root" / "a.png")
        renamed = next(one for one in receiver.taken if one["event"] == "renamed")
        assert renamed["detail"]["was"] == "a.png"
        assert daemon.metric('listener_events_total{listener="app"}') >= 4
        daemon.until(
            lambda: daemon.metric('listener_lag_seconds{listener="app"}') == 0, "it is not behind"
        )
        ear.end()
        assert daemon.stop() == 0


@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(turn, marks=pytest.mark.soak) for turn in range(1, 50))]
)
def test_nothing_is_missed_through_kills_of_daemon_and_receiver(tmp_path: Path, turn: int) -> None:
    chance = random.Random(turn)
    root = tmp_path / "root"
    with receiving() as receiver, daemon_at(tmp_path, receiver.url) as daemon:
        ear = Ear(daemon.state / "api.sock")
        ear.begin()
        ended = threading.Event()
        made: list[str] = []

        def works() -> None:
            while not ended.is_set() and len(made) < 600:
                name = f"f{len(made):04}.png"
                write(root, name)
                if chance.random() < 0.2:
                    (root / name).write_text("another content")
                made.append(name)
                time.sleep(chance.random() / 100)

        worker = threading.Thread(target=works)
        worker.start()
        for _ in range(3):
            time.sleep(0.3 + chance.random() / 2)
            what = chance.random()
            if what < 0.5:
                receiver.stop()
            if what > 0.2:
                daemon.kill()
                daemon.start(ready=False)
            ear.cut()
            receiver.stop()
            receiver.start()
        ended.set()
        worker.join()
        daemon.until(lambda: daemon.told("ready"), "it is ready again")
        daemon.settled()
        whole = set(made)
        daemon.until(lambda: names(receiver.taken) >= whole, "the receiver heard of all", 20)
        daemon.until(lambda: names(ear.events) >= whole, "the stream told of all", 20)
        ear.end()
        assert "missed" not in {event["event"] for event in (*receiver.taken, *ear.events)}
        assert_in_order(receiver.taken)
        assert_in_order(ear.events)
        assert all(signed(request) for request in receiver.requests)


def test_a_dead_listener_disturbs_nobody(tmp_path: Path) -> None:
    """One hangs, one refuses, one is not there: recording and the fourth go on as ever."""

    def hangs(_events: object) -> int:
        stuck.released.wait(30)
        return 200

    with receiving(hangs) as stuck, receiving(lambda _: 500) as wrong, receiving() as well:
        daemon = daemon_at(tmp_path, well.url)
        daemon.environ |= {f"LISTENER_{name}_SECRET": SECRET for name in ("STUCK", "WRONG", "GONE")}
        daemon.settings["listeners"] |= {
            "stuck": stuck.url,
            "wrong": wrong.url,
            "gone": "http://127.0.0.1:9/",
        }
        daemon.configure()
        with daemon:
            for number in range(300):
                write(tmp_path / "root", f"{number:03}")
            daemon.until(lambda: len(names(well.taken)) == 300, "the one that is well has all")
            daemon.settled()
            shown = json.loads(daemon.verb("listeners", "--json").stdout)["listeners"]
            states = {one["name"]: one["state"] for one in shown}
            assert states == {
                "app": "well",
                "stuck": "well",  # for all that one knows yet
                "wrong": "failing",
                "gone": "failing",
            }
            assert daemon.get("/healthz")[0] == 200
            begun = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - begun < 3.0


def test_dead_letters_are_seen_and_sent_again_by_a_verb(tmp_path: Path, receiver: Receiver) -> None:
    receiver.judge = lambda events: 200 if names(events) != {"bad.png"} else 422
    daemon = daemon_at(tmp_path, receiver.url, events=["created"])
    # what takes a minute of tries takes a second here
    daemon.preamble = (
        "from storewarden.api.events import delivery; delivery.TRIES = 2; delivery.FIRST = 0.1"
    )
    with daemon:
        write(tmp_path / "root", "bad.png")
        daemon.until(
            lambda: daemon.metric('listener_dead_letters{listener="app"}') == 1, "it is laid aside"
        )
        write(tmp_path / "root", "good.png")
        daemon.until(lambda: names(receiver.taken) == {"good.png"}, "the next one passes")
        told = daemon.verb("listeners", "app", "--json")
        assert told.returncode == 1
        (letter,) = json.loads(told.stdout)["letters"]
        assert (letter["event"]["file"]["path"], letter["why"]) == ("bad.png", "it answers 422: no")
        receiver.judge = lambda _events: 200
        assert daemon.verb("listeners", "app", "--retry").returncode == 0
        daemon.until(lambda: names(receiver.taken) == {"good.png", "bad.png"}, "it is sent again")
        daemon.until(lambda: daemon.verb("listeners").returncode == 0, "nothing is left of it")


@pytest.fixture
def receiver() -> object:
    with receiving() as lent:
        yield lent


def test_listeners_come_and_go_with_the_configuration(tmp_path: Path, receiver: Receiver) -> None:
    with daemon_at(tmp_path) as daemon:
        daemon.configure(listeners={"app": {"url": receiver.url, "files": ["knid=video"]}})
        daemon.signal(1)
        daemon.until(lambda: daemon.told("a listener cannot be told"), "the term is wrong")
        (shown,) = json.loads(daemon.verb("listeners", "--json").stdout)["listeners"]
        assert "did you mean kind" in shown["error"]
        assert shown["state"] == "failing"
        daemon.configure(listeners={"app": {"url": receiver.url, "events": ["created"]}})
        daemon.signal(1)
        daemon.until(lambda: daemon.told("the configuration changed"), "it is read again")
        write(tmp_path / "root", "a.png")
        daemon.until(lambda: names(receiver.taken) == {"a.png"}, "it is told")
        daemon.configure(listeners={"other": receiver.url.replace("/hook", "/other")})
        daemon.signal(1)
        daemon.until(
            lambda: daemon.told("the configuration changed", what="applied"), "read once more"
        )
        assert SECRET not in daemon.log_file().read_text()
        assert daemon.stop() == 0


def test_files_of_one_name_are_one_after_the_other(tmp_path: Path) -> None:
    """A program that saves by renaming: the events of the file are those of one file."""
    with daemon_at(tmp_path) as daemon:
        ear = Ear(daemon.state / "api.sock")
        ear.begin()
        root = tmp_path / "root"
        for number in range(3):
            (root / ".new").write_text(f"{number}" * (number + 1))
            (root / ".new").rename(root / "doc.png")
            daemon.settled()
        daemon.until(lambda: ear.events, "something was told")
        daemon.until(
            lambda: max(map(len, by_file(ear.events).values())) >= 3, "each change was told"
        )
        ear.end()
        assert_in_order(ear.events)
