"""All that the catalogue shall hold: the declared truth that migrations must arrive at."""

from __future__ import annotations

from storewarden.catalogue import act_tables as acted
from storewarden.catalogue import database_tables as tended
from storewarden.catalogue import event_tables as heard
from storewarden.catalogue import fact_tables as found
from storewarden.catalogue import health_tables as judged
from storewarden.catalogue import policy_tables as decided
from storewarden.catalogue import sum_tables as summed
from storewarden.catalogue import tables as recorded
from storewarden.catalogue import told_tables as told
from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.orm import Model

MODELS: tuple[type[Model], ...] = (
    recorded.Host,
    recorded.Root,
    recorded.BlindPlace,
    recorded.Directory,
    recorded.File,
    recorded.Total,
    recorded.History,
    recorded.Job,
    recorded.LeaseRow,
    recorded.SchemaVersion,
    found.User,
    found.Workflow,
    found.Scene,
    found.FactsRow,
    found.PromptRow,
    found.TranscriptRow,
    found.SidecarRow,
    found.UsageRow,
    found.UsageDay,
    found.InspectorRow,
    decided.Mark,
    decided.Copy,
    decided.Placed,
    decided.PolicySetRow,
    decided.PolicyRow,
    decided.ScheduleRow,
    decided.UndecidedRow,
    decided.ClockRow,
    decided.StoreTotal,
    acted.ActRow,
    acted.ActFile,
    acted.ActTotal,
    acted.HeldBackRow,
    acted.PolicyRun,
    tended.DatabaseRow,
    tended.DatabaseSample,
    tended.DatabaseDay,
    tended.CareRow,
    tended.CareRun,
    tended.BackupRow,
    tended.RowArchive,
    tended.RowFigure,
    tended.QueryDay,
    tended.SlowQuery,
    judged.HealthRow,
    told.TokenRow,
    told.WorkflowPhase,
    told.ToldFile,
    told.UncountedRow,
    told.UserTotal,
    told.SceneImage,
    told.ToldText,
    told.Chat,
    told.ApiUsage,
    told.AnswerRow,
    summed.ApiUsageDay,
    summed.ApiUsageTime,
    summed.ForgottenUsage,
    summed.FileSlice,
    summed.FileDoubt,
    summed.FileSum,
    heard.EventRound,
    heard.ListenerRow,
    heard.DeadLetter,
)

INDEXES: dict[str, str] = {
    "hosts_machine": "CREATE UNIQUE INDEX hosts_machine ON hosts (machine_id)",
    "roots_uuid": "CREATE UNIQUE INDEX roots_uuid ON roots (uuid)",
    "roots_host_name": "CREATE UNIQUE INDEX roots_host_name ON roots (host_id, name)",
    "directories_root_path": (
        "CREATE UNIQUE INDEX directories_root_path ON directories (root_id, path)"
    ),
    # a name is held by one row only, but any number of rows remember it whose file is not there
    "files_directory_name": (
        "CREATE UNIQUE INDEX files_directory_name ON files"
        " (directory_id, name, (CASE state WHEN 'present' THEN 0 WHEN 'held' THEN 0 ELSE id END))"
    ),
    "files_inode": "CREATE INDEX files_inode ON files (inode)",
    "files_size": "CREATE INDEX files_size ON files (size)",
    "files_modified": "CREATE INDEX files_modified ON files (modified_ns)",
    "files_undigested": (
        "CREATE INDEX files_undigested ON files (id)"
        " WHERE digest IS NULL AND state = 'present' AND growing = 0"
    ),
    "files_missing_digest": (
        "CREATE INDEX files_missing_digest ON files (digest) WHERE state = 'missing'"
    ),
    "history_file": "CREATE INDEX history_file ON history (file_id, at_ns)",
    "jobs_state": "CREATE INDEX jobs_state ON jobs (state)",
    "files_uninspected": (
        "CREATE INDEX files_uninspected ON files (id)"
        " WHERE inspected_ns IS NULL AND state = 'present' AND growing = 0"
    ),
    "directories_stale": (
        "CREATE INDEX directories_stale ON directories (id) WHERE stale IS NOT NULL"
    ),
    # each user has names of its own, and the machine has those that files named
    "workflows_host_name": (
        "CREATE UNIQUE INDEX workflows_host_name ON workflows"
        " (host_id, name, (coalesce(owner_id, 0)))"
    ),
    # a scene without a workflow is one of its host's, and there it has its name alone
    "scenes_of_name": (
        "CREATE UNIQUE INDEX scenes_of_name ON scenes (host_id, (coalesce(workflow_id, 0)), name)"
    ),
    "scenes_workflow": "CREATE INDEX scenes_workflow ON scenes (workflow_id)",
    "facts_workflow": (
        "CREATE INDEX facts_workflow ON facts (workflow_id) WHERE workflow_id IS NOT NULL"
    ),
    "facts_scene": "CREATE INDEX facts_scene ON facts (scene_id) WHERE scene_id IS NOT NULL",
    "facts_refused": "CREATE INDEX facts_refused ON facts (file_id) WHERE outcome = 'refused'",
    "prompts_from": "CREATE INDEX prompts_from ON prompts (from_id) WHERE from_id IS NOT NULL",
    "prompts_model": "CREATE INDEX prompts_model ON prompts (model)",
    "prompts_tool": "CREATE INDEX prompts_tool ON prompts (tool)",
    "prompts_seed": "CREATE INDEX prompts_seed ON prompts (seed)",
    "sidecars_of": "CREATE INDEX sidecars_of ON sidecars (of_id)",
    "usage_days_day": "CREATE INDEX usage_days_day ON usage_days (day)",
    "directories_undecided": (
        "CREATE INDEX directories_undecided ON directories (id) WHERE undecided <> 0"
    ),
    "policy_sets_host": "CREATE INDEX policy_sets_host ON policy_sets (host_id, id)",
    "policies_host_name": "CREATE UNIQUE INDEX policies_host_name ON policies (host_id, name)",
    "schedule_due": "CREATE INDEX schedule_due ON schedule (due_ns) WHERE due_ns IS NOT NULL",
    "schedule_again": (
        "CREATE INDEX schedule_again ON schedule (again_ns) WHERE again_ns IS NOT NULL"
    ),
    "copies_object": "CREATE UNIQUE INDEX copies_object ON copies (store, key)",
    "copies_scrubbed": "CREATE INDEX copies_scrubbed ON copies (store, scrubbed_ns)",
    "acts_marked": "CREATE UNIQUE INDEX acts_marked ON acts (mark)",
    "acts_open": "CREATE INDEX acts_open ON acts (root_id, id) WHERE ended_ns IS NULL",
    "acts_last": "CREATE INDEX acts_last ON acts (ended_ns) WHERE ended_ns IS NOT NULL",
    "acts_job": "CREATE INDEX acts_job ON acts (job) WHERE job IS NOT NULL",
    "act_files_file": "CREATE INDEX act_files_file ON act_files (file_id, act_id)",
    # two acts at once on one file: the second is refused by the database itself
    "act_files_going": "CREATE UNIQUE INDEX act_files_going ON act_files (file_id) WHERE open = 1",
    "files_databases": (
        "CREATE INDEX files_databases ON files (id) WHERE kind = 'database' AND state = 'present'"
    ),
    "databases_place": "CREATE UNIQUE INDEX databases_place ON databases (host_id, place)",
    "databases_name": "CREATE UNIQUE INDEX databases_name ON databases (host_id, name)",
    "databases_file": "CREATE INDEX databases_file ON databases (file_id)",
    "care_due": "CREATE INDEX care_due ON care (due_ns) WHERE due_ns IS NOT NULL",
    "care_runs_database": "CREATE INDEX care_runs_database ON care_runs (database_id, began_ns)",
    "care_runs_open": "CREATE INDEX care_runs_open ON care_runs (id) WHERE ended_ns IS NULL",
    "backups_object": "CREATE UNIQUE INDEX backups_object ON backups (store, key)",
    "backups_database": "CREATE INDEX backups_database ON backups (database_id, taken_ns)",
    "backups_base": "CREATE INDEX backups_base ON backups (base_id) WHERE base_id IS NOT NULL",
    "row_archives_object": "CREATE UNIQUE INDEX row_archives_object ON row_archives (store, key)",
    "row_archives_name": "CREATE INDEX row_archives_name ON row_archives (host_id, name, id)",
    "slow_queries_statement": (
        "CREATE UNIQUE INDEX slow_queries_statement ON slow_queries (host_id, source, digest)"
    ),
    "users_named": "CREATE UNIQUE INDEX users_named ON users (name)",
    "tokens_public": "CREATE UNIQUE INDEX tokens_public ON tokens (public_id)",
    "tokens_user": "CREATE INDEX tokens_user ON tokens (user_id)",
    "workflows_owner": (
        "CREATE INDEX workflows_owner ON workflows (owner_id) WHERE owner_id IS NOT NULL"
    ),
    "told_files_waiting_place": (
        "CREATE UNIQUE INDEX told_files_waiting_place ON told_files (root_id, directory, name)"
        " WHERE waiting = 1"
    ),
    "told_files_file": (
        "CREATE UNIQUE INDEX told_files_file ON told_files (file_id) WHERE file_id IS NOT NULL"
    ),
    "told_files_workflow": (
        "CREATE INDEX told_files_workflow ON told_files (workflow_id, file_id)"
        " WHERE workflow_id IS NOT NULL"
    ),
    "told_files_scene": (
        "CREATE INDEX told_files_scene ON told_files (scene_id, file_id) WHERE scene_id IS NOT NULL"
    ),
    "told_files_type": (
        "CREATE INDEX told_files_type ON told_files (file_type, file_id)"
        " WHERE file_type IS NOT NULL"
    ),
    "told_files_owner": (
        "CREATE INDEX told_files_owner ON told_files (owner_id, file_id) WHERE owner_id IS NOT NULL"
    ),
    "told_files_public": "CREATE INDEX told_files_public ON told_files (file_id) WHERE public = 1",
    "marks_owner": "CREATE INDEX marks_owner ON marks (owner, file_id) WHERE owner IS NOT NULL",
    "scene_images_told": "CREATE INDEX scene_images_told ON scene_images (told_id)",
    "told_texts_of": (
        "CREATE UNIQUE INDEX told_texts_of ON told_texts (told_id, role, (coalesce(language, '')))"
    ),
    "chat_history_told": "CREATE INDEX chat_history_told ON chat_history (told_id, at_ns)",
    "chat_history_at": "CREATE INDEX chat_history_at ON chat_history (host_id, at_ns)",
    "chat_history_once": (
        "CREATE UNIQUE INDEX chat_history_once ON chat_history"
        " (host_id, (coalesce(user_id, 0)), key) WHERE key IS NOT NULL"
    ),
    "api_usage_at": "CREATE INDEX api_usage_at ON api_usage (host_id, at_ns)",
    "api_usage_workflow": (
        "CREATE INDEX api_usage_workflow ON api_usage (workflow_id, at_ns)"
        " WHERE workflow_id IS NOT NULL"
    ),
    "api_usage_told": (
        "CREATE INDEX api_usage_told ON api_usage (told_id) WHERE told_id IS NOT NULL"
    ),
    "api_usage_user": (
        "CREATE INDEX api_usage_user ON api_usage (user_id, at_ns) WHERE user_id IS NOT NULL"
    ),
    "api_usage_once": (
        "CREATE UNIQUE INDEX api_usage_once ON api_usage"
        " (host_id, (coalesce(user_id, 0)), key) WHERE key IS NOT NULL"
    ),
    "answers_once": "CREATE UNIQUE INDEX answers_once ON answers ((coalesce(user_id, 0)), key)",
    "event_rounds_host": "CREATE INDEX event_rounds_host ON event_rounds (host_id, id)",
    "dead_letters_listener": (
        "CREATE INDEX dead_letters_listener ON dead_letters (host_id, listener, id)"
    ),
    "answers_at": "CREATE INDEX answers_at ON answers (answered_ns)",
}
"""Every index but those of primary keys, by name."""

SECONDARY = ("files_size", "files_modified", "files_undigested", "files_uninspected")
"""Costly while a million rows are loaded, cheap to make afterwards; nothing depends on them."""

WORDS: dict[Dialect, tuple[str, ...]] = {
    "sqlite": (
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            path, prompt, negative, transcript, summary, model,
            content = '', contentless_delete = 1, tokenize = 'ascii'
        )
        """,
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
"""The index of words, which each database has in a way of its own; the key is the file's."""

VIEWS: dict[str, str] = {
    "generated_files": """
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
}
"""What others read by SQL, in the words of ``dialect``; made of the tables above."""
