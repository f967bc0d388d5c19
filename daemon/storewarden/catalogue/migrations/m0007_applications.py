"""What applications and people tell: workflows, files, texts, questions, costs; and who may.

And what listeners hear: the journal of events, how far each came, and what one refuses.
"""

from __future__ import annotations

import logging

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

log = logging.getLogger(__name__)

FORGOTTEN = ("told_files", "told_texts", "chat_history", "api_usage", "users")

UP = (
    """
    CREATE TABLE users (
        id {id},
        name TEXT NOT NULL,
        created_ns {int} NOT NULL,
        disabled_ns {int},
        quota_bytes {int},
        quota_files {int},
        CONSTRAINT users_name CHECK (length(name) >= 1),
        CONSTRAINT users_quota_bytes CHECK (quota_bytes >= 0),
        CONSTRAINT users_quota_files CHECK (quota_files >= 0)
    ){strict}
    """,
    "ALTER TABLE workflows ADD COLUMN title TEXT",
    """
    ALTER TABLE workflows ADD COLUMN status TEXT
    CONSTRAINT workflows_status CHECK (
        status = 'planned' OR status = 'running' OR status = 'paused' OR status = 'done'
        OR status = 'failed' OR status = 'cancelled'
    )
    """,
    "ALTER TABLE workflows ADD COLUMN phase TEXT",
    "ALTER TABLE workflows ADD COLUMN original_prompt TEXT",
    "ALTER TABLE workflows ADD COLUMN enhanced_story TEXT",
    "ALTER TABLE workflows ADD COLUMN created_ns {int}",
    "ALTER TABLE workflows ADD COLUMN started_ns {int}",
    "ALTER TABLE workflows ADD COLUMN ended_ns {int}",
    "ALTER TABLE workflows ADD COLUMN owner_id {int} REFERENCES users (id) ON DELETE SET NULL",
    (
        "ALTER TABLE workflows ADD COLUMN public {int} NOT NULL DEFAULT 0 CONSTRAINT"
        " workflows_public CHECK (public IN (0, 1))"
    ),
    "ALTER TABLE workflows ADD COLUMN more TEXT NOT NULL DEFAULT '{}'",
    "DROP INDEX workflows_host_name",
    (
        "CREATE UNIQUE INDEX workflows_host_name ON workflows"
        " (host_id, name, (coalesce(owner_id, 0)))"
    ),
    "ALTER TABLE workflows ADD COLUMN told_ns {int}",
    "ALTER TABLE scenes ADD COLUMN number {int} CONSTRAINT scenes_number CHECK (number >= 0)",
    "ALTER TABLE scenes ADD COLUMN description TEXT",
    "ALTER TABLE scenes ADD COLUMN prompt TEXT",
    """
    ALTER TABLE scenes ADD COLUMN status TEXT
    CONSTRAINT scenes_status CHECK (
        status = 'planned' OR status = 'running' OR status = 'paused' OR status = 'done'
        OR status = 'failed' OR status = 'cancelled'
    )
    """,
    "ALTER TABLE scenes ADD COLUMN more TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE scenes ADD COLUMN told_ns {int}",
    """
    CREATE TABLE tokens (
        id {id},
        user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        public_id TEXT NOT NULL,
        digest {bytes} NOT NULL,
        scopes TEXT NOT NULL,
        label TEXT NOT NULL DEFAULT '',
        created_ns {int} NOT NULL,
        expires_ns {int},
        last_used_ns {int},
        revoked_ns {int},
        CONSTRAINT tokens_public_id CHECK (length(public_id) >= 1),
        CONSTRAINT tokens_digest CHECK (length(digest) = 32)
    ){strict}
    """,
    """
    CREATE TABLE workflow_phases (
        workflow_id {int} NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        position {int} NOT NULL,
        status TEXT,
        started_ns {int},
        ended_ns {int},
        detail TEXT,
        PRIMARY KEY (workflow_id, name),
        CONSTRAINT workflow_phases_name CHECK (length(name) >= 1),
        CONSTRAINT workflow_phases_position CHECK (position >= 0),
        CONSTRAINT workflow_phases_status CHECK (
            status = 'planned' OR status = 'running' OR status = 'paused'
            OR status = 'done' OR status = 'failed' OR status = 'cancelled'
        )
    ){strict}
    """,
    """
    CREATE TABLE told_files (
        id {id},
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        directory {bytes} NOT NULL,
        name {bytes} NOT NULL,
        waiting {int} NOT NULL DEFAULT 1,
        file_id {int} REFERENCES files (id) ON DELETE SET NULL,
        owner_id {int} REFERENCES users (id) ON DELETE SET NULL,
        workflow_id {int} REFERENCES workflows (id) ON DELETE SET NULL,
        scene_id {int} REFERENCES scenes (id) ON DELETE SET NULL,
        file_type TEXT,
        title TEXT,
        metadata TEXT NOT NULL DEFAULT '{}',
        public {int} NOT NULL DEFAULT 0,
        pinned {int},
        rating {real},
        tags TEXT NOT NULL DEFAULT '[]',
        cost_nano {int},
        cost_currency TEXT,
        first_told_ns {int} NOT NULL,
        told_ns {int} NOT NULL,
        held_by {int},
        held_bytes {int} NOT NULL DEFAULT 0,
        CONSTRAINT told_files_held_bytes CHECK (held_bytes >= 0),
        CONSTRAINT told_files_file_type CHECK (length(file_type) >= 1),
        CONSTRAINT told_files_waiting CHECK (waiting IN (0, 1)),
        CONSTRAINT told_files_public CHECK (public IN (0, 1)),
        CONSTRAINT told_files_pinned CHECK (pinned IN (0, 1)),
        CONSTRAINT told_files_cost_nano CHECK (cost_nano >= 0),
        CONSTRAINT told_files_directory CHECK (
            {no 00 in directory} AND substr(directory, 1, 1) <> {x 2f}
            AND substr(directory, length(directory), 1) <> {x 2f}
        ),
        CONSTRAINT told_files_name CHECK (
            length(name) BETWEEN 1 AND 255 AND {no 2f in name} AND {no 00 in name}
            AND name NOT IN ({x 2e}, {x 2e2e})
        )
    ){strict}
    """,
    """
    CREATE TABLE uncounted (
        told_id {int} NOT NULL PRIMARY KEY REFERENCES told_files (id) ON DELETE CASCADE
    ){strict}
    """,
    """
    CREATE TABLE user_totals (
        user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        files {int} NOT NULL,
        bytes {int} NOT NULL,
        PRIMARY KEY (user_id, root_id),
        CONSTRAINT user_totals_files CHECK (files >= 0),
        CONSTRAINT user_totals_bytes CHECK (bytes >= 0)
    ){strict}
    """,
    """
    CREATE TABLE scene_images (
        scene_id {int} NOT NULL PRIMARY KEY REFERENCES scenes (id) ON DELETE CASCADE,
        told_id {int} NOT NULL REFERENCES told_files (id) ON DELETE CASCADE
    ){strict}
    """,
    """
    CREATE TABLE told_texts (
        id {id},
        told_id {int} NOT NULL REFERENCES told_files (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        language TEXT,
        text TEXT NOT NULL,
        duration_ns {int},
        model TEXT,
        told_ns {int} NOT NULL,
        CONSTRAINT told_texts_duration CHECK (duration_ns >= 0),
        CONSTRAINT told_texts_role CHECK (role = 'transcript' OR role = 'summary')
    ){strict}
    """,
    """
    CREATE TABLE chat_history (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        told_id {int} NOT NULL REFERENCES told_files (id) ON DELETE CASCADE,
        user_id {int} REFERENCES users (id) ON DELETE SET NULL,
        at_ns {int} NOT NULL,
        question TEXT NOT NULL,
        answer TEXT NOT NULL,
        duration_ns {int},
        model TEXT,
        more TEXT NOT NULL DEFAULT '{}',
        key TEXT,
        told_ns {int} NOT NULL,
        CONSTRAINT chat_history_key CHECK (length(key) >= 1),
        CONSTRAINT chat_history_duration CHECK (duration_ns >= 0)
    ){strict}
    """,
    """
    CREATE TABLE api_usage (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        at_ns {int} NOT NULL,
        provider TEXT NOT NULL,
        model TEXT,
        operation TEXT,
        calls {int} NOT NULL,
        tokens_in {int},
        tokens_out {int},
        cost_nano {int},
        currency TEXT NOT NULL,
        duration_ns {int},
        error TEXT,
        workflow_id {int} REFERENCES workflows (id) ON DELETE SET NULL,
        scene_id {int} REFERENCES scenes (id) ON DELETE SET NULL,
        told_id {int} REFERENCES told_files (id) ON DELETE SET NULL,
        user_id {int} REFERENCES users (id) ON DELETE SET NULL,
        key TEXT,
        told_ns {int} NOT NULL,
        CONSTRAINT api_usage_provider CHECK (length(provider) >= 1),
        CONSTRAINT api_usage_key CHECK (length(key) >= 1),
        CONSTRAINT api_usage_calls CHECK (calls >= 0),
        CONSTRAINT api_usage_tokens_in CHECK (tokens_in >= 0),
        CONSTRAINT api_usage_tokens_out CHECK (tokens_out >= 0),
        CONSTRAINT api_usage_cost_nano CHECK (cost_nano >= 0),
        CONSTRAINT api_usage_duration CHECK (duration_ns >= 0)
    ){strict}
    """,
    """
    CREATE TABLE api_usage_days (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        day {int} NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        operation TEXT NOT NULL,
        currency TEXT NOT NULL,
        workflow_name TEXT NOT NULL,
        user_name TEXT NOT NULL,
        times {int} NOT NULL,
        failed {int} NOT NULL,
        calls {int} NOT NULL,
        tokens_in {int} NOT NULL,
        tokens_out {int} NOT NULL,
        priced {int} NOT NULL,
        cost_units {int} NOT NULL,
        cost_nano {int} NOT NULL,
        timed {int} NOT NULL,
        took_us {int} NOT NULL,
        longest_ns {int} NOT NULL,
        PRIMARY KEY (host_id, day, provider, model, operation, currency, workflow_name, user_name),
        CONSTRAINT api_usage_days_provider CHECK (length(provider) >= 1),
        CONSTRAINT api_usage_days_day CHECK (day >= 0),
        CONSTRAINT api_usage_days_times CHECK (times >= 0),
        CONSTRAINT api_usage_days_failed CHECK (failed >= 0),
        CONSTRAINT api_usage_days_calls CHECK (calls >= 0),
        CONSTRAINT api_usage_days_tokens_in CHECK (tokens_in >= 0),
        CONSTRAINT api_usage_days_tokens_out CHECK (tokens_out >= 0),
        CONSTRAINT api_usage_days_priced CHECK (priced >= 0),
        CONSTRAINT api_usage_days_cost_units CHECK (cost_units >= 0),
        CONSTRAINT api_usage_days_timed CHECK (timed >= 0),
        CONSTRAINT api_usage_days_took_us CHECK (took_us >= 0),
        CONSTRAINT api_usage_days_longest CHECK (longest_ns >= 0),
        CONSTRAINT api_usage_days_cost_nano CHECK (cost_nano BETWEEN 0 AND 999999999)
    ){strict}
    """,
    """
    CREATE TABLE api_usage_times (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        day {int} NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        user_name TEXT NOT NULL,
        step {int} NOT NULL,
        times {int} NOT NULL,
        PRIMARY KEY (host_id, user_name, day, provider, model, step),
        CONSTRAINT api_usage_times_day CHECK (day >= 0),
        CONSTRAINT api_usage_times_step CHECK (step >= 0),
        CONSTRAINT api_usage_times_times CHECK (times >= 0)
    ){strict}
    """,
    """
    CREATE TABLE forgotten_usage (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        user_id {int} NOT NULL,
        key TEXT NOT NULL,
        PRIMARY KEY (host_id, user_id, key),
        CONSTRAINT forgotten_usage_key CHECK (length(key) >= 1)
    ){strict}
    """,
    """
    CREATE TABLE file_slices (
        slice {int} NOT NULL PRIMARY KEY,
        through_id {int} NOT NULL,
        CONSTRAINT file_slices_slice CHECK (slice >= 0),
        CONSTRAINT file_slices_through_id CHECK (through_id >= 0)
    ){strict}
    """,
    """
    CREATE TABLE file_doubts (
        id {id},
        slice {int} NOT NULL,
        CONSTRAINT file_doubts_slice CHECK (slice >= 0)
    ){strict}
    """,
    """
    CREATE TABLE file_sums (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        slice {int} NOT NULL,
        about TEXT NOT NULL,
        name TEXT NOT NULL,
        day {int} NOT NULL,
        owner_id {int} NOT NULL,
        public {int} NOT NULL,
        files {int} NOT NULL,
        bytes {int} NOT NULL,
        PRIMARY KEY (about, slice, host_id, name, day, owner_id, public),
        CONSTRAINT file_sums_about CHECK (length(about) >= 1),
        CONSTRAINT file_sums_slice CHECK (slice >= 0),
        CONSTRAINT file_sums_files CHECK (files >= 0),
        CONSTRAINT file_sums_bytes CHECK (bytes >= 0),
        CONSTRAINT file_sums_public CHECK (public IN (0, 1))
    ){strict}
    """,
    """
    CREATE TABLE answers (
        id {id},
        user_id {int} REFERENCES users (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        digest {bytes} NOT NULL,
        status {int} NOT NULL,
        body {bytes} NOT NULL,
        answered_ns {int} NOT NULL,
        CONSTRAINT answers_key CHECK (length(key) >= 1),
        CONSTRAINT answers_digest CHECK (length(digest) = 32),
        CONSTRAINT answers_status CHECK (status BETWEEN 100 AND 599)
    ){strict}
    """,
    """
    CREATE TABLE event_rounds (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        at_ns {int} NOT NULL,
        files_after {int} NOT NULL,
        files_through {int} NOT NULL,
        lines_after {int} NOT NULL,
        lines_through {int} NOT NULL,
        described TEXT NOT NULL DEFAULT '',
        CONSTRAINT event_rounds_files_after CHECK (files_after >= 0),
        CONSTRAINT event_rounds_lines_after CHECK (lines_after >= 0)
    ){strict}
    """,
    """
    CREATE TABLE listeners (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        place TEXT NOT NULL,
        cursor TEXT NOT NULL,
        heard_ns {int} NOT NULL,
        delivered {int} NOT NULL DEFAULT 0,
        failing_ns {int},
        attempts {int} NOT NULL DEFAULT 0,
        next_try_ns {int},
        error TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (host_id, name),
        CONSTRAINT listeners_name CHECK (length(name) >= 1),
        CONSTRAINT listeners_delivered CHECK (delivered >= 0),
        CONSTRAINT listeners_attempts CHECK (attempts >= 0)
    ){strict}
    """,
    """
    CREATE TABLE dead_letters (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        listener TEXT NOT NULL,
        at_ns {int} NOT NULL,
        event TEXT NOT NULL,
        why TEXT NOT NULL,
        again {int} NOT NULL DEFAULT 0,
        CONSTRAINT dead_letters_listener CHECK (length(listener) >= 1),
        CONSTRAINT dead_letters_event CHECK (length(event) >= 1),
        CONSTRAINT dead_letters_again CHECK (again IN (0, 1))
    ){strict}
    """,
    "CREATE INDEX event_rounds_host ON event_rounds (host_id, id)",
    "CREATE INDEX dead_letters_listener ON dead_letters (host_id, listener, id)",
    "CREATE INDEX answers_at ON answers (answered_ns)",
    "CREATE UNIQUE INDEX answers_once ON answers ((coalesce(user_id, 0)), key)",
    "CREATE INDEX api_usage_at ON api_usage (host_id, at_ns)",
    (
        "CREATE UNIQUE INDEX api_usage_once ON api_usage (host_id, (coalesce(user_id, 0)),"
        " key) WHERE key IS NOT NULL"
    ),
    "CREATE INDEX api_usage_told ON api_usage (told_id) WHERE told_id IS NOT NULL",
    "CREATE INDEX api_usage_user ON api_usage (user_id, at_ns) WHERE user_id IS NOT NULL",
    (
        "CREATE INDEX api_usage_workflow ON api_usage (workflow_id, at_ns) WHERE"
        " workflow_id IS NOT NULL"
    ),
    "CREATE INDEX chat_history_at ON chat_history (host_id, at_ns)",
    (
        "CREATE UNIQUE INDEX chat_history_once ON chat_history (host_id, (coalesce(user_id,"
        " 0)), key) WHERE key IS NOT NULL"
    ),
    "CREATE INDEX chat_history_told ON chat_history (told_id, at_ns)",
    "CREATE INDEX scene_images_told ON scene_images (told_id)",
    "CREATE UNIQUE INDEX tokens_public ON tokens (public_id)",
    "CREATE INDEX tokens_user ON tokens (user_id)",
    "CREATE UNIQUE INDEX told_files_file ON told_files (file_id) WHERE file_id IS NOT NULL",
    "CREATE INDEX told_files_owner ON told_files (owner_id, file_id) WHERE owner_id IS NOT NULL",
    "CREATE INDEX told_files_public ON told_files (file_id) WHERE public = 1",
    "CREATE INDEX told_files_scene ON told_files (scene_id, file_id) WHERE scene_id IS NOT NULL",
    ("CREATE INDEX told_files_type ON told_files (file_type, file_id) WHERE file_type IS NOT NULL"),
    "CREATE INDEX marks_owner ON marks (owner, file_id) WHERE owner IS NOT NULL",
    (
        "CREATE UNIQUE INDEX told_files_waiting_place ON told_files (root_id, directory,"
        " name) WHERE waiting = 1"
    ),
    (
        "CREATE INDEX told_files_workflow ON told_files (workflow_id, file_id)"
        " WHERE workflow_id IS NOT NULL"
    ),
    "CREATE UNIQUE INDEX told_texts_of ON told_texts (told_id, role, (coalesce(language, '')))",
    "CREATE UNIQUE INDEX users_named ON users (name)",
    "CREATE INDEX workflows_owner ON workflows (owner_id) WHERE owner_id IS NOT NULL",
    # what the workflow application had as a table of its own: for whoever reads it by SQL
    """
    CREATE VIEW generated_files AS
    SELECT coalesce(t.workflow_id, k.workflow_id) AS workflow_id,
        coalesce(t.scene_id, k.scene_id) AS scene_id,
        coalesce(t.file_type, f.kind) AS file_type,
        {text of r.path} || '/' || CASE WHEN length(d.path) = 0 THEN '' ELSE
            {text of d.path} || '/' END || {text of f.name} AS file_path,
        {text of f.name} AS file_name,
        f.size AS file_size,
        coalesce(t.metadata, '{}') AS metadata,
        f.first_seen_ns AS created_at,
        f.state AS state
    FROM files f
        JOIN directories d ON d.id = f.directory_id
        JOIN roots r ON r.id = d.root_id
        LEFT JOIN told_files t ON t.file_id = f.id
        LEFT JOIN facts k ON k.file_id = f.id
    """,
)

DOWN = (
    "DROP VIEW generated_files",
    "DROP INDEX dead_letters_listener",
    "DROP INDEX event_rounds_host",
    "DROP TABLE dead_letters",
    "DROP TABLE listeners",
    "DROP TABLE event_rounds",
    "DROP INDEX workflows_owner",
    "DROP INDEX users_named",
    "DROP INDEX told_texts_of",
    "DROP INDEX told_files_workflow",
    "DROP INDEX told_files_waiting_place",
    "DROP INDEX marks_owner",
    "DROP INDEX told_files_type",
    "DROP INDEX told_files_scene",
    "DROP INDEX told_files_public",
    "DROP INDEX told_files_owner",
    "DROP INDEX told_files_file",
    "DROP INDEX tokens_user",
    "DROP INDEX tokens_public",
    "DROP INDEX scene_images_told",
    "DROP INDEX chat_history_told",
    "DROP INDEX chat_history_once",
    "DROP INDEX chat_history_at",
    "DROP INDEX api_usage_workflow",
    "DROP INDEX api_usage_user",
    "DROP INDEX api_usage_told",
    "DROP INDEX api_usage_once",
    "DROP INDEX api_usage_at",
    "DROP INDEX answers_once",
    "DROP INDEX answers_at",
    "DROP TABLE answers",
    "DROP TABLE file_sums",
    "DROP TABLE file_doubts",
    "DROP TABLE file_slices",
    "DROP TABLE forgotten_usage",
    "DROP TABLE api_usage_times",
    "DROP TABLE api_usage_days",
    "DROP TABLE api_usage",
    "DROP TABLE chat_history",
    "DROP TABLE told_texts",
    "DROP TABLE scene_images",
    "DROP TABLE user_totals",
    "DROP TABLE uncounted",
    "DROP TABLE told_files",
    "DROP TABLE workflow_phases",
    "DROP TABLE tokens",
    "ALTER TABLE scenes DROP COLUMN told_ns",
    "ALTER TABLE scenes DROP COLUMN more",
    "ALTER TABLE scenes DROP COLUMN status",
    "ALTER TABLE scenes DROP COLUMN prompt",
    "ALTER TABLE scenes DROP COLUMN description",
    "ALTER TABLE scenes DROP COLUMN number",
    "ALTER TABLE workflows DROP COLUMN told_ns",
    "DROP INDEX workflows_host_name",
    # a host had one workflow of a name: the others' names get their numbers
    (
        "UPDATE workflows SET name = name || ' #' || id WHERE id > (SELECT min(w.id)"
        " FROM workflows w WHERE w.host_id = workflows.host_id AND w.name = workflows.name)"
    ),
    "CREATE UNIQUE INDEX workflows_host_name ON workflows (host_id, name)",
    "ALTER TABLE workflows DROP COLUMN more",
    "ALTER TABLE workflows DROP COLUMN public",
    "ALTER TABLE workflows DROP COLUMN owner_id",
    "ALTER TABLE workflows DROP COLUMN ended_ns",
    "ALTER TABLE workflows DROP COLUMN started_ns",
    "ALTER TABLE workflows DROP COLUMN created_ns",
    "ALTER TABLE workflows DROP COLUMN enhanced_story",
    "ALTER TABLE workflows DROP COLUMN original_prompt",
    "ALTER TABLE workflows DROP COLUMN phase",
    "ALTER TABLE workflows DROP COLUMN status",
    "ALTER TABLE workflows DROP COLUMN title",
    "DROP TABLE users",
)


def up(engine: Engine) -> None:
    """Go to this version."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Go back to the version before."""
    lost = {table: _count(engine, table) for table in FORGOTTEN}
    if any(lost.values()):
        log.warning(
            "going back forgets what applications told; no scan finds it again",
            extra={"facts": lost},
        )
    for statement in DOWN:
        engine.execute(speak(statement, engine.dialect))


def _count(engine: Engine, table: str) -> int:
    return int(engine.execute(f"SELECT count(*) FROM {table}")[0][0])
