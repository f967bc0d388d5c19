"""How many files and bytes there are of each kind and state: kept in step, never counted."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import AWAY, PRESENT

Key = tuple[str, str, str]  # root, kind, state


Change = tuple[int, str, str, int, int]  # id of the root, kind, state, files, bytes


def add(engine: Engine, changes: Iterable[Change]) -> None:
    """Add to the stored figures, inside the transaction that changes the files."""
    rows = list(changes)
    # A negative change would be refused as a row of its own before it could be added.
    engine.executemany(
        "INSERT INTO totals (root_id, kind, state, files, bytes) VALUES (?, ?, ?, 0, 0)"
        " ON CONFLICT (root_id, kind, state) DO NOTHING",
        [row[:3] for row in rows],
    )
    engine.executemany(
        "UPDATE totals SET files = files + ?, bytes = bytes + ?"
        " WHERE root_id = ? AND kind = ? AND state = ?",
        [(files, size, *key) for *key, files, size in rows],
    )


class Counts:
    """Figures over all files. ``totals`` may be read by any thread.

    Changed by the recorder thread, and by whoever ends an act: each inside its own transactions,
    which take turns.
    """

    def __init__(self, engine: Engine, roots: Mapping[str, int]) -> None:
        """Read the figures of ``roots`` (name to id)."""
        self._engine = engine
        self.roots: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._deltas: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
        self._doubted = False
        self._adding = threading.Lock()
        self.totals: dict[Key, tuple[int, int]] = {}
        for name, root_id in roots.items():
            self.know(name, root_id)

    def know(self, root: str, root_id: int) -> None:
        """Take a root in, with the figures that are stored of it."""
        self.roots[root], self.names[root_id] = root_id, root
        self.totals |= self._stored(root)

    def _stored(self, root: str) -> dict[Key, tuple[int, int]]:
        rows = self._engine.execute(
            "SELECT kind, state, files, bytes FROM totals WHERE root_id = ?", (self.roots[root],)
        )
        return {(root, kind, state): (files, size) for kind, state, files, size in rows}

    def begin(self) -> None:
        """Begin to count, inside a transaction; after one that failed, from what is stored.

        Of a commit whose answer got lost nobody knows whether it happened.
        """
        self._deltas.clear()
        if self._doubted:
            totals: dict[Key, tuple[int, int]] = {}
            for root in list(self.roots):
                totals |= self._stored(root)
            self.totals = totals
            self._doubted = False

    def change(self, root: str, kind: str, state: str, files: int, size: int) -> None:
        """Count ``files`` of ``size`` bytes in all in or, negative, out."""
        delta = self._deltas[root, kind, state]
        delta[0] += files
        delta[1] += size

    def so_far(self) -> dict[Key, tuple[int, int]]:
        """Return the changes of this transaction until now."""
        return {key: (files, size) for key, (files, size) in self._deltas.items()}

    def back_to(self, changes: Mapping[Key, tuple[int, int]]) -> None:
        """Drop what was changed since ``so_far`` was asked."""
        self._deltas.clear()
        for key, (files, size) in changes.items():
            self._deltas[key] = [files, size]

    def write(self) -> None:
        """Store what the changes lead to; inside the transaction that caused them."""
        rows = [
            (self.roots[root], kind, state, files, size)
            for (root, kind, state), (files, size) in self._deltas.items()
        ]
        if rows:
            add(self._engine, rows)

    def committed(self) -> None:
        """Take the changes into the figures: their transaction is durable."""
        self._add((*key, files, size) for key, (files, size) in self._deltas.items())
        self._deltas.clear()

    def _add(self, changes: Iterable[tuple[str, str, str, int, int]]) -> None:
        with self._adding:
            for root, kind, state, files, size in changes:
                before = self.totals.get((root, kind, state), (0, 0))
                self.totals[root, kind, state] = (before[0] + files, before[1] + size)

    @contextmanager
    def beside(self, changes: Iterable[Change]) -> Iterator[None]:
        """Store what another than the recorder changed, last in its transaction.

        When that fails meanwhile, or its commit, the next transaction of the recorder begins with
        what is stored.
        """
        try:
            with self._engine.transaction(durable=True):
                yield
                rows = list(changes)
                add(self._engine, rows)
                # before the recorder's turn, which may read what is stored
                self._add((self.names[one[0]], *one[1:]) for one in rows if one[0] in self.names)
        except BaseException:
            self._doubted = True
            raise

    def forget(self) -> None:
        """Drop the changes: their transaction came to nothing, as far as one can tell."""
        self._deltas.clear()
        self._doubted = True

    def present(self, root: str) -> int:
        """Return how many files of the root are present."""
        return sum(
            files
            for (name, _, state), (files, _) in self.totals.items()
            if name == root and state == PRESENT
        )

    def away(self, root: str) -> bool:
        """Tell whether a file of the root was archived, trashed or purged."""
        return any(
            files
            for (name, _, state), (files, _) in list(self.totals.items())
            if name == root and state in AWAY
        )

    def any(self) -> bool:
        """Tell whether a file was ever recorded."""
        return any(files for files, _ in self.totals.values())
