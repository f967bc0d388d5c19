"""What came of acts so far: for those who wait for it, and for the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from storewarden.act.execute import Outcome
from storewarden.catalogue.acts import DONE, FAILED, UNDONE, Act
from storewarden.daemon.acting.hands import Seen
from storewarden.daemon.acting.wish import MOST_TROUBLES, Result, Told, Trouble

_DONE: Final = (DONE, UNDONE)


class Tally:
    """Adds up outcomes; files are all of those that belong together."""

    def __init__(self, told: Callable[[Told], None] = lambda _told: None, files: int = 0) -> None:
        """``told`` hears of each step; of so many ``files`` at least."""
        self._tell = told
        self._at_least = files
        self._counts = {"done": 0, "refused": 0, "failed": 0, "put_off": 0, "held": 0}
        self._freed = self._done_size = 0
        self._size = self._of_size = self._in_file = 0
        self._in_hand: Act | None = None
        self._troubles: list[Trouble] = []
        self._more = 0
        self._lacking: list[str] = []
        self._carried_on = 0

    @property
    def seen(self) -> Seen:
        """What hears of acts."""
        return Seen(self._passed, self._begins, self.ended)

    def ended(self, outcome: Outcome) -> None:
        """Take note of what came of an act."""
        act = outcome.act
        self._in_file = 0
        self._size += act.size
        self._freed += outcome.freed
        self._lacking += outcome.lacking[: MOST_TROUBLES - len(self._lacking)]
        how = result_of(act)
        self._counts[how] += len(act.members)
        if how == "done":
            self._done_size += act.size
        else:
            why = act.error
            self.trouble(Trouble(act.root, act.path, act.verb, how.replace("_", "-"), why))
        self._show()

    def again(self, act: Act) -> None:
        """Take note of an act that had ended before."""
        self.expect([act])
        self.ended(Outcome(act))

    def carried_on(self, outcome: Outcome) -> None:
        """Take note of an act that was begun before, and is done now."""
        self.expect([outcome.act])
        self.ended(outcome)
        self._carried_on += len(outcome.act.members)

    def trouble(self, *troubles: Trouble) -> None:
        """Take note of troubles, without counting files."""
        free = max(0, MOST_TROUBLES - len(self._troubles))
        self._troubles += troubles[:free]
        self._more += len(troubles[free:])

    def count(self, how: str, files: int) -> None:
        """Count files that came to no act: refused, or held."""
        self._counts[how] += files

    @property
    def done(self) -> int:
        """Files that are done."""
        return self._counts["done"]

    def result(self, seconds: float) -> Result:
        """Return what it all came to."""
        return Result(
            **self._counts,
            freed=self._freed,
            size=self._done_size,
            seconds=seconds,
            troubles=tuple(self._troubles),
            more_troubles=self._more,
            lacking=tuple(self._lacking),
            carried_on=self._carried_on,
        )

    def expect(self, acts: Sequence[Act]) -> None:
        """Hear of acts that are about to be carried out."""
        self._of_size += sum(act.size for act in acts)

    # -- while it goes on -------------------------------------------------------------------------

    def _begins(self, act: Act) -> None:
        self._in_hand, self._in_file = act, 0
        self._show()

    def _passed(self, size: int) -> None:
        """Count what is read of a file; what is read again, to prove it, is not more of it."""
        self._in_file += size
        self._show()

    def _show(self) -> None:
        counts, act = self._counts, self._in_hand
        files = sum(counts.values())
        in_file = min(self._in_file, act.size) if act is not None else 0
        self._tell(
            Told(
                *(counts["done"], counts["refused"] + counts["held"], counts["failed"]),
                counts["put_off"],
                files=max(self._at_least, files),
                size=self._size + in_file,
                of_size=self._of_size,
                freed=self._freed,
                root=act.root if act is not None else "",
                path=act.path if act is not None else b"",
            )
        )


def result_of(act: Act) -> str:
    """Return what came of an act, in one word."""
    if act.state in _DONE:
        return "done"
    if act.state == FAILED:
        return "failed"
    return "refused" if act.ended else "put_off"
