"""Our own reads are known, each once; another's read of the same file is not taken for ours."""

import pytest

from storewarden.watch.own import LATE, SOON, OwnReads


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def own(seconds: Seconds) -> OwnReads:
    own = OwnReads(seconds)
    own.begin("r")
    return own


def test_a_read_that_was_announced_is_ours_and_the_next_is_not(own: OwnReads) -> None:
    own.expect("r", b"d", b"a")

    assert own.any()
    assert not own.takes("r", b"d", b"b")
    assert own.takes("r", b"d", b"a")
    assert not own.takes("r", b"d", b"a")
    own.over("r", b"d", b"a")
    assert not own.any()


def test_two_of_us_may_read_at_once(own: OwnReads) -> None:
    own.expect("r", b"", b"a")
    own.expect("r", b"", b"a")

    assert [own.takes("r", b"", b"a") for _ in range(3)] == [True, True, False]


def test_what_could_not_be_opened_is_expected_no_longer(own: OwnReads) -> None:
    own.expect("r", b"", b"a")
    own.over("r", b"", b"a", opened=False)

    assert not own.takes("r", b"", b"a")


def test_an_event_may_come_a_while_after_the_read_and_not_for_ever(
    own: OwnReads, seconds: Seconds
) -> None:
    for name in (b"a", b"b"):
        own.expect("r", b"", name)
        own.over("r", b"", name)
    seconds.now += LATE - 1
    assert own.takes("r", b"", b"a")
    seconds.now += 2
    assert not own.takes("r", b"", b"b")


def test_a_read_may_take_hours(own: OwnReads, seconds: Seconds) -> None:
    own.expect("r", b"", b"large")
    seconds.now += 10_000

    assert own.takes("r", b"", b"large")


def test_files_and_directories_are_followed(own: OwnReads) -> None:
    own.expect("r", b"d/e", b"a")
    own.expect("r", b"d/e", b"b")
    own.expect("r", b"de", b"b")
    own.moved("r", b"d", b"x")
    own.moved("r", b"x/e/a", b"x/e/c")

    assert own.takes("r", b"x/e", b"c")
    assert own.takes("r", b"d/e", b"b"), "whoever counts may not know yet that it moved"
    assert not own.takes("r", b"x/e", b"b"), "it is taken once"
    assert own.takes("r", b"de", b"b")


def test_nothing_is_kept_of_roots_whose_use_is_not_counted(own: OwnReads) -> None:
    own.expect("other", b"", b"a")
    own.over("other", b"", b"a")
    assert not own.any()

    own.expect("r", b"", b"a")
    own.end("r")
    assert not own.any()


def test_reads_whose_events_never_come_are_forgotten(own: OwnReads, seconds: Seconds) -> None:
    for number in range(50_000):
        own.expect("r", b"", b"%d" % number)

    assert len(own._expected) <= 20_000
    assert own.takes("r", b"", b"49999")


def test_while_we_work_on_a_file_all_its_reads_are_ours_and_a_moment_longer(
    own: OwnReads, seconds: Seconds
) -> None:
    with own.working([("r", b"d/a"), ("r", b"b"), ("uncounted", b"c")]):
        assert [own.takes("r", b"d", b"a") for _ in range(3)] == [True, True, True]
        assert not own.takes("r", b"d", b"b")
        with own.working([("r", b"b")]):
            seconds.now += 3600
        assert own.takes("r", b"", b"b")
        assert not own.takes("uncounted", b"", b"c")

    seconds.now += SOON - 0.1
    assert own.takes("r", b"d", b"a")
    seconds.now += 0.2
    assert not own.takes("r", b"d", b"a")
    assert not own.takes("r", b"", b"b")
    assert not own.any()


def test_an_announced_read_amid_work_leaves_that_as_it_is(own: OwnReads) -> None:
    with own.working([("r", b"a")]):
        own.expect("r", b"", b"a")
        own.over("r", b"", b"a", opened=False)
        assert own.takes("r", b"", b"a")


def test_what_came_amid_work_is_not_expected_once_more_behind_it(
    own: OwnReads, seconds: Seconds
) -> None:
    own.expect("r", b"", b"a")
    with own.working([("r", b"a")]):
        assert own.takes("r", b"", b"a")
    own.over("r", b"", b"a")

    seconds.now += SOON + 0.1
    assert not own.takes("r", b"", b"a")
