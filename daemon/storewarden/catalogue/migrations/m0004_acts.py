"""What is done to files, where copies lie, and names that are free once a file is put away."""

from __future__ import annotations

import logging

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

log = logging.getLogger(__name__)

UP = (
    "DROP INDEX files_directory_name",
    """
    CREATE UNIQUE INDEX files_directory_name ON files
    (directory_id, name, (CASE state WHEN 'present' THEN 0 WHEN 'held' THEN 0 ELSE id END))
    """,
    "ALTER TABLE copies ADD COLUMN key TEXT CONSTRAINT copies_key CHECK (length(key) >= 1)",
    "ALTER TABLE copies ADD COLUMN codec TEXT NOT NULL DEFAULT ''",
    """
    ALTER TABLE copies ADD COLUMN stored_bytes {int} NOT NULL DEFAULT 0
    CONSTRAINT copies_stored_bytes CHECK (stored_bytes >= 0)
    """,
    "ALTER TABLE copies ADD COLUMN version TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE copies ADD COLUMN scrubbed_ns {int} NOT NULL DEFAULT 0",
    "UPDATE copies SET stored_bytes = bytes, scrubbed_ns = verified_ns",
    "CREATE UNIQUE INDEX copies_object ON copies (store, key)",
    "CREATE INDEX copies_scrubbed ON copies (store, scrubbed_ns)",
    """
    CREATE TABLE store_totals (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        store TEXT NOT NULL,
        files {int} NOT NULL,
        bytes {int} NOT NULL,
        stored_bytes {int} NOT NULL,
        PRIMARY KEY (host_id, store),
        CONSTRAINT store_totals_store CHECK (length(store) >= 1),
        CONSTRAINT store_totals_bytes CHECK (bytes >= 0),
        CONSTRAINT store_totals_stored_bytes CHECK (stored_bytes >= 0),
        CONSTRAINT store_totals_files CHECK (files >= 0)
    ){strict}
    """,
    """
    INSERT INTO store_totals (host_id, store, files, bytes, stored_bytes)
    SELECT r.host_id, c.store, count(*), sum(c.bytes), sum(c.stored_bytes)
    FROM copies c JOIN files f ON f.id = c.file_id JOIN directories d ON d.id = f.directory_id
    JOIN roots r ON r.id = d.root_id GROUP BY r.host_id, c.store
    """,
    """
    CREATE TABLE acts (
        id {id},
        root_id {int} NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
        verb TEXT NOT NULL,
        mark TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'planned',
        members TEXT NOT NULL,
        policy TEXT,
        asked_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        store TEXT,
        bytes {int} NOT NULL,
        stored_bytes {int},
        place {bytes},
        attempts {int} NOT NULL DEFAULT 0,
        next_try_ns {int},
        error TEXT NOT NULL DEFAULT '',
        planned_ns {int} NOT NULL,
        changed_ns {int} NOT NULL,
        ended_ns {int},
        undoes {int},
        epoch {int},
        job {int},
        CONSTRAINT acts_verb CHECK (
            verb = 'copy' OR verb = 'move' OR verb = 'archive'
            OR verb = 'trash' OR verb = 'purge' OR verb = 'restore'
        ),
        CONSTRAINT acts_state CHECK (
            state = 'planned' OR state = 'copied' OR state = 'verified' OR state = 'switched'
            OR state = 'done' OR state = 'refused' OR state = 'failed' OR state = 'undone'
        ),
        CONSTRAINT acts_mark CHECK (length(mark) = 16),
        CONSTRAINT acts_policy CHECK (length(policy) >= 1),
        CONSTRAINT acts_asked_by CHECK (length(asked_by) >= 1),
        CONSTRAINT acts_store CHECK (length(store) >= 1),
        CONSTRAINT acts_bytes CHECK (bytes >= 0),
        CONSTRAINT acts_stored_bytes CHECK (stored_bytes >= 0),
        CONSTRAINT acts_attempts CHECK (attempts >= 0),
        CONSTRAINT acts_ended CHECK (
            (ended_ns IS NOT NULL) =
            (state = 'done' OR state = 'refused' OR state = 'failed' OR state = 'undone')
        )
    ){strict}
    """,
    "CREATE UNIQUE INDEX acts_marked ON acts (mark)",
    "CREATE INDEX acts_open ON acts (root_id, id) WHERE ended_ns IS NULL",
    "CREATE INDEX acts_last ON acts (ended_ns) WHERE ended_ns IS NOT NULL",
    "CREATE INDEX acts_job ON acts (job) WHERE job IS NOT NULL",
    """
    CREATE TABLE act_files (
        act_id {int} NOT NULL REFERENCES acts (id) ON DELETE CASCADE,
        file_id {int} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        open {int} NOT NULL DEFAULT 1,
        PRIMARY KEY (act_id, file_id),
        CONSTRAINT act_files_open CHECK (open IN (0, 1))
    ){strict}
    """,
    "CREATE INDEX act_files_file ON act_files (file_id, act_id)",
    "CREATE UNIQUE INDEX act_files_going ON act_files (file_id) WHERE open = 1",
    """
    CREATE TABLE act_totals (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        policy TEXT NOT NULL,
        verb TEXT NOT NULL,
        outcome TEXT NOT NULL,
        acts {int} NOT NULL,
        bytes {int} NOT NULL,
        freed {int} NOT NULL,
        PRIMARY KEY (host_id, policy, verb, outcome),
        CONSTRAINT act_totals_verb CHECK (
            verb = 'copy' OR verb = 'move' OR verb = 'archive'
            OR verb = 'trash' OR verb = 'purge' OR verb = 'restore'
        ),
        CONSTRAINT act_totals_outcome CHECK (
            outcome = 'done' OR outcome = 'refused' OR outcome = 'failed' OR outcome = 'undone'
        ),
        CONSTRAINT act_totals_acts CHECK (acts >= 0),
        CONSTRAINT act_totals_bytes CHECK (bytes >= 0),
        CONSTRAINT act_totals_freed CHECK (freed >= 0)
    ){strict}
    """,
    """
    CREATE TABLE held_back (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        policy TEXT NOT NULL,
        guard TEXT NOT NULL,
        why TEXT NOT NULL,
        files {int} NOT NULL,
        bytes {int} NOT NULL,
        since_ns {int} NOT NULL,
        command TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (host_id, policy, guard),
        CONSTRAINT held_back_policy CHECK (length(policy) >= 1),
        CONSTRAINT held_back_guard CHECK (length(guard) >= 1),
        CONSTRAINT held_back_files CHECK (files >= 0),
        CONSTRAINT held_back_bytes CHECK (bytes >= 0)
    ){strict}
    """,
    """
    CREATE TABLE policy_runs (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        policy TEXT NOT NULL,
        cause TEXT NOT NULL,
        began_ns {int} NOT NULL,
        looked_ns {int} NOT NULL,
        pressed TEXT NOT NULL DEFAULT '[]',
        fruitless {int} NOT NULL DEFAULT 0,
        files {int} NOT NULL DEFAULT 0,
        bytes {int} NOT NULL DEFAULT 0,
        tried {int} NOT NULL DEFAULT 0,
        failed {int} NOT NULL DEFAULT 0,
        PRIMARY KEY (host_id, policy),
        CONSTRAINT policy_runs_policy CHECK (length(policy) >= 1),
        CONSTRAINT policy_runs_cause CHECK (
            cause = 'event' OR cause = 'timer' OR cause = 'pressure'
        ),
        CONSTRAINT policy_runs_fruitless CHECK (fruitless >= 0),
        CONSTRAINT policy_runs_files CHECK (files >= 0),
        CONSTRAINT policy_runs_bytes CHECK (bytes >= 0),
        CONSTRAINT policy_runs_tried CHECK (tried >= 0),
        CONSTRAINT policy_runs_failed CHECK (failed >= 0)
    ){strict}
    """,
)

# Version 3 has one row for a name unless it is missing.
_OUSTED = """
    SELECT f.id FROM files f WHERE f.state IN ('archived', 'trashed', 'purged') AND EXISTS (
        SELECT 1 FROM files o WHERE o.directory_id = f.directory_id AND o.name = f.name
        AND o.id <> f.id AND o.state <> 'missing'
        AND (o.id > f.id OR o.state IN ('present', 'held'))
    )
"""

DOWN = (
    "DROP TABLE policy_runs",
    "DROP TABLE held_back",
    "DROP TABLE act_totals",
    "DROP TABLE act_files",
    "DROP TABLE acts",
    "DROP TABLE store_totals",
    "DROP INDEX copies_scrubbed",
    "DROP INDEX copies_object",
    "ALTER TABLE copies DROP COLUMN scrubbed_ns",
    "ALTER TABLE copies DROP COLUMN version",
    "ALTER TABLE copies DROP COLUMN stored_bytes",
    "ALTER TABLE copies DROP COLUMN codec",
    "ALTER TABLE copies DROP COLUMN key",
    "DROP INDEX files_directory_name",
    """
    CREATE UNIQUE INDEX files_directory_name ON files
    (directory_id, name, (CASE state WHEN 'missing' THEN id ELSE 0 END))
    """,
)

_RECOUNT = (
    "DELETE FROM totals",
    """
    INSERT INTO totals (root_id, kind, state, files, bytes)
    SELECT d.root_id, f.kind, f.state, count(*), sum(f.size)
    FROM files f JOIN directories d ON d.id = f.directory_id GROUP BY d.root_id, f.kind, f.state
    """,
)


def up(engine: Engine) -> None:
    """Make the tables and columns, and free the names of what is not there."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Drop them, with everything in them; say what nobody will know any more.

    The objects in stores are untouched: ``catalogue rebuild --from-store`` finds them again.
    """
    ousted = [file_id for (file_id,) in engine.execute(_OUSTED)]
    _tell(engine, len(ousted))
    engine.fetch_in(
        "UPDATE files SET state = 'missing', gone_ns = coalesce(gone_ns, recorded_ns)"
        " WHERE id IN ({in})",
        ousted,
    )
    for statement in (*(_RECOUNT if ousted else ()), *DOWN):
        engine.execute(speak(statement, engine.dialect))


def _tell(engine: Engine, ousted: int) -> None:
    """Log what is lost, unless there is nothing to lose."""
    counted = {
        "acts": "acts",
        "acts_not_ended": "acts WHERE ended_ns IS NULL",
        "keys_of_copies": "copies WHERE key IS NOT NULL",
        "held_back": "held_back",
    }
    facts = {
        name: engine.execute(f"SELECT count(*) FROM {which}")[0][0]
        for name, which in counted.items()
    }
    facts["put_away_files_now_missing"] = ousted
    if any(facts.values()):
        log.warning(
            "going back forgets what was done to files and where their copies lie;"
            " the copies stay, `storewarden catalogue rebuild --from-store` finds them",
            extra={"facts": facts},
        )
