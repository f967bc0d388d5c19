"""What policies come to on this machine: the catalogue counts, the policies say what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewarden.cli.policy.reading import about_files

if TYPE_CHECKING:
    from storewarden.catalogue.coverage import Asked, Where
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.covered import Coverage, Missing
    from storewarden.policy.rules import PolicySet


@dataclass(frozen=True, slots=True)
class Measured:
    """What policies come to, which databases they leave out, which names are in vain."""

    coverage: Coverage
    databases: tuple[tuple[Where, bool], ...]  # and whether any policy takes care of them
    missing: tuple[Missing, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """Policies that match nothing here, not even perhaps."""
        return tuple(
            id_
            for id_, one in self.coverage.policies.items()
            if not one.matches.files and not one.unknown.files
        )


def coverage(engine: Engine, host: int, policy_set: PolicySet, now_ns: int) -> Coverage:
    """Count what each policy matches and wins: one pass over the files."""
    from storewarden.catalogue.coverage import groups
    from storewarden.policy.covered import cover

    return cover(policy_set, groups(engine, asked(policy_set, engine, now_ns), host))


def measure(engine: Engine, host: int, policy_set: PolicySet, now_ns: int) -> Measured:
    """Count, and find the databases that no policy names and the names that no file bears."""
    from storewarden.catalogue.coverage import places

    found = coverage(engine, host, policy_set, now_ns)
    where = places(engine, [id_ for id_, _ in found.databases])
    databases = [(where[id_], cared) for id_, cared in found.databases if id_ in where]
    databases.sort(key=lambda one: (one[0].root, one[0].path))
    return Measured(found, tuple(databases), tuple(_missing(engine, host, policy_set, now_ns)))


def asked(policy_set: PolicySet, engine: Engine, now_ns: int) -> Asked:
    """Return what each policy is about as SQL, for all of them together."""
    from storewarden.catalogue.coverage import Asked
    from storewarden.policy.sql import joins, render

    rendered = [render(policy.match, engine.dialect, now_ns) for policy in about_files(policy_set)]
    needed = frozenset().union(*(one.joins for one in rendered))
    conditions = tuple((one.text, tuple(one.params)) for one in rendered)
    return Asked(joins(needed, engine.dialect), conditions)


def _missing(engine: Engine, host: int, policy_set: PolicySet, now_ns: int) -> list[Missing]:
    from storewarden.catalogue.coverage import Asked, bearing, met
    from storewarden.policy.covered import missing, names
    from storewarden.policy.expression import Term
    from storewarden.policy.sql import joins, render

    listed = names(policy_set)
    plain = {one.encoded for one in listed if not one.pattern}
    borne = bearing(engine, sorted(plain), asked(policy_set, engine, now_ns), host)
    patterns = sorted({one.name for one in listed if one.pattern})
    rendered = [render(Term("name", "=", (name,)), engine.dialect, now_ns) for name in patterns]
    conditions = tuple((one.text, tuple(one.params)) for one in rendered)
    there = met(engine, Asked(joins((), engine.dialect), conditions), host)
    return missing(policy_set, listed, borne, dict(zip(patterns, there, strict=True)))
