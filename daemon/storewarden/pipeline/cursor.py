"""Which of the files that wait come next: by their numbers, which tell nothing about their age.

New files have the highest numbers and are asked for as they come. A file that changed or was
renamed keeps its number and waits behind: it is found by going back to the beginning, soon after
anything was recorded. What cannot be read stays waiting: a pass over all tries it again, rarer and
rarer while such passes find nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

FIRST_PASS: Final = 30.0
LONGEST_PASS: Final = 900.0
_LOOK_BACK: Final = 1.0
_LONGEST_WAIT: Final = 1.0


class Cursor:
    """Where one reader of files stands. `news` may come from any thread, all else from its own."""

    def __init__(self) -> None:
        self.after_id = 0
        self._ahead = True  # there may be files beyond
        self._behind = False  # there may be files before
        self._pause = FIRST_PASS
        self._next_pass = 0.0
        self._next_look_back = 0.0
        self._unread: set[int] = set()

    def news(self) -> None:
        """Hear that files were recorded: new ones, or old ones that changed."""
        self._ahead = self._behind = True

    def waiting_again(self) -> None:
        """Hear that old files wait again."""
        self._behind = True

    def wants(self, now: float) -> bool:
        """Tell whether to ask for files beyond ``after_id`` now."""
        if now >= self._next_pass:
            self._pause = min(self._pause * 2, LONGEST_PASS)
            self._next_pass = now + self._pause
            self._unread.clear()
            self._start_over()
        elif self._behind and not self._ahead and now >= self._next_look_back:
            self._behind = False
            self._start_over()
        wanted, self._ahead = self._ahead, False
        return wanted

    def _start_over(self) -> None:
        self.after_id = 0
        self._ahead = True

    def got(self, ids: Sequence[int], now: float) -> None:
        """Go on behind these files."""
        if ids:
            self.after_id = ids[-1]
            self._ahead = True
            # what was read is written in a moment, and would be found waiting until then
            self._next_look_back = now + _LOOK_BACK

    def ask_again(self) -> None:
        """Stay: the files that were asked for could not be told, or not be read at all."""
        self._ahead = self._behind = True

    def unread(self, file_id: int) -> None:
        """Leave a file that could not be read to the next pass."""
        self._unread.add(file_id)

    def is_left(self, file_id: int) -> bool:
        """Tell whether a file is left to the next pass."""
        return file_id in self._unread

    def found(self) -> None:
        """Hear that there was something to be read: passes are worth their while again."""
        self._pause = FIRST_PASS

    def wait(self, now: float) -> float:
        """Return how long to wait when nothing is wanted."""
        return min(_LONGEST_WAIT, self._next_pass - now)
