"""Applications' databases, what is done for them, their backups, and archives of their rows."""

from __future__ import annotations

import logging

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

log = logging.getLogger(__name__)

UP = (
    """
    CREATE TABLE databases (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        file_id {int} REFERENCES files (id) ON DELETE SET NULL,
        name TEXT NOT NULL,
        place {bytes} NOT NULL,
        engine TEXT NOT NULL,
        named {int} NOT NULL DEFAULT 0,
        there {int} NOT NULL DEFAULT 1,
        first_seen_ns {int} NOT NULL,
        looked_ns {int},
        mark TEXT NOT NULL DEFAULT '',
        trouble TEXT NOT NULL DEFAULT '',
        bytes {int},
        page_size {int},
        pages {int},
        free_pages {int},
        wal_bytes {int},
        journal TEXT,
        tables {int},
        rows {int},
        schema_digest {bytes},
        foreign_keys TEXT,
        connections {int},
        told TEXT NOT NULL DEFAULT '{}',
        CONSTRAINT databases_name CHECK (length(name) >= 1),
        CONSTRAINT databases_place CHECK (length(place) >= 1),
        CONSTRAINT databases_bytes CHECK (bytes >= 0),
        CONSTRAINT databases_page_size CHECK (page_size >= 0),
        CONSTRAINT databases_pages CHECK (pages >= 0),
        CONSTRAINT databases_free_pages CHECK (free_pages >= 0),
        CONSTRAINT databases_wal_bytes CHECK (wal_bytes >= 0),
        CONSTRAINT databases_tables CHECK (tables >= 0),
        CONSTRAINT databases_rows CHECK (rows >= 0),
        CONSTRAINT databases_connections CHECK (connections >= 0),
        CONSTRAINT databases_engine CHECK (engine = 'sqlite' OR engine = 'postgresql'),
        CONSTRAINT databases_named CHECK (named IN (0, 1)),
        CONSTRAINT databases_there CHECK (there IN (0, 1)),
        CONSTRAINT databases_foreign_keys CHECK (
            foreign_keys = 'none' OR foreign_keys = 'declared' OR foreign_keys = 'off'
            OR foreign_keys = 'on'
        )
    ){strict}
    """,
    """
    CREATE TABLE backups (
        id {id},
        database_id {int} NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        base_id {int} REFERENCES backups (id) ON DELETE CASCADE,
        store TEXT NOT NULL,
        key TEXT NOT NULL,
        state TEXT NOT NULL,
        policy TEXT,
        asked_by TEXT NOT NULL,
        began_ns {int} NOT NULL,
        taken_ns {int},
        ended_ns {int},
        bytes {int},
        stored_bytes {int},
        page_size {int},
        pages {int},
        digest {bytes},
        schema_digest {bytes},
        counted TEXT NOT NULL DEFAULT '{}',
        version TEXT NOT NULL DEFAULT '',
        verified_ns {int},
        proven_ns {int},
        trouble TEXT NOT NULL DEFAULT '',
        CONSTRAINT backups_store CHECK (length(store) >= 1),
        CONSTRAINT backups_key CHECK (length(key) >= 1),
        CONSTRAINT backups_policy CHECK (length(policy) >= 1),
        CONSTRAINT backups_asked_by CHECK (length(asked_by) >= 1),
        CONSTRAINT backups_bytes CHECK (bytes >= 0),
        CONSTRAINT backups_stored_bytes CHECK (stored_bytes >= 0),
        CONSTRAINT backups_page_size CHECK (page_size >= 0),
        CONSTRAINT backups_pages CHECK (pages >= 0),
        CONSTRAINT backups_kind CHECK (kind = 'full' OR kind = 'increment'),
        CONSTRAINT backups_state CHECK (
            state = 'writing' OR state = 'good' OR state = 'bad' OR state = 'leaving'
            OR state = 'gone'
        ),
        CONSTRAINT backups_digest CHECK (length(digest) = 32)
    ){strict}
    """,
    """
    CREATE TABLE care (
        database_id {int} NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
        what TEXT NOT NULL,
        last_ns {int},
        good_ns {int},
        due_ns {int},
        next_try_ns {int},
        failures {int} NOT NULL DEFAULT 0,
        outcome TEXT,
        mark TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (database_id, what),
        CONSTRAINT care_what CHECK (length(what) >= 1),
        CONSTRAINT care_failures CHECK (failures >= 0),
        CONSTRAINT care_outcome CHECK (
            outcome = 'done' OR outcome = 'found' OR outcome = 'refused' OR outcome = 'failed'
            OR outcome = 'put_off'
        )
    ){strict}
    """,
    """
    CREATE TABLE care_runs (
        id {id},
        database_id {int} NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
        what TEXT NOT NULL,
        policy TEXT,
        asked_by TEXT NOT NULL,
        began_ns {int} NOT NULL,
        ended_ns {int},
        outcome TEXT,
        detail TEXT NOT NULL DEFAULT '{}',
        CONSTRAINT care_runs_what CHECK (length(what) >= 1),
        CONSTRAINT care_runs_policy CHECK (length(policy) >= 1),
        CONSTRAINT care_runs_asked_by CHECK (length(asked_by) >= 1),
        CONSTRAINT care_runs_outcome CHECK (
            outcome = 'done' OR outcome = 'found' OR outcome = 'refused' OR outcome = 'failed'
            OR outcome = 'put_off'
        )
    ){strict}
    """,
    """
    CREATE TABLE database_days (
        database_id {int} NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
        day {int} NOT NULL,
        samples {int} NOT NULL,
        first_bytes {int} NOT NULL,
        last_bytes {int} NOT NULL,
        most_bytes {int} NOT NULL,
        most_wal_bytes {int},
        last_free_bytes {int},
        last_rows {int},
        most_connections {int},
        PRIMARY KEY (database_id, day),
        CONSTRAINT database_days_samples CHECK (samples >= 0),
        CONSTRAINT database_days_first_bytes CHECK (first_bytes >= 0),
        CONSTRAINT database_days_last_bytes CHECK (last_bytes >= 0),
        CONSTRAINT database_days_most_bytes CHECK (most_bytes >= 0),
        CONSTRAINT database_days_most_wal_bytes CHECK (most_wal_bytes >= 0),
        CONSTRAINT database_days_last_free_bytes CHECK (last_free_bytes >= 0),
        CONSTRAINT database_days_last_rows CHECK (last_rows >= 0),
        CONSTRAINT database_days_most_connections CHECK (most_connections >= 0)
    ){strict}
    """,
    """
    CREATE TABLE database_samples (
        database_id {int} NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
        at_ns {int} NOT NULL,
        bytes {int} NOT NULL,
        free_bytes {int},
        wal_bytes {int},
        rows {int},
        connections {int},
        PRIMARY KEY (database_id, at_ns),
        CONSTRAINT database_samples_bytes CHECK (bytes >= 0),
        CONSTRAINT database_samples_free_bytes CHECK (free_bytes >= 0),
        CONSTRAINT database_samples_wal_bytes CHECK (wal_bytes >= 0),
        CONSTRAINT database_samples_rows CHECK (rows >= 0),
        CONSTRAINT database_samples_connections CHECK (connections >= 0)
    ){strict}
    """,
    """
    CREATE TABLE query_days (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        source TEXT NOT NULL,
        day {int} NOT NULL,
        statements {int} NOT NULL,
        slow {int} NOT NULL,
        seconds {real} NOT NULL,
        PRIMARY KEY (host_id, source, day),
        CONSTRAINT query_days_source CHECK (length(source) >= 1),
        CONSTRAINT query_days_statements CHECK (statements >= 0),
        CONSTRAINT query_days_slow CHECK (slow >= 0)
    ){strict}
    """,
    """
    CREATE TABLE row_archives (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        place {bytes} NOT NULL,
        state TEXT NOT NULL,
        store TEXT NOT NULL,
        key TEXT NOT NULL,
        version TEXT NOT NULL DEFAULT '',
        form TEXT NOT NULL,
        policy TEXT,
        asked_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        began_ns {int} NOT NULL,
        ended_ns {int},
        purged_ns {int},
        first_clock TEXT,
        last_clock TEXT,
        rows {int} NOT NULL DEFAULT 0,
        children TEXT NOT NULL DEFAULT '{}',
        bytes {int} NOT NULL DEFAULT 0,
        stored_bytes {int} NOT NULL DEFAULT 0,
        digest {bytes},
        told TEXT NOT NULL DEFAULT '{}',
        trouble TEXT NOT NULL DEFAULT '',
        CONSTRAINT row_archives_name CHECK (length(name) >= 1),
        CONSTRAINT row_archives_place CHECK (length(place) >= 1),
        CONSTRAINT row_archives_store CHECK (length(store) >= 1),
        CONSTRAINT row_archives_key CHECK (length(key) >= 1),
        CONSTRAINT row_archives_form CHECK (length(form) >= 1),
        CONSTRAINT row_archives_policy CHECK (length(policy) >= 1),
        CONSTRAINT row_archives_asked_by CHECK (length(asked_by) >= 1),
        CONSTRAINT row_archives_rows CHECK (rows >= 0),
        CONSTRAINT row_archives_bytes CHECK (bytes >= 0),
        CONSTRAINT row_archives_stored_bytes CHECK (stored_bytes >= 0),
        CONSTRAINT row_archives_state CHECK (
            state = 'planned' OR state = 'written' OR state = 'verified' OR state = 'deleting'
            OR state = 'done' OR state = 'undone' OR state = 'failed' OR state = 'purging'
            OR state = 'purged'
        ),
        CONSTRAINT row_archives_digest CHECK (length(digest) = 32)
    ){strict}
    """,
    """
    CREATE TABLE row_figures (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        figure TEXT NOT NULL,
        value {int} NOT NULL,
        counted_ns {int} NOT NULL,
        PRIMARY KEY (host_id, name, figure),
        CONSTRAINT row_figures_name CHECK (length(name) >= 1),
        CONSTRAINT row_figures_figure CHECK (length(figure) >= 1),
        CONSTRAINT row_figures_value CHECK (value >= 0)
    ){strict}
    """,
    """
    CREATE TABLE slow_queries (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        source TEXT NOT NULL,
        digest {bytes} NOT NULL,
        statement TEXT NOT NULL,
        plan TEXT NOT NULL DEFAULT '',
        times {int} NOT NULL,
        worst_ns {int} NOT NULL,
        total_ns {int} NOT NULL,
        first_ns {int} NOT NULL,
        last_ns {int} NOT NULL,
        CONSTRAINT slow_queries_source CHECK (length(source) >= 1),
        CONSTRAINT slow_queries_statement CHECK (length(statement) >= 1),
        CONSTRAINT slow_queries_times CHECK (times >= 0),
        CONSTRAINT slow_queries_worst CHECK (worst_ns >= 0),
        CONSTRAINT slow_queries_total CHECK (total_ns >= 0)
    ){strict}
    """,
    "CREATE INDEX backups_base ON backups (base_id) WHERE base_id IS NOT NULL",
    "CREATE INDEX backups_database ON backups (database_id, taken_ns)",
    "CREATE UNIQUE INDEX backups_object ON backups (store, key)",
    "CREATE INDEX care_due ON care (due_ns) WHERE due_ns IS NOT NULL",
    "CREATE INDEX care_runs_database ON care_runs (database_id, began_ns)",
    "CREATE INDEX care_runs_open ON care_runs (id) WHERE ended_ns IS NULL",
    "CREATE INDEX databases_file ON databases (file_id)",
    "CREATE UNIQUE INDEX databases_name ON databases (host_id, name)",
    "CREATE UNIQUE INDEX databases_place ON databases (host_id, place)",
    "CREATE INDEX files_databases ON files (id) WHERE kind = 'database' AND state = 'present'",
    "CREATE INDEX row_archives_name ON row_archives (host_id, name, id)",
    "CREATE UNIQUE INDEX row_archives_object ON row_archives (store, key)",
    "CREATE UNIQUE INDEX slow_queries_statement ON slow_queries (host_id, source, digest)",
)

DOWN = (
    "DROP INDEX slow_queries_statement",
    "DROP INDEX row_archives_object",
    "DROP INDEX row_archives_name",
    "DROP INDEX files_databases",
    "DROP INDEX databases_place",
    "DROP INDEX databases_name",
    "DROP INDEX databases_file",
    "DROP INDEX care_runs_open",
    "DROP INDEX care_runs_database",
    "DROP INDEX care_due",
    "DROP INDEX backups_object",
    "DROP INDEX backups_database",
    "DROP INDEX backups_base",
    "DROP TABLE slow_queries",
    "DROP TABLE row_figures",
    "DROP TABLE row_archives",
    "DROP TABLE query_days",
    "DROP TABLE database_samples",
    "DROP TABLE database_days",
    "DROP TABLE care_runs",
    "DROP TABLE care",
    "DROP TABLE backups",
    "DROP TABLE databases",
)


def up(engine: Engine) -> None:
    """Go to this version."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Go back to the version before."""
    lost = {table: _count(engine, table) for table in ("databases", "backups", "row_archives")}
    if any(lost.values()):
        log.warning(
            "going back forgets what was done for databases, and which backups and archives of"
            " rows there are; the objects themselves stay in their stores",
            extra={"facts": lost},
        )
    for statement in DOWN:
        engine.execute(speak(statement, engine.dialect))


def _count(engine: Engine, table: str) -> int:
    return int(engine.execute(f"SELECT count(*) FROM {table}")[0][0])
