"""What people say about files, where copies are, which policies are in force, what is due when."""

from __future__ import annotations

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

UP = (
    "ALTER TABLE directories ADD COLUMN undecided {int} NOT NULL DEFAULT 0",
    "CREATE INDEX directories_undecided ON directories (id) WHERE undecided <> 0",
    """
    CREATE TABLE marks (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        pinned {int} NOT NULL DEFAULT 0,
        rating {real},
        tags TEXT NOT NULL DEFAULT '[]',
        owner TEXT,
        CONSTRAINT marks_pinned CHECK (pinned IN (0, 1)),
        CONSTRAINT marks_owner CHECK (length(owner) >= 1)
    ){strict}
    """,
    """
    CREATE TABLE copies (
        file_id {int} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        store TEXT NOT NULL,
        bytes {int} NOT NULL,
        digest {bytes} NOT NULL,
        verified_ns {int} NOT NULL,
        PRIMARY KEY (file_id, store),
        CONSTRAINT copies_store CHECK (length(store) >= 1),
        CONSTRAINT copies_bytes CHECK (bytes >= 0),
        CONSTRAINT copies_digest CHECK (length(digest) = 32)
    ){strict}
    """,
    """
    CREATE TABLE placed (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        store TEXT NOT NULL,
        since_ns {int} NOT NULL,
        CONSTRAINT placed_store CHECK (length(store) >= 1)
    ){strict}
    """,
    """
    CREATE TABLE policy_sets (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        fingerprint TEXT NOT NULL,
        sources TEXT NOT NULL,
        loaded_ns {int} NOT NULL,
        decided_through {int} NOT NULL DEFAULT 0,
        CONSTRAINT policy_sets_fingerprint CHECK (length(fingerprint) >= 1),
        CONSTRAINT policy_sets_decided_through CHECK (decided_through >= 0)
    ){strict}
    """,
    "CREATE INDEX policy_sets_host ON policy_sets (host_id, id)",
    """
    CREATE TABLE policies (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        first_seen_ns {int} NOT NULL,
        approved_ns {int},
        CONSTRAINT policies_name CHECK (length(name) >= 1),
        CONSTRAINT policies_fingerprint CHECK (length(fingerprint) >= 1)
    ){strict}
    """,
    "CREATE UNIQUE INDEX policies_host_name ON policies (host_id, name)",
    """
    CREATE TABLE schedule (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        policy_id {int} REFERENCES policies (id) ON DELETE CASCADE,
        action {int},
        due_ns {int},
        store TEXT,
        blocked {int} NOT NULL DEFAULT 0,
        hold {int} NOT NULL DEFAULT 0,
        place {int} NOT NULL DEFAULT 0,
        phases {int} NOT NULL DEFAULT 0,
        care {int} NOT NULL DEFAULT 0,
        again_ns {int},
        CONSTRAINT schedule_action CHECK (action BETWEEN 1 AND 5),
        CONSTRAINT schedule_blocked CHECK (blocked BETWEEN 0 AND 6)
    ){strict}
    """,
    "CREATE INDEX schedule_due ON schedule (due_ns) WHERE due_ns IS NOT NULL",
    "CREATE INDEX schedule_again ON schedule (again_ns) WHERE again_ns IS NOT NULL",
    """
    CREATE TABLE undecided (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE
    ){strict}
    """,
    """
    CREATE TABLE clocks (
        host_id {int} NOT NULL PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
        wall_ns {int} NOT NULL,
        boot_ns {int} NOT NULL,
        boot_id TEXT NOT NULL,
        jumped_ns {int},
        since_ns {int}
    ){strict}
    """,
)

DOWN = (
    "DROP TABLE clocks",
    "DROP TABLE undecided",
    "DROP TABLE schedule",
    "DROP TABLE policies",
    "DROP TABLE policy_sets",
    "DROP TABLE placed",
    "DROP TABLE copies",
    "DROP TABLE marks",
    "DROP INDEX directories_undecided",
    "ALTER TABLE directories DROP COLUMN undecided",
)


def up(engine: Engine) -> None:
    """Make the tables and the column."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Drop them, with everything in them."""
    for statement in DOWN:
        engine.execute(statement)
