"""Hosts, roots, directories, files and what is known of them."""

from __future__ import annotations

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

UP = (
    """
    CREATE TABLE hosts (
        id {id},
        name TEXT NOT NULL,
        machine_id TEXT NOT NULL,
        first_seen_ns {int} NOT NULL,
        CONSTRAINT hosts_name CHECK (length(name) >= 1),
        CONSTRAINT hosts_machine_id CHECK (length(machine_id) >= 1)
    ){strict}
    """,
    "CREATE UNIQUE INDEX hosts_machine ON hosts (machine_id)",
    """
    CREATE TABLE roots (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        path {bytes} NOT NULL,
        uuid TEXT NOT NULL,
        device {int},
        inode {int},
        filesystem_id TEXT,
        location {bytes},
        mode TEXT NOT NULL DEFAULT 'none',
        state TEXT NOT NULL DEFAULT 'starting',
        watches {int} NOT NULL DEFAULT 0,
        pending {int} NOT NULL DEFAULT 0,
        oldest_pending_ns {int},
        overflows {int} NOT NULL DEFAULT 0,
        figures_ns {int},
        last_scan_ns {int},
        last_scan_seconds {real},
        last_scan_files {int},
        missing_held {int} NOT NULL DEFAULT 0,
        CONSTRAINT roots_name CHECK (length(name) >= 1),
        CONSTRAINT roots_path CHECK (
            length(path) >= 1 AND substr(path, 1, 1) = {x 2f} AND {no 00 in path}
        ),
        CONSTRAINT roots_mode CHECK (
            mode = 'inotify' OR mode = 'poll' OR mode = 'none'
        ),
        CONSTRAINT roots_state CHECK (
            state = 'starting' OR state = 'watching' OR state = 'polling'
            OR state = 'blind' OR state = 'frozen' OR state = 'stopped'
        ),
        CONSTRAINT roots_watches CHECK (watches >= 0),
        CONSTRAINT roots_pending CHECK (pending >= 0),
        CONSTRAINT roots_overflows CHECK (overflows >= 0),
        CONSTRAINT roots_missing_held CHECK (missing_held >= 0)
    ){strict}
    """,
    "CREATE UNIQUE INDEX roots_uuid ON roots (uuid)",
    "CREATE UNIQUE INDEX roots_host_name ON roots (host_id, name)",
    """
    CREATE TABLE blindness (
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        reason TEXT NOT NULL,
        path {bytes} NOT NULL,
        since_ns {int} NOT NULL,
        detail TEXT NOT NULL,
        remedy TEXT NOT NULL,
        PRIMARY KEY (root_id, reason, path),
        CONSTRAINT blindness_reason CHECK (length(reason) >= 1)
    ){strict}
    """,
    """
    CREATE TABLE directories (
        id {id},
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        path {bytes} NOT NULL,
        device {int} NOT NULL,
        inode {int} NOT NULL,
        digest {bytes},
        CONSTRAINT directories_path CHECK (
            {no 00 in path} AND substr(path, 1, 1) <> {x 2f}
            AND substr(path, length(path), 1) <> {x 2f}
        )
    ){strict}
    """,
    "CREATE UNIQUE INDEX directories_root_path ON directories (root_id, path)",
    """
    CREATE TABLE files (
        id {id},
        directory_id {int} NOT NULL REFERENCES directories (id) ON DELETE CASCADE,
        name {bytes} NOT NULL,
        inode {int} NOT NULL,
        mode {int} NOT NULL,
        links {int} NOT NULL,
        uid {int} NOT NULL,
        gid {int} NOT NULL,
        size {int} NOT NULL,
        blocks {int} NOT NULL,
        accessed_ns {int} NOT NULL,
        modified_ns {int} NOT NULL,
        changed_ns {int} NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'present',
        growing {int} NOT NULL DEFAULT 0,
        generation {int} NOT NULL DEFAULT 1,
        first_seen_ns {int} NOT NULL,
        recorded_ns {int} NOT NULL,
        gone_ns {int},
        digest {bytes},
        digested_ns {int},
        CONSTRAINT files_name CHECK (
            length(name) BETWEEN 1 AND 255 AND {no 2f in name} AND {no 00 in name}
            AND name NOT IN ({x 2e}, {x 2e2e})
        ),
        CONSTRAINT files_links CHECK (links >= 0),
        CONSTRAINT files_size CHECK (size >= 0),
        CONSTRAINT files_blocks CHECK (blocks >= 0),
        CONSTRAINT files_kind CHECK (length(kind) >= 1),
        CONSTRAINT files_state CHECK (
            state = 'present' OR state = 'missing' OR state = 'archived'
            OR state = 'trashed' OR state = 'purged' OR state = 'held'
        ),
        CONSTRAINT files_growing CHECK (growing IN (0, 1)),
        CONSTRAINT files_generation CHECK (generation >= 1),
        CONSTRAINT files_digest CHECK (length(digest) = 32),
        CONSTRAINT files_gone CHECK (state <> 'missing' OR gone_ns IS NOT NULL)
    ){strict}
    """,
    """
    CREATE UNIQUE INDEX files_directory_name ON files
    (directory_id, name, (CASE state WHEN 'missing' THEN id ELSE 0 END))
    """,
    "CREATE INDEX files_inode ON files (inode)",
    "CREATE INDEX files_size ON files (size)",
    "CREATE INDEX files_modified ON files (modified_ns)",
    """
    CREATE INDEX files_undigested ON files (id)
    WHERE digest IS NULL AND state = 'present' AND growing = 0
    """,
    "CREATE INDEX files_missing_digest ON files (digest) WHERE state = 'missing'",
    """
    CREATE TABLE totals (
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        files {int} NOT NULL,
        bytes {int} NOT NULL,
        PRIMARY KEY (root_id, kind, state),
        CONSTRAINT totals_kind CHECK (length(kind) >= 1),
        CONSTRAINT totals_state CHECK (
            state = 'present' OR state = 'missing' OR state = 'archived'
            OR state = 'trashed' OR state = 'purged' OR state = 'held'
        ),
        CONSTRAINT totals_files CHECK (files >= 0),
        CONSTRAINT totals_bytes CHECK (bytes >= 0)
    ){strict}
    """,
    """
    CREATE TABLE history (
        id {id},
        file_id {int} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        at_ns {int} NOT NULL,
        event TEXT NOT NULL,
        detail TEXT NOT NULL DEFAULT '{}',
        CONSTRAINT history_event CHECK (length(event) >= 1)
    ){strict}
    """,
    "CREATE INDEX history_file ON history (file_id, at_ns)",
    """
    CREATE TABLE jobs (
        id {id},
        verb TEXT NOT NULL,
        root_id {int} REFERENCES roots (id) ON DELETE CASCADE,
        arguments TEXT NOT NULL DEFAULT '{}',
        state TEXT NOT NULL DEFAULT 'planned',
        asked_ns {int} NOT NULL,
        asked_by TEXT NOT NULL,
        started_ns {int},
        ended_ns {int},
        progress TEXT NOT NULL DEFAULT '{}',
        outcome TEXT NOT NULL DEFAULT '{}',
        epoch {int},
        CONSTRAINT jobs_verb CHECK (length(verb) >= 1),
        CONSTRAINT jobs_state CHECK (
            state = 'planned' OR state = 'running' OR state = 'done' OR state = 'failed'
        )
    ){strict}
    """,
    "CREATE INDEX jobs_state ON jobs (state)",
    """
    CREATE TABLE leases (
        host_id {int} NOT NULL PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
        epoch {int} NOT NULL,
        holder TEXT NOT NULL,
        beat {int} NOT NULL,
        CONSTRAINT leases_epoch CHECK (epoch >= 1)
    ){strict}
    """,
)

DOWN = (
    "leases",
    "jobs",
    "history",
    "totals",
    "files",
    "directories",
    "blindness",
    "roots",
    "hosts",
)


def up(engine: Engine) -> None:
    """Make the tables."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Drop them, with everything in them."""
    for table in DOWN:
        engine.execute(f"DROP TABLE {table}")
