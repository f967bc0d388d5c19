"""One round of the recorder: what it did, and what has to be done again when its commit fails."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from storewarden.catalogue.written import Recorded
from storewarden.model import Hint
from storewarden.pipeline.parts import Committed
from storewarden.pipeline.state import RootState, ScanTally
from storewarden.watch.settle import Rest

# A round commits about this many files: 4,000 rows are 30-60 ms, so a file that settles in the
# middle of a burst still has its row a quarter of a second later.
ROUND_FILES: Final = 4_000
ROUND_LISTED: Final = 20_000

# How a name that was believed to be recorded is looked at again.
_AGAIN: Final = {Rest.SETTLED: Hint.CLOSED, Rest.GROWING: Hint.OPENED, Rest.GONE: Hint.GONE}


@dataclass(slots=True)
class Round:
    """What was done since the last commit; believed only after the next."""

    now: float
    now_ns: int
    done: Committed = field(default_factory=Committed)
    looked: list[tuple[RootState, bytes, bytes, Rest]] = field(default_factory=list)
    relisted: list[tuple[RootState, bytes, bool]] = field(default_factory=list)
    scans: list[ScanTally] = field(default_factory=list)
    ended: list[ScanTally] = field(default_factory=list)
    moved: int = 0
    gone: dict[str, int] = field(default_factory=dict)
    digests: int = 0
    linked: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # inodes

    def add(self, root: RootState, recorded: Recorded) -> None:
        """Count what was done, and remember whose other names show it."""
        self.done.add(root.name, recorded)
        if recorded.linked:
            self.linked[root.name] += recorded.linked

    def look_again(self) -> None:
        """Note every name anew: nothing of what was seen of it was stored."""
        for root, directory, name, rest in self.looked:
            if rest in _AGAIN:
                root.settle.note(directory, name, _AGAIN[rest], self.now)

    def list_again(self) -> None:
        """Order every listing anew, from its beginning."""
        for root, path, recursive in self.relisted:
            root.want_listed(path, recursive=recursive)
            root.end_relist()
