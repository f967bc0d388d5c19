"""Bytes of events in, hints by directory out."""

import pytest

from storewarden.model import Hint
from storewarden.watch.fold import Fold, FoldLimits
from storewarden.watch.inotify import (
    ATTRIB,
    CLOSE_WRITE,
    CREATE,
    DELETE,
    HEADER,
    IGNORED,
    ISDIR,
    MOVED_FROM,
    MOVED_TO,
    Q_OVERFLOW,
)
from storewarden.watch.table import Node

KNOWN = {1: Node(None, b"", 1, (1, 1)), 2: Node(None, b"", 2, (1, 2))}
Event = tuple[int, int, bytes]


def packed(*events: Event) -> bytes:
    """Pack events as the kernel does: the name is padded with NUL to a multiple of 16."""
    buffer = b""
    for watch, mask, name in events:
        padded = name + bytes(16 - len(name) % 16) if name else b""
        buffer += HEADER.pack(watch, mask, 0, len(padded)) + padded
    return buffer


def folded(*events: Event, limits: FoldLimits | None = None) -> tuple[Fold, list[Event]]:
    fold, structure = Fold(limits), list[Event]()
    fold.take(packed(*events), KNOWN, lambda *event: structure.append(event))
    return fold, structure


@pytest.mark.parametrize(
    ("masks", "hint"),
    [
        ([CREATE], Hint.OPENED),
        ([ATTRIB], Hint.OPENED),
        ([CREATE, CLOSE_WRITE], Hint.CLOSED),
        ([MOVED_TO], Hint.CLOSED),
        ([CREATE, ATTRIB], Hint.OPENED),
        ([CREATE, CLOSE_WRITE, ATTRIB], Hint.CLOSED),
        ([CREATE, CLOSE_WRITE, DELETE], Hint.GONE),
        ([CREATE, CLOSE_WRITE, MOVED_FROM], Hint.GONE),
        ([DELETE, CREATE], Hint.OPENED),
        ([DELETE, CREATE, CLOSE_WRITE], Hint.CLOSED),
    ],
)
def test_the_last_hint_counts(masks: list[int], hint: Hint) -> None:
    fold, _ = folded(*[(1, mask, b"name") for mask in masks])

    assert fold.names == {1: {b"name": hint}}


@pytest.mark.parametrize("name", [b"n", b"x" * 15, b"x" * 16, b"x" * 255, b"\xff\n"])
def test_names_are_any_bytes(name: bytes) -> None:
    fold, _ = folded((1, CLOSE_WRITE, name), (2, CLOSE_WRITE, name))

    assert fold.names == {1: {name: Hint.CLOSED}, 2: {name: Hint.CLOSED}}


def test_what_concerns_directories_is_handed_on_in_order() -> None:
    fold, structure = folded(
        (1, CREATE | ISDIR, b"sub"),
        (1, CREATE, b"file"),
        (2, IGNORED, b""),
        (-1, Q_OVERFLOW, b""),
        (1, DELETE | ISDIR, b"sub"),
    )

    assert structure == [
        (1, CREATE | ISDIR, b"sub"),
        (2, IGNORED, b""),
        (-1, Q_OVERFLOW, b""),
        (1, DELETE | ISDIR, b"sub"),
    ]
    assert fold.names == {1: {b"file": Hint.OPENED}}


def test_events_of_unknown_watches_and_of_the_directory_itself_mean_nothing() -> None:
    fold, structure = folded((9, CREATE, b"late"), (1, ATTRIB, b""))

    assert not fold
    assert structure == []


def test_a_watch_that_becomes_known_in_the_middle_is_heard_from_then_on() -> None:
    fold, known = Fold(), dict(KNOWN)
    events = packed((9, CREATE, b"before"), (1, CREATE | ISDIR, b"sub"), (9, CREATE, b"after"))
    fold.take(events, known, lambda *_: known.update({9: KNOWN[1]}))

    assert fold.names == {9: {b"after": Hint.OPENED}}


def many(watch: int, count: int) -> list[Event]:
    return [(watch, CLOSE_WRITE, b"%d" % number) for number in range(count)]


def test_a_directory_with_too_many_names_is_listed_instead() -> None:
    fold, _ = folded(*many(1, 6000), *many(2, 10), limits=FoldLimits(in_directory=5000))

    assert fold.dirty == {1}
    assert list(fold.names) == [2]
    assert fold.pending() == 11


def test_too_many_names_in_all_fold_every_directory() -> None:
    fold, _ = folded(*many(1, 3000), *many(2, 3000), limits=FoldLimits(5000, names=5000))

    assert fold.dirty == {1, 2}
    assert fold.names == {}


def test_too_many_directories_fold_into_one_scan() -> None:
    fold, _ = folded(*many(1, 3000), *many(2, 3000), limits=FoldLimits(100, 100, directories=1))

    assert fold.too_much
    assert fold
    assert fold.pending() == 0


def test_events_are_counted_by_type() -> None:
    fold, _ = folded(
        (1, CREATE, b"a"),
        (1, CREATE | ISDIR, b"b"),
        (1, CLOSE_WRITE, b"a"),
        (1, MOVED_FROM, b"a"),
        (1, MOVED_TO, b"c"),
        (1, ATTRIB, b"c"),
        (1, DELETE, b"c"),
        (-1, Q_OVERFLOW, b""),
        (2, IGNORED, b""),
    )

    assert fold.counted() == {
        "created": 2,
        "closed": 1,
        "attributes": 1,
        "moved": 2,
        "deleted": 1,
        "overflow": 1,
    }


def test_a_directory_that_is_no_more_is_forgotten() -> None:
    fold, _ = folded((1, CREATE, b"a"), (2, CREATE, b"b"))
    fold.dirty.add(2)
    fold.drop(1)
    fold.drop(2)

    assert not fold
