"""The journal gets an entry's message and its facts as fields of their own."""

import array
import logging
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.measure import journal
from storewarden.measure.log import journal_entry


class Journal:
    """A socket as the journal's, which keeps what it gets."""

    def __init__(self, place: Path) -> None:
        self.address = str(place)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.settimeout(5)

    def entry(self) -> dict[str, str]:
        """Read the next entry as the journal does."""
        room = socket.CMSG_LEN(array.array("i").itemsize)
        data, more, _, _ = self.socket.recvmsg(1 << 20, room)
        for _, _, handed in more:
            descriptor = array.array("i", handed)[0]
            with open(descriptor, "rb") as file:
                file.seek(0)
                data = file.read()
        return parsed(data)


def parsed(data: bytes) -> dict[str, str]:
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, plain, value = line.partition(b"=")
        if not plain:
            (length,) = struct.unpack("<Q", data[:8])
            value, end, data = data[8:][:length], data[8 + length :][:1], data[9 + length :]
            assert end == b"\n"
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "socket")
    yield made
    made.socket.close()


@pytest.fixture
def handler(theirs: Journal) -> Iterator[journal.Handler]:
    made = journal.Handler(journal_entry, theirs.address)
    yield made
    made.close()


def record(message: str, level: int = logging.WARNING, /, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("storewarden.watch.emitter", level, "f", 1, message, (), None)
    made.facts = facts
    return made


def test_facts_are_fields(theirs: Journal, handler: journal.Handler) -> None:
    handler.handle(record("root is blind", root="uploads", path=b"a\xff.png", files=3))

    assert theirs.entry() == {
        "MESSAGE": r"watch: root is blind root=uploads path=a\xff.png files=3",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "storewarden",
        "LOGGER": "storewarden.watch.emitter",
        "ROOT": "uploads",
        "PATH": r"a\xff.png",
        "FILES": "3",
    }


def test_a_name_cannot_stand_for_another_field(theirs: Journal, handler: journal.Handler) -> None:
    facts = {"message": "m", "_pid": "1", "priority": 0, "a b": 2, "": 3}
    odd = record("odd")
    odd.facts = facts
    handler.handle(odd)

    entry = theirs.entry()
    assert (entry["PRIORITY"], entry["PRIORITY_"], entry["MESSAGE_"]) == ("4", "0", "m")
    assert (entry["PID"], entry["A_B"], entry["FACT"]) == ("1", "2", "3")
    assert not any(name.startswith("_") for name in entry)


def test_a_value_of_several_lines_is_no_second_field(
    theirs: Journal, handler: journal.Handler
) -> None:
    # a name of a file may hold a newline: it is shown, and never sent as it is
    handler.handle(record("odd", path=b"x\nPRIORITY=0"))
    try:
        raise ValueError("no\nfield=1")
    except ValueError:
        failed = record("failed", logging.ERROR)
        failed.exc_info = sys.exc_info()
    handler.handle(failed)

    first, second = theirs.entry(), theirs.entry()
    assert (first["PRIORITY"], first["PATH"]) == ("4", r"x\nPRIORITY=0")
    assert second["TRACEBACK"].splitlines()[0] == "Traceback (most recent call last):"
    assert "field" not in second


def test_what_is_too_long_for_a_datagram_arrives_whole(
    theirs: Journal, handler: journal.Handler
) -> None:
    handler._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    handler.handle(record("long", why="y" * 200_000))

    assert theirs.entry()["WHY"] == "y" * 200_000


def test_no_secret_goes_to_the_journal(theirs: Journal, handler: journal.Handler) -> None:
    handler.handle(
        record("no catalogue", url="postgresql://me:canary@host/db", why="password=canary")
    )

    assert "canary" not in str(theirs.entry())


def test_what_was_lost_is_told_with_what_comes_next(
    theirs: Journal, handler: journal.Handler, tmp_path: Path
) -> None:
    os.rename(theirs.address, tmp_path / "away")
    handler.handle(record("lost", n=1))
    handler.handle(record("lost", n=2))
    os.rename(tmp_path / "away", theirs.address)
    handler.handle(record("found", n=3))
    handler.handle(record("found", n=4))

    assert theirs.entry()["LINES_LOST"] == "2"
    assert "LINES_LOST" not in theirs.entry()


def test_whether_there_is_a_journal_is_asked_of_its_socket(theirs: Journal, tmp_path: Path) -> None:
    assert journal.reachable(theirs.address)
    assert not journal.reachable(str(tmp_path / "none"))
