"""A database of a root is looked over in a process of its own, before it goes or since it stays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue.bundled import FileRow
from storewarden.daemon.tending.deeds import Stopping
from storewarden.daemon.tending.hands import Hands
from storewarden.databases.child import HOUR, run_job
from storewarden.errors import DatabaseUnusable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Looked(NamedTuple):
    """What was found in a database; the digests are of its files, itself first."""

    wrong: str
    rows: Mapping[str, int]
    digests: tuple[tuple[bytes, bytes], ...]

    @property
    def total(self) -> int:
        """How many rows all its tables have."""
        return sum(self.rows.values())


def look_over(hands: Hands, files: Sequence[FileRow], stopping: Stopping, *, idle: bool) -> Looked:
    """Check a database and count its rows; ``idle``: nobody may have it open, and it is digested.

    Args:
        hands: where its root is, and a place for scratch.
        files: its file and its logs, as they are recorded.
        stopping: asked often.
        idle: whether it is about to go.

    Raises:
        DatabaseBusy: somebody has it open.
        DatabaseChanged: it is not what is recorded, or changes all the time.
        WorkStopped: we are to stop.
        StorewardenError: it cannot be read, or its root is not there.
    """
    arguments = {
        "files": [(one.path, list(one.identity)) for one in files],
        "idle": idle,
        "seconds": HOUR,
    }
    scratch = os.open(hands.scratch, _DIRECTORY)
    try:
        ours = [(one.root, one.path) for one in files]
        with hands.own.working(ours), hands.roots.opened(files[0].root) as root:
            told = run_job(
                "look_over",
                arguments,
                descriptors=[root.descriptor],
                scratch=scratch,
                stopping=stopping,
            )
    finally:
        os.close(scratch)
    try:
        return Looked(
            _wrong(str(told["integrity"]), told["problems"]),
            {str(table): int(count) for table, count in told["rows"].items()},
            tuple((bytes(path), bytes(digest)) for path, digest in told["digests"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatabaseUnusable("what was said of a database makes no sense") from error


def _wrong(integrity: str, problems: Sequence[object]) -> str:
    """Return what is wrong, in words; what SQLite cannot check here is none of our business."""
    if integrity not in {"damaged", "unfinished"}:
        return ""
    return "; ".join(map(str, problems)) or f"its check is {integrity}"
