"""The journal of file events: one row for each transaction that recorded anything, none per file.

A row of ``event_rounds`` says between which numbers the rows lie that its transaction added to
``files`` and ``history``, and of which files more became known. What happened is read from those
rows when somebody listens; so the recorder pays for two looks at the end of an index and one
insert, whether it recorded one file or four thousand.

SQLite hands the highest number of a table out again after its row was deleted. Therefore a round
tells where *its* numbers begin, as they were just before it inserted, and not where the last round
ended; and who deletes files and then inserts, in one transaction, calls ``recede`` between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile

from storewarden.catalogue.engine import Engine

FOLLOWED = ("files", "history")
_SPACE = 0x53774576  # "SwEv": rounds of one host on a server are made one after another
_COLUMNS = (
    *("host_id", "at_ns", "files_after", "files_through", "lines_after", "lines_through"),
    "described",
)

Ranges = list[tuple[int, int]]


class Rounds:
    """Writes a round into each transaction of an engine that has something to tell."""

    def __init__(
        self,
        engine: Engine,
        host_id: int,
        wall_ns: Callable[[], int],
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        """Write rounds of one host; ``ring`` is called after each that was committed."""
        self.ring = ring
        self._engine, self._host_id, self._wall_ns = engine, host_id, wall_ns
        self._after: dict[str, int] = {}  # where the numbers of this transaction begin
        self._described: set[int] = set()
        self._written = False
        self._receded = False

    def adding(self, table: str) -> None:
        """Note where the numbers begin that rows of a table are about to get."""
        if table not in FOLLOWED:
            return
        before = self._after.get(table)
        if before is None or self._receded:
            last = _last(self._engine, table)
            self._after[table] = last if before is None else min(before, last)

    def recede(self) -> None:
        """Look anew from now on where numbers begin: rows were deleted in this transaction."""
        self._receded = self._engine.dialect == "sqlite"

    def describe(self, ids: Iterable[int]) -> None:
        """Tell with this transaction that more is known of files, or something else was said."""
        self._described.update(ids)

    def ending(self) -> None:
        """Write what this transaction came to, if anything."""
        if not self._after and not self._described:
            return
        spans = []
        for table in FOLLOWED:
            after = self._after.get(table)
            through = after if after is None else max(after, _last(self._engine, table))
            spans += [after or 0, through or 0]
        if spans[0] == spans[1] and spans[2] == spans[3] and not self._described:
            return
        write(self._engine, self._host_id, self._wall_ns(), spans, self._described)
        self._written = True

    def ended(self, *, committed: bool) -> None:
        """Begin anew; who listens is woken up when there is something to hear."""
        written, self._written = self._written, False
        self._receded = False
        self._after.clear()
        self._described.clear()
        if committed and written:
            self.ring()


def follow(engine: Engine, host_id: int, wall_ns: Callable[[], int]) -> Rounds:
    """Keep the journal of everything that this engine records from now on.

    It begins with a round of nothing: so that a listener that begins before anything happens knows
    a place in it, and can be told when it missed something.
    """
    if not engine.execute("SELECT 1 FROM event_rounds WHERE host_id = ? LIMIT 1", (host_id,)):
        with engine.transaction():
            write(engine, host_id, wall_ns(), [0, 0, 0, 0])
    rounds = Rounds(engine, host_id, wall_ns)
    engine.follower = rounds
    return rounds


def recede(engine: Engine) -> None:
    """Tell that files were deleted within the open transaction: numbers may be given out again."""
    if isinstance(engine.follower, Rounds):
        engine.follower.recede()


def describe(engine: Engine, ids: Iterable[int]) -> None:
    """Tell that more is known of files, inside the open transaction, if a journal is kept."""
    if isinstance(engine.follower, Rounds):
        engine.follower.describe(ids)


def tell(engine: Engine, host_id: int, ids: Iterable[int], now_ns: int) -> None:
    """Do the same also where no journal is kept: a client that writes beside the daemon."""
    told = set(ids)
    if isinstance(engine.follower, Rounds):
        engine.follower.describe(told)
    elif told:
        write(engine, host_id, now_ns, [0, 0, 0, 0], told)


def write(
    engine: Engine, host_id: int, at_ns: int, spans: list[int], described: Iterable[int] = ()
) -> None:
    """Write one round, inside the open transaction and last in it."""
    if engine.dialect == "postgresql":
        # From here to the commit no other round of this host gets a number: numbers are in the
        # order in which rounds can be seen, and nobody passes one by that is not there yet.
        engine.execute("SELECT pg_advisory_xact_lock(?, ?)", (_SPACE, host_id & 0x7FFF_FFFF))
    marks = ", ".join("?" * len(_COLUMNS))
    engine.execute(
        f"INSERT INTO event_rounds ({', '.join(_COLUMNS)}) VALUES ({marks})",
        (host_id, at_ns, *spans, as_text(described)),
    )


def forget(engine: Engine, host_id: int, before_ns: int, most: int) -> int:
    """Forget the rounds of a host that are older; return how many. The last one always stays."""
    rows = engine.execute(
        "SELECT id, at_ns FROM event_rounds WHERE host_id = ? ORDER BY id LIMIT ?",
        (host_id, most + 1),
    )
    old = [id_ for id_, _ in takewhile(lambda row: row[1] < before_ns, rows[:-1])]
    if old:
        with engine.joined():
            engine.execute(
                "DELETE FROM event_rounds WHERE host_id = ? AND id <= ?", (host_id, old[-1])
            )
    return len(old)


def as_text(ids: Iterable[int]) -> str:
    """Return numbers as text that is short where they follow each other: ``1-400,407``."""
    parts: list[str] = []
    for first, last in _runs(sorted(ids)):
        parts.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(parts)


def from_text(text: str) -> list[int]:
    """Return the numbers that ``as_text`` was given."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _runs(ids: list[int]) -> Ranges:
    runs: Ranges = []
    for one in ids:
        if runs and one <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], one)
        else:
            runs.append((one, one))
    return runs


def _last(engine: Engine, table: str) -> int:
    ((last,),) = engine.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
    return int(last)
