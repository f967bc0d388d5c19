"""Two steps at once are one work still: the same pieces, the same error, no thread left over."""

import threading
from collections.abc import Generator

import pytest

from storewarden.act.ahead import ahead


def pieces(count: int, closed: list[bool] | None = None) -> Generator[bytes, None, None]:
    try:
        for number in range(count):
            yield b"%d" % number
    finally:
        if closed is not None:
            closed.append(True)


def failing(count: int) -> Generator[bytes, None, None]:
    yield from pieces(count)
    raise RuntimeError("at the end")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Generator[None, None, None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [0, 1, 4, 5, 100])
def test_all_pieces_come_in_their_order(count: int) -> None:
    assert list(ahead(pieces(count))) == list(pieces(count))


@pytest.mark.parametrize("count", [0, 1, 100])
def test_an_error_comes_after_the_pieces_before_it(count: int) -> None:
    running = ahead(failing(count))

    assert [next(running) for _ in range(count)] == list(pieces(count))
    with pytest.raises(RuntimeError, match="at the end"):
        next(running)


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_who_stops_taking_stops_the_making(taken: int) -> None:
    closed: list[bool] = []
    running = ahead(pieces(1000, closed))
    for _ in range(taken):
        next(running)

    running.close()

    assert closed == ([True] if taken else [])


def test_it_never_runs_far_ahead() -> None:
    made = 0
    may_go_on = threading.Event()

    def counted() -> Generator[bytes, None, None]:
        nonlocal made
        for piece in pieces(1000):
            made += 1
            if made == 6:
                may_go_on.set()  # the fifth waits for room, with the sixth never asked for
            yield piece

    running = ahead(counted())
    next(running)
    assert may_go_on.wait(10)
    assert made == 6
    running.close()
    assert made <= 7
