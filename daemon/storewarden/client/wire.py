"""HTTP/1.1 on a socket of our own: connections are kept, and used by one thread at a time.

The standard library's client takes longer to read an answer's head than the daemon to write it,
and 25 ms to import; what is needed of the protocol is little.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from storewarden.client.address import Address, why_not
from storewarden.client.errors import PermanentError, Unreachable
from storewarden.client.patience import Deadline

if TYPE_CHECKING:  # 15 ms, for who speaks TLS
    import ssl

LARGEST_HEAD = 65_536
LARGEST_BODY = 256 * 1024 * 1024
_LONGEST_NAME = 107  # bytes of a socket's name that the kernel takes
_MOST_IDLE = 64
_AT_ONCE = 65_536
_NO_BODY = frozenset({204, 304})


class Answer(NamedTuple):
    """What came back; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Stale(Exception):
    """A connection that was kept had been closed meanwhile; nothing was answered on it."""


class Connection:
    """One connection. Not to be used by two threads at once."""

    def __init__(
        self, address: Address, context: ssl.SSLContext | None, deadline: Deadline
    ) -> None:
        """Connect.

        Raises:
            Unreachable: nobody answers there.
        """
        self._address = address
        self._rest = b""
        self.used = False
        self.open = True
        try:
            self._socket = _connected(address, context, deadline.left)
        except OSError as error:
            raise _unreachable(address, error) from error

    def ask(self, request: bytes, deadline: Deadline) -> Answer:
        """Send a request and return its answer, with all of its body.

        Raises:
            Stale: the connection had been closed before.
            Unreachable: there is no whole answer.
        """
        answer = self.begin(request, deadline)
        if answer.status in _NO_BODY:
            return answer
        return answer._replace(body=b"".join(self.pieces(answer, deadline)))

    def begin(self, request: bytes, deadline: Deadline) -> Answer:
        """Send a request and return the head of its answer; `pieces` has the body."""
        again, self.used = self.used, True
        try:
            self._socket.settimeout(deadline.left)
            self._socket.sendall(request)
            return self._head(deadline)
        except (BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if again and not self._rest:
                raise Stale from error
            raise _unreachable(self._address, error) from error
        except OSError as error:
            self.close()
            raise _unreachable(self._address, error) from error

    def pieces(self, answer: Answer, deadline: Deadline | None) -> Iterator[bytes]:
        """Yield the body as it comes; ``deadline`` None waits for each piece as long as it may."""
        try:
            yield from self._pieces(answer, deadline)
        except OSError as error:
            self.close()
            raise _unreachable(self._address, error) from error

    def quiet_for(self, seconds: float) -> None:
        """Bound how long a piece may let wait for itself."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close it; twice does no harm."""
        self.open = False
        self._socket.close()

    def _head(self, deadline: Deadline) -> Answer:
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            if len(self._rest) > LARGEST_HEAD:
                raise OSError(errno.EMSGSIZE, "the answer has no end of its head")
            self._more(deadline)
        head, self._rest = self._rest[:end], self._rest[end + 4 :]
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise OSError(errno.EPROTO, "what answers there does not speak HTTP")
        if status == "100":
            return self._head(deadline)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("connection", "").lower() == "close" or version == "HTTP/1.0":
            self.open = False  # of no use after this
        return Answer(int(status), headers)

    def _pieces(self, answer: Answer, deadline: Deadline | None) -> Iterator[bytes]:
        if "chunked" in answer.headers.get("transfer-encoding", "").lower():
            yield from self._chunks(deadline)
            return
        length = answer.headers.get("content-length")
        if length is not None:
            yield self._exactly(int(length), deadline)
            return
        self.open = False  # its end is the end of the connection
        yield self._rest
        self._rest = b""
        while piece := self._socket.recv(_AT_ONCE):
            yield piece

    def _chunks(self, deadline: Deadline | None) -> Iterator[bytes]:
        while True:
            while (end := self._rest.find(b"\r\n")) < 0:
                self._more(deadline)
            size = int(self._rest[:end].split(b";")[0], 16)
            self._rest = self._rest[end + 2 :]
            piece = self._exactly(size + 2, deadline)[:-2]
            if not size:
                return
            yield piece

    def _exactly(self, size: int, deadline: Deadline | None) -> bytes:
        if size > LARGEST_BODY:
            raise OSError(errno.EMSGSIZE, "the answer is larger than anything we ask for")
        if len(self._rest) < size:
            parts, have = [self._rest], len(self._rest)
            while have < size:
                piece = self._received(deadline)
                parts.append(piece)
                have += len(piece)
            self._rest = b"".join(parts)
        body, self._rest = self._rest[:size], self._rest[size:]
        return body

    def _more(self, deadline: Deadline | None) -> None:
        self._rest += self._received(deadline)

    def _received(self, deadline: Deadline | None) -> bytes:
        if deadline is not None:
            self._socket.settimeout(deadline.left)
        piece = self._socket.recv(_AT_ONCE)
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "the connection was closed")
        return piece


class Connections:
    """Connections to one address that wait for their next use; for any number of threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: deque[Connection] = deque()
        self._process = os.getpid()
        self._context = _context() if address.tls else None

    def ask(self, request: bytes, deadline: Deadline) -> Answer:
        """Send a request and return its whole answer.

        Raises:
            Unreachable: there is none.
        """
        while True:
            connection = self.lend(deadline)
            try:
                answer = connection.ask(request, deadline)
            except Stale:
                continue  # to the next one that was kept, or a new one: nothing was done
            except BaseException:
                connection.close()
                raise
            self._take_back(connection)
            return answer

    def lend(self, deadline: Deadline, *, new: bool = False) -> Connection:
        """Return a connection that nobody else uses; to be closed, or used by `ask` only."""
        if self._process != os.getpid():  # of a parent, who goes on using them
            self._process = os.getpid()
            self.close()
        while not new:
            try:
                return self._idle.pop()  # the last one used is the least likely to be closed
            except IndexError:
                break
        return Connection(self.address, self._context, deadline)

    def close(self) -> None:
        """Close what waits."""
        while self._idle:
            self._idle.pop().close()

    def _take_back(self, connection: Connection) -> None:
        if connection.open and len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()


def _connected(address: Address, context: ssl.SSLContext | None, seconds: float) -> socket.socket:
    if address.path:
        return _unix(address.path, seconds)
    plain = socket.create_connection((address.host, address.port), seconds)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return plain
    import ssl  # noqa: PLC0415  # it is there already, with the context

    try:
        return context.wrap_socket(plain, server_hostname=address.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise PermanentError(
            "the daemon's certificate is not believed",
            where=address.shown,
            why=error.verify_message,
            remedy="SSL_CERT_FILE names the certificates that are",
        ) from error
    except BaseException:
        plain.close()
        raise


def _unix(path: str, seconds: float) -> socket.socket:
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        plain.settimeout(seconds)
        if len(os.fsencode(path)) <= _LONGEST_NAME:
            plain.connect(path)
            return plain
        directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            plain.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
        finally:
            os.close(directory)
        return plain
    except BaseException:
        plain.close()
        raise


def _context() -> ssl.SSLContext:
    import ssl  # noqa: PLC0415  # see above

    return ssl.create_default_context()


def _unreachable(address: Address, error: OSError) -> Unreachable:
    if isinstance(error, TimeoutError):
        why, remedy = "it did not answer in time", "give it a longer timeout"
    else:
        found = why_not(address.path) if address.path else ""
        why = found or error.strerror or str(error)
        remedy = "storewarden run starts a daemon; storewarden status shows whether one runs"
    return Unreachable("the daemon does not answer", where=address.shown, why=why, remedy=remedy)
