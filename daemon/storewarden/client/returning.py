"""What was asked back is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from storewarden.api.done import Done
from storewarden.client.backend import Backend, Question
from storewarden.client.errors import PermanentError, Unreachable
from storewarden.client.patience import Deadline

_FIRST, _LONGEST = 0.02, 0.5  # seconds between two looks


def wait_for(backend: Backend, asked: Done, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until a file came back.

    Raises:
        PermanentError: it did not.
        Unreachable: time was over before.
    """
    deadline, pause = Deadline(backend.timeout), _FIRST
    question = Question("restored", ("restores", str(asked.id)))
    while True:
        found = backend.ask(question)
        if found.state in {"done", "failed"}:
            break
        if deadline.over:
            raise Unreachable(
                "it is not back yet", where=asked.path or "", why="the daemon goes on with it"
            )
        sleep(min(pause, deadline.left))
        pause = min(_LONGEST, 2 * pause)
    if found.troubles or not found.done:
        why = "; ".join(found.troubles) or "nothing was done"
        raise PermanentError("it was not brought back", where=asked.path or "", why=why)
