"""Pages pass once; an application that writes meanwhile is left room, and nobody else is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.databases.image.frames import Unsteady
from storewarden.databases.image.marks import WIDTH, Marks, changed
from storewarden.databases.image.sweep import Pace, Pages, Whole, sweep


@pytest.fixture
def out(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "out", os.O_CREAT | os.O_RDWR)
    yield descriptor
    os.close(descriptor)


class Time:
    """Work takes 10 ms; rests are noted."""

    def __init__(self) -> None:
        self.now, self.rests = 100.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(round(seconds, 6))
        self.now += seconds

    def work(self, pace: Pace) -> None:
        self.now += 0.01
        pace.after(lambda: None)


def test_nobody_is_waited_for_while_nobody_writes(out: int) -> None:
    time = Time()
    pace = Pace(out, lambda: 1, lambda: False, time.monotonic, time.sleep)
    for _ in range(100):
        time.work(pace)
    assert time.rests == []


def test_a_writer_gets_five_sixths_and_a_second_after_it_stopped_all_goes_on(out: int) -> None:
    time, writes = Time(), iter([*range(10), *[9] * 1000])
    pace = Pace(out, lambda: next(writes), lambda: False, time.monotonic, time.sleep)
    for _ in range(200):
        time.work(pace)
    assert set(time.rests) == {0.05}
    assert 9 < len(time.rests) < 9 + 1 / 0.06 + 2


def test_who_lets_a_log_grow_too_much_hurries(out: int) -> None:
    time, writes = Time(), iter(range(1000))
    pace = Pace(out, lambda: next(writes), lambda: True, time.monotonic, time.sleep)
    time.work(pace)
    assert time.rests == []


def test_pages_come_from_the_file_or_the_log_and_are_zeros_where_there_are_none(
    tmp_path: Path, out: int
) -> None:
    (tmp_path / "a").write_bytes(b"a" * 512 + b"b" * 512)
    (tmp_path / "log").write_bytes(b"-" * 7 + b"B" * 512 + b"d" * 512)
    file, log = (os.open(tmp_path / name, os.O_RDONLY) for name in ("a", "log"))
    marks = Marks(512)
    try:
        pages = Pages(file, 512, 4, log, {2: 7, 4: 519})
        digest = sweep(pages, marks, Whole(out, 512), lambda _: None)
        with pytest.raises(Unsteady):  # a log that was cut off is no page of zeros
            sweep(Pages(file, 512, 4, log, {2: 600}), Marks(512), Whole(out, 512), lambda _: None)
        os.ftruncate(out, 0)
        sweep(pages, Marks(512), Whole(out, 512), lambda _: None)
    finally:
        os.close(file)
        os.close(log)

    expected = b"a" * 512 + b"B" * 512 + bytes(512) + b"d" * 512
    assert os.pread(out, 4096, 0) == expected
    assert digest == blake3(expected).digest()
    assert (marks.pages, len(marks.all)) == (4, 4 * WIDTH)


def test_what_cannot_be_written_ends_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100 << 20))

    def full(*_: object) -> None:
        raise OSError(28, "full")

    with (tmp_path / "a").open("rb") as file, pytest.raises(OSError, match="full"):
        sweep(Pages(file.fileno(), 4096, 25_600), Marks(4096), full, lambda _: None)


def test_marks_tell_what_changed_and_nobody_can_guess_them(tmp_path: Path) -> None:
    page, other = bytes(512), b"x" + bytes(511)
    marks = Marks(512)
    before, now = marks.of(memoryview(page * 3)), marks.of(memoryview(page + other + page * 2))
    assert list(changed(before, now)) == [1, 3]
    assert list(changed(now, now)) == []
    assert Marks(512).of(memoryview(page)) != marks.of(memoryview(page))

    marks.all += now
    written = marks.written()
    for number, content in enumerate((written, written[:-1], written[:-40], b"", b"x" * 100)):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        with path.open("rb") as file:
            read = Marks.read(file.fileno())
        assert (read is not None) == (content == written)
        if read is not None:
            assert (read.seed, read.page_size, bytes(read.all)) == (marks.seed, 512, now)
