"""Caged processes that look into files, kept at work, and ended when one does not answer.

A process works through one order at a time and answers in its order, so that it is always known
which file is being looked at. When it dies or takes too long, that file is looked at once more, in
a new process; the second time it is the file's fault.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

from storewarden.catalogue.waiting import Waiting
from storewarden.clock import Clock
from storewarden.errors import TransientError
from storewarden.facts.wire import MOST_BYTES, NoAnswer, parse
from storewarden.pipeline.inspecting import LENGTH
from storewarden.watch.walk import send

log = logging.getLogger(__name__)

# For one file. Slow disks are waited for; what computes is ended by the kernel before.
PATIENCE: Final = 20.0
START: Final = 30.0  # a busy machine may take long to start Python
ATTEMPTS: Final = 2
COMMAND: Final = (sys.executable, "-I", "-m", "storewarden.pipeline.inspecting")
_SLICE: Final = 32  # files in one order: its names stay below what a pipe holds
_READ: Final = 1 << 18


class Answer(NamedTuple):
    """What one file's inspection came to: an object, or why there is none."""

    file: Waiting
    told: dict[str, Any]
    died: str = ""  # a word for a figure: exit, signal, processor, time, nonsense


class CannotInspect(TransientError):
    """No process that inspects can be started: no file is to blame."""


class Pool:
    """So many processes, started when there is work. One thread uses it; `give_up` is any's."""

    def __init__(
        self,
        size: int,
        clock: Clock,
        died: Callable[[str], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Keep ``size`` processes of ``command`` at work; ``died(why)`` hears of each lost one."""
        self._command = command
        self._clock = clock
        self._died = died
        self._given_up = False
        self._attempts: dict[int, int] = {}
        self._seats: list[_Process | None] = [None] * size
        self.versions: dict[str, int] = {}
        """The inspectors there are and their versions, as the first process told them."""

    def warm(self) -> None:
        """Start one process and hear what it can do; raises CannotInspect."""
        process = self._seats[0] = self._seats[0] or _Process(self._command)
        process.until = self._clock.monotonic() + START
        while not process.walls and not self._given_up:
            with selectors.DefaultSelector() as ready:
                ready.register(process.out, selectors.EVENT_READ)
                ready.select(max(0.0, process.until - self._clock.monotonic()))
            try:
                list(process.answers())
            except NoAnswer as error:
                self._cannot(str(error))
            if not process.walls and (process.ended or self._clock.monotonic() >= process.until):
                self._cannot("it ended before it was ready")
        self.versions = process.versions

    def _cannot(self, why: str) -> NoReturn:
        self.stop()
        raise CannotInspect(
            "no process that inspects files can be started",
            why=why,
            remedy="what it said itself stands in the log above",
        )

    def examine(self, files: Sequence[tuple[bytes, Waiting]]) -> Iterator[Answer]:
        """Yield an answer for each file (with its root's path before it), in any order.

        What is not answered when the pool is given up is not told of.
        """
        work = deque(_orders(files))
        with selectors.DefaultSelector() as ready:
            while not self._given_up:
                for seat, process in enumerate(self._seats):
                    if work and (process is None or not process.files):
                        self._sit(seat, work.popleft(), ready)
                busy = [process for process in self._seats if process and process.files]
                if not busy:
                    return
                now = self._clock.monotonic()
                ready.select(max(0.0, min(process.until for process in busy) - now))
                for seat, process in enumerate(self._seats):
                    if process is not None and process.files:
                        yield from self._hear(seat, process, work, ready)

    def _sit(self, seat: int, order: _Order, ready: selectors.BaseSelector) -> None:
        process = self._seats[seat] or _Process(self._command)
        self._seats[seat] = process
        if process.out not in ready.get_map():
            ready.register(process.out, selectors.EVENT_READ)
        process.give(order, self._clock.monotonic())

    def _hear(
        self,
        seat: int,
        process: _Process,
        work: deque[_Order],
        ready: selectors.BaseSelector,
    ) -> Iterator[Answer]:
        """Take what a process answered; one that is dead or too slow loses its seat."""
        why = ""
        try:
            for told in process.answers():
                file = process.files.popleft()
                self._attempts.pop(file.id, None)
                process.until = self._clock.monotonic() + PATIENCE
                yield Answer(file, told)
        except NoAnswer:
            why = "nonsense"
        if not process.files and not why:
            ready.unregister(process.out)  # an idle one that dies must not keep us awake
            return
        if not why and process.ended:
            why = process.end()
        elif not why and self._clock.monotonic() >= process.until:
            why = "time"
        if why:
            ready.unregister(process.out)
            self._seats[seat] = None
            process.end()
            yield from self._lost(process, why, work)

    def _lost(self, process: _Process, why: str, work: deque[_Order]) -> Iterator[Answer]:
        if self._given_up:
            return
        if not process.walls:
            self._cannot(f"it ended before it was ready ({why})")
        self._died(why)
        if not process.files:
            return  # it said more than it was asked
        file = process.files.popleft()
        if process.files:
            work.appendleft(_Order(process.path, tuple(process.files)))
        attempts = self._attempts.get(file.id, 0) + 1
        if attempts < ATTEMPTS:
            self._attempts[file.id] = attempts
            work.append(_Order(process.path, (file,)))
        else:
            self._attempts.pop(file.id, None)
            yield Answer(file, {}, why)

    def give_up(self) -> None:
        """Let `examine` end at once."""
        self._given_up = True
        for process in list(self._seats):
            if process is not None:
                process.kill()

    def stop(self) -> None:
        """End all processes; they are started again when there is work."""
        for seat, process in enumerate(self._seats):
            self._seats[seat] = None
            if process is not None:
                process.end()


class _Order(NamedTuple):
    """Some files of one root, for one process."""

    path: bytes
    files: tuple[Waiting, ...]


def _orders(files: Sequence[tuple[bytes, Waiting]]) -> Iterator[_Order]:
    by_root: dict[bytes, list[Waiting]] = {}
    for path, file in files:
        by_root.setdefault(path, []).append(file)
    for path, its in by_root.items():
        for start in range(0, len(its), _SLICE):
            yield _Order(path, tuple(its[start : start + _SLICE]))


class _Process:
    """One caged process and the order it works on."""

    def __init__(self, command: Sequence[str]) -> None:
        self._popen = subprocess.Popen(
            [*command, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._popen.stdout is not None  # noqa: S101  # asked for
        self.out = self._popen.stdout.fileno()
        os.set_blocking(self.out, False)
        self._buffer = bytearray()
        self.walls: tuple[str, ...] = ()
        self.versions: dict[str, int] = {}
        self.path = b""
        self.files: deque[Waiting] = deque()
        self.until = 0.0
        self.ended = False
        self._number = 0  # of the next answer

    def give(self, order: _Order, now: float) -> None:
        """Hand over an order; the one before is done, so that the pipe is empty."""
        self.path, self.files = order.path, deque(order.files)
        self.until = now + (PATIENCE if self.walls else START)
        with suppress(OSError):  # it died: that shows where its answers are read
            stdin = self._popen.stdin
            assert stdin is not None  # noqa: S101  # asked for
            names = [(file.path, file.name) for file in order.files]
            send(stdin, (self._number, order.path, names))
            stdin.flush()

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield what it answered since; raises NoAnswer for what is none."""
        with suppress(BlockingIOError):
            while piece := os.read(self.out, _READ):
                self._buffer += piece
                yield from self._whole()
            self.ended = True

    def _whole(self) -> Iterator[dict[str, Any]]:
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > MOST_BYTES:
                raise NoAnswer(f"is {length:,} bytes long")
            end = LENGTH.size + length
            if len(self._buffer) < end:
                return
            told = parse(bytes(self._buffer[LENGTH.size : end]))
            del self._buffer[:end]
            if not self.walls:
                self._begin(told)
            elif not self.files or told.get("number") != self._number:
                raise NoAnswer("answers what nobody asked")
            else:
                self._number += 1
                yield told

    def _begin(self, told: dict[str, Any]) -> None:
        self.walls = tuple(map(str, told.get("walls", ())))
        if not self.walls:
            raise NoAnswer("it did not say that it is caged")
        self.versions = {str(name): int(one) for name, one in told.get("versions", {}).items()}
        self.until += PATIENCE
        log.debug("a process inspects files", extra={"facts": {"walls": ",".join(self.walls)}})

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()

    def end(self) -> str:
        """End it, if it lives; return in a word how it ended."""
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        if not self.ended:
            self._popen.kill()
        with suppress(subprocess.TimeoutExpired):  # it hangs in a dead file system: left behind
            self._popen.wait(1.0)
        code = self._popen.returncode
        if code == -signal.SIGXCPU:
            return "processor"
        return "exit" if code is not None and code >= 0 else "signal"
