"""Counts belong to files: they follow names, are bounded, and what is lost is counted."""

import itertools
import struct

import pytest

from storewarden.watch.inotify import (
    CLOSE_NOWRITE,
    CLOSE_WRITE,
    DELETE,
    IGNORED,
    ISDIR,
    MOVED_FROM,
    MOVED_TO,
    OPEN,
    Q_OVERFLOW,
)
from storewarden.watch.uses import Use, Uses

COOKIES = itertools.count(1)


def event(watch: int, mask: int, name: bytes = b"", cookie: int = 0) -> bytes:
    """Pack an event as the kernel does."""
    padded = name + b"\0" * (16 - len(name) % 16) if name else b""
    return struct.pack("iIII", watch, mask, cookie, len(padded)) + padded


def renamed(old: tuple[int, bytes], new: tuple[int, bytes], more: int = 0) -> bytes:
    cookie = next(COOKIES)
    return event(old[0], MOVED_FROM | more, old[1], cookie) + event(
        new[0], MOVED_TO | more, new[1], cookie
    )


class Heard:
    def __init__(self) -> None:
        self.mine: set[tuple[int, bytes]] = set()
        self.moves: list[tuple[tuple[int, bytes], tuple[int, bytes]]] = []
        self.gone: list[int] = []

    def ours(self, watch: int, name: bytes) -> bool:
        return (watch, name) in self.mine

    def moved(self, old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
        self.moves.append((old, new))

    def ignored(self, watch: int) -> None:
        self.gone.append(watch)


class Kept(Uses):
    """Takes events at a time that goes on."""

    def __init__(self, most: int = 100) -> None:
        self.heard = Heard()
        super().__init__(self.heard, most)
        self.now = 0

    def see(self, *events: bytes, own: bool = True) -> None:
        self.now += 1
        self.take(b"".join(events), self.now, float(self.now), own=own)

    def of(self, watch: int, name: bytes) -> tuple[int, int]:
        use = self.names.get(watch, {}).get(name)
        return (use.opens, use.writes) if use else (0, 0)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_each_end_of_use_counts_and_the_last_is_remembered(kept: Kept) -> None:
    for _ in range(3):
        kept.see(event(1, OPEN, b"a"), event(1, CLOSE_NOWRITE, b"a"))
    kept.see(event(1, OPEN, b"a"), event(1, CLOSE_WRITE, b"a"), event(2, CLOSE_WRITE, b"a"))

    assert kept.names == {1: {b"a": Use(3, 1, 4, 1.0)}, 2: {b"a": Use(0, 1, 4, 4.0)}}
    assert (kept.opens, kept.writes, kept.own, kept.count) == (3, 2, 0, 2)


def test_directories_do_not_count(kept: Kept) -> None:
    kept.see(event(1, OPEN | ISDIR, b"d"), event(1, CLOSE_NOWRITE | ISDIR, b"d"))
    kept.see(
        event(1, OPEN | ISDIR), event(1, CLOSE_NOWRITE | ISDIR), event(1, DELETE | ISDIR, b"d")
    )

    assert kept.names == {}


def test_our_own_reads_do_not_count(kept: Kept) -> None:
    kept.heard.mine = {(1, b"a")}
    kept.see(event(1, CLOSE_NOWRITE, b"a"), event(1, CLOSE_NOWRITE, b"b"))
    kept.see(event(1, CLOSE_NOWRITE, b"a"), own=False)

    assert (kept.of(1, b"a"), kept.of(1, b"b"), kept.own) == ((1, 0), (1, 0), 1)


def test_counts_go_with_a_file_that_is_renamed(kept: Kept) -> None:
    kept.see(event(1, CLOSE_NOWRITE, b"a"))
    kept.see(renamed((1, b"a"), (2, b"b")), event(2, CLOSE_NOWRITE, b"b"))

    assert (kept.of(1, b"a"), kept.of(2, b"b"), kept.count) == ((0, 0), (2, 0), 1)
    assert kept.heard.moves == [((1, b"a"), (2, b"b"))]


def test_a_file_that_is_saved_over_keeps_its_counts(kept: Kept) -> None:
    kept.see(event(1, CLOSE_NOWRITE, b"a"), event(1, CLOSE_WRITE, b"tmp"))
    kept.see(renamed((1, b"tmp"), (1, b"a")))

    assert (kept.of(1, b"a"), kept.of(1, b"tmp"), kept.count) == ((1, 1), (0, 0), 1)


def test_what_is_deleted_or_left_the_root_is_forgotten(kept: Kept) -> None:
    kept.see(event(1, CLOSE_NOWRITE, b"a"), event(1, CLOSE_NOWRITE, b"b"))
    kept.see(event(1, DELETE, b"a"), event(1, MOVED_FROM, b"b", 77))
    kept.see(event(1, MOVED_TO, b"c", 78))  # from elsewhere

    assert (kept.count, kept.of(1, b"c")) == (0, (0, 0))
    assert kept.names.get(1, {}) == {}


def test_a_directory_that_is_no_more_takes_its_counts_along(kept: Kept) -> None:
    kept.see(event(1, CLOSE_NOWRITE, b"a"), event(2, CLOSE_NOWRITE, b"a"), event(1, IGNORED))

    assert (set(kept.names), kept.count, kept.heard.gone) == ({2}, 1, [1])


def test_what_overflows_is_lost_and_counted(kept: Kept) -> None:
    kept.see(event(-1, Q_OVERFLOW))

    assert kept.lost == 1


def test_only_so_many_names_are_kept_and_those_go_on_counting(kept: Kept) -> None:
    small = Kept(most=2)
    for name in (b"a", b"b", b"c", b"a"):
        small.see(event(1, CLOSE_WRITE, name))

    assert (small.of(1, b"a"), small.of(1, b"c")) == ((0, 2), (0, 0))
    assert (small.count, small.lost) == (2, 1)


def test_what_could_not_be_told_is_added_to_what_came_since(kept: Kept) -> None:
    kept.see(event(1, CLOSE_WRITE, b"a"))
    taken = kept.take_all(1)
    kept.see(event(1, CLOSE_NOWRITE, b"a"))
    kept.give_back(1, b"a", taken[b"a"])

    assert kept.names == {1: {b"a": Use(1, 1, 2, 1.0)}}
    assert kept.count == 1


def test_a_storm_of_renames_out_of_the_root_is_bounded(kept: Kept) -> None:
    for number in range(25_000):
        kept.see(event(1, MOVED_FROM, b"x", number + 1))

    assert len(kept._moves) <= 10_000
