"""Files that are one thing: which file beside another one belongs to it, by their names.

A sidecar belongs to one file, the likeliest that lies beside it: the one whose name it repeats
furthest, then a video before its thumbnail. Both sides look: the sidecar for its owner, and the
owner for sidecars that were there before it. In the end it does not matter who came first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine

# Of very many files in one directory whose names begin alike only so many are looked at.
_ALIKE = 1_000

_ENDS = b".-"  # what may follow the owner's name in a sidecar's

# Where names leave it open: what other files are about comes before pictures of it.
_KINDS = {
    kind: rank
    for rank, kind in enumerate(("video", "audio", "model", "document", "database", "image"))
}

_ALIKE_IN = (
    "SELECT {whose}, id, name, kind FROM files"
    " WHERE directory_id = {directory} AND name >= {low} AND name < {high} AND state = 'present'"
    f" ORDER BY name LIMIT {_ALIKE}"
)
_ONE_BY_ONE = _ALIKE_IN.format(whose="CAST(? AS BIGINT)", directory="?", low="?", high="?")
# A server answers many such questions in one go at a tenth of the time
_ALL_AT_ONCE = (
    "SELECT f.* FROM unnest(?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[])"
    " AS v (whose, directory, low, high) CROSS JOIN LATERAL ("
    + _ALIKE_IN.format(whose="v.whose", directory="v.directory", low="v.low", high="v.high")
    + ") f"
)

Belongs = Callable[[bytes, bytes], str | None]


class Placed(NamedTuple):
    """A file where it lies, and whom it could belong to by its name."""

    id: int
    directory_id: int
    name: bytes
    kind: str
    stems: tuple[bytes, ...] = ()  # empty: it is nobody's sidecar


class Link(NamedTuple):
    """Whose sidecar a file is, and as what."""

    owner: int
    role: str


class _Beside(NamedTuple):
    id: int
    name: bytes
    kind: str


@dataclass(slots=True)
class Linked:
    """What came of linking: whose sidecars the files are, and whom it concerns besides."""

    links: dict[int, Link] = field(default_factory=dict)  # all that were looked at and hold now
    changed: set[int] = field(
        default_factory=set
    )  # sidecars that got another owner, or their first
    left: set[int] = field(default_factory=set)  # what lost a sidecar, or its owner


class Bundles:
    """Links sidecars with their owners, inside transactions of the recorder thread."""

    def __init__(self, engine: Engine, belongs: Belongs) -> None:
        """``belongs(name, owner)`` tells the role that a name has beside another one, or None."""
        self._engine = engine
        self._belongs = belongs

    def link(self, placed: Sequence[Placed]) -> Linked:
        """Find the owners of sidecars and the sidecars of owners, and write what changed."""
        alike = self._called_alike(placed)
        wanted: dict[int, Link | None] = {}
        for one in placed:
            if one.stems:
                wanted[one.id] = self._owner(one.name, _by_stem(alike[one.id]))
        for one in placed:
            if not one.stems:
                self._find_sidecars(one, alike[one.id], wanted)
        return self._write(wanted, [one.id for one in placed])

    def _called_alike(self, placed: Iterable[Placed]) -> dict[int, list[_Beside]]:
        """Return, for each file, what lies beside it and is called alike."""
        ranges = [(one.id, one.directory_id, *each) for one in placed for each in _ranges(one)]
        found: dict[int, list[_Beside]] = defaultdict(list)
        if self._engine.dialect == "sqlite":
            rows = self._engine.fetch_each(_ONE_BY_ONE, ranges)
        else:
            columns = [list(column) for column in zip(*ranges, strict=True)]
            rows = self._engine.execute(_ALL_AT_ONCE, columns) if columns else []
        for of_id, id_, name, kind in rows:
            if id_ != of_id:
                found[of_id].append(_Beside(id_, bytes(name), kind))
        return found

    def _find_sidecars(
        self, one: Placed, alike: list[_Beside], wanted: dict[int, Link | None]
    ) -> None:
        """Find what belongs to a file; another one that is called alike may suit better."""
        by_stem: dict[bytes, list[_Beside]] = {}
        for each in alike:
            if each.id not in wanted and self._belongs(each.name, one.name) is not None:
                by_stem = by_stem or _by_stem([*alike, _Beside(one.id, one.name, one.kind)])
                wanted[each.id] = self._owner(each.name, by_stem)

    def _owner(self, name: bytes, by_stem: dict[bytes, list[_Beside]]) -> Link | None:
        """Return the likeliest owner of a name, by what it repeats of the others' names."""
        for at in range(len(name) - 1, 0, -1):
            if name[at] not in _ENDS:
                continue
            start = name[:at]
            for each in sorted(by_stem.get(start, ()), key=lambda each: _likelihood(start, each)):
                role = self._belongs(name, each.name)
                # two that belonged to each other would have each other inspected for ever
                if role is not None and self._belongs(each.name, name) is None:
                    return Link(each.id, role)
        return None

    def _write(self, wanted: dict[int, Link | None], ids: Collection[int]) -> Linked:
        sql = "SELECT file_id, of_id, role FROM sidecars WHERE "
        there = {
            file_id: Link(*link)
            for column, of in (("file_id", wanted), ("of_id", ids))
            for file_id, *link in self._engine.fetch_in(f"{sql}{column} IN ({{in}})", of)
        }
        linked = Linked({file_id: link for file_id, link in wanted.items() if link})
        for file_id, link in there.items():
            if file_id not in wanted:  # of an owner that was looked at, and did not find it
                wanted[file_id] = None
                linked.left.add(file_id)
            if wanted[file_id] != link:
                linked.left.add(link.owner)
        dropped = [file_id for file_id, link in there.items() if wanted[file_id] != link]
        made = [(id_, *link) for id_, link in linked.links.items() if there.get(id_) != link]
        if dropped:
            self._engine.fetch_in("DELETE FROM sidecars WHERE file_id IN ({in})", dropped)
        if made:
            self._engine.insert("sidecars", ("file_id", "of_id", "role"), made)
        linked.changed.update(file_id for file_id, *_ in made)
        return linked


def _ranges(one: Placed) -> Iterator[tuple[bytes, bytes]]:
    """Yield where names lie that may belong together with a file: from the first, below the last.

    A full stop follows a dash and a slash follows a full stop, and no name holds a slash.
    """
    for stem in one.stems or (_stem(one.name),):
        yield stem, stem + b"\0"  # what is called just so
        yield stem + b".", stem + b"/"
    if not one.stems:
        yield one.name + b"-", one.name + b"."


def _stem(name: bytes) -> bytes:
    return name.rpartition(b".")[0] or name


def _by_stem(alike: Iterable[_Beside]) -> dict[bytes, list[_Beside]]:
    """Return files by their names, with and without extension."""
    found: dict[bytes, list[_Beside]] = defaultdict(list)
    for each in alike:
        for start in {each.name, _stem(each.name)}:
            found[start].append(each)
    return found


def _likelihood(start: bytes, owner: _Beside) -> tuple[bool, int, bytes]:
    """Return what orders the files that are called so, the likeliest owner first."""
    return owner.name != start, _KINDS.get(owner.kind, len(_KINDS)), owner.name


def part(engine: Engine, ids: Collection[int]) -> None:
    """Undo the links of files that leave their place.

    What they were linked with waits to be inspected: it may have words from them, or find others.
    """
    if not ids:
        return
    links = engine.fetch_in("SELECT file_id, of_id FROM sidecars WHERE file_id IN ({in})", ids)
    links += engine.fetch_in("SELECT file_id, of_id FROM sidecars WHERE of_id IN ({in})", ids)
    if not links:
        return
    engine.fetch_in(
        "DELETE FROM sidecars WHERE file_id IN ({in})", {file_id for file_id, _ in links}
    )
    await_inspection(engine, {id_ for link in links for id_ in link}.difference(ids))


def await_inspection(engine: Engine, ids: Collection[int]) -> None:
    """Let files be inspected once more; until then their facts are not known.

    But what is put away cannot be looked into: of that we know what we knew.
    """
    engine.fetch_in(
        "UPDATE files SET inspected_ns = NULL"
        " WHERE (state = 'present' OR state = 'missing' OR state = 'held') AND id IN ({in})",
        ids,
    )
    undecided.mark(engine, ids)
