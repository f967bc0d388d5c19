"""What of a root cannot be seen, in words for people, with what mends it."""

from __future__ import annotations

import os
import shlex
from itertools import islice
from typing import Final

from storewarden.model import Blind, Blindness
from storewarden.watch.budget import WatchBudget
from storewarden.watch.identity import let_us_read
from storewarden.watch.tree import WatchedTree
from storewarden.watch.watches import Watches

SHOWN_MOST: Final = 100  # unreadable directories named; one remedy mostly mends them all
QUEUE_FILE: Final = "/proc/sys/fs/inotify/max_queued_events"

_WORDS: Final = {
    Blindness.NOT_THERE: "the root was deleted",
    Blindness.NOT_MOUNTED: "the file system of the root was unmounted",
    Blindness.MOVED_AWAY: "the root was renamed",
}


def troubles(
    tree: WatchedTree,
    watches: Watches,
    budget: WatchBudget,
    *,
    lost: Blindness | None,
    overflowed: bool,
) -> tuple[Blind, ...]:
    """Return every reason for which this root, or a part of it, cannot be seen."""
    root, path = tree.spec.root, tree.spec.path
    if lost is not None:
        return (Blind(root, lost, b"", _WORDS[lost], f"put {_quoted(path)} back"),)
    found = []
    if overflowed:
        detail = "events were lost; a scan of the whole root makes up for them"
        found.append(Blind(root, Blindness.QUEUE_OVERFLOW, b"", detail, _queue_remedy()))
    if watches.unwatched is not None:
        who = os.strerror(watches.error) if watches.error else f"our share is {budget.allowed}"
        detail = f"{budget.used} watches stand; {who}"
        reason = Blindness.WATCHES_EXHAUSTED
        found.append(Blind(root, reason, watches.unwatched, detail, budget.remedy()))
    for node, error in islice(tree.unreadable.items(), SHOWN_MOST):
        below = node.path()
        if below is not None:
            remedy = let_us_read(path + b"/" + below)
            found.append(Blind(root, Blindness.UNREADABLE, below, os.strerror(error), remedy))
    for below in tree.unmounted:
        remedy = f"mount what belongs at {_quoted(path + b'/' + below)}"
        detail = "a file system inside the root was unmounted"
        found.append(Blind(root, Blindness.NOT_MOUNTED, below, detail, remedy))
    for below in tree.covered:
        remedy = f"sudo umount {_quoted(path + b'/' + below)}"
        detail = "a file system was mounted over files that are known"
        found.append(Blind(root, Blindness.MOUNTED_OVER, below, detail, remedy))
    return tuple(found)


def _queue_remedy() -> str:
    try:
        with open(QUEUE_FILE, encoding="ascii") as file:
            present = int(file.read())
    except (OSError, ValueError):
        present = 16384
    return f"if this happens often: sudo sysctl -w fs.inotify.max_queued_events={present * 4}"


def _quoted(path: bytes) -> str:
    return shlex.quote(path.decode("utf-8", "backslashreplace"))
