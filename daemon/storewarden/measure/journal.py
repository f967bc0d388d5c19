"""The journal's own protocol: an entry is its message and the facts beside it, each a field.

So ``journalctl -u storewarden ROOT=uploads`` finds what concerns a root. Nothing is needed for it
but the journal's socket: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

from __future__ import annotations

import array
import errno
import fcntl
import logging
import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final

SOCKET: Final = "/run/systemd/journal/socket"
Fields = Mapping[str, str]
Entry = Callable[[logging.LogRecord], Fields]

# What the journal, or we, mean by a name already; a fact that is called so gets a "_".
TAKEN: Final = frozenset(
    {
        *("MESSAGE", "MESSAGE_ID", "PRIORITY", "ERRNO", "INVOCATION_ID", "USER_INVOCATION_ID"),
        *("SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_RAW"),
        *("CODE_FILE", "CODE_LINE", "CODE_FUNC", "DOCUMENTATION", "TID", "UNIT", "USER_UNIT"),
        *("LOGGER", "TRACEBACK"),
    }
)
_LONGEST_NAME: Final = 64
_BUFFER: Final = 8 << 20
_PATIENCE: Final = 2.0  # seconds for a journal that is busy: a line is worth less than the daemon
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class Handler(logging.Handler):
    """Sends each record as an entry of the journal."""

    def __init__(self, entry: Entry, address: str = SOCKET) -> None:
        super().__init__()
        self._entry, self._address = entry, address
        self._lost = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._socket.settimeout(_PATIENCE)

    def emit(self, record: logging.LogRecord) -> None:
        """Send it; what could not be sent is counted, and told with the next one."""
        try:
            fields = dict(self._entry(record))
        except Exception:  # noqa: BLE001  # a line that cannot be written must not end its writer
            self.handleError(record)
            return
        if self._lost:
            fields["LINES_LOST"] = str(self._lost)
        try:
            self._send(packed(fields))
        except OSError:
            self._lost += 1
        else:
            self._lost = 0

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()
        super().close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._address)
        except OSError as error:
            if error.errno not in {errno.EMSGSIZE, errno.ENOBUFS}:
                raise
            self._send_by_file(data)

    def _send_by_file(self, data: bytes) -> None:
        """Hand over what is too long for a datagram in a sealed file without a name."""
        descriptor = os.memfd_create("storewarden-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            handed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            self._socket.sendmsg([], handed, 0, self._address)
        finally:
            os.close(descriptor)


def reachable(address: str = SOCKET) -> bool:
    """Whether there is a journal to talk to."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.connect(address)
    except OSError:
        return False
    return True


def name_of(fact: str) -> str:
    """Return the name of a fact as the journal allows it; ``root`` is ``ROOT``."""
    name = re.sub(r"[^A-Z0-9_]", "_", fact.upper()).lstrip("_0123456789")[:_LONGEST_NAME]
    return f"{name}_" if name in TAKEN else name or "FACT"


def packed(fields: Fields) -> bytes:
    """Return an entry as it is sent: a value of more than one line goes with its length."""
    parts = []
    for name, value in fields.items():
        data = value.encode("utf-8", "backslashreplace")
        if b"\n" in data:
            parts.append(b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data))
        else:
            parts.append(b"%s=%s\n" % (name.encode(), data))
    return b"".join(parts)
