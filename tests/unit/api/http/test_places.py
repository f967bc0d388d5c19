"""There is room for so many connections; who is idle makes way, who is busy does not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from storewarden.api.http import places as rooms
from storewarden.api.http.places import Places


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    with ExitStack() as open_:
        made = [socket.socketpair() for _ in range(4)]
        for pair in made:
            for one in pair:
                open_.enter_context(one)
                one.settimeout(10)
        yield made


Pairs = list[tuple[socket.socket, socket.socket]]


def test_who_is_idle_for_longest_makes_way(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_MAKE_WAY", 0.0)
    places = Places(2)
    first, second = places.take(pairs[0][0]), places.take(pairs[1][0])
    assert first is not None
    assert second is not None
    first.busy()
    first.idle()  # later than the second came

    def leaves() -> None:
        assert pairs[1][0].recv(1) == b""  # it hears the end of what it reads
        second.leave()

    thread = threading.Thread(target=leaves)
    thread.start()
    assert places.take(pairs[2][0]) is not None
    thread.join(10)
    assert places.count() == 2
    assert first.idle()
    assert not second.idle()


def test_who_is_busy_is_not_disturbed(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_PATIENCE", 0.05)
    places = Places(1)
    one = places.take(pairs[0][0])
    assert one is not None
    one.busy()

    assert places.take(pairs[1][0]) is None
    one.leave()
    assert places.take(pairs[1][0]) is not None


def test_all_end_together_those_that_are_busy_with_their_request(pairs: Pairs) -> None:
    places = Places(4)
    idle, busy = places.take(pairs[0][0]), places.take(pairs[1][0])
    assert idle is not None
    assert busy is not None
    busy.busy()
    began = time.monotonic()

    assert not places.end(0.05)
    assert time.monotonic() - began < 5
    assert pairs[0][0].recv(1) == b""
    assert not busy.idle()
    assert places.take(pairs[2][0]) is None
    idle.leave()
    places.end_all()
    assert pairs[1][1].recv(1) == b""
    busy.leave()
    assert places.end(0.05)
