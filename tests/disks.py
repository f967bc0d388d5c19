"""Disks for the directory store that fail, and that die, at the call that a test chooses."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any, Final

from storewarden.store.disk import Disk

# What changes something on the disk: between any two of these a process can be killed.
MUTATING: Final = (
    "create",
    "write",
    "mkdir",
    "sync",
    "sync_directory",
    "rename",
    "link",
    "unlink",
    "rmdir",
)
CALLS: Final = (
    *MUTATING,
    "open",
    "open_root",
    "open_below",
    "stat",
    "fstat",
    "scan",
    "read",
    "lock",
    "space",
    "refuse_unwritable",
)


class CountingDisk(Disk):
    """Counts its calls, and does something before the one that is chosen.

    Args:
        names: the calls that are counted.
        at: which of them, from 1 on; 0 is none.
    """

    def __init__(self, names: tuple[str, ...] = CALLS, at: int = 0) -> None:
        self.calls = 0
        self.met: list[str] = []
        self._at = at
        for name in names:
            setattr(self, name, self._counted(name, getattr(super(), name)))

    def strike(self, name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do the chosen call, or something else; the call itself unless it is overridden."""
        return call(*arguments, **named)

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            self.met.append(name)
            if self.calls == self._at:
                return self.strike(name, call, *arguments, **named)
            return call(*arguments, **named)

        return counted


class KillingDisk(CountingDisk):
    """Kills the process before a call, as the kernel does: nothing is cleared up."""

    def __init__(self, names: str | tuple[str, ...] = MUTATING, at: int = 0) -> None:
        super().__init__((names,) if isinstance(names, str) else names, at)

    def strike(self, name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class FailingDisk(CountingDisk):
    """Fails a call; ``lasting``: and every later one that changes something."""

    def __init__(self, error: int, at: int, *, lasting: bool = False) -> None:
        super().__init__(CALLS, at)
        self._error = error
        self._lasting = lasting

    def strike(self, name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._lasting:
            self._at += 1
        raise OSError(self._error, os.strerror(self._error))


class ShortDisk(Disk):
    """Takes and gives a few bytes with each call."""

    def write(self, descriptor: int, data: memoryview) -> int:
        return super().write(descriptor, data[:7])

    def read(self, descriptor: int, size: int) -> bytes:
        return super().read(descriptor, min(size, 5))


def killed(act: Callable[[], object]) -> bool:
    """Do something in a process of its own; true if it was killed, false if it came to its end."""
    with warnings.catch_warnings():
        # The other threads of this process are not in the copy, which only makes system calls.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001  # whatever it is, the copy of the test ends here
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
    return os.WIFSIGNALED(status)
