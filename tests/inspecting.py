"""Inspecting without reading: a shelf of files over a catalogue whose facts are what the test says.

A `Shelf` is a `Book` that inspects as well: what is in a file is what was put into it by `say`, all
that waits is inspected by `inspect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.inspections import Inspected, Inspections, Stored
from storewarden.catalogue.sweep import Sweep
from storewarden.catalogue.waiting import Waiting
from storewarden.facts.kinds import kind_of, mime_of
from storewarden.facts.sidecars import belongs, language, sidecar
from storewarden.model import Facts, Outcome, Place
from tests.recording import Book


class Unsaid:
    """An index of words that only remembers whose words it was given."""

    def __init__(self) -> None:
        self.indexed: list[int] = []

    def index(self, ids: Iterable[int]) -> None:
        self.indexed += sorted(ids)


class Bundled(NamedTuple):
    """A sidecar and its owner by their paths."""

    sidecar: bytes
    owner: bytes
    role: str


class Shelf(Book):
    """A book whose files have something in them."""

    def __init__(self, engine: Engine, names: Sequence[str] = ("r", "s")) -> None:
        self.contents: dict[int, dict[str, Any]] = {}  # by inode: what facts tell besides
        self.places: dict[bytes, Place] = {}  # by path
        self.versions = {"none": 1, "png": 1, "srt": 1, "json": 1}
        self.words = Unsaid()
        super().__init__(engine, names)

    def reopen(self) -> None:
        super().reopen()
        self.inspections = Inspections(self.engine, self.counts, belongs, self.words)
        self.sweep = Sweep(self.engine, self.counts)

    def say(self, inode: int, **facts: Any) -> None:
        """Put something into the file of an inode."""
        self.contents[inode] = facts

    def waiting(self) -> list[Waiting]:
        return self.inspections.wanted(list(self.ground.roots), 0, 1_000)

    def look(self, file: Waiting) -> Inspected:
        """Return what an inspection of a file would tell now."""
        inspector = {b".png": "png", b".srt": "srt", b".json": "json"}.get(file.name[-4:], "none")
        if file.name.endswith(b".json"):
            inspector = "json"
        told: dict[str, Any] = {
            "kind": kind_of(file.name),
            "mime": mime_of(file.name),
            "inspector": inspector,
            "version": self.versions[inspector],
            "outcome": Outcome.READ if inspector != "none" else Outcome.NOTHING,
            **self.contents.get(file.inode, {}),
        }
        path = file.path + b"/" + file.name if file.path else file.name
        beside = sidecar(file.name)
        return Inspected(
            *(file.id, file.path, file.name, file.inode, file.size, file.modified_ns),
            Facts(**told),
            self.places.get(path, Place()),
            beside.stems if beside else (),
            beside.role if beside else "",
            language(file.name),
        )

    def store(self, *inspected: Inspected) -> Stored:
        with self.recorder.batch():
            return self.inspections.store(inspected, self.now_ns)

    def inspect(self, at_once: int = 256) -> int:
        """Inspect until nothing waits; return how many files were looked into."""
        looked = 0
        while waiting := self.waiting():
            assert looked < 10_000, "inspection has no end"
            for start in range(0, len(waiting), at_once):
                some = [self.look(one) for one in waiting[start : start + at_once]]
                looked += len(some)
                self.store(*some)
        return looked

    def bundles(self) -> set[Bundled]:
        """Return all links, by the paths of what they link."""
        rows = self.engine.execute(
            "SELECT d.path, f.name, e.path, o.name, s.role FROM sidecars s"
            " JOIN files f ON f.id = s.file_id JOIN directories d ON d.id = f.directory_id"
            " JOIN files o ON o.id = s.of_id JOIN directories e ON e.id = o.directory_id"
        )
        return {
            Bundled(_joined(path, name), _joined(above, owner), role)
            for path, name, above, owner, role in rows
        }

    def column(self, name: bytes, column: str, table: str = "facts") -> Any:
        """Return one value of the row of a present file, None where there is no row."""
        rows = self.engine.execute(
            f"SELECT {column} FROM {table} WHERE file_id = ?", (self.one(name).id,)
        )
        return rows[0][0] if rows else None

    def sweep_on(self, limit: int = 2_000) -> int:
        """Sweep once; return how many files it lets wait."""
        with self.recorder.batch():
            return self.sweep.step(self.versions, limit)


def _joined(path: bytes, name: bytes) -> bytes:
    return bytes(path) + b"/" + bytes(name) if path else bytes(name)
