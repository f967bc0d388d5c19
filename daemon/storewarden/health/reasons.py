"""Why points are lost: a closed list, in the order in which they are told."""

from __future__ import annotations

from typing import Final

INTEGRITY: Final = "integrity"
FOREIGN_KEYS: Final = "foreign_keys"
ORPHANS: Final = "orphans"
SLOW_QUERIES: Final = "slow_queries"
BLIND: Final = "blind"
DISK_FULL: Final = "disk_full"
DRILL: Final = "drill"
BACKUP: Final = "backup"
JOBS: Final = "jobs"
BEHIND: Final = "behind"

REASONS: Final = (
    INTEGRITY,
    FOREIGN_KEYS,
    ORPHANS,
    SLOW_QUERIES,
    BLIND,
    DISK_FULL,
    DRILL,
    BACKUP,
    JOBS,
    BEHIND,
)
