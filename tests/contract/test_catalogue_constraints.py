"""Every rule of every table, tried from both sides: in words before an insert, and by force."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from peewee import BlobField, Field, Model, TextField

from storewarden.catalogue.declared import INDEXES, MODELS
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.migrate import newest
from storewarden.catalogue.rules import (
    GONE,
    LARGEST,
    RULES,
    UNIQUE,
    bounded,
    check,
    explain,
    folded,
)
from storewarden.errors import CatalogueRefused
from tests.catalogues import COLUMNS, FILE, NOW, Place, file_row, fresh_database

UUID = "00000000-0000-0000-0000-00000000000"

ROOTED = (
    *("hosts", "roots", "directories", "schema_version", "users", "tokens", "answers"),
    *("user_totals", "file_slices", "file_doubts"),
)
SOUND: dict[str, dict[str, Any]] = {
    "hosts": {"id": 2, "name": "other", "machine_id": "m2", "first_seen_ns": NOW},
    "roots": {"id": 2, "host_id": 1, "name": "other", "path": b"/srv", "uuid": f"{UUID}2"},
    "blindness": {
        "root_id": 1,
        "reason": "no-events",
        "path": b"",
        "since_ns": NOW,
        "detail": "",
        "remedy": "",
    },
    "directories": {"id": 2, "root_id": 1, "path": b"a/b", "device": 1, "inode": 2},
    "files": {"id": 1, **FILE},
    "totals": {"root_id": 1, "kind": "image", "state": "present", "files": 1, "bytes": 10},
    "history": {"id": 1, "file_id": 7, "at_ns": NOW, "event": "renamed"},
    "jobs": {"id": 1, "verb": "scan", "root_id": 1, "asked_ns": NOW, "asked_by": "test"},
    "leases": {"host_id": 1, "epoch": 1, "holder": "", "beat": 0},
    "schema_version": {"version": 99, "name": "later", "applied_ns": NOW},
    "workflows": {"id": 1, "host_id": 1, "name": "w", "first_seen_ns": NOW, "last_seen_ns": NOW},
    "scenes": {"id": 1, "host_id": 1, "name": "1", "first_seen_ns": NOW, "last_seen_ns": NOW},
    "facts": {
        "file_id": 7,
        "inspector": "png",
        "version": 1,
        "outcome": "read",
        "reason": "",
        "mime": "image/png",
    },
    "prompts": {"file_id": 7, "tool": "automatic1111", "understood": 1},
    "transcripts": {"file_id": 7, "role": "transcript", "text": ""},
    "sidecars": {"file_id": 7, "of_id": 7, "role": "subtitle"},
    "usage": {"file_id": 7, "last_ns": NOW, "opens": 0, "writes": 0},
    "usage_days": {"file_id": 7, "day": 0, "opens": 0, "writes": 0},
    "inspectors": {"host_id": 1, "name": "png", "version": 1},
    "marks": {"file_id": 7, "pinned": 1, "rating": 4.5, "owner": "anna"},
    "copies": {
        "file_id": 7,
        "store": "cloud",
        "bytes": 10,
        "digest": b"\0" * 32,
        "verified_ns": NOW,
    },
    "placed": {"file_id": 7, "store": "cloud", "since_ns": NOW},
    "policy_sets": {"id": 1, "host_id": 1, "fingerprint": "f", "sources": "[]", "loaded_ns": NOW},
    "policies": {
        "id": 1,
        "host_id": 1,
        "name": "renders",
        "fingerprint": "f",
        "first_seen_ns": NOW,
    },
    "schedule": {"file_id": 7, "action": 3, "due_ns": NOW, "hold": -1, "again_ns": NOW},
    "undecided": {"file_id": 7},
    "clocks": {"host_id": 1, "wall_ns": NOW, "boot_ns": 1, "boot_id": "b"},
    "store_totals": {"host_id": 1, "store": "cloud", "files": 1, "bytes": 10, "stored_bytes": 9},
    "acts": {
        "id": 1,
        "root_id": 1,
        "verb": "archive",
        "mark": "a" * 16,
        "members": "[]",
        "asked_by": "anna",
        "reason": "",
        "bytes": 10,
        "planned_ns": NOW,
        "changed_ns": NOW,
    },
    "act_files": {"act_id": 7, "file_id": 7},
    "act_totals": {
        "host_id": 1,
        "policy": "",
        "verb": "purge",
        "outcome": "done",
        "acts": 1,
        "bytes": 10,
        "freed": 0,
    },
    "held_back": {
        "host_id": 1,
        "policy": "renders",
        "guard": "observe",
        "why": "",
        "files": 1,
        "bytes": 10,
        "since_ns": NOW,
    },
    "policy_runs": {
        "host_id": 1,
        "policy": "renders",
        "cause": "timer",
        "began_ns": NOW,
        "looked_ns": NOW,
    },
    "databases": {
        "id": 1,
        "host_id": 1,
        "name": "app.db",
        "place": b"/srv/uploads/app.db",
        "engine": "sqlite",
        "first_seen_ns": NOW,
    },
    "database_samples": {"database_id": 7, "at_ns": NOW, "bytes": 4096},
    "database_days": {
        "database_id": 7,
        "day": 20_000,
        "samples": 1,
        "first_bytes": 4096,
        "last_bytes": 8192,
        "most_bytes": 8192,
    },
    "care": {"database_id": 7, "what": "check"},
    "care_runs": {
        "id": 1,
        "database_id": 7,
        "what": "check",
        "asked_by": "anna",
        "began_ns": NOW,
    },
    "backups": {
        "id": 1,
        "database_id": 7,
        "kind": "full",
        "store": "backups",
        "key": "app.db/1",
        "state": "writing",
        "asked_by": "anna",
        "began_ns": NOW,
    },
    "row_archives": {
        "id": 1,
        "host_id": 1,
        "name": "app.conversations",
        "place": b"/srv/uploads/app.db",
        "state": "planned",
        "store": "cloud",
        "key": "rows/1",
        "form": "sqlite+zstd",
        "asked_by": "anna",
        "reason": "",
        "began_ns": NOW,
    },
    "row_figures": {
        "host_id": 1,
        "name": "app.conversations",
        "figure": "due",
        "value": 3,
        "counted_ns": NOW,
    },
    "query_days": {
        "host_id": 1,
        "source": "catalogue",
        "day": 20_000,
        "statements": 10,
        "slow": 1,
        "seconds": 0.5,
    },
    "slow_queries": {
        "id": 1,
        "host_id": 1,
        "source": "catalogue",
        "digest": b"\0" * 32,
        "statement": "SELECT 1",
        "times": 1,
        "worst_ns": 1,
        "total_ns": 1,
        "first_ns": NOW,
        "last_ns": NOW,
    },
    "health_history": {
        "host_id": 1,
        "at_ns": NOW,
        "until_ns": NOW,
        "score": 100,
        "status": "healthy",
        "profile": "default",
    },
    "users": {"id": 1, "name": "anna", "created_ns": NOW},
    "tokens": {
        "id": 1,
        "user_id": 7,
        "public_id": "abc",
        "digest": b"\0" * 32,
        "scopes": "[]",
        "created_ns": NOW,
    },
    "workflow_phases": {"workflow_id": 7, "name": "images", "position": 0, "status": "done"},
    "told_files": {
        "id": 1,
        "root_id": 1,
        "directory": b"out",
        "name": b"a.png",
        "first_told_ns": NOW,
        "told_ns": NOW,
    },
    "scene_images": {"scene_id": 7, "told_id": 7},
    "told_texts": {"id": 1, "told_id": 7, "role": "summary", "text": "", "told_ns": NOW},
    "chat_history": {
        "id": 1,
        "host_id": 1,
        "told_id": 7,
        "at_ns": NOW,
        "question": "",
        "answer": "",
        "key": "k",
        "told_ns": NOW,
    },
    "api_usage": {
        "id": 1,
        "host_id": 1,
        "at_ns": NOW,
        "provider": "ollama",
        "calls": 1,
        "currency": "USD",
        "key": "k",
        "told_ns": NOW,
    },
    "api_usage_days": {
        "host_id": 1,
        "day": 20_000,
        "provider": "ollama",
        "model": "",
        "operation": "",
        "currency": "USD",
        "workflow_name": "",
        "user_name": "",
        "times": 1,
        "failed": 0,
        "calls": 1,
        "tokens_in": 0,
        "tokens_out": 0,
        "priced": 1,
        "cost_units": 0,
        "cost_nano": 0,
        "timed": 1,
        "took_us": 0,
        "longest_ns": 0,
    },
    "api_usage_times": {
        "host_id": 1,
        "day": 20_000,
        "provider": "ollama",
        "model": "",
        "user_name": "",
        "step": 160,
        "times": 1,
    },
    "forgotten_usage": {"host_id": 1, "user_id": 0, "key": "k"},
    "file_slices": {"slice": 0, "through_id": 7},
    "file_doubts": {"id": 1, "slice": 0},
    "file_sums": {
        "host_id": 1,
        "slice": 0,
        "about": "tool",
        "name": "comfyui",
        "day": 20_000,
        "owner_id": 0,
        "public": 0,
        "files": 1,
        "bytes": 1,
    },
    "answers": {
        "id": 1,
        "key": "k",
        "digest": b"\0" * 32,
        "status": 201,
        "body": b"",
        "answered_ns": NOW,
    },
    "uncounted": {"told_id": 7},
    "user_totals": {"user_id": 7, "root_id": 1, "files": 1, "bytes": 1},
    "event_rounds": {
        "id": 1,
        "host_id": 1,
        "at_ns": NOW,
        "files_after": 0,
        "files_through": 1,
        "lines_after": 0,
        "lines_through": 0,
    },
    "listeners": {
        "host_id": 1,
        "name": "app",
        "place": "http://127.0.0.1/",
        "cursor": "",
        "heard_ns": NOW,
    },
    "dead_letters": {
        "id": 1,
        "host_id": 1,
        "listener": "app",
        "at_ns": NOW,
        "event": "{}",
        "why": "422",
    },
}
NUMBERED: dict[str, dict[str, Any]] = {
    "files": {"id": 7},
    "acts": {"id": 7, "mark": "b" * 16},
    "databases": {"id": 7, "name": "seven.db", "place": b"/srv/uploads/seven.db"},
    "users": {"id": 7, "name": "seven"},
    "workflows": {"id": 7, "name": "seven"},
    "scenes": {"id": 7, "name": "seven"},
    "told_files": {"id": 7, "name": b"seven"},
}  # those that others refer to

HANGING = [table for table in SOUND if table not in ROOTED]
STATES = ["", "gone", "Present", "present "]
BROKEN: dict[str, list[Any]] = {
    "hosts_name": [""],
    "hosts_machine_id": [""],
    "roots_name": [""],
    "roots_path": [b"", b"srv", b"/s\0rv"],
    "roots_mode": ["", "fanotify"],
    "roots_state": ["", "asleep"],
    "roots_watches": [-1],
    "roots_pending": [-1],
    "roots_overflows": [-1],
    "roots_missing_held": [-1],
    "blindness_reason": [""],
    "directories_path": [b"/", b"/a", b"a/", b"a\0b"],
    "files_name": [b"", b".", b"..", b"a/b", b"/", b"a\0", b"n" * 256],
    "files_links": [-1],
    "files_size": [-1],
    "files_blocks": [-1],
    "files_kind": [""],
    "files_state": STATES,
    "files_growing": [2, -1],
    "files_generation": [0],
    "files_digest": [b"", b"\0" * 31, b"\0" * 33],
    "totals_kind": [""],
    "totals_state": STATES,
    "totals_files": [-1],
    "totals_bytes": [-1],
    "history_event": [""],
    "jobs_verb": [""],
    "jobs_state": ["", "paused"],
    "leases_epoch": [0, -1],
    "workflows_name": [""],
    "scenes_name": [""],
    "facts_inspector": [""],
    "facts_mime": [""],
    "facts_outcome": ["", "Read", "failed"],
    "facts_version": [-1],
    "facts_width": [-1],
    "facts_height": [-1],
    "facts_frames": [-1],
    "facts_duration": [-1],
    "facts_bit_rate": [-1],
    "facts_fps": [-0.5],
    "facts_sample_rate": [-1],
    "facts_channels": [-1],
    "facts_orientation": [-1],
    "facts_pages": [-1],
    "prompts_tool": [""],
    "prompts_understood": [2, -1],
    "prompts_steps": [-1],
    "prompts_width": [-1],
    "prompts_height": [-1],
    "transcripts_role": [""],
    "sidecars_role": ["", "friend"],
    "usage_opens": [-1],
    "usage_writes": [-1],
    "usage_days_day": [-1],
    "usage_days_opens": [-1],
    "usage_days_writes": [-1],
    "inspectors_name": [""],
    "inspectors_version": [-1],
    "marks_pinned": [2, -1],
    "marks_owner": [""],
    "copies_store": [""],
    "copies_bytes": [-1],
    "copies_digest": [b"", b"\0" * 31, b"\0" * 33],
    "placed_store": [""],
    "policy_sets_fingerprint": [""],
    "policy_sets_decided_through": [-1],
    "policies_name": [""],
    "policies_fingerprint": [""],
    "schedule_action": [0, 6],
    "schedule_blocked": [-1, 7],
    "copies_key": [""],
    "copies_stored_bytes": [-1],
    "store_totals_store": [""],
    "store_totals_files": [-1],
    "store_totals_bytes": [-1],
    "store_totals_stored_bytes": [-1],
    "acts_verb": ["", "Archive", "scan"],
    "acts_state": ["", "running"],
    "acts_mark": ["", "a" * 15, "a" * 17],
    "acts_policy": [""],
    "acts_asked_by": [""],
    "acts_store": [""],
    "acts_bytes": [-1],
    "acts_stored_bytes": [-1],
    "acts_attempts": [-1],
    "act_files_open": [2, -1],
    "act_totals_verb": ["", "scan"],
    "act_totals_outcome": ["", "planned"],
    "act_totals_acts": [-1],
    "act_totals_bytes": [-1],
    "act_totals_freed": [-1],
    "held_back_policy": [""],
    "held_back_guard": [""],
    "held_back_files": [-1],
    "held_back_bytes": [-1],
    "policy_runs_policy": [""],
    "policy_runs_cause": ["", "hand"],
    "policy_runs_fruitless": [-1],
    "policy_runs_files": [-1],
    "policy_runs_bytes": [-1],
    "policy_runs_tried": [-1],
    "policy_runs_failed": [-1],
    "databases_name": [""],
    "databases_place": [b""],
    "care_what": [""],
    "care_runs_what": [""],
    "care_runs_policy": [""],
    "care_runs_asked_by": [""],
    "backups_store": [""],
    "backups_key": [""],
    "backups_policy": [""],
    "backups_asked_by": [""],
    "row_archives_name": [""],
    "row_archives_place": [b""],
    "row_archives_store": [""],
    "row_archives_key": [""],
    "row_archives_form": [""],
    "row_archives_policy": [""],
    "row_archives_asked_by": [""],
    "row_figures_name": [""],
    "row_figures_figure": [""],
    "query_days_source": [""],
    "slow_queries_source": [""],
    "slow_queries_statement": [""],
    "databases_bytes": [-1],
    "databases_page_size": [-1],
    "databases_pages": [-1],
    "databases_free_pages": [-1],
    "databases_wal_bytes": [-1],
    "databases_tables": [-1],
    "databases_rows": [-1],
    "databases_connections": [-1],
    "database_samples_bytes": [-1],
    "database_samples_free_bytes": [-1],
    "database_samples_wal_bytes": [-1],
    "database_samples_rows": [-1],
    "database_samples_connections": [-1],
    "database_days_samples": [-1],
    "database_days_first_bytes": [-1],
    "database_days_last_bytes": [-1],
    "database_days_most_bytes": [-1],
    "database_days_most_wal_bytes": [-1],
    "database_days_last_free_bytes": [-1],
    "database_days_last_rows": [-1],
    "database_days_most_connections": [-1],
    "care_failures": [-1],
    "backups_bytes": [-1],
    "backups_stored_bytes": [-1],
    "backups_page_size": [-1],
    "backups_pages": [-1],
    "row_archives_rows": [-1],
    "row_archives_bytes": [-1],
    "row_archives_stored_bytes": [-1],
    "health_history_profile": [""],
    "health_history_score": [-1, 101],
    "health_history_status": ["", "well"],
    "row_figures_value": [-1],
    "query_days_statements": [-1],
    "query_days_slow": [-1],
    "slow_queries_times": [-1],
    "slow_queries_worst": [-1],
    "slow_queries_total": [-1],
    "databases_engine": ["", "SQLite"],
    "databases_named": [2, -1],
    "databases_there": [2, -1],
    "databases_foreign_keys": ["", "yes"],
    "care_outcome": ["", "ok"],
    "care_runs_outcome": ["", "ok"],
    "backups_kind": ["", "increments"],
    "backups_state": ["", "ready"],
    "backups_digest": [b"", b"\0" * 31, b"\0" * 33],
    "row_archives_state": ["", "ready"],
    "row_archives_digest": [b"", b"\0" * 31, b"\0" * 33],
    "users_name": [""],
    "users_quota_bytes": [-1],
    "users_quota_files": [-1],
    "tokens_public_id": [""],
    "tokens_digest": [b"", b"\0" * 31, b"\0" * 33],
    "workflows_status": ["", "finished"],
    "workflows_public": [2, -1],
    "scenes_status": ["", "finished"],
    "scenes_number": [-1],
    "workflow_phases_name": [""],
    "workflow_phases_position": [-1],
    "workflow_phases_status": ["", "finished"],
    "told_files_directory": [b"/", b"/a", b"a/", b"a\0b"],
    "told_files_name": [b"", b".", b"..", b"a/b", b"a\0", b"n" * 256],
    "told_files_file_type": [""],
    "told_files_waiting": [2, -1],
    "told_files_public": [2, -1],
    "told_files_pinned": [2, -1],
    "told_files_cost_nano": [-1],
    "told_files_held_bytes": [-1],
    "user_totals_files": [-1],
    "user_totals_bytes": [-1],
    "told_texts_role": ["", "subtitle"],
    "told_texts_duration": [-1],
    "chat_history_key": [""],
    "chat_history_duration": [-1],
    "api_usage_provider": [""],
    "api_usage_key": [""],
    "api_usage_calls": [-1],
    "api_usage_tokens_in": [-1],
    "api_usage_tokens_out": [-1],
    "api_usage_cost_nano": [-1],
    "api_usage_duration": [-1],
    "api_usage_days_provider": [""],
    "api_usage_days_day": [-1],
    "api_usage_days_times": [-1],
    "api_usage_days_failed": [-1],
    "api_usage_days_calls": [-1],
    "api_usage_days_tokens_in": [-1],
    "api_usage_days_tokens_out": [-1],
    "api_usage_days_priced": [-1],
    "api_usage_days_cost_units": [-1],
    "api_usage_days_cost_nano": [-1, 1_000_000_000],
    "api_usage_days_timed": [-1],
    "api_usage_days_took_us": [-1],
    "api_usage_days_longest": [-1],
    "api_usage_times_day": [-1],
    "api_usage_times_step": [-1],
    "api_usage_times_times": [-1],
    "forgotten_usage_key": [""],
    "file_slices_slice": [-1],
    "file_slices_through_id": [-1],
    "file_doubts_slice": [-1],
    "file_sums_about": [""],
    "file_sums_slice": [-1],
    "file_sums_files": [-1],
    "file_sums_bytes": [-1],
    "file_sums_public": [2, -1],
    "answers_key": [""],
    "answers_digest": [b"", b"\0" * 31, b"\0" * 33],
    "answers_status": [99, 600],
    "event_rounds_files_after": [-1],
    "event_rounds_lines_after": [-1],
    "listeners_name": [""],
    "listeners_delivered": [-1],
    "listeners_attempts": [-1],
    "dead_letters_listener": [""],
    "dead_letters_event": [""],
    "dead_letters_again": [2, -1],
}
CASES = [(name, value) for name, values in BROKEN.items() for value in values]


class UndoneError(Exception):
    """Ends a trial, so that the next one finds the catalogue as it was."""


def attempt(engine: Engine, *rows: tuple[str, dict[str, Any]]) -> None:
    """Insert rows by plain SQL, past everything that would look at them first, and undo it."""
    with contextlib.suppress(UndoneError), engine.transaction():
        for table, row in rows:
            marks = ", ".join("?" * len(row))
            engine.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
            )
        raise UndoneError


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def furnished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A catalogue with one of number 7 of all that others refer to; nothing else stays."""
    with contextlib.ExitStack() as stack:
        url = request.param
        if url == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(fresh_database(server, "storewarden_constraints"))
        place = Place(url, tmp_path_factory.mktemp("state"))
        stack.callback(place.close)
        engine = place.furnished()
        with engine.transaction():
            engine.insert("files", ("id", *COLUMNS), [(7, *file_row(b"seven"))])
            for table in NUMBERED.keys() - {"files"}:
                row = {**SOUND[table], **NUMBERED[table]}
                engine.insert(table, tuple(row), [tuple(row.values())])
        yield engine


def columns() -> list[tuple[str, Field[Any]]]:
    return [(model._meta.table_name, each) for model in MODELS for each in fields(model)]


def fields(model: type[Model]) -> list[Field[Any]]:
    return list(model._meta.sorted_fields)


def case(pair: tuple[str, Field[Any]]) -> str:
    return f"{pair[0]}.{pair[1].column_name}"


# For a key that is a single number SQLite makes one up.
REQUIRED = [(t, f) for t, f in columns() if not f.null and not f.primary_key]


def test_every_rule_has_its_cases() -> None:
    assert {rule.name for rule in RULES} == set(BROKEN)
    assert {model._meta.table_name for model in MODELS} == set(SOUND)


@pytest.mark.parametrize("table", list(SOUND))
def test_a_sound_row_is_kept(furnished: Engine, table: str) -> None:
    check(table, SOUND[table])
    attempt(furnished, (table, SOUND[table]))


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_broken_rule_is_refused_by_the_database(furnished: Engine, name: str, value: Any) -> None:
    (rule,) = [rule for rule in RULES if rule.name == name]
    with pytest.raises(CatalogueRefused) as caught:
        attempt(furnished, (rule.table, {**SOUND[rule.table], rule.column: value}))

    assert name in caught.value.why
    assert rule.words in caught.value.why


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_broken_rule_is_told_before_the_insert(name: str, value: Any) -> None:
    (rule,) = [rule for rule in RULES if rule.name == name]
    with pytest.raises(CatalogueRefused) as caught:
        check(rule.table, {**SOUND[rule.table], rule.column: value})

    assert f"{rule.column} is {value!r}"[:50] in caught.value.why
    assert rule.words in caught.value.why


def test_a_missing_file_says_since_when(furnished: Engine) -> None:
    row = {**SOUND["files"], "state": "missing"}
    with pytest.raises(CatalogueRefused, match="files_gone"):
        attempt(furnished, ("files", row))
    with pytest.raises(CatalogueRefused, match=GONE.words):
        check("files", row)

    check("files", {**row, "gone_ns": NOW})
    attempt(furnished, ("files", {**row, "gone_ns": NOW}))


@pytest.mark.parametrize("pair", REQUIRED, ids=case)
def test_what_is_required_cannot_be_null(furnished: Engine, pair: tuple[str, Field[Any]]) -> None:
    table, column = pair
    with pytest.raises(CatalogueRefused, match=r"(?i)not.null"):
        attempt(furnished, (table, {**SOUND[table], column.column_name: None}))


@pytest.mark.parametrize(
    "pair", [p for p in columns() if not isinstance(p[1], TextField | BlobField)], ids=case
)
def test_a_number_is_a_number(furnished: Engine, pair: tuple[str, Field[Any]]) -> None:
    table, column = pair
    with pytest.raises(CatalogueRefused):
        attempt(furnished, (table, {**SOUND[table], column.column_name: "many"}))


@pytest.mark.parametrize("pair", [p for p in columns() if isinstance(p[1], BlobField)], ids=case)
def test_a_name_is_bytes(furnished: Engine, pair: tuple[str, Field[Any]]) -> None:
    table, column = pair
    if furnished.dialect == "postgresql":
        return  # it turns text into bytes by itself
    with pytest.raises(CatalogueRefused):
        attempt(furnished, (table, {**SOUND[table], column.column_name: "text"}))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("roots", "host_id"), ("blindness", "root_id"), ("directories", "root_id")),
        *(("files", "directory_id"), ("totals", "root_id"), ("history", "file_id")),
        *(("jobs", "root_id"), ("leases", "host_id")),
        *(("workflows", "host_id"), ("scenes", "host_id"), ("scenes", "workflow_id")),
        *(("facts", "file_id"), ("facts", "workflow_id"), ("facts", "scene_id")),
        *(("prompts", "file_id"), ("prompts", "from_id"), ("transcripts", "file_id")),
        *(("sidecars", "file_id"), ("sidecars", "of_id")),
        *(("usage", "file_id"), ("usage_days", "file_id")),
        *(("marks", "file_id"), ("copies", "file_id"), ("placed", "file_id")),
        *(("policy_sets", "host_id"), ("policies", "host_id"), ("clocks", "host_id")),
        *(("schedule", "file_id"), ("schedule", "policy_id"), ("undecided", "file_id")),
        *(("acts", "root_id"), ("act_files", "act_id"), ("act_files", "file_id")),
        *(("store_totals", "host_id"), ("act_totals", "host_id"), ("held_back", "host_id")),
        *(("policy_runs", "host_id"), ("databases", "host_id"), ("databases", "file_id")),
        *(("database_samples", "database_id"), ("database_days", "database_id")),
        *(("care", "database_id"), ("care_runs", "database_id")),
        *(("backups", "database_id"), ("backups", "base_id")),
        *(("row_archives", "host_id"), ("row_figures", "host_id")),
        *(("query_days", "host_id"), ("slow_queries", "host_id")),
        ("health_history", "host_id"),
        *(("tokens", "user_id"), ("answers", "user_id"), ("workflows", "owner_id")),
        *(("workflow_phases", "workflow_id"), ("told_files", "root_id")),
        *(("told_files", "file_id"), ("told_files", "owner_id"), ("told_files", "workflow_id")),
        *(("told_files", "scene_id"), ("scene_images", "scene_id"), ("scene_images", "told_id")),
        *(("told_texts", "told_id"), ("chat_history", "host_id"), ("chat_history", "told_id")),
        *(("chat_history", "user_id"), ("api_usage", "host_id"), ("api_usage", "workflow_id")),
        *(("api_usage", "scene_id"), ("api_usage", "told_id"), ("api_usage", "user_id")),
        *(("uncounted", "told_id"), ("user_totals", "user_id"), ("user_totals", "root_id")),
        ("api_usage_days", "host_id"),
    ],
)
def test_nothing_hangs_in_the_air(furnished: Engine, table: str, column: str) -> None:
    with pytest.raises(CatalogueRefused, match=r"(?i)foreign key"):
        attempt(furnished, (table, {**SOUND[table], column: 4711}))


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("hosts", {"machine_id": None}),
        ("roots", {"name": "uploads"}),
        ("roots", {"uuid": None}),
        ("directories", {"path": b""}),
        ("files", {"name": b"seven"}),
        ("totals", {}),
        ("blindness", {}),
        ("leases", {}),
        ("workflows", {"id": 2}),
        ("scenes", {"id": 2}),
        ("facts", {}),
        ("prompts", {}),
        ("transcripts", {}),
        ("sidecars", {}),
        ("usage", {}),
        ("usage_days", {}),
        ("inspectors", {}),
        ("marks", {}),
        ("copies", {}),
        ("placed", {}),
        ("policies", {"id": 2}),
        ("schedule", {}),
        ("undecided", {}),
        ("clocks", {}),
        ("store_totals", {}),
        ("acts", {"id": 2}),
        ("act_files", {}),
        ("act_totals", {}),
        ("held_back", {}),
        ("policy_runs", {}),
        ("databases", {"name": "seven.db"}),
        ("databases", {"place": b"/srv/uploads/seven.db"}),
        ("database_samples", {}),
        ("database_days", {}),
        ("care", {}),
        ("backups", {"id": 2}),
        ("row_archives", {"id": 2}),
        ("row_figures", {}),
        ("query_days", {}),
        ("slow_queries", {"id": 2}),
        ("health_history", {}),
        ("users", {"id": 2}),
        ("tokens", {"id": 2}),
        ("workflow_phases", {}),
        ("told_files", {"id": 2}),
        ("told_files", {"file_id": 7, "waiting": 0, "id": 2}),
        ("scene_images", {}),
        ("told_texts", {"id": 2}),
        ("chat_history", {"id": 2}),
        ("api_usage", {"id": 2}),
        ("api_usage_days", {}),
        ("answers", {"id": 2}),
        ("schema_version", {"version": 1}),
    ],
)
def test_what_is_unique_stays_so(furnished: Engine, table: str, changed: dict[str, Any]) -> None:
    changed = dict(changed)
    for column, value in tuple(changed.items()):
        if value is None:
            ((changed[column],),) = furnished.execute(f"SELECT {column} FROM {table}")
    first = [] if changed.keys() - {"id"} else [(table, SOUND[table])]
    if table == "told_files" and "file_id" in changed:
        first = [(table, {**SOUND[table], "file_id": 7, "waiting": 0})]
    with pytest.raises(CatalogueRefused, match=r"(?i)unique|duplicate"):
        attempt(furnished, *first, (table, {**SOUND[table], **changed}))


@pytest.mark.parametrize("state", ["missing", "archived", "trashed", "purged"])
def test_a_name_has_one_row_whose_file_is_there_and_any_number_besides(
    furnished: Engine, state: str
) -> None:
    gone = {**FILE, "name": b"seven", "state": state, "gone_ns": NOW}
    away = [("files", {**gone, "id": number}) for number in range(10, 13)]
    attempt(furnished, *away)
    with pytest.raises(CatalogueRefused, match="has one row whose file is there"):
        attempt(furnished, *away, ("files", {**FILE, "id": 20, "name": b"seven", "state": "held"}))


@pytest.mark.parametrize(
    ("state", "ended_ns"), [("planned", NOW), ("switched", NOW), ("done", None), ("undone", None)]
)
def test_an_act_has_an_end_when_it_has_ended_and_only_then(
    furnished: Engine, state: str, ended_ns: int | None
) -> None:
    with pytest.raises(CatalogueRefused, match="is set when the act has ended, and only then"):
        attempt(furnished, ("acts", {**SOUND["acts"], "state": state, "ended_ns": ended_ns}))


def test_a_file_has_one_act_that_goes_on_and_any_number_that_ended(furnished: Engine) -> None:
    ended = {"state": "done", "ended_ns": NOW}
    acts = [
        ("acts", {**SOUND["acts"], **ended, "id": number, "mark": f"{number:016}"})
        for number in range(10, 13)
    ]
    over = [("act_files", {"act_id": number, "file_id": 7, "open": 0}) for number in range(10, 13)]
    attempt(furnished, *acts, *over, ("act_files", SOUND["act_files"]))
    with pytest.raises(CatalogueRefused, match="a file has one act that goes on"):
        attempt(
            furnished,
            *acts,
            ("act_files", SOUND["act_files"]),
            ("act_files", {"act_id": 10, "file_id": 7}),
        )


def test_an_object_is_the_copy_of_one_file(furnished: Engine) -> None:
    copy = {**SOUND["copies"], "key": "r/a~1"}
    attempt(furnished, ("copies", copy), ("copies", {**copy, "store": "disk"}))
    other = ("files", {**FILE, "id": 8, "name": b"eight"})
    with pytest.raises(CatalogueRefused, match="an object is the copy of one file"):
        attempt(furnished, other, ("copies", copy), ("copies", {**copy, "file_id": 8}))


def test_what_belongs_to_a_host_goes_with_it(engine: Engine) -> None:
    with engine.transaction():
        for table in HANGING:
            row = {**SOUND[table], **NUMBERED.get(table, {})}
            engine.insert(table, tuple(row), [tuple(row.values())])
        engine.execute("DELETE FROM hosts")

    left = {table: engine.execute(f"SELECT count(*) FROM {table}")[0][0] for table in SOUND}
    assert left == {**dict.fromkeys(SOUND, 0), "schema_version": newest()}


def test_what_is_found_out_about_a_file_goes_with_it(furnished: Engine) -> None:
    (words,) = {
        "sqlite": ["INSERT INTO words (rowid, path) VALUES (7, 'seven')"],
        "postgresql": ["INSERT INTO words VALUES (7, 'seven:1', 0)"],
    }[furnished.dialect]
    tables = (
        *("facts", "prompts", "transcripts", "sidecars", "usage", "usage_days"),
        *("marks", "copies", "placed", "schedule", "undecided", "act_files"),
    )
    with contextlib.suppress(UndoneError), furnished.transaction():
        for table in tables:
            furnished.insert(table, tuple(SOUND[table]), [tuple(SOUND[table].values())])
        furnished.execute(words)
        furnished.execute("DELETE FROM files WHERE id = 7")
        for table in (*tables, "words"):
            assert furnished.execute(f"SELECT count(*) FROM {table}") == [(0,)], table
        raise UndoneError


def test_what_was_done_for_a_database_goes_with_it(furnished: Engine) -> None:
    tables = ("database_samples", "database_days", "care", "care_runs", "backups")
    with contextlib.suppress(UndoneError), furnished.transaction():
        for table in tables:
            furnished.insert(table, tuple(SOUND[table]), [tuple(SOUND[table].values())])
        furnished.execute("DELETE FROM databases WHERE id = 7")
        for table in tables:
            assert furnished.execute(f"SELECT count(*) FROM {table}") == [(0,)], table
        raise UndoneError


def test_a_database_and_its_backups_outlive_the_row_of_its_file(furnished: Engine) -> None:
    of_file = {**SOUND["databases"], "file_id": 7}
    backup = {**SOUND["backups"], "database_id": 1}
    with contextlib.suppress(UndoneError), furnished.transaction():
        furnished.insert("databases", tuple(of_file), [tuple(of_file.values())])
        furnished.insert("backups", tuple(backup), [tuple(backup.values())])
        furnished.execute("DELETE FROM files WHERE id = 7")
        assert furnished.execute("SELECT file_id FROM databases WHERE id = 1") == [(None,)]
        assert furnished.execute("SELECT count(*) FROM backups") == [(1,)]
        raise UndoneError


def test_what_said_where_it_belongs_goes_and_the_facts_stay(furnished: Engine) -> None:
    with contextlib.suppress(UndoneError), furnished.transaction():
        for table, more in (
            ("workflows", {}),
            ("scenes", {"workflow_id": 1}),
            ("facts", {"workflow_id": 1, "scene_id": 1}),
        ):
            row = {**SOUND[table], **more}
            furnished.insert(table, tuple(row), [tuple(row.values())])
        furnished.execute("DELETE FROM workflows")
        assert furnished.execute("SELECT workflow_id, scene_id FROM facts") == [(None, None)]
        raise UndoneError


def test_every_unique_index_is_explained() -> None:
    for name, sql in INDEXES.items():
        assert bool(explain(name) and name in UNIQUE) == sql.startswith("CREATE UNIQUE")


def test_the_check_tells_everything_at_once() -> None:
    with pytest.raises(CatalogueRefused) as caught:
        check("files", {"name": b"a/b", "size": -1, "state": "lost", "inode": 2**64})

    assert caught.value.why.count("; ") == 3
    assert "inode is 18446744073709551616: must fit into 64 bits" in caught.value.why


def test_the_check_survives_values_of_any_kind() -> None:
    values: tuple[object, ...] = (None, 1, "text", b"bytes", 1.5, [], {})
    for value in values:
        for rule in RULES:
            with contextlib.suppress(CatalogueRefused):
                check(rule.table, {rule.column: value})


def test_numbers_of_the_kernel_are_brought_into_range() -> None:
    assert folded(2**63) == -(2**63)
    assert folded(2**64 - 1) == -1
    assert folded(LARGEST) == LARGEST
    assert bounded(2**70) == LARGEST
    assert bounded(-(2**70)) == -LARGEST - 1


def test_a_rule_holds_for_updates_too(engine: Engine) -> None:
    with pytest.raises(CatalogueRefused, match="roots_mode"), engine.transaction():
        engine.execute("UPDATE roots SET mode = 'telepathy'")

    assert engine.execute("SELECT mode FROM roots") == [("none",)]
