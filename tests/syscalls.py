"""A test behind each system call of an act, whichever part of it makes the call.

What is done to files goes through ``os`` and a few calls of libc. While a `Standing` is entered
they all come here first. Nothing is synced.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import storewarden.act.kernel
import storewarden.below
import storewarden.store.disk
from tests.striking import Killed

CHANGING: Final = (
    *("mkdir", "rmdir", "unlink", "link", "write", "pwrite", "fsync", "ftruncate"),
    *("fchmod", "fchown", "utime", "setxattr", "removexattr"),
)
LOOKING: Final = (
    *("stat", "fstat", "listdir", "scandir", "read", "pread", "lseek"),
    *("getxattr", "listxattr", "statvfs", "access"),
)
_close: Final = os.close
_MAKING: Final = os.O_CREAT | (os.O_TMPFILE & ~os.O_DIRECTORY)
_RENAMING_ROOMS: Final = (storewarden.act.kernel, storewarden.store.disk)


class Call(NamedTuple):
    """A system call that is about to be made, or was made."""

    name: str
    arguments: tuple[Any, ...]
    more: dict[str, Any]
    changing: bool


class Stand:
    """What a test does at calls; made anew for each act."""

    def before(self, call: Call) -> Call:
        """Return the call that is made."""
        return call

    def make(self, call: Call, done: Callable[..., Any]) -> Any:
        """Make it."""
        return None if call.name == "fsync" else done(*call.arguments, **call.more)

    def behind(self, call: Call, result: Any) -> None:
        """Take note that it was made."""

    def through(self, name: str, real: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        call = self.before(Call(name, arguments, more, _changes(name, arguments)))
        result = self.make(call, real)
        try:
            self.behind(call, result)
        except OSError:
            if call.name == "open":
                _close(result)
            raise
        return result


def _changes(name: str, arguments: tuple[Any, ...]) -> bool:
    if name == "open":
        return bool(arguments[1] & _MAKING)
    return name in CHANGING or name == "rename"


class _Libc:
    """The calls of libc that rooms make themselves, which tell of errors in their own way."""

    def __init__(self, real: Any, stand: Stand) -> None:
        self._real, self._stand = real, stand

    def renameat2(self, *arguments: Any) -> int:
        old_fd, old, new_fd, new, _ = (getattr(one, "value", one) for one in arguments)

        def real(*_: Any) -> int:
            if (told := int(self._real.renameat2(*arguments))) != 0:
                raise OSError(ctypes.get_errno(), "renameat2")
            return told

        return self._told(lambda: self._stand.through("rename", real, old_fd, old, new_fd, new))

    def syscall(self, *arguments: Any) -> int:
        """Stand for openat2, the only one that is made this way."""

        def real(*_: Any) -> int:
            if (told := int(self._real.syscall(*arguments))) < 0:
                raise OSError(ctypes.get_errno(), "openat2")
            return told

        return self._told(lambda: self._stand.through("open", real, arguments[2].value, 0))

    @staticmethod
    def _told(call: Callable[[], Any]) -> int:
        try:
            return int(call())
        except OSError as error:
            ctypes.set_errno(error.errno or 0)
            return -1


@contextmanager
def standing(stand: Stand) -> Iterator[None]:
    """Let a test stand behind each system call, until this ends."""
    undo: list[tuple[Any, str, Any]] = []

    def put(where: Any, name: str, new: Any) -> None:
        undo.append((where, name, getattr(where, name)))
        setattr(where, name, new)

    def through(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **more: stand.through(name, real, *arguments, **more)

    try:
        for name in (*CHANGING, *LOOKING, "open"):
            put(os, name, through(name, getattr(os, name)))
        put(fcntl, "fcntl", through("fcntl", fcntl.fcntl))
        for room in (*_RENAMING_ROOMS, storewarden.below):
            put(room, "_libc", _Libc(room._libc, stand))
        yield
    finally:
        for where, name, old in reversed(undo):
            setattr(where, name, old)


# -- what may stand there -------------------------------------------------------------------------


class Dying(Stand):
    """The process ends before its N-th changing call: nothing is changed from there on.

    Notes of the journal come here as well, before and behind each: see `strike`.
    """

    def __init__(self, at: int) -> None:
        self.calls, self.dead, self.when = 0, False, ""
        self._at = at

    def before(self, call: Call) -> Call:
        if call.changing:
            self._pass(call.name)
        return call

    def strike(self, name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        self._pass(name)

    def _pass(self, name: str) -> None:
        self.calls += 1
        if self.calls == self._at:
            self.dead, self.when = True, name
            self.end()
        if self.dead:
            raise Killed

    def end(self) -> None:
        """End the process; nobody who merely stands for that does."""


class Killing(Dying):
    """Ends the process for real."""

    def end(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Failing(Stand):
    """The N-th call fails.

    Args:
        at: which, from 1 on.
        error: how.
        lasting: and every later one that changes something.
        late: it was done, and fails nevertheless.
    """

    def __init__(self, at: int, error: int, *, lasting: bool = False, late: bool = False) -> None:
        self.calls, self.failed = 0, 0
        self._at, self._error, self._lasting, self._late = at, error, lasting, late

    def before(self, call: Call) -> Call:
        self.calls += 1
        if not self._late:
            self._fail(call)
        return call

    def behind(self, call: Call, result: Any) -> None:
        if self._late:
            self._fail(call)

    def _fail(self, call: Call) -> None:
        if self.calls == self._at or (self._lasting and self.calls > self._at and call.changing):
            self.failed += 1
            raise OSError(self._error, os.strerror(self._error))


class Short(Stand):
    """The N-th write takes less than it is given, or all from there on; so with reads."""

    def __init__(self, at: int, *, lasting: bool = False) -> None:
        self.calls, self.failed = 0, 0
        self._at, self._lasting = at, lasting

    def before(self, call: Call) -> Call:
        if call.name not in {"write", "pwrite", "read", "pread"}:
            return call
        self.calls += 1
        if self.calls != self._at and not (self._lasting and self.calls > self._at):
            return call
        self.failed += 1
        first, second, *rest = call.arguments
        if isinstance(second, int):
            second = max(second // 100, 7)
        else:
            second = second[: max(len(second) // 2, 1)]
        return call._replace(arguments=(first, second, *rest))
