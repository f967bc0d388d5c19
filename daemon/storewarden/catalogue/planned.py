"""What is decided of many files at one moment, file by file: read by the verdict of policies.

Nothing here is from the schedule: what a plan says is what the policies as they are written now say
of the files as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from storewarden.catalogue.engine import Engine

DAY_NS = 86_400 * 1_000_000_000
GROWTH_DAYS = 30
_COLUMNS = "file_id, hold, place, phases, action, due_ns, store, blocked, again_ns"
_THERE = "f.state <> 'missing' AND f.state <> 'purged'"


class Verdict(Protocol):
    """What decides files: a query over those that meet a condition, whose marks come last."""

    @property
    def params(self) -> Sequence[Any]: ...

    def query(self, where: str) -> str: ...


class PlannedRow(NamedTuple):
    """A file and what is decided of it; policies are the numbers that the verdict has for them."""

    id: int
    hold: int
    place: int
    phases: int
    action: int | None
    due_ns: int | None
    store: str | None
    blocked: int
    again_ns: int | None
    root: str
    directory: bytes
    name: bytes
    size: int
    state: str
    first_seen_ns: int
    modified_ns: int
    usage_since_ns: int | None
    last_ns: int | None
    placed: str | None

    @property
    def path(self) -> bytes:
        """Its path relative to the root."""
        directory, name = bytes(self.directory), bytes(self.name)
        return directory + b"/" + name if directory else name


class Growth(NamedTuple):
    """By how much a root grew in the last days, as far as it was watched then."""

    bytes_per_day: float
    days: float


def planned(
    engine: Engine,
    verdict: Verdict,
    until_ns: int,
    *,
    again: bool = False,
    host_id: int | None = None,
    root: str | None = None,
    met: tuple[str, Sequence[Any]] = ("", ()),
) -> Iterator[PlannedRow]:
    """Yield the files to which something is to be done by a time, or may be for want of knowing.

    With ``again`` also those that may be decided otherwise by then. ``met`` is a condition with
    its values that a file meets to which anything is to be done.
    """
    where = _THERE
    asked: list[Any] = []
    if host_id is not None:
        where, asked = f"{where} AND r.host_id = ?", [host_id]
    if root is not None:
        where, asked = f"{where} AND r.name = ?", [*asked, root]
    if met[0]:
        where, asked = f"{where} AND ({met[0]})", [*asked, *met[1]]
    wanted = "v.action IS NOT NULL AND (v.due_ns IS NULL OR v.due_ns <= ?)"
    bounds = [until_ns]
    if again:
        wanted, bounds = f"({wanted}) OR v.again_ns <= ?", [until_ns, until_ns]
    columns = ", ".join(f"v.{name}" for name in _COLUMNS.split(", "))
    join = "CROSS JOIN" if engine.dialect == "sqlite" else "JOIN"
    sql = (
        f"SELECT {columns}, r.name, d.path, f.name, f.size, f.state, f.first_seen_ns,"
        " f.modified_ns, r.usage_since_ns, u.last_ns, pl.store"
        f" FROM ({verdict.query(where)}) v {join} files f ON f.id = v.file_id"
        f" {join} directories d ON d.id = f.directory_id {join} roots r ON r.id = d.root_id"
        " LEFT JOIN usage u ON u.file_id = f.id LEFT JOIN placed pl ON pl.file_id = f.id"
        f" WHERE {wanted}"
    )
    yield from map(PlannedRow._make, engine.stream(sql, [*verdict.params, *asked, *bounds]))


def copies(engine: Engine, ids: Iterable[int]) -> dict[int, list[str]]:
    """Return in which stores files have a copy; those without any are left out."""
    found: dict[int, list[str]] = {}
    for file_id, store in engine.fetch_in(
        "SELECT file_id, store FROM copies WHERE file_id IN ({in})", ids
    ):
        found.setdefault(file_id, []).append(store)
    return found


def any_copies(engine: Engine) -> bool:
    """Tell whether any file has a copy."""
    return bool(engine.execute("SELECT 1 FROM copies LIMIT 1"))


def held(engine: Engine, host_id: int | None) -> dict[str, tuple[int, int]]:
    """Return how many present files and bytes each root has; nothing is counted."""
    ours, params = ("", ()) if host_id is None else (" AND r.host_id = ?", (host_id,))
    rows = engine.execute(
        "SELECT r.name, sum(t.files), sum(t.bytes) FROM totals t JOIN roots r ON r.id = t.root_id"
        f" WHERE t.state = 'present'{ours} GROUP BY r.name",
        params,
    )
    return {name: (int(files), int(size)) for name, files, size in rows}


def growth(engine: Engine, host_id: int | None, now_ns: int) -> dict[str, Growth]:
    """Return by how much each root grew a day in the last month, less what others removed of it.

    What was there on the first day was found, and did not come; without a whole day nobody knows.
    """
    ours, params = ("", ()) if host_id is None else (" WHERE r.host_id = ?", (host_id,))
    rows = engine.execute(
        "SELECT r.id, r.name, min(f.first_seen_ns) FROM files f"
        " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
        f"{ours} GROUP BY r.id, r.name",
        params,
    )
    found: dict[str, Growth] = {}
    for root_id, name, first_ns in rows:
        since_ns = max(int(first_ns) + DAY_NS, now_ns - GROWTH_DAYS * DAY_NS)
        days = (now_ns - since_ns) / DAY_NS
        if days >= 1:
            came, went = engine.execute(
                "SELECT coalesce(sum(CASE WHEN f.first_seen_ns >= ? THEN f.size END), 0),"
                " coalesce(sum(CASE WHEN f.state = 'missing' AND f.gone_ns >= ? THEN f.size END),"
                " 0)"
                " FROM files f JOIN directories d ON d.id = f.directory_id WHERE d.root_id = ?",
                (since_ns, since_ns, root_id),
            )[0]
            found[name] = Growth((int(came) - int(went)) / days, days)
    return found
