"""When is a file quiet enough: every kind of writer, told with times and looks alone."""

import pytest

from storewarden.model import Hint
from storewarden.watch.settle import (
    LINGER_MOST,
    LONGEST_INTERVAL,
    RETRY,
    Rest,
    Settle,
    SettleSettings,
    Signature,
)

D, N = b"dir", b"name"
SETTLE, CAP = 2.0, 60.0


def signature(version: int) -> Signature:
    return (1, version, version, version)


def settle(most: int = 1000, seconds: float = SETTLE) -> Settle:
    return Settle(SettleSettings(seconds, CAP, most), lambda name: name.endswith(b".part"))


class File:
    """One file and everything that is told about it; ``log`` is what the recorder would do."""

    def __init__(self, name: bytes = N, seconds: float = SETTLE) -> None:
        self.settle = settle(seconds=seconds)
        self.name = name
        self.now = 100.0
        self.version: int | None = 1  # None: not there
        self.writing = False  # changes before each look
        self.log: list[tuple[float, Rest]] = []
        self.looks: list[float] = []

    def hint(self, hint: Hint) -> None:
        self.settle.note(D, self.name, hint, self.now)

    def run(self, seconds: float) -> None:
        """Let time pass, looking whenever a look is due."""
        end = self.now + seconds
        while (due := self.settle.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            for directory, name in self.settle.due(self.now, 10):
                self.look(directory, name)
        self.now = end

    def look(self, directory: bytes, name: bytes) -> None:
        if self.writing and self.version is not None:
            self.version += 1
        seen = None if self.version is None else signature(self.version)
        self.looks.append(round(self.now - 100, 3))
        rest = self.settle.seen(directory, name, seen, False, self.now)
        if rest is not Rest.WAIT:
            self.log.append((round(self.now - 100, 3), rest))


def test_a_closed_file_is_settled_at_once() -> None:
    file = File()
    file.hint(Hint.CLOSED)
    file.run(0)

    assert file.log == [(0.0, Rest.SETTLED)]
    assert file.settle.pending() == 0
    assert file.settle.next_due() is None


def test_a_file_made_without_a_close_settles_when_two_looks_agree() -> None:
    file = File()
    file.hint(Hint.OPENED)
    file.run(3)

    assert file.log == [(2.5, Rest.SETTLED)]  # first look after a quarter, then the settle time
    assert file.settle.pending() == 0


def test_a_close_ends_the_waiting() -> None:
    file = File()
    file.hint(Hint.OPENED)
    file.run(1)
    file.hint(Hint.CLOSED)
    file.run(0)

    assert file.log == [(1.0, Rest.SETTLED)]


def test_attributes_given_after_a_close_do_not_delay_it() -> None:
    file = File()
    file.hint(Hint.CLOSED)
    file.hint(Hint.OPENED)
    file.run(0)

    assert file.log == [(0.0, Rest.SETTLED)]


def test_a_deleted_file_is_looked_for_after_a_moment() -> None:
    file = File()
    file.version = None
    file.hint(Hint.GONE)
    file.run(5)

    assert file.log == [(0.5, Rest.GONE)]


def test_a_file_deleted_and_made_again_is_a_new_file() -> None:
    file = File()
    file.hint(Hint.GONE)
    file.hint(Hint.OPENED)
    file.run(5)

    assert file.log == [(2.5, Rest.SETTLED)]


def test_a_temporary_file_that_was_renamed_is_given_the_time_to_turn_up() -> None:
    file = File()
    file.hint(Hint.CLOSED)
    file.version = None  # renamed before the look; its own event is still to come
    file.run(5)

    assert file.looks == [0.0, 0.5]
    assert file.log == [(0.5, Rest.GONE)]


def test_a_writer_that_never_rests_is_growing_at_the_cap_and_settled_in_the_end() -> None:
    file = File()
    file.writing = True
    file.hint(Hint.OPENED)
    file.run(CAP + 3)
    assert file.log == [(60.5, Rest.GROWING)]
    assert file.settle.pending() == 1
    assert file.settle.oldest() is None  # its row is there: nobody waits for it

    looks = len(file.looks)
    file.run(3600)
    assert file.log == [(60.5, Rest.GROWING)]
    assert len(file.looks) - looks < 45  # pairs of looks, ever more rarely
    assert max(b - a for a, b in zip(file.looks, file.looks[1:], strict=False)) == LONGEST_INTERVAL

    file.writing = False
    file.run(2 * LONGEST_INTERVAL)
    assert [rest for _, rest in file.log] == [Rest.GROWING, Rest.SETTLED]


def test_a_writer_that_closes_after_hours_is_settled_then() -> None:
    file = File()
    file.writing = True
    file.hint(Hint.OPENED)
    file.run(3 * 3600)
    file.writing = False
    file.hint(Hint.CLOSED)
    file.run(0)

    assert [rest for _, rest in file.log] == [Rest.GROWING, Rest.SETTLED]
    assert file.settle.next_due() is None


def test_a_writer_that_pauses_is_seen_when_it_goes_on() -> None:
    file = File()
    file.hint(Hint.OPENED)
    file.run(3)
    assert file.log == [(2.5, Rest.SETTLED)]
    assert file.settle.pending() == 0  # it counts as recorded, and yet
    assert file.settle.oldest() is None
    file.version = 2  # no event tells of a write
    file.run(10)

    assert [rest for _, rest in file.log] == [Rest.SETTLED, Rest.SETTLED]


def test_a_file_at_rest_that_was_never_closed_is_left_alone_in_the_end() -> None:
    file = File()
    file.hint(Hint.OPENED)
    file.run(3600)

    assert file.settle.next_due() is None
    assert len(file.looks) == 10
    assert file.log == [(2.5, Rest.SETTLED)]


def test_a_lingering_file_that_is_deleted_is_gone() -> None:
    file = File()
    file.hint(Hint.OPENED)
    file.run(3)
    file.version = None
    file.run(10)

    assert [rest for _, rest in file.log] == [Rest.SETTLED, Rest.GONE]
    assert file.settle.next_due() is None


def test_only_so_many_files_linger() -> None:
    settling = settle(most=10**6)
    for number in range(LINGER_MOST + 10):
        settling.note(D, b"%d" % number, Hint.OPENED, 0.0)
    for now in (1.0, 3.0):
        for directory, name in settling.due(now, 10**6):
            settling.seen(directory, name, signature(1), False, now)

    assert settling.pending() == 0
    assert settling._count == LINGER_MOST


@pytest.mark.parametrize("hint", [Hint.CLOSED, Hint.OPENED])
def test_closing_a_partial_name_proves_nothing(hint: Hint) -> None:
    file = File(b"movie.part")
    file.hint(hint)
    file.run(CAP - 1)
    assert file.log == []
    file.run(3)
    assert file.log == [(60.5, Rest.SETTLED)]  # quiet for the whole cap


def test_a_download_that_takes_an_hour_is_growing() -> None:
    file = File(b"movie.part")
    file.writing = True
    file.hint(Hint.OPENED)
    for _ in range(600):
        file.hint(Hint.CLOSED)  # some clients open and close for each piece
        file.run(6)
    assert [rest for _, rest in file.log] == [Rest.GROWING]

    file.version = None  # renamed
    file.hint(Hint.GONE)
    file.run(1)
    assert [rest for _, rest in file.log] == [Rest.GROWING, Rest.GONE]


def test_hints_without_end_do_not_put_a_look_off() -> None:
    file = File()
    for _ in range(1000):
        file.hint(Hint.OPENED)
        file.hint(Hint.GONE)
        file.run(0.1)

    assert file.log
    assert max(b - a for a, b in zip(file.looks, file.looks[1:], strict=False)) <= CAP + 1


def test_a_look_that_was_never_answered_is_asked_for_again() -> None:
    settling = settle()
    settling.note(D, N, Hint.CLOSED, 0.0)

    assert settling.due(0.0, 10) == [(D, N)]
    assert settling.next_due() == RETRY
    assert settling.due(RETRY - 1, 10) == []
    assert settling.due(RETRY, 10) == [(D, N)]
    assert settling.seen(D, N, signature(1), False, RETRY) is Rest.SETTLED


def test_a_change_during_the_look_is_looked_at_again() -> None:
    settling = settle()
    settling.note(D, N, Hint.CLOSED, 0.0)
    assert settling.due(0.0, 10) == [(D, N)]
    settling.note(D, N, Hint.CLOSED, 0.1)
    settling.seen(D, N, signature(1), False, 0.1)

    assert settling.due(0.1, 10) == [(D, N)]
    assert settling.seen(D, N, signature(2), False, 0.1) is Rest.SETTLED
    assert settling.pending() == 0


def test_further_proof_settles_what_no_close_told_of() -> None:
    settling = settle()
    settling.note(D, N, Hint.OPENED, 0.0)
    assert settling.due(0.5, 10) == [(D, N)]

    assert settling.seen(D, N, signature(1), True, 0.5) is Rest.SETTLED
    assert settling.next_due() is None


def test_a_look_nobody_asked_for_counts_too() -> None:
    settling = settle()

    assert settling.seen(D, N, None, False, 0.0) is Rest.GONE
    assert settling.seen(D, N, signature(1), True, 0.0) is Rest.SETTLED
    assert settling.seen(D, N, signature(1), False, 0.0) is Rest.WAIT
    assert settling.pending() == 1


def test_beyond_the_limit_directories_are_kept_instead_of_names() -> None:
    settling = settle(most=3)
    for number in range(5):
        settling.note(b"d%d" % number, N, Hint.CLOSED, 0.0)

    assert settling.pending() == 3
    assert settling.overflow() == {b"d3", b"d4"}
    assert settling.overflow() == set()


def test_a_limit_is_a_limit() -> None:
    settling = settle()
    for number in range(10):
        settling.note(D, b"%d" % number, Hint.CLOSED, 0.0)

    assert len(settling.due(0.0, 4)) == 4
    assert settling.next_due() is not None


def test_what_is_under_way_follows_its_directory() -> None:
    settling = settle()
    settling.note(b"a/b", N, Hint.CLOSED, 0.0)
    settling.note(b"a", N, Hint.OPENED, 0.0)
    settling.note(b"ab", N, Hint.GONE, 0.0)
    settling.moved(b"a", b"z/a")

    assert sorted(settling.due(10.0, 10)) == [(b"ab", N), (b"z/a", N), (b"z/a/b", N)]


def test_directories_for_which_there_was_no_room_follow_too() -> None:
    settling = settle(most=0)
    settling.note(b"a/b", N, Hint.CLOSED, 0.0)
    settling.moved(b"a", b"z")

    assert settling.overflow() == {b"z/b"}


def test_a_name_moved_onto_another_is_looked_at_when_either_was_due() -> None:
    settling = settle()
    settling.note(b"new", N, Hint.GONE, 0.0)
    settling.note(b"old", N, Hint.CLOSED, 0.0)
    settling.moved(b"old", b"new")

    assert settling.due(0.0, 10) == [(b"new", N)]
    assert settling.pending() == 1


def test_the_oldest_tells_since_when_something_waits() -> None:
    settling = settle()
    assert settling.oldest() is None
    settling.note(D, b"one", Hint.OPENED, 5.0)
    settling.note(D, b"two", Hint.OPENED, 7.0)

    assert settling.oldest() == 5.0


def test_the_end_hands_over_all_names() -> None:
    settling = settle()
    settling.note(D, b"one", Hint.OPENED, 0.0)
    settling.note(D, b"two", Hint.CLOSED, 0.0)
    settling.due(0.0, 1)

    assert settling.drain() == {D: [b"one", b"two"]}
    assert settling.pending() == 0
    assert settling.next_due() is None
    assert settling.due(100.0, 10) == []


def test_without_a_settle_time_everything_settles_at_once() -> None:
    file = File(seconds=0.0)
    file.hint(Hint.OPENED)
    file.run(0)

    assert file.log == [(0.0, Rest.SETTLED)]


def test_times_that_were_replaced_do_not_pile_up() -> None:
    settling = settle()
    for number in range(100_000):
        settling.note(D, N, Hint.GONE, number / 1000)
        settling.note(D, N, Hint.CLOSED, number / 1000)

    assert len(settling._timed) < 3 * LINGER_MOST
    assert len(settling._ready) == 1
