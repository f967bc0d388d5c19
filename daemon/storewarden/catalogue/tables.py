"""The tables of what is recorded, as they shall be; ``fact_tables`` has those of what is found.

Queries that are put together at run time are built from these models and run by
``Engine.rows``; the models are bound to no database. Names and paths are bytes, times are integer
nanoseconds since 1970, what is JSON is text.
"""

from __future__ import annotations

from typing import Any

from storewarden.catalogue.dialect import Dialect, speak
from storewarden.catalogue.orm import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    Context,
    DoubleField,
    ForeignKeyField,
    Model,
    Node,
    TextField,
)
from storewarden.catalogue.rules import ACROSS, RULES, Rule


class Constraint(Node):
    """A named CHECK that each database is told in its own words."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __sql__(self, ctx: Context) -> Context:
        dialect: Dialect = "sqlite" if ctx.state.param == "?" else "postgresql"
        sql = speak(self.rule.sql, dialect).replace("%", "%%")
        return ctx.literal(f"CONSTRAINT {self.rule.name} CHECK ({sql})")


def rules_of(table: str) -> list[Node]:
    """Return the CHECKs of one table."""
    return [Constraint(rule) for rule in (*RULES, *ACROSS) if rule.table == table]


def default(value: int | str) -> list[Node]:
    """Return the default that the database itself fills in."""
    return [SQL(f"DEFAULT {value!r}")]


def child_of(model: type[Model], name: str, **settings: Any) -> Any:
    """Return a foreign key whose column bears just that name and that goes with its parent."""
    return ForeignKeyField(
        model, column_name=name, on_delete="CASCADE", backref="+", index=False, **settings
    )


class Host(Model):
    """A machine that has roots in this catalogue."""

    id = BigAutoField()
    name = TextField()
    machine_id = TextField()
    first_seen_ns = BigIntegerField()

    class Meta:
        table_name = "hosts"
        constraints = rules_of("hosts")


class Root(Model):
    """A watched directory: its identity, how it is watched, and figures as last written."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    name = TextField()
    path = BlobField()
    uuid = TextField()
    device = BigIntegerField(null=True)
    inode = BigIntegerField(null=True)
    filesystem_id = TextField(null=True)
    location = BlobField(null=True)
    mode = TextField(constraints=default("none"))
    state = TextField(constraints=default("starting"))
    watches = BigIntegerField(constraints=default(0))
    pending = BigIntegerField(constraints=default(0))
    oldest_pending_ns = BigIntegerField(null=True)
    overflows = BigIntegerField(constraints=default(0))
    figures_ns = BigIntegerField(null=True)
    last_scan_ns = BigIntegerField(null=True)
    last_scan_seconds = DoubleField(null=True)
    last_scan_files = BigIntegerField(null=True)
    missing_held = BigIntegerField(constraints=default(0))
    places = TextField(constraints=default("[]"))
    usage_since_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "roots"
        constraints = rules_of("roots")


class BlindPlace(Model):
    """A reason for which a root, or a place in it, cannot be seen now."""

    root = child_of(Root, "root_id")
    reason = TextField()
    path = BlobField()
    since_ns = BigIntegerField()
    detail = TextField()
    remedy = TextField()

    class Meta:
        table_name = "blindness"
        primary_key = CompositeKey("root", "reason", "path")
        constraints = rules_of("blindness")


class Directory(Model):
    """A directory; ``digest`` is of the last listing that the rows agree with.

    ``stale``: its files shall be inspected anew, because their path changed or what it tells;
    those up to this name have been told to wait for it. ``undecided``: how often it was moved
    since its files were last decided.
    """

    id = BigAutoField()
    root = child_of(Root, "root_id")
    path = BlobField()
    device = BigIntegerField()
    inode = BigIntegerField()
    digest = BlobField(null=True)
    stale = BlobField(null=True)
    undecided = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "directories"
        constraints = rules_of("directories")


class File(Model):
    """A file: what it is called, what lstat said, and what became of it."""

    id = BigAutoField()
    directory = child_of(Directory, "directory_id")
    name = BlobField()
    inode = BigIntegerField()
    mode = BigIntegerField()
    links = BigIntegerField()
    uid = BigIntegerField()
    gid = BigIntegerField()
    size = BigIntegerField()
    blocks = BigIntegerField()
    accessed_ns = BigIntegerField()
    modified_ns = BigIntegerField()
    changed_ns = BigIntegerField()
    kind = TextField()
    state = TextField(constraints=default("present"))
    growing = BigIntegerField(constraints=default(0))
    generation = BigIntegerField(constraints=default(1))
    first_seen_ns = BigIntegerField()
    recorded_ns = BigIntegerField()
    gone_ns = BigIntegerField(null=True)
    digest = BlobField(null=True)
    digested_ns = BigIntegerField(null=True)
    inspected_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "files"
        constraints = rules_of("files")


class Total(Model):
    """How many files and bytes of a kind and state a root has; kept by the recorder."""

    root = child_of(Root, "root_id")
    kind = TextField()
    state = TextField()
    files = BigIntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "totals"
        primary_key = CompositeKey("root", "kind", "state")
        constraints = rules_of("totals")


class History(Model):
    """What happened to a file."""

    id = BigAutoField()
    file = child_of(File, "file_id")
    at_ns = BigIntegerField()
    event = TextField()
    detail = TextField(constraints=default("{}"))

    class Meta:
        table_name = "history"
        constraints = rules_of("history")


class Job(Model):
    """Something a verb asks of whoever holds the lease."""

    id = BigAutoField()
    verb = TextField()
    root = child_of(Root, "root_id", null=True)
    arguments = TextField(constraints=default("{}"))
    state = TextField(constraints=default("planned"))
    asked_ns = BigIntegerField()
    asked_by = TextField()
    started_ns = BigIntegerField(null=True)
    ended_ns = BigIntegerField(null=True)
    progress = TextField(constraints=default("{}"))
    outcome = TextField(constraints=default("{}"))
    epoch = BigIntegerField(null=True)

    class Meta:
        table_name = "jobs"
        constraints = rules_of("jobs")


class LeaseRow(Model):
    """Who may write for a host; each new holder raises the epoch."""

    host = child_of(Host, "host_id", primary_key=True)
    epoch = BigIntegerField()
    holder = TextField()
    beat = BigIntegerField()

    class Meta:
        table_name = "leases"
        constraints = rules_of("leases")


class SchemaVersion(Model):
    """The migrations that made this catalogue what it is."""

    version = BigIntegerField(primary_key=True)
    name = TextField()
    applied_ns = BigIntegerField()

    class Meta:
        table_name = "schema_version"
