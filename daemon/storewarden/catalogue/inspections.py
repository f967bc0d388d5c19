"""What waits to be inspected, and the facts that inspection found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from storewarden.catalogue import undecided
from storewarden.catalogue.bundles import Belongs, Bundles, Linked, Placed, await_inspection
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import rounds
from storewarden.catalogue.fact_rows import FactRows, Found, stored
from storewarden.catalogue.reconcile import PRESENT
from storewarden.catalogue.waiting import Waiting, waiting
from storewarden.catalogue.workflows import Rows, Told, Workflows, told_by_sidecars
from storewarden.model import Facts, Place


class Inspected(NamedTuple):
    """The facts of a file, what it was while it was read, and what it may belong to."""

    id: int
    path: bytes  # of its directory, as it was called while it was read
    name: bytes
    inode: int
    size: int
    modified_ns: int
    facts: Facts
    place: Place
    sidecar_stems: tuple[bytes, ...] = ()
    sidecar_role: str = ""
    language: str | None = None

    @property
    def weight(self) -> int:
        """About how many bytes it takes while it waits to be stored."""
        said, made = self.facts.transcript, self.facts.provenance
        weight = 1_000 + (len(said.text) if said is not None else 0)
        if made is not None:
            weight += len(made.prompt or "") + len(made.negative or "") + len(made.raw)
        return weight


@dataclass(slots=True)
class Stored:
    """How many files were stored, and what they came to."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # by inspector, outcome
    tools: Counter[tuple[str, bool]] = field(default_factory=Counter)  # by tool, understood

    @property
    def files(self) -> int:
        """How many files were stored; what changed since it was read is not."""
        return self.outcomes.total()


class Indexes(Protocol):
    """Who makes files findable by the words that are known of them."""

    def index(self, ids: Iterable[int]) -> None:
        """Write the words of these files anew, inside the open transaction."""
        ...


class _Row(NamedTuple):
    """A file that is still what was inspected."""

    inspected: Inspected
    root_id: int
    directory_id: int
    kind: str

    @property
    def id(self) -> int:
        return self.inspected.id


class Inspections:
    """Reads what is to be inspected (any thread) and writes facts (the recorder thread)."""

    def __init__(self, engine: Engine, counts: Counts, belongs: Belongs, words: Indexes) -> None:
        """``belongs(name, owner)`` tells the role that a name has beside another one, or None."""
        self._engine = engine
        self._counts = counts
        self._words = words
        self._bundles = Bundles(engine, belongs)
        self._workflows = Workflows(engine)
        self._rows = FactRows(engine)
        self._hosts: dict[int, int] = {}

    def wanted(self, roots: Collection[str], after_id: int, limit: int) -> list[Waiting]:
        """Return files of ``roots`` that wait to be inspected, in the order of their ids."""
        return waiting(self._engine, self._counts, "inspected_ns", roots, after_id, limit)

    def store(self, batch: Sequence[Inspected], now_ns: int) -> Stored:
        """Store the facts of files that are still what was read; inside the recorder's batch."""
        rows = self._still_so(batch)
        if not rows:
            return Stored()
        self._note(rows, now_ns)
        linked = self._bundles.link([_placed(row) for row in rows])
        sidecars = [row for row in rows if row.inspected.sidecar_stems]
        others = [row for row in rows if not row.inspected.sidecar_stems]
        told = self._write(sidecars, linked, now_ns)  # first: owners take from them
        self._write(others, linked, now_ns)
        self._rows.give_prompts([r.id for r in others if not r.inspected.facts.provenance])
        self._tell_others(rows, linked, told)
        rounds.describe(self._engine, [row.id for row in rows])
        return _counted(rows)

    # -- the steps of storing ------------------------------------------------------------------

    def _still_so(self, batch: Sequence[Inspected]) -> list[_Row]:
        """Return the files that nothing became of since; their rows wait on if something did."""
        by_id = {inspected.id: inspected for inspected in batch}
        rows = self._engine.fetch_in(
            "SELECT f.id, d.root_id, f.directory_id, f.kind,"
            " d.path, f.name, f.inode, f.size, f.modified_ns"
            " FROM files f JOIN directories d ON d.id = f.directory_id"
            " WHERE f.state = 'present' AND f.id IN ({in})",
            by_id,
        )
        still = []
        for id_, root_id, directory_id, kind, path, name, *identity in rows:
            inspected = by_id[id_]
            same = inspected[1:6] == (bytes(path), bytes(name), *identity)
            if same and root_id in self._counts.names:
                still.append(_Row(inspected, root_id, directory_id, kind))
        return sorted(still, key=lambda row: row.id)

    def _note(self, rows: Sequence[_Row], now_ns: int) -> None:
        """Note that and when files were inspected, and the kind that their content has."""
        written = []
        for row in rows:
            kind, size = stored(row.inspected.facts.kind) or row.kind, row.inspected.size
            if kind != row.kind:
                root = self._counts.names[row.root_id]
                self._counts.change(root, row.kind, PRESENT, -1, -size)
                self._counts.change(root, kind, PRESENT, 1, size)
            written.append((now_ns, kind, row.id))
        self._engine.update("files", ("id",), ("inspected_ns", "kind"), written)

    def _write(self, rows: Sequence[_Row], linked: Linked, now_ns: int) -> set[int]:
        """Write the facts of files; return those that tell, or told until now, something."""
        if not rows:
            return set()
        told = {row.id: _told(row.inspected) for row in rows}
        owners = [row.id for row in rows if not row.inspected.sidecar_stems]
        for id_, by_sidecars in told_by_sidecars(self._engine, owners).items():
            told[id_] = told[id_].or_else(by_sidecars)
        belongs = self._belonging(rows, told, now_ns)
        found = [_found(row.inspected, belongs[row.id], linked) for row in rows]
        before = self._rows.write(found)
        return before.union(each.id for each in found if _tells(each))

    def _belonging(
        self, rows: Sequence[_Row], told: dict[int, Told], now_ns: int
    ) -> dict[int, Rows]:
        """Return the rows of the workflows and scenes that files belong to."""
        by_host: dict[int, list[int]] = {}
        for row in rows:
            by_host.setdefault(self._host(row.root_id), []).append(row.id)
        belongs: dict[int, Rows] = {}
        for host, ids in by_host.items():
            made = self._workflows.rows(host, {told[id_] for id_ in ids}, now_ns)
            belongs |= {id_: made[told[id_]] for id_ in ids}
        return belongs

    def _host(self, root_id: int) -> int:
        if root_id not in self._hosts:
            rows = self._engine.execute("SELECT host_id FROM roots WHERE id = ?", (root_id,))
            self._hosts[root_id] = rows[0][0]
        return self._hosts[root_id]

    def _tell_others(self, rows: Sequence[_Row], linked: Linked, told: set[int]) -> None:
        """Let whom it concerns be inspected again, and found by other words."""
        ids = {row.id for row in rows}
        owners = {link.owner for id_, link in linked.links.items() if id_ in told}
        await_inspection(self._engine, (owners | linked.left) - ids)
        elsewhere = linked.changed - ids
        self._rows.rename_roles([(linked.links[id_].role, id_) for id_ in elsewhere])
        self._words.index(ids | elsewhere)
        undecided.mark(self._engine, ids | elsewhere)


def _placed(row: _Row) -> Placed:
    inspected = row.inspected
    kind = stored(inspected.facts.kind) or row.kind
    return Placed(row.id, row.directory_id, inspected.name, kind, inspected.sidecar_stems)


def _told(inspected: Inspected) -> Told:
    """Return what a file belongs to, as its path says, or else it itself."""
    place, facts = inspected.place, inspected.facts
    said = Told(stored(facts.workflow), stored(facts.scene))
    return Told(stored(place.workflow), stored(place.scene)).or_else(said)


def _found(inspected: Inspected, belongs: Rows, linked: Linked) -> Found:
    link = linked.links.get(inspected.id)
    return Found(
        inspected.id,
        inspected.facts,
        {**inspected.facts.more, **inspected.place.more},
        belongs,
        link.role if link else None,
        inspected.language,
    )


def _tells(found: Found) -> bool:
    facts = found.facts
    return bool(facts.provenance or facts.transcript or any(found.belongs))


def _counted(rows: Iterable[_Row]) -> Stored:
    counted = Stored()
    for row in rows:
        facts = row.inspected.facts
        counted.outcomes[facts.inspector, str(facts.outcome)] += 1
        if facts.provenance:
            counted.tools[facts.provenance.tool, facts.provenance.understood] += 1
    return counted
