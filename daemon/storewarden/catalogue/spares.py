"""What takes room on this host, file by file, with all that says whether it may go at once.

It is decided by the verdict of the policies as they are now, not by the schedule: who needs room
does not wait until everything has been decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from storewarden.catalogue.engine import Engine

_OF_VERDICT = "v.hold, v.place, v.policy_id, v.action, v.due_ns, v.store, v.blocked"
_OF_FILE = "f.id, f.state, f.gone_ns, f.blocks, f.links, f.growing, r.name, f.size"
_COPY = (
    "(SELECT c.{} FROM copies c WHERE c.file_id = f.id AND c.key IS NOT NULL"
    " ORDER BY c.verified_ns DESC, c.store LIMIT 1)"
)
_PINNED = "EXISTS (SELECT 1 FROM marks m WHERE m.file_id = f.id AND m.pinned = 1)"
_SIDECAR = "EXISTS (SELECT 1 FROM sidecars x WHERE x.file_id = f.id)"
_IN_HAND = "EXISTS (SELECT 1 FROM act_files h WHERE h.file_id = f.id AND h.open = 1)"


class Verdict(Protocol):
    """What decides files: a query over those that meet a condition, whose marks come last."""

    @property
    def params(self) -> Sequence[Any]: ...

    def query(self, where: str) -> str: ...


class SpareRow(NamedTuple):
    """A file that takes room here; policies are the numbers that the verdict has for them."""

    hold: int
    place: int
    policy_id: int | None
    action: int | None
    due_ns: int | None
    store: str | None
    blocked: int
    id: int
    state: str
    gone_ns: int | None
    blocks: int
    links: int
    growing: int
    root: str
    size: int
    regenerable: int | None
    copied: str | None
    copied_ns: int | None
    pinned: int
    sidecar: int


def spares(
    engine: Engine, verdict: Verdict, regenerable: str, host_id: int, root: str | None = None
) -> Iterator[SpareRow]:
    """Yield what is present or in the trash, and in no act; some thousand rows are in memory.

    ``regenerable`` is a condition over the facts ``a`` and the making ``p`` of a file.
    """
    where = "(f.state = 'present' OR f.state = 'trashed') AND r.host_id = ?"
    asked: list[Any] = [host_id]
    if root is not None:
        where, asked = f"{where} AND r.name = ?", [*asked, root]
    join = "CROSS JOIN" if engine.dialect == "sqlite" else "JOIN"
    sql = (
        f"SELECT {_OF_VERDICT}, {_OF_FILE}, {regenerable}, {_COPY.format('store')},"
        f" {_COPY.format('verified_ns')}, {_PINNED}, {_SIDECAR}"
        f" FROM ({verdict.query(where)}) v {join} files f ON f.id = v.file_id"
        f" {join} directories d ON d.id = f.directory_id {join} roots r ON r.id = d.root_id"
        " LEFT JOIN facts a ON a.file_id = f.id LEFT JOIN prompts p ON p.file_id = f.id"
        f" WHERE NOT {_IN_HAND}"
    )
    yield from map(SpareRow._make, engine.stream(sql, [*verdict.params, *asked]))
