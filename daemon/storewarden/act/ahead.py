"""Two steps of one work at the same time: one thread makes the pieces that another one takes."""

from __future__ import annotations

import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import Final

_ROOM: Final = 4  # pieces made and not taken


class _End:
    """After the last piece: what ended the work, None for its end."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Yield what a generator yields, which runs some pieces ahead in a thread of its own.

    What it raises is raised here, after the pieces before. When this generator is closed, the other
    one is closed as well, and its thread has ended.
    """
    made: SimpleQueue[bytes | _End] = SimpleQueue()
    room = threading.Semaphore(_ROOM)
    stopped = threading.Event()

    def make() -> None:
        try:
            for piece in pieces:
                room.acquire()
                if stopped.is_set():
                    break
                made.put(piece)
            pieces.close()
        except BaseException as error:  # noqa: BLE001  # raised again by whoever takes the pieces
            made.put(_End(error))
        else:
            made.put(_End())

    maker = threading.Thread(target=make, name="ahead", daemon=True)
    maker.start()
    try:
        while not isinstance(piece := made.get(), _End):
            room.release()
            yield piece
        if piece.error is not None:
            raise piece.error
    finally:
        stopped.set()
        room.release()
        maker.join()
