"""A server on a unix socket that answers with whatever bytes a test wants."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answering = Callable[[socket.socket, int, int], bool]  # connection, its number, request's; go on?


@contextmanager
def server(
    path: Path, answering: Answering, *, heads: list[str] | None = None
) -> Iterator[list[int]]:
    """Serve on a unix socket; yields the number of requests of each connection.

    ``heads`` gets what was asked.
    """
    seen: list[int] = []
    directory = os.open(path.parent, os.O_PATH)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"/proc/self/fd/{directory}/{path.name}")  # however long its name is
    os.close(directory)
    listener.listen(64)

    def serve(connection: socket.socket, number: int) -> None:
        with connection:
            while request := connection.recv(65536):
                seen[number] += 1
                if heads is not None:
                    heads.append(request.decode("latin-1"))
                if not answering(connection, number, seen[number]):
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(0)
            threading.Thread(target=serve, args=(connection, len(seen) - 1), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
