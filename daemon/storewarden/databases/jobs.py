"""The work that is done in a process of its own, by its kind; see `child`.

A function gets what it was asked as a mapping, the descriptors it was handed, and ``tell``, which
reports how far it is. It is imported in that process alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from storewarden.errors import UsageError

Document = Mapping[str, Any]
"""What JSON can hold, and bytes."""

Tell = Callable[[Document], None]
Work = Callable[[Document, Sequence[int], Tell], Document]


class Job(NamedTuple):
    """Where a kind of work is done."""

    target: str  # module:function
    caged: bool = False  # it only reads, and writes nowhere but in its scratch directory


_ROWS: Final = "storewarden.databases.rows.work"
_SERVER_ROWS: Final = "storewarden.databases.rows.server.work"
JOBS: Final[dict[str, Job]] = {
    "image": Job("storewarden.databases.image.taking:take", caged=True),
    "prove": Job("storewarden.databases.image.proving:prove", caged=True),
    "check": Job("storewarden.databases.check:job", caged=True),
    "vacuum": Job("storewarden.databases.rewriting:vacuum"),
    "analyze": Job("storewarden.databases.rewriting:analyze"),
    "explain": Job("storewarden.databases.explaining:explain", caged=True),
    "look": Job("storewarden.databases.look:look", caged=True),
    "rows_look": Job(f"{_ROWS}:look"),
    "rows_files": Job(f"{_ROWS}:files"),
    "rows_archive": Job(f"{_ROWS}:archive"),
    "rows_remove": Job(f"{_ROWS}:remove"),
    "rows_restore": Job(f"{_ROWS}:restore"),
    "rows_server_look": Job(f"{_SERVER_ROWS}:look"),
    "rows_server_files": Job(f"{_SERVER_ROWS}:files"),
    "rows_server_archive": Job(f"{_SERVER_ROWS}:archive"),
    "rows_server_remove": Job(f"{_SERVER_ROWS}:remove"),
    "rows_server_restore": Job(f"{_SERVER_ROWS}:restore"),
    "look_server": Job("storewarden.databases.servers:look"),
    "feel": Job("storewarden.databases.feel:feel"),
    "look_over": Job("storewarden.databases.fit:look_over", caged=True),
    "shape": Job("storewarden.databases.contents:shape", caged=True),
    "spool": Job("storewarden.databases.contents:spool", caged=True),
}


def work(kind: str) -> tuple[Job, Work]:
    """Return what a kind of work is and the function that does it.

    Raises:
        UsageError: there is no such kind.
    """
    job = JOBS.get(kind)
    if job is None:
        raise UsageError("there is no such work", where=kind)
    module, _, name = job.target.partition(":")
    function: Work = getattr(importlib.import_module(module), name)
    return job, function
