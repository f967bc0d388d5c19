"""What files are, where they came from, what is said in them, how they are used; found by words."""

from __future__ import annotations

from storewarden.catalogue.dialect import Dialect, speak
from storewarden.catalogue.engine import Engine

UP = (
    "ALTER TABLE files ADD COLUMN inspected_ns {int}",
    """
    CREATE INDEX files_uninspected ON files (id)
    WHERE inspected_ns IS NULL AND state = 'present' AND growing = 0
    """,
    "ALTER TABLE directories ADD COLUMN stale {bytes}",
    "CREATE INDEX directories_stale ON directories (id) WHERE stale IS NOT NULL",
    "ALTER TABLE roots ADD COLUMN places TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE roots ADD COLUMN usage_since_ns {int}",
    """
    CREATE TABLE workflows (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        first_seen_ns {int} NOT NULL,
        last_seen_ns {int} NOT NULL,
        CONSTRAINT workflows_name CHECK (length(name) >= 1)
    ){strict}
    """,
    "CREATE UNIQUE INDEX workflows_host_name ON workflows (host_id, name)",
    """
    CREATE TABLE scenes (
        id {id},
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        workflow_id {int} REFERENCES workflows (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        first_seen_ns {int} NOT NULL,
        last_seen_ns {int} NOT NULL,
        CONSTRAINT scenes_name CHECK (length(name) >= 1)
    ){strict}
    """,
    "CREATE UNIQUE INDEX scenes_of_name ON scenes (host_id, (coalesce(workflow_id, 0)), name)",
    "CREATE INDEX scenes_workflow ON scenes (workflow_id)",
    """
    CREATE TABLE facts (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        inspector TEXT NOT NULL,
        version {int} NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        mime TEXT NOT NULL,
        width {int},
        height {int},
        frames {int},
        duration_ns {int},
        codec TEXT,
        audio_codec TEXT,
        bit_rate {int},
        fps {real},
        sample_rate {int},
        channels {int},
        colour TEXT,
        orientation {int},
        pages {int},
        workflow_id {int} REFERENCES workflows (id) ON DELETE SET NULL,
        scene_id {int} REFERENCES scenes (id) ON DELETE SET NULL,
        more TEXT NOT NULL DEFAULT '{}',
        CONSTRAINT facts_inspector CHECK (length(inspector) >= 1),
        CONSTRAINT facts_mime CHECK (length(mime) >= 1),
        CONSTRAINT facts_outcome CHECK (
            outcome = 'read' OR outcome = 'partly' OR outcome = 'refused' OR outcome = 'nothing'
        ),
        CONSTRAINT facts_version CHECK (version >= 0),
        CONSTRAINT facts_width CHECK (width >= 0),
        CONSTRAINT facts_height CHECK (height >= 0),
        CONSTRAINT facts_frames CHECK (frames >= 0),
        CONSTRAINT facts_duration CHECK (duration_ns >= 0),
        CONSTRAINT facts_bit_rate CHECK (bit_rate >= 0),
        CONSTRAINT facts_fps CHECK (fps >= 0),
        CONSTRAINT facts_sample_rate CHECK (sample_rate >= 0),
        CONSTRAINT facts_channels CHECK (channels >= 0),
        CONSTRAINT facts_orientation CHECK (orientation >= 0),
        CONSTRAINT facts_pages CHECK (pages >= 0)
    ){strict}
    """,
    "CREATE INDEX facts_workflow ON facts (workflow_id) WHERE workflow_id IS NOT NULL",
    "CREATE INDEX facts_scene ON facts (scene_id) WHERE scene_id IS NOT NULL",
    "CREATE INDEX facts_refused ON facts (file_id) WHERE outcome = 'refused'",
    """
    CREATE TABLE prompts (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        from_id {int} REFERENCES files (id) ON DELETE SET NULL,
        tool TEXT NOT NULL,
        understood {int} NOT NULL,
        tool_version TEXT,
        model TEXT,
        model_hash TEXT,
        loras TEXT NOT NULL DEFAULT '[]',
        prompt TEXT,
        negative TEXT,
        seed TEXT,
        steps {int},
        sampler TEXT,
        scheduler TEXT,
        guidance {real},
        width {int},
        height {int},
        source_type TEXT,
        raw {bytes},
        CONSTRAINT prompts_tool CHECK (length(tool) >= 1),
        CONSTRAINT prompts_understood CHECK (understood IN (0, 1)),
        CONSTRAINT prompts_steps CHECK (steps >= 0),
        CONSTRAINT prompts_width CHECK (width >= 0),
        CONSTRAINT prompts_height CHECK (height >= 0)
    ){strict}
    """,
    "CREATE INDEX prompts_from ON prompts (from_id) WHERE from_id IS NOT NULL",
    "CREATE INDEX prompts_model ON prompts (model)",
    "CREATE INDEX prompts_tool ON prompts (tool)",
    "CREATE INDEX prompts_seed ON prompts (seed)",
    """
    CREATE TABLE transcripts (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        language TEXT,
        text TEXT NOT NULL,
        CONSTRAINT transcripts_role CHECK (length(role) >= 1)
    ){strict}
    """,
    """
    CREATE TABLE sidecars (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        of_id {int} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        CONSTRAINT sidecars_role CHECK (
            role = 'transcript' OR role = 'subtitle' OR role = 'caption'
            OR role = 'summary' OR role = 'metadata' OR role = 'database'
        )
    ){strict}
    """,
    "CREATE INDEX sidecars_of ON sidecars (of_id)",
    """
    CREATE TABLE usage (
        file_id {int} NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        last_ns {int} NOT NULL,
        opens {int} NOT NULL,
        writes {int} NOT NULL,
        CONSTRAINT usage_opens CHECK (opens >= 0),
        CONSTRAINT usage_writes CHECK (writes >= 0)
    ){strict}
    """,
    """
    CREATE TABLE usage_days (
        file_id {int} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        day {int} NOT NULL,
        opens {int} NOT NULL,
        writes {int} NOT NULL,
        PRIMARY KEY (file_id, day),
        CONSTRAINT usage_days_day CHECK (day >= 0),
        CONSTRAINT usage_days_opens CHECK (opens >= 0),
        CONSTRAINT usage_days_writes CHECK (writes >= 0)
    ){strict}
    """,
    "CREATE INDEX usage_days_day ON usage_days (day)",
    """
    CREATE TABLE inspectors (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        version {int} NOT NULL,
        swept_id {int},
        PRIMARY KEY (host_id, name),
        CONSTRAINT inspectors_name CHECK (length(name) >= 1),
        CONSTRAINT inspectors_version CHECK (version >= 0)
    ){strict}
    """,
)

WORDS: dict[Dialect, tuple[str, ...]] = {
    "sqlite": (
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            path, prompt, negative, transcript, summary, model,
            content = '', contentless_delete = 1, tokenize = 'ascii'
        )
        """,
        # pieces of the index are merged by eights and not by fours: a fifth less work, see ADR 0010
        "INSERT INTO words (words, rank) VALUES ('automerge', 8)",
        """
        CREATE TRIGGER files_words AFTER DELETE ON files
        BEGIN DELETE FROM words WHERE rowid = old.id; END
        """,
    ),
    "postgresql": (
        """
        CREATE TABLE words (
            file_id BIGINT NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
            words TSVECTOR NOT NULL,
            clipped BIGINT NOT NULL
        )
        """,
        "CREATE INDEX words_words ON words USING gin (words)",
    ),
}

DOWN = (
    "DROP TABLE words",
    "DROP TABLE inspectors",
    "DROP TABLE usage_days",
    "DROP TABLE usage",
    "DROP TABLE sidecars",
    "DROP TABLE transcripts",
    "DROP TABLE prompts",
    "DROP TABLE facts",
    "DROP TABLE scenes",
    "DROP TABLE workflows",
    "ALTER TABLE roots DROP COLUMN usage_since_ns",
    "ALTER TABLE roots DROP COLUMN places",
    "DROP INDEX directories_stale",
    "ALTER TABLE directories DROP COLUMN stale",
    "DROP INDEX files_uninspected",
    "ALTER TABLE files DROP COLUMN inspected_ns",
)


def up(engine: Engine) -> None:
    """Make the tables and columns."""
    for statement in (*UP, *WORDS[engine.dialect]):
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Drop them, with everything in them."""
    if engine.dialect == "sqlite":
        engine.execute("DROP TRIGGER files_words")
    for statement in DOWN:
        engine.execute(statement)
