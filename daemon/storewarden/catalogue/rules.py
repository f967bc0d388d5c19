"""What must hold for a row: one list, for the tables, for rows from outside, and for messages.

The databases hold each rule as a named CHECK, so that nothing gets around it. ``check`` says the
same before an insert, of all columns at once and in words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storewarden.errors import CatalogueRefused

LARGEST = 2**63 - 1
MODES = ("inotify", "poll", "none")
ROOT_STATES = ("starting", "watching", "polling", "blind", "frozen", "stopped")
FILE_STATES = ("present", "missing", "archived", "trashed", "purged", "held")
OUTCOMES = ("read", "partly", "refused", "nothing")
SIDECAR_ROLES = ("transcript", "subtitle", "caption", "summary", "metadata", "database")
JOB_STATES = ("planned", "running", "done", "failed")
HERE = ("present", "held")  # the states of a file whose bytes lie in its root, under its name
VERBS = ("copy", "move", "archive", "trash", "purge", "restore")
OPEN = ("planned", "copied", "verified", "switched")  # the states of an act that goes on
ENDED = ("done", "refused", "failed", "undone")
ENGINES = ("sqlite", "postgresql")
FOREIGN_KEYS = ("none", "declared", "off", "on")  # on and off where it shows
CARE_OUTCOMES = ("done", "found", "refused", "failed", "put_off")
BACKUP_KINDS = ("full", "increment")
BACKUP_STATES = ("writing", "good", "bad", "leaving", "gone")
ROW_STATES = (
    *("planned", "written", "verified", "deleting", "done", "undone", "failed"),
    *("purging", "purged"),
)
HEALTH = ("healthy", "warning", "critical")
STATUSES = ("planned", "running", "paused", "done", "failed", "cancelled")  # as applications say
TEXT_ROLES = ("transcript", "summary")
CAUSES = ("event", "timer", "pressure")  # of a run of a policy
MARK_CHARACTERS = 16
DIGEST_BYTES = 32
NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Rule:
    """One CHECK: its name, its SQL (see ``dialect``), what it means, and the same in Python."""

    name: str
    column: str
    sql: str
    words: str
    holds: Callable[[Any], bool]

    @property
    def table(self) -> str:
        return self.name.removesuffix("_" + self.column.removesuffix("_ns"))


def _one_of(name: str, column: str, values: tuple[str, ...]) -> Rule:
    # Not IN: for more than two values SQLite builds a table of them anew for every row, which
    # takes a third of the time of an insert.
    sql = " OR ".join(f"{column} = '{value}'" for value in values)
    return Rule(name, column, sql, f"is one of {', '.join(values)}", lambda value: value in values)


def _at_least(name: str, column: str, least: int) -> Rule:
    words = f"is {least} or more"
    return Rule(name, column, f"{column} >= {least}", words, lambda value: bool(value >= least))


def _filled(name: str, column: str) -> Rule:
    sql = f"length({column}) >= 1"
    return Rule(name, column, sql, "is not empty", lambda value: value not in {"", b""})


def _relative(path: bytes) -> bool:
    return b"\0" not in path and not path.startswith(b"/") and not path.endswith(b"/")


def _name(name: bytes) -> bool:
    if not 1 <= len(name) <= NAME_BYTES or name in {b".", b".."}:
        return False
    return b"/" not in name and b"\0" not in name


def _inside(name: str, column: str) -> Rule:
    return Rule(
        name,
        column,
        f"{{no 00 in {column}}} AND substr({column}, 1, 1) <> {{x 2f}}"
        f" AND substr({column}, length({column}), 1) <> {{x 2f}}",
        "is a path relative to its root, without a slash at either end and without a NUL byte",
        _relative,
    )


def _named(name: str, column: str) -> Rule:
    return Rule(
        name,
        column,
        f"length({column}) BETWEEN 1 AND {NAME_BYTES} AND {{no 2f in {column}}}"
        f" AND {{no 00 in {column}}} AND {column} NOT IN ({{x 2e}}, {{x 2e2e}})",
        f"is one name of 1 to {NAME_BYTES} bytes, without a slash or a NUL byte, not '.' or '..'",
        _name,
    )


def _flag(name: str, column: str) -> Rule:
    sql = f"{column} IN (0, 1)"
    return Rule(name, column, sql, "is 0 or 1", lambda value: value in {0, 1})


def _digest(name: str) -> Rule:
    sql = f"length(digest) = {DIGEST_BYTES}"
    words = f"is {DIGEST_BYTES} bytes"
    return Rule(name, "digest", sql, words, lambda digest: len(digest) == DIGEST_BYTES)


def _found() -> Iterator[Rule]:
    """Yield the rules of what was found out about files."""
    filled = {
        "workflows": ("name",),
        "scenes": ("name",),
        "facts": ("inspector", "mime"),
        "prompts": ("tool",),
        "transcripts": ("role",),
        "inspectors": ("name",),
    }
    counted = {
        "facts": (
            *("version", "width", "height", "frames", "duration_ns", "bit_rate", "fps"),
            *("sample_rate", "channels", "orientation", "pages"),
        ),
        "prompts": ("steps", "width", "height"),
        "usage": ("opens", "writes"),
        "usage_days": ("day", "opens", "writes"),
        "inspectors": ("version",),
    }
    for table, columns in filled.items():
        yield from (_filled(f"{table}_{column}", column) for column in columns)
    for table, columns in counted.items():
        for column in columns:
            yield _at_least(f"{table}_{column.removesuffix('_ns')}", column, 0)
    yield _one_of("facts_outcome", "outcome", OUTCOMES)
    yield _one_of("sidecars_role", "role", SIDECAR_ROLES)
    yield _flag("prompts_understood", "understood")


def _between(name: str, column: str, least: int, most: int) -> Rule:
    sql, words = f"{column} BETWEEN {least} AND {most}", f"is {least} to {most}"
    return Rule(name, column, sql, words, lambda value: bool(least <= value <= most))


def _decided() -> Iterator[Rule]:
    """Yield the rules of what is decided about files."""
    filled = {
        "marks": ("owner",),
        "copies": ("store", "key"),
        "store_totals": ("store",),
        "placed": ("store",),
        "policy_sets": ("fingerprint",),
        "policies": ("name", "fingerprint"),
    }
    for table, columns in filled.items():
        yield from (_filled(f"{table}_{column}", column) for column in columns)
    yield _flag("marks_pinned", "pinned")
    for table in ("copies", "store_totals"):
        yield _at_least(f"{table}_bytes", "bytes", 0)
        yield _at_least(f"{table}_stored_bytes", "stored_bytes", 0)
    yield _at_least("store_totals_files", "files", 0)
    yield _digest("copies_digest")
    yield _at_least("policy_sets_decided_through", "decided_through", 0)
    yield _between("schedule_action", "action", 1, 5)
    yield _between("schedule_blocked", "blocked", 0, 6)


def _acted() -> Iterator[Rule]:
    """Yield the rules of what is and was done to files."""
    yield _one_of("acts_verb", "verb", VERBS)
    yield _one_of("acts_state", "state", (*OPEN, *ENDED))
    yield Rule(
        "acts_mark",
        "mark",
        f"length(mark) = {MARK_CHARACTERS}",
        f"is {MARK_CHARACTERS} characters",
        lambda mark: len(mark) == MARK_CHARACTERS,
    )
    yield _filled("acts_policy", "policy")
    yield _filled("acts_asked_by", "asked_by")
    yield _filled("acts_store", "store")
    for name in ("bytes", "stored_bytes", "attempts"):
        yield _at_least(f"acts_{name}", name, 0)
    yield _flag("act_files_open", "open")
    yield _one_of("act_totals_verb", "verb", VERBS)
    yield _one_of("act_totals_outcome", "outcome", ENDED)
    for name in ("acts", "bytes", "freed"):
        yield _at_least(f"act_totals_{name}", name, 0)
    yield _filled("held_back_policy", "policy")
    yield _filled("held_back_guard", "guard")
    for name in ("files", "bytes"):
        yield _at_least(f"held_back_{name}", name, 0)
    yield _filled("policy_runs_policy", "policy")
    yield _one_of("policy_runs_cause", "cause", CAUSES)
    for name in ("fruitless", "files", "bytes", "tried", "failed"):
        yield _at_least(f"policy_runs_{name}", name, 0)


def _tended() -> Iterator[Rule]:
    """Yield the rules of applications' databases and of what is done for them."""
    filled = {
        "databases": ("name", "place"),
        "care": ("what",),
        "care_runs": ("what", "policy", "asked_by"),
        "backups": ("store", "key", "policy", "asked_by"),
        "row_archives": ("name", "place", "store", "key", "form", "policy", "asked_by"),
        "row_figures": ("name", "figure"),
        "query_days": ("source",),
        "slow_queries": ("source", "statement"),
    }
    counted = {
        "databases": (
            *("bytes", "page_size", "pages", "free_pages", "wal_bytes", "tables", "rows"),
            "connections",
        ),
        "database_samples": ("bytes", "free_bytes", "wal_bytes", "rows", "connections"),
        "database_days": (
            *("samples", "first_bytes", "last_bytes", "most_bytes", "most_wal_bytes"),
            *("last_free_bytes", "last_rows", "most_connections"),
        ),
        "care": ("failures",),
        "backups": ("bytes", "stored_bytes", "page_size", "pages"),
        "row_archives": ("rows", "bytes", "stored_bytes"),
        "row_figures": ("value",),
        "query_days": ("statements", "slow"),
        "slow_queries": ("times", "worst_ns", "total_ns"),
    }
    for table, columns in filled.items():
        yield from (_filled(f"{table}_{column}", column) for column in columns)
    for table, columns in counted.items():
        for column in columns:
            yield _at_least(f"{table}_{column.removesuffix('_ns')}", column, 0)
    yield _one_of("databases_engine", "engine", ENGINES)
    yield _flag("databases_named", "named")
    yield _flag("databases_there", "there")
    yield _one_of("databases_foreign_keys", "foreign_keys", FOREIGN_KEYS)
    yield _one_of("care_outcome", "outcome", CARE_OUTCOMES)
    yield _one_of("care_runs_outcome", "outcome", CARE_OUTCOMES)
    yield _one_of("backups_kind", "kind", BACKUP_KINDS)
    yield _one_of("backups_state", "state", BACKUP_STATES)
    yield _digest("backups_digest")
    yield _one_of("row_archives_state", "state", ROW_STATES)
    yield _digest("row_archives_digest")
    yield _filled("health_history_profile", "profile")
    yield _between("health_history_score", "score", 0, 100)
    yield _one_of("health_history_status", "status", HEALTH)


def _told() -> Iterator[Rule]:
    """Yield the rules of what applications and people tell."""
    filled = {
        "users": ("name",),
        "tokens": ("public_id",),
        "workflow_phases": ("name",),
        "told_files": ("file_type",),
        "chat_history": ("key",),
        "api_usage": ("provider", "key"),
        "answers": ("key",),
    }
    sums = ("calls", "tokens_in", "tokens_out", "cost_nano", "duration_ns")
    counted = {
        "users": ("quota_bytes", "quota_files"),
        "told_files": ("cost_nano", "held_bytes"),
        "user_totals": ("files", "bytes"),
        "scenes": ("number",),
        "workflow_phases": ("position",),
        "told_texts": ("duration_ns",),
        "chat_history": ("duration_ns",),
        "api_usage": sums,
    }
    for table, columns in filled.items():
        yield from (_filled(f"{table}_{column}", column) for column in columns)
    for table, columns in counted.items():
        for column in columns:
            yield _at_least(f"{table}_{column.removesuffix('_ns')}", column, 0)
    for table in ("workflows", "scenes", "workflow_phases"):
        yield _one_of(f"{table}_status", "status", STATUSES)
    for name in (
        "workflows_public",
        "told_files_waiting",
        "told_files_public",
        "told_files_pinned",
    ):
        yield _flag(name, name.rpartition("_")[2])
    yield _inside("told_files_directory", "directory")
    yield _named("told_files_name", "name")
    yield _one_of("told_texts_role", "role", TEXT_ROLES)
    yield _digest("tokens_digest")
    yield _digest("answers_digest")
    yield _between("answers_status", "status", 100, 599)


def _summed() -> Iterator[Rule]:
    """Yield the rules of sums that statistics are read from."""
    filled: dict[str, tuple[str, ...]] = {
        "api_usage_days": ("provider",),
        "forgotten_usage": ("key",),
        "file_sums": ("about",),
    }
    counted = {
        "api_usage_days": (
            *("day", "times", "failed", "calls", "tokens_in", "tokens_out", "priced"),
            *("cost_units", "timed", "took_us", "longest_ns"),
        ),
        "api_usage_times": ("day", "step", "times"),
        "file_slices": ("slice", "through_id"),
        "file_doubts": ("slice",),
        "file_sums": ("slice", "files", "bytes"),
    }
    for table, columns in filled.items():
        yield from (_filled(f"{table}_{column}", column) for column in columns)
    for table, columns in counted.items():
        for column in columns:
            yield _at_least(f"{table}_{column.removesuffix('_ns')}", column, 0)
    yield _between("api_usage_days_cost_nano", "cost_nano", 0, 999_999_999)
    yield _flag("file_sums_public", "public")


def _heard() -> Iterator[Rule]:
    """Yield the rules of what listeners hear."""
    yield _at_least("event_rounds_files_after", "files_after", 0)
    yield _at_least("event_rounds_lines_after", "lines_after", 0)
    yield _filled("listeners_name", "name")
    yield _at_least("listeners_delivered", "delivered", 0)
    yield _at_least("listeners_attempts", "attempts", 0)
    yield _filled("dead_letters_listener", "listener")
    yield _filled("dead_letters_event", "event")
    yield _flag("dead_letters_again", "again")


RULES: tuple[Rule, ...] = (
    _filled("hosts_name", "name"),
    _filled("hosts_machine_id", "machine_id"),
    _filled("roots_name", "name"),
    Rule(
        "roots_path",
        "path",
        "length(path) >= 1 AND substr(path, 1, 1) = {x 2f} AND {no 00 in path}",
        "is an absolute path without a NUL byte",
        lambda path: path.startswith(b"/") and b"\0" not in path,
    ),
    _one_of("roots_mode", "mode", MODES),
    _one_of("roots_state", "state", ROOT_STATES),
    _at_least("roots_watches", "watches", 0),
    _at_least("roots_pending", "pending", 0),
    _at_least("roots_overflows", "overflows", 0),
    _at_least("roots_missing_held", "missing_held", 0),
    _filled("blindness_reason", "reason"),
    _inside("directories_path", "path"),
    _named("files_name", "name"),
    _at_least("files_links", "links", 0),
    _at_least("files_size", "size", 0),
    _at_least("files_blocks", "blocks", 0),
    _filled("files_kind", "kind"),
    _one_of("files_state", "state", FILE_STATES),
    _flag("files_growing", "growing"),
    _at_least("files_generation", "generation", 1),
    _digest("files_digest"),
    _filled("totals_kind", "kind"),
    _one_of("totals_state", "state", FILE_STATES),
    _at_least("totals_files", "files", 0),
    _at_least("totals_bytes", "bytes", 0),
    _filled("history_event", "event"),
    _filled("jobs_verb", "verb"),
    _one_of("jobs_state", "state", JOB_STATES),
    _at_least("leases_epoch", "epoch", 1),
    *_found(),
    *_decided(),
    *_acted(),
    *_tended(),
    *_told(),
    *_summed(),
    *_heard(),
)
GONE = Rule(
    "files_gone",
    "gone_ns",
    "state <> 'missing' OR gone_ns IS NOT NULL",
    "is set in a row that is missing",
    lambda _value: True,  # needs two columns: see check
)
ENDS = Rule(
    "acts_ended",
    "ended_ns",
    "(ended_ns IS NOT NULL) = (" + " OR ".join(f"state = '{state}'" for state in ENDED) + ")",
    "is set when the act has ended, and only then",
    lambda _value: True,  # needs two columns, and acts never come from outside
)
ACROSS = (GONE, ENDS)

# By the name of the index, and by the columns that SQLite names in its place.
UNIQUE = {
    "hosts_machine": "a machine has one row",
    "hosts.machine_id": "a machine has one row",
    "roots_uuid": "a root's uuid has one row",
    "roots.uuid": "a root's uuid has one row",
    "roots_host_name": "a host has one root of a name",
    "roots.host_id, roots.name": "a host has one root of a name",
    "directories_root_path": "a directory has one row",
    "directories.root_id, directories.path": "a directory has one row",
    "files_directory_name": "a name in a directory has one row whose file is there",
    "workflows_host_name": "a user has one workflow of a name on a host",
    "scenes_of_name": "a workflow has one scene of a name",
    "policies_host_name": "a host has one policy of a name",
    "policies.host_id, policies.name": "a host has one policy of a name",
    "acts_marked": "an act has a mark of its own",
    "acts.mark": "an act has a mark of its own",
    "act_files_going": "a file has one act that goes on",
    "act_files.file_id": "a file has one act that goes on",
    "databases_place": "a database has one row",
    "databases.host_id, databases.place": "a database has one row",
    "databases_name": "a database has a name of its own",
    "databases.host_id, databases.name": "a database has a name of its own",
    "backups_object": "an object is one backup",
    "backups.store, backups.key": "an object is one backup",
    "row_archives_object": "an object is one archive of rows",
    "row_archives.store, row_archives.key": "an object is one archive of rows",
    "slow_queries_statement": "a statement has one row",
    "slow_queries.host_id, slow_queries.source, slow_queries.digest": "a statement has one row",
    "users_named": "a user has a name of its own",
    "users.name": "a user has a name of its own",
    "tokens_public": "a token has a public id of its own",
    "tokens.public_id": "a token has a public id of its own",
    "told_files_waiting_place": "a place in which no file was seen yet has one row",
    "told_files.root_id, told_files.directory, told_files.name": (
        "a place in which no file was seen yet has one row"
    ),
    "told_files_file": "a file has one row of what was told of it",
    "told_files.file_id": "a file has one row of what was told of it",
    "told_texts_of": "a file has one text for each role and language",
    "chat_history_once": "a question that was told with a key is kept once",
    "api_usage_once": "usage that was told with a key is counted once",
    "answers_once": "a request with a key is answered once",
    "copies_object": "an object is the copy of one file",
    "copies.store, copies.key": "an object is the copy of one file",
}
BY_NAME = {rule.name: rule for rule in (*RULES, *ACROSS)}
_OF_COLUMN: dict[tuple[str, str], list[Rule]] = defaultdict(list)
for _rule in RULES:
    _OF_COLUMN[_rule.table, _rule.column].append(_rule)


def folded(number: int) -> int:
    """Return a number of the kernel's as 64 bits with a sign hold it.

    Some file systems count inodes beyond 2**63; the upper half is stored as negative numbers.
    """
    return (number & 0xFFFF_FFFF_FFFF_FFFF) - 2**64 if number > LARGEST else number


def unfolded(number: int | None) -> int | None:
    """Return what ``folded`` was given."""
    return number + 2**64 if number is not None and number < 0 else number


def bounded(number: int) -> int:
    """Return the nearest number that 64 bits hold; for times beyond the year 2262."""
    return max(-LARGEST - 1, min(LARGEST, number))


def check(table: str, row: Mapping[str, Any]) -> None:
    """Raise CatalogueRefused with everything that is wrong with a row from outside.

    Columns that the row leaves out are left to the table's defaults; whether the table has such a
    column and whether it may be null is not looked at.
    """
    wrong = [
        f"{column} is {_shown(value)}: {words}"
        for column, value in row.items()
        if (words := _wrong(table, column, value))
    ]
    if table == "files" and row.get("state") == "missing" and row.get("gone_ns") is None:
        wrong.append(f"gone_ns {GONE.words}")
    if wrong:
        raise CatalogueRefused(f"a row of {table} cannot be kept", why="; ".join(wrong))


def _wrong(table: str, column: str, value: Any) -> str:
    """Return what a value should have been, or nothing when it may stand."""
    if value is None:
        return ""
    if isinstance(value, int) and not -LARGEST - 1 <= value <= LARGEST:
        return "must fit into 64 bits"
    for rule in _OF_COLUMN.get((table, column), ()):
        try:
            if rule.holds(value):
                continue
        except (TypeError, AttributeError):
            pass
        return f"must be such that it {rule.words}"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


def explain(constraint: str) -> str:
    """Return what a named rule or index asks, or nothing for a name that is none of ours."""
    rule = BY_NAME.get(constraint)
    return f"{rule.table}.{rule.column} {rule.words}" if rule else UNIQUE.get(constraint, "")


def explain_sqlite(message: str) -> str:
    """Return SQLite's message about a constraint, followed by what the rule asks."""
    match = re.search(r"constraint failed: (?:index ')?([\w.]+(?:, [\w.]+)*)", message)
    words = explain(match.group(1)) if match else ""
    return f"{message} ({words})" if words else message
