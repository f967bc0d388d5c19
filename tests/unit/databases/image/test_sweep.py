"""Pages pass; an application that writes meanwhile is left room, and nobody else is."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.databases.image.frames import Unsteady
from storewarden.databases.image.marks import WIDTH, Marks, changed
from storewarden.databases.image.output import Output
from storewarden.databases.image.sweep import PIECE, Pace, Pages, Whole, sweep


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


def test_nobody_is_waited_for_while_nobody_writes() -> None:
    time = Time()
    pace = Pace(lambda: 1, time.monotonic, time.sleep)
    for _ in range(100):
        time.work(pace)
    assert time.rests == []


def test_a_writer_gets_ten_elevenths_and_a_second_after_it_stopped_all_goes_on() -> None:
    time, writes = Time(), iter([*range(10), *[9] * 1000])
    pace = Pace(lambda: next(writes), time.monotonic, time.sleep)
    for _ in range(200):
        time.work(pace)
    assert set(time.rests) == {0.1}
    assert 9 < len(time.rests) < 9 + 1 / 0.11 + 2


@pytest.mark.parametrize("way", ["straight", "cached"])
@pytest.mark.parametrize("length", [0, 1, 4096, 3 * PIECE + 512, 2 * PIECE])
def test_a_whole_image_is_what_was_read_whichever_way_it_is_written(
    tmp_path: Path, out: int, way: str, length: int
) -> None:
    content = os.urandom(length // 512 * 512)
    (tmp_path / "a").write_bytes(content)
    write = Whole(out, 512, len(content) if way == "straight" else 0)
    with (tmp_path / "a").open("rb") as file:
        pages = Pages(file.fileno(), 512, len(content) // 512)
        marks = Marks(512)
        assert sweep(pages, marks, write, lambda _: None) == blake3(content).digest()
        other = content[:-512] + bytes(512) + b"more" * 128 if content else content
        (tmp_path / "a").write_bytes(other)
        write.again(bytes(marks.all))
        again = Pages(file.fileno(), 512, len(other) // 512)
        sweep(again, Marks(512, marks.seed), write, lambda _: None)
    write.end(len(other))
    assert (tmp_path / "out").read_bytes() == other
    assert not fcntl.fcntl(out, fcntl.F_GETFL) & os.O_DIRECT


def test_what_does_not_begin_with_a_page_of_memory_is_written_all_the_same(
    tmp_path: Path, out: int
) -> None:
    output = Output(out, 8192)
    output.write(memoryview(b"-" + b"x" * 8192)[1:], 0)
    output.cached()
    assert (tmp_path / "out").read_bytes() == b"x" * 8192


def test_what_has_no_room_is_told_before_anything_is_read(out: int) -> None:
    with pytest.raises(OSError, match=r"space|large"):
        Whole(out, 4096, 1 << 60)
    assert os.fstat(out).st_size == 0


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

    class Full:
        threads = 2

        def __call__(self, *_: object) -> None:
            raise OSError(28, "full")

        def settle(self) -> None:
            raise AssertionError

    with (tmp_path / "a").open("rb") as file, pytest.raises(OSError, match="full"):
        sweep(Pages(file.fileno(), 4096, 25_600), Marks(4096), Full(), lambda _: None)


def test_what_cannot_be_read_ends_it(tmp_path: Path, out: int) -> None:
    write = Whole(out, 4096, 100 << 20)
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(IsADirectoryError):
            sweep(Pages(directory, 4096, 25_600), Marks(4096), write, lambda _: None)
    finally:
        os.close(directory)


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
