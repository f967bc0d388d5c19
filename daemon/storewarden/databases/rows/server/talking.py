"""A connection to a PostgreSQL server over which every value goes as it is; in the child alone.

Values travel as the texts that the server writes and reads back, in its own encoding: nothing is
converted on the way. What its settings could change of these texts is set here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from storewarden.config.secret import redacted
from storewarden.errors import DatabaseBusy, DatabaseUnavailable, PermanentError

try:
    import psycopg
    from psycopg import pq
except ImportError as missing:  # it need not be installed; whoever asked for this work is told
    raise DatabaseUnavailable(
        "a database cannot be reached",
        why=str(missing),
        remedy="pip install 'storewarden[postgres]'",
    ) from missing

Value = bytes | None
Line = Sequence[Value]

CONNECT_SECONDS: Final = 10
_SETTINGS: Final = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "row_security": "off",  # rows that we may not see are an error, and not gone
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_min_messages": "error",
}
_IF_THERE: Final = {"client_connection_check_interval": "1s"}  # whoever was killed asks no more
_BUSY: Final = frozenset({"55P03", "40P01", "40001"})  # locked, a deadlock, somebody was first
_BROKEN: Final = ("08", "57P", "53")  # connections, shutdowns, a server without resources
_UNESCAPED: Final = {
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_TOLD: Final = 65_536  # bytes that are handed to the server at a time


class Refused(PermanentError):
    """The server would not do something; ``state`` is its word for why."""

    state: str = ""


class Server:
    """What a server is asked, and what it answers."""

    def __init__(self, connection: pq.abc.PGconn, shown: str) -> None:
        """``shown`` is its address as people may see it."""
        self._connection, self.shown = connection, shown

    def rows(self, sql: str, values: Line = ()) -> list[tuple[Value, ...]]:
        """Do one statement and return its rows."""
        result = self._done(self._connection.exec_params(_sent(sql), list(values)))
        width = range(result.nfields)
        return [tuple(result.get_value(row, at) for at in width) for row in range(result.ntuples)]

    def number(self, sql: str, values: Line = ()) -> int | None:
        """Return the one number of a query."""
        ((value,),) = self.rows(sql, values)
        return None if value is None else int(value)

    def do(self, sql: str, values: Line = ()) -> int:
        """Do one statement and return how many rows it was about."""
        result = self._done(self._connection.exec_params(_sent(sql), list(values)))
        return int(result.command_tuples or 0)

    def copied(self, sql: str) -> Iterator[tuple[Value, ...]]:
        """Yield the rows of a query, however many there are."""
        self._done(self._connection.exec_(_sent(f"COPY ({sql}) TO STDOUT")))
        while True:
            size, data = self._connection.get_copy_data(0)
            if size < 0:
                break
            yield _line(bytes(data))
        self._done(self._ended())

    def copy(self, into: str, lines: Iterable[Line]) -> int:
        """Write rows into a table of ours, and return how many."""
        self._done(self._connection.exec_(_sent(f"COPY {into} FROM STDIN")))
        waiting = bytearray()
        for line in lines:
            waiting += b"\t".join(map(_escaped, line)) + b"\n"
            if len(waiting) >= _TOLD:
                self._connection.put_copy_data(bytes(waiting))
                waiting.clear()
        if waiting:
            self._connection.put_copy_data(bytes(waiting))
        self._connection.put_copy_end()
        return int(self._done(self._ended()).command_tuples or 0)

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """Have all that is done within take effect together, or nothing of it."""
        self.do(begin)
        try:
            yield
        except BaseException:
            if self._connection.status == pq.ConnStatus.OK:
                self._connection.exec_(b"ROLLBACK")
            raise
        self.do("COMMIT")

    def _ended(self) -> pq.abc.PGresult:
        """Return what came of a copy, and take all that is still said of it."""
        last = result = self._connection.get_result()
        while result is not None:
            last, result = result, self._connection.get_result()
        if last is None:
            raise self._lost("it said nothing of a copy")
        return last

    def _done(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        """Return a result unless it is that of a failure."""
        if result.status not in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.NONFATAL_ERROR):
            return result
        told = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
        detail = result.error_field(pq.DiagnosticField.MESSAGE_DETAIL) or b""
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode("ascii", "replace")
        why = redacted(": ".join(_shown(part) for part in (told, detail) if part))
        if self._connection.status != pq.ConnStatus.OK or state.startswith(_BROKEN):
            raise self._lost(why)
        if state in _BUSY:
            remedy = "try again later"
            raise DatabaseBusy(
                "an application holds rows", where=self.shown, why=why, remedy=remedy
            )
        refused = Refused(
            "a server refused", where=self.shown, why=why, remedy="see what it lets us do"
        )
        refused.state = state
        raise refused

    def _lost(self, why: str) -> DatabaseUnavailable:
        remedy = "see whether its server runs, and lets us in"
        what = "a database cannot be reached"
        return DatabaseUnavailable(what, where=self.shown, why=why, remedy=remedy)


@contextmanager
def connected(url: str, *, seconds: float | None = None) -> Iterator[Server]:
    """Connect to the database at an address; with ``seconds``, to read for no longer.

    Raises:
        DatabaseUnavailable: its server does not answer, or refuses us.
    """
    shown = redacted(url)
    try:
        connection = psycopg.connect(
            url,
            connect_timeout=CONNECT_SECONDS,
            application_name="storewarden",
            autocommit=True,
            client_encoding="SQL_ASCII",  # no conversion; what comes in is checked all the same
        )
    except psycopg.Error as error:
        why = redacted(str(error).strip().partition("\n")[0]) or type(error).__name__
        remedy = "see whether its server runs, and lets us in"
        what = "a database cannot be reached"
        raise DatabaseUnavailable(what, where=shown, why=why, remedy=remedy) from None
    try:
        server = Server(connection.pgconn, shown)
        for name, value in _SETTINGS.items():
            server.rows(f"SELECT set_config('{name}', '{value}', false)")
        for name, value in _IF_THERE.items():
            known = f"FROM pg_settings WHERE name = '{name}'"
            server.rows(f"SELECT set_config(name, '{value}', false) {known}")
        if seconds is not None:
            server.rows(
                f"SELECT set_config('statement_timeout', '{int(seconds * 1000)}', false),"
                " set_config('default_transaction_read_only', 'on', false)"
            )
        yield server
    finally:
        connection.close()


def text(value: Value) -> str:
    """Return what a server wrote as a text that goes back as it came."""
    return (value or b"").decode("utf-8", "surrogateescape")


def _sent(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogateescape")


def _shown(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace").strip()


def _line(data: bytes) -> tuple[Value, ...]:
    """Return the values of a line as COPY writes it."""
    if b"\\" not in data:
        return tuple(data[:-1].split(b"\t"))
    return tuple(
        None
        if value == b"\\N"
        else _ESCAPE.sub(lambda found: _UNESCAPED.get(found[1], found[1]), value)
        for value in data[:-1].split(b"\t")
    )


def _escaped(value: Value) -> bytes:
    if value is None:
        return b"\\N"
    value = value.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return value.replace(b"\t", b"\\t").replace(b"\r", b"\\r")


def first(found: list[tuple[Any, ...]]) -> Any:
    """Return the first value of the first row; None where there is no row."""
    return found[0][0] if found else None
