"""What happens, as a daemon sends it: a stream of server-sent events, taken up where it broke."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Generator, Iterable, Iterator

from storewarden.client.errors import Unreachable
from storewarden.client.happened import Event, messages
from storewarden.client.patience import Deadline, Patience
from storewarden.client.refusing import refused
from storewarden.client.wire import Answer, Connection, Connections

QUIET = 60.0  # seconds without even a sign of life, after which a connection is given up
_OK = 200


class Hearing:
    """One listener: it remembers how far it came, and goes on from there."""

    def __init__(
        self, connections: Connections, head: str, patience: Patience, timeout: float
    ) -> None:
        self._connections, self._head = connections, head
        self._patience, self._timeout = patience, timeout

    def events(
        self, after: str | None, seconds: float | None, closed: Callable[[], bool]
    ) -> Generator[Event, None, None]:
        """Yield events, until so many seconds are over or the client is closed.

        Raises:
            Unreachable: there is no daemon, at the beginning; later it is waited for.
            StorewardenError: it refuses.
        """
        until = None if seconds is None else Deadline(seconds)
        heard = False  # that there is a daemon
        while not closed() and (until is None or not until.over):
            deadline = Deadline(min(self._timeout, math.inf if until is None else until.left))
            try:
                begin = functools.partial(self._begun, after)
                connection, answer = self._patience.keep_on(begin, deadline)
            except Unreachable:
                if not heard:
                    raise
                continue  # it comes back
            heard = True
            try:
                for last, event in messages(_lines(connection, answer, until)):
                    after = last or after
                    if event is not None:
                        yield event
            except Unreachable:
                continue
            finally:
                connection.close()

    def _begun(self, after: str | None, deadline: Deadline) -> tuple[Connection, Answer]:
        last = "" if after is None else f"Last-Event-ID: {after}\r\n"
        request = f"{self._head}{last}\r\n".encode("latin-1")
        connection = self._connections.lend(deadline, new=True)
        try:
            answer = connection.begin(request, deadline)
            if answer.status != _OK:
                body = b"".join(connection.pieces(answer, deadline))
                raise refused(answer._replace(body=body), self._connections.address.shown)
        except BaseException:
            connection.close()
            raise
        return connection, answer


def _lines(connection: Connection, answer: Answer, until: Deadline | None) -> Iterator[bytes]:
    """Yield whole lines of a stream, as long as there is a sign of life in time."""
    rest = b""
    for piece in _pieces(connection, answer, until):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)


def _pieces(connection: Connection, answer: Answer, until: Deadline | None) -> Iterable[bytes]:
    connection.quiet_for(QUIET)
    return connection.pieces(answer, until)
