"""Take digests in the background: a child process reads (see digesting), the recorder writes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from storewarden.catalogue.digests import Digested, Digests
from storewarden.catalogue.waiting import Waiting
from storewarden.clock import Clock
from storewarden.errors import StorewardenError
from storewarden.pipeline.cursor import FIRST_PASS, Cursor
from storewarden.pipeline.inbox import DigestsReady, Inbox
from storewarden.watch.own import NOT_OPENED, OwnReads
from storewarden.watch.walk import receive, send

log = logging.getLogger(__name__)

_BATCH: Final = 256
_BUSY: Final = 0.5  # seconds; recording comes first


class Digester:
    """Feeds the child and hands its digests over. ``step`` runs in a worker thread of its own."""

    def __init__(
        self,
        digests: Digests,
        inbox: Inbox,
        roots: Callable[[], Mapping[str, bytes]],
        clock: Clock,
        *,
        busy: Callable[[], bool],
        failed: Callable[[str, int], None],
        own: OwnReads,
    ) -> None:
        """Digest files of ``roots`` (name to path, those that are there); never while ``busy``.

        ``own`` is told of each read, so that nobody takes it for a use of the file.
        """
        self._digests = digests
        self._inbox = inbox
        self._roots = roots
        self._clock = clock
        self._busy = busy
        self._failed = failed
        self._own = own
        self._child: subprocess.Popen[bytes] | None = None
        self._given_up = False
        self._cursor = Cursor()

    def news(self) -> None:
        """Hear, in any thread, that files were recorded."""
        self._cursor.news()

    def step(self) -> float:
        """Take some digests; return how long to wait until more."""
        roots = self._roots()
        if self._given_up or self._busy() or not roots:
            return _BUSY if roots else FIRST_PASS
        now = self._clock.monotonic()
        if not self._cursor.wants(now):
            self._stop_child()  # memory that nobody needs while there is nothing to read
            return self._cursor.wait(now)
        try:
            wanted = self._digests.wanted(list(roots), self._cursor.after_id, _BATCH)
        except StorewardenError as error:
            if not error.transient:
                raise
            self._cursor.ask_again()
            return FIRST_PASS
        left = [file for file in wanted if not self._cursor.is_left(file.id)]
        taken = [one for one in self._take(roots, left) if one is not None]
        self._cursor.got([file.id for file in wanted], self._clock.monotonic())
        if taken:
            self._cursor.found()
            self._inbox.put(DigestsReady(tuple(taken)))
        return 0.0

    def _take(self, roots: Mapping[str, bytes], wanted: Sequence[Waiting]) -> list[Digested | None]:
        taken: list[Digested | None] = []
        for root, path in roots.items():
            files = [file for file in wanted if file.root == root]
            if files:
                taken += self._ask(path, files)
        return taken

    def _ask(self, path: bytes, files: Sequence[Waiting]) -> list[Digested | None]:
        child = self._running()
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018  # asked for
        answers: list[Digested | None] = []
        for file in files:
            self._own.expect(file.root, file.path, file.name)
        try:
            send(child.stdin, (path, [(file.path, file.name) for file in files]))
            child.stdin.flush()
            for file in files:
                answer = receive(child.stdout)
                if not isinstance(answer, tuple):
                    raise BrokenPipeError  # the child died: one way for both
                answers.append(self._answered(file, *answer))
        except OSError:
            if not self._given_up:
                log.warning("the digesting process ended and is started again")
            self._stop_child()
        for file in files[len(answers) :]:
            self._own.over(file.root, file.path, file.name)
        return answers

    def _answered(
        self, file: Waiting, error: int, inode: int, size: int, modified_ns: int, digest: bytes
    ) -> Digested | None:
        self._own.over(file.root, file.path, file.name, opened=error not in NOT_OPENED)
        if error:
            self._cursor.unread(file.id)
            self._failed(file.root, error)
            return None
        return Digested(file.id, inode, size, modified_ns, digest)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "storewarden.pipeline.digesting", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            if self._given_up:
                self._child.kill()
        return self._child

    def give_up(self) -> None:
        """Let the step under way end at once, from any thread: a file may take hours to read."""
        self._given_up = True
        child = self._child
        if child is not None:
            child.kill()

    def stop(self) -> None:
        """End the child; a digest that is not finished is taken again by the next start."""
        self._stop_child()

    def _stop_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        child.wait()
