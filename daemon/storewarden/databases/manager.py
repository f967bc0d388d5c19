"""The strategy as its programs ask for it: by names, or over the databases of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.movable import Movable, movable
from storewarden.catalogue.roots import host_id, this_machine
from storewarden.catalogue.version import require_current
from storewarden.clock import SystemClock
from storewarden.config.load import load
from storewarden.databases import recommend
from storewarden.databases.migrate import Database, Migration, migration
from storewarden.databases.recommend import PHASES, STRATEGY, Recommendation, by_name
from storewarden.policy.load import read
from storewarden.policy.rules import LOCAL, PolicySet
from storewarden.policy.sources import read_sources
from storewarden.policy.subject import Day, Subject

_NOWHERE = (LOCAL, "evaluate", "unknown")


class DatabaseStorageManager:
    """The TRAE storage strategy as its programs ask for it, answered from a policy file.

    Asked by names alone it says what the lists say. Over databases that are there, see `recorded`,
    those that are judged by their use are judged by what was measured, as the daemon judges them.
    """

    def __init__(
        self,
        policies: str | Path | PolicySet = STRATEGY,
        databases: Sequence[Subject | Database] = (),
        *,
        now_ns: int = 0,
    ) -> None:
        """Read ``policies``; ``databases`` are those that are there, with their use."""
        if not isinstance(policies, PolicySet):
            policies = recommend.read_strategy(policies)
        self._set, self._now_ns = policies, now_ns
        self._databases = tuple(map(_database, databases))

    @classmethod
    def recorded(cls, configuration: str | Path | None = None) -> Self:
        """Return one over the databases recorded on this machine, by the policies configured.

        Args:
            configuration: its file; else as for the command: ``$STOREWARDEN_CONFIG``,
                ``./storewarden.yaml``, ``/etc``.

        Raises:
            StorewardenError: the configuration, its policies or the catalogue cannot be used.
        """
        path = None if configuration is None else Path(configuration)
        settings = load(path, os.environ, Path.cwd())
        policies = read(
            read_sources(settings.policies),
            stores=settings.store_names,
            tables=settings.table_names,
        )
        engine = open_catalogue(
            settings.catalogue, settings.state, readonly=True, role="storewarden-manager"
        )
        try:
            require_current(engine)
            host = host_id(engine, this_machine())
            found = [] if host is None else movable(engine, host)
        finally:
            engine.close()
        databases = [_of_catalogue(one) for one in found]
        return cls(policies, databases, now_ns=SystemClock().wall_ns())

    def is_performance_critical(self, name: str) -> bool:
        """Tell whether a database has to stay on this machine, however it is used."""
        return self._by_list(name).recommendation == LOCAL

    def can_move_to_cloud(self, name: str) -> bool:
        """Tell whether a database may leave this machine."""
        return self._recommend(name).recommendation not in _NOWHERE

    def requires_evaluation(self, name: str) -> bool:
        """Tell whether a database is judged by how it is used."""
        return self._by_list(name).recommendation == "evaluate"

    def get_storage_recommendation(self, name: str) -> dict[str, str]:
        """Return recommendation, reason and category of a database by its name."""
        return self._recommend(name).document()

    def generate_migration_plan(self) -> dict[str, Any]:
        """Return the three phases with counts; of databases that are there with bytes and share.

        ``saved_share`` is the share of all bytes that will have left this machine once all is done,
        ``moved_share`` the one that left it by now.
        """
        if not self._databases:
            return _plan_of_names(self._set, self._now_ns)
        return _plan(migration(self._set, self._databases, self._now_ns))

    def _by_list(self, name: str) -> Recommendation:
        return recommend.recommend(self._set, by_name(name), self._now_ns)

    def _recommend(self, name: str) -> Recommendation:
        wanted = os.fsencode(name)
        there = [one.subject for one in self._databases if one.subject.name == wanted]
        if not there:
            return self._by_list(name)
        return recommend.recommend(self._set, there[0], self._now_ns, measured=True)


def _database(one: Subject | Database) -> Database:
    return one if isinstance(one, Database) else Database(one, one.size, one.modified_ns)


def _of_catalogue(found: Movable) -> Database:
    values: list[Any] = list(found.row)
    values[found.row._fields.index("days")] = tuple(Day(*day) for day in found.row.days)
    trouble = "its last check found it so" if found.damaged else ""
    return Database(Subject(*values), found.size, found.written_ns, trouble)


def _plan_of_names(policies: PolicySet, now_ns: int) -> dict[str, Any]:
    steps = recommend.migration(policies, (), now_ns)
    phases = [
        _phase(step.phase, step.name, [name for name, _ in step.databases], 0) for step in steps
    ]
    return {"phases": phases, "total": sum(phase["count"] for phase in phases)}


def _plan(found: Migration) -> dict[str, Any]:
    phases = []
    for number, (name, _) in enumerate(PHASES, 1):
        tasks = found.phase(number)
        size = sum(task.database.size for task in tasks)
        phases.append(_phase(number, name, [task.name for task in tasks], size))
    return {
        "phases": phases,
        "total": len(found.tasks),
        "bytes": found.here + found.away,
        "moved_share": found.saved,
        "saved_share": found.forecast,
    }


def _phase(number: int, name: str, databases: list[str], size: int) -> dict[str, Any]:
    count = len(databases)
    return {"phase": number, "name": name, "count": count, "bytes": size, "databases": databases}
