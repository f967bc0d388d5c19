"""What is done for databases: backups, checks, drills, and rewriting without empty pages."""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import replace

from storewarden.config.problems import joined
from storewarden.config.yamltext import Mapping, Node
from storewarden.policy.expression import Condition
from storewarden.policy.language.expressions import read_expression
from storewarden.policy.language.keys import (
    ANALYZE,
    BACKUP,
    BACKUP_COMPRESS,
    BACKUP_TO,
    BACKUPS,
    CARE,
    CARES,
    DRILL,
    FULL,
    INTEGRITY,
    KEEPS,
    TIMER,
    VACUUM,
    VACUUMS,
    WHEN,
    Key,
)
from storewarden.policy.language.timers import read_timer, timer_of
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Backup, Care, Keep, Timer


def read_care(reader: Reader, node: Node, path: str, classes: Named[str, Condition]) -> Care | None:
    """Return the care of a policy."""
    mapping = reader.mapping(node, path, str(CARE))
    if mapping is None:
        return None
    reader.known(mapping, path, CARES)
    care = Care(
        backup=_backup(reader, mapping, path),
        integrity=_timer(reader, mapping, INTEGRITY, path),
        drill=_timer(reader, mapping, DRILL, path),
        analyze=_timer(reader, mapping, ANALYZE, path),
    )
    if care.backup is None and DRILL.name in mapping.entries and not _has(mapping, BACKUP):
        what = "without backups there is nothing to restore"
        place = mapping.entries[DRILL.name].place
        reader.problems.add(place, joined(path, DRILL.name), what, f"write {BACKUP} as well")
    return _vacuum(reader, mapping, path, classes, care)


def _has(mapping: Mapping, key: Key) -> bool:
    return key.name in mapping.entries


def _timer(reader: Reader, care: Mapping, key: Key, path: str) -> Timer | None:
    entry = care.entries.get(key.name)
    if entry is None:
        return None
    return read_timer(reader, entry.node, joined(path, key.name), str(key))


def _backup(reader: Reader, care: Mapping, path: str) -> Backup | None:
    entry = care.entries.get(BACKUP.name)
    if entry is None:
        return None
    path = joined(path, BACKUP.name)
    mapping = reader.mapping(entry.node, path, str(BACKUP))
    if mapping is None:
        return None
    reader.known(mapping, path, BACKUPS)
    timer = timer_of(reader, mapping, path)
    keep = Keep(*(reader.single(mapping, key, path) for key in KEEPS))
    full = _timer(reader, mapping, FULL, path)
    compress = reader.single(mapping, BACKUP_COMPRESS, path)
    to = reader.single(mapping, BACKUP_TO, path)
    return None if timer is None else Backup(timer, keep, full, compress, to)


def _vacuum(
    reader: Reader, care: Mapping, path: str, classes: Named[str, Condition], read: Care
) -> Care:
    entry = care.entries.get(VACUUM.name)
    if entry is None:
        return read
    path = joined(path, VACUUM.name)
    mapping = reader.mapping(entry.node, path, str(VACUUM))
    if mapping is None:
        return read
    reader.known(mapping, path, VACUUMS)
    when = read_expression(reader, mapping, WHEN, path, classes, measured=True)
    timer = timer_of(reader, mapping, path, needed=False)
    if not {key.name for key in (WHEN, *TIMER)} & set(mapping.entries):
        what = "says neither when, every nor cron"
        reader.problems.add(mapping.place, path, what, f"write {VACUUM}")
    return replace(read, vacuum=timer, vacuum_when=when)
