"""Workflows and scenes: rows that appear by themselves when the first file says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from storewarden.catalogue.engine import Engine


class Told(NamedTuple):
    """To which workflow and scene a file belongs, by their names; None is not told."""

    workflow: str | None = None
    scene: str | None = None

    def or_else(self, other: Told) -> Told:
        """Return this, with what it does not tell from the other."""
        return Told(self.workflow or other.workflow, self.scene or other.scene)


class Rows(NamedTuple):
    """The rows of a workflow and a scene."""

    workflow: int | None = None
    scene: int | None = None


class Workflows:
    """Finds and makes the rows, inside transactions of the recorder thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self, host: int, told: Iterable[Told], now_ns: int) -> dict[Told, Rows]:
        """Return the rows of all that is told; they were seen now."""
        wanted = set(told)
        names = {each.workflow for each in wanted if each.workflow}
        workflows = self._workflows(host, names, now_ns)
        scenes = self._scenes(
            host,
            {
                (workflows[each.workflow] if each.workflow else None, each.scene)
                for each in wanted
                if each.scene
            },
            now_ns,
        )
        found: dict[Told, Rows] = {}
        for each in wanted:
            workflow = workflows[each.workflow] if each.workflow else None
            found[each] = Rows(workflow, scenes[workflow, each.scene] if each.scene else None)
        return found

    def _workflows(self, host: int, names: Collection[str], now_ns: int) -> dict[str, int]:
        """Return the rows of names: that of nobody, else the first that a user has."""
        found = self._named(host, names)
        self._engine.executemany(
            "UPDATE workflows SET last_seen_ns = ? WHERE id = ?",
            [(now_ns, id_) for id_ in sorted(found.values())],
        )
        missing = sorted(names - found.keys())
        if missing:
            self._engine.executemany(
                "INSERT INTO workflows (host_id, name, first_seen_ns, last_seen_ns)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (host_id, name, (coalesce(owner_id, 0)))"
                " DO UPDATE SET last_seen_ns = excluded.last_seen_ns",
                [(host, name, now_ns, now_ns) for name in missing],
            )
            found |= self._named(host, missing)
        return found

    def _named(self, host: int, names: Collection[str]) -> dict[str, int]:
        rows = self._engine.fetch_in(
            "SELECT name, coalesce(owner_id, 0), id FROM workflows"
            " WHERE host_id = ? AND name IN ({in})",
            names,
            (host,),
        )
        found: dict[str, int] = {}
        for name, _, id_ in sorted(rows):
            found.setdefault(name, id_)
        return found

    def _scenes(
        self, host: int, wanted: Collection[tuple[int | None, str]], now_ns: int
    ) -> dict[tuple[int | None, str], int]:
        ordered = sorted(wanted, key=lambda each: (each[0] or 0, each[1]))
        self._engine.executemany(
            "INSERT INTO scenes (host_id, workflow_id, name, first_seen_ns, last_seen_ns)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (host_id, (coalesce(workflow_id, 0)), name)"
            " DO UPDATE SET last_seen_ns = excluded.last_seen_ns",
            [(host, workflow, name, now_ns, now_ns) for workflow, name in ordered],
        )
        rows = self._engine.fetch_each(
            "SELECT workflow_id, name, id FROM scenes"
            " WHERE host_id = ? AND coalesce(workflow_id, 0) = ? AND name = ?",
            [(host, workflow or 0, name) for workflow, name in ordered],
        )
        return {(workflow, name): id_ for workflow, name, id_ in rows}


def told_by_sidecars(engine: Engine, owners: Collection[int]) -> dict[int, Told]:
    """Return what the sidecars of files tell, as far as they are inspected."""
    rows = engine.fetch_in(
        "SELECT s.of_id, s.file_id, w.name, c.name FROM sidecars s"
        " JOIN facts t ON t.file_id = s.file_id"
        " LEFT JOIN workflows w ON w.id = t.workflow_id LEFT JOIN scenes c ON c.id = t.scene_id"
        " WHERE s.of_id IN ({in})",
        owners,
    )
    found: dict[int, Told] = {}
    for of_id, _, workflow, scene in sorted(rows, key=lambda row: row[:2]):
        found[of_id] = found.get(of_id, Told()).or_else(Told(workflow, scene))
    return found
