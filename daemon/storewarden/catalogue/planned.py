"""What is decided of many files at one moment, file by file, for whoever plans.

It is read from the schedule as far as that stands, from a verdict where policies are others now, or
where something waits to be decided anew: both tell the same, the one at a tenth of the price.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.stands import Stands

DAY_NS = 86_400 * 1_000_000_000
GROWTH_DAYS = 30
_COLUMNS = "file_id, hold, place, phases, action, due_ns, store, blocked, again_ns"
_DUE = "v.action IS NOT NULL AND (v.due_ns IS NULL OR v.due_ns <= ?)"
# What stands before a path and behind it is text, paths are bytes.
_LINE = {
    "sqlite": "CAST({} || CASE d.path WHEN x'' THEN '' ELSE d.path || '/' END || f.name || {}"
    " AS BLOB)",
    "postgresql": "convert_to({}, 'UTF8')"
    " || CASE d.path WHEN ''::bytea THEN ''::bytea ELSE d.path || '/'::bytea END || f.name"
    " || convert_to({}, 'UTF8')",
}
_THERE = "f.state <> 'missing' AND f.state <> 'purged'"


class Verdict(Protocol):
    """What decides files: a query over those that meet a condition, whose marks come last.

    Its columns are the file's id, and those of the schedule.
    """

    @property
    def params(self) -> Sequence[Any]: ...

    def query(self, where: str) -> str: ...


Decided = Callable[[str, Sequence[Any]], tuple[str, tuple[Any, ...]]]
"""Returns a query of what is decided of the files that meet a condition, and its values.

Given are the condition and its values; what is read from the schedule may be of other files too.
"""


def read(stands: Stands) -> Decided:
    """Have all read from the schedule."""
    return lambda _where, _asked: (stands.query, ())


def judged(verdict: Verdict, met: tuple[str, Sequence[Any]] = ("", ())) -> Decided:
    """Have all decided by a verdict.

    ``met`` is a condition with its values that a file meets to which anything is to be done.
    """

    def query(where: str, asked: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        if met[0]:
            where, asked = f"{where} AND ({met[0]})", (*asked, *met[1])
        return verdict.query(where), (*verdict.params, *asked)

    return query


def read_or_judged(stands: Stands, verdict: Verdict) -> Decided:
    """Have read from the schedule what of it stands, and the rest decided by a verdict."""

    def query(where: str, asked: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        rest = verdict.query(f"{where} AND f.id IN ({stands.waiting})")
        # the verdict first: its marks have numbers
        both = f"SELECT * FROM ({rest}) w UNION ALL {stands.query}"
        return both, (*verdict.params, *asked)

    return query


class Words(NamedTuple):
    """What numbers are called; what has no name here is told as nothing."""

    actions: Mapping[int, str]
    policies: Mapping[int, str]
    blocked: Mapping[int, str]


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
    decided: Decided,
    until_ns: int,
    *,
    again: bool = False,
    host_id: int | None = None,
    root: str | None = None,
) -> Iterator[PlannedRow]:
    """Yield the files to which something is to be done by a time, or may be for want of knowing.

    With ``again`` also those that may be decided otherwise by then.
    """
    columns = ", ".join(f"v.{name}" for name in _COLUMNS.split(", "))
    told = (
        f"{columns}, r.name, d.path, f.name, f.size, f.state, f.first_seen_ns, f.modified_ns,"
        " r.usage_since_ns, u.last_ns, pl.store"
    )
    more = " LEFT JOIN usage u ON u.file_id = f.id LEFT JOIN placed pl ON pl.file_id = f.id"
    wanted, bounds = f"({_DUE})", [until_ns]
    if again:
        wanted, bounds = f"({_DUE} OR v.again_ns <= ?)", [until_ns, until_ns]
    where, asked = _which(host_id, root)
    query, params = decided(where, asked)
    sql = f"WITH v AS ({query}) SELECT {told} {_from(engine)}{more} WHERE {wanted} AND {where}"
    yield from map(PlannedRow._make, engine.stream(sql, [*params, *bounds, *asked]))


def lines(
    engine: Engine,
    decided: Decided,
    words: Words,
    now_ns: int,
    *,
    host_id: int | None = None,
    policy_id: int | None = None,
) -> Iterator[Sequence[bytes]]:
    """Yield what is due now, each as the line that a pipe is told; thousands at a time.

    The database writes them: so they take a fifth of what rows take. Paths stand in them as they
    are, whatever bytes they hold.
    """
    where, asked = _which(host_id, None)
    query, params = decided(where, asked)
    due, bounds = f"({_DUE})", [now_ns]
    if policy_id is not None:
        due, bounds = f"{due} AND v.policy_id = ?", [now_ns, policy_id]
    named = (
        _named("v.action", words.actions),
        _named("v.policy_id", words.policies),
        _named("v.blocked", words.blocked),
    )
    (action, policy, blocked), values = [text for text, _ in named], [v for _, v in named]
    fields = (
        *(action, policy, "coalesce(CAST(v.due_ns AS TEXT), '')", "CAST(f.size AS TEXT)"),
        *("coalesce(v.store, '')", blocked),
    )
    after = " || ".join(f"'\t' || {field}" for field in fields)
    line = _LINE[engine.dialect].format("r.name || '\t'", f"{after} || '\n'")
    sql = f"WITH v AS ({query}) SELECT {line} {_from(engine)} WHERE {due} AND {where}"
    marks = [*params, *itertools.chain.from_iterable(values), *bounds, *asked]
    for page in engine.pages(sql, marks):
        yield [line for (line,) in page]


def _which(host_id: int | None, root: str | None) -> tuple[str, list[Any]]:
    """Return the condition on files that are asked for."""
    where = _THERE
    asked: list[Any] = []
    if host_id is not None:
        where, asked = f"{where} AND r.host_id = ?", [host_id]
    if root is not None:
        where, asked = f"{where} AND r.name = ?", [*asked, root]
    return where, asked


def _from(engine: Engine) -> str:
    """Return where decisions and their files come from: decisions first, left to right."""
    join = "CROSS JOIN" if engine.dialect == "sqlite" else "JOIN"
    return (
        f"FROM v {join} files f ON f.id = v.file_id"
        f" {join} directories d ON d.id = f.directory_id {join} roots r ON r.id = d.root_id"
    )


def _named(column: str, words: Mapping[int, str]) -> tuple[str, list[str]]:
    """Return the word for a number, as SQL and its values."""
    if not words:
        return "''", []
    cases = "".join(f" WHEN {int(number)} THEN CAST(? AS TEXT)" for number in words)
    return f"CASE {column}{cases} ELSE '' END", list(words.values())


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
