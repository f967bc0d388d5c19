"""The tables of applications' databases and of what is done for them; see ``tables``."""

from __future__ import annotations

from storewarden.catalogue.orm import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    ForeignKeyField,
    Model,
    TextField,
)
from storewarden.catalogue.tables import File, Host, child_of, default, rules_of


class DatabaseRow(Model):
    """A database that is looked after, and what was seen when it was last looked at.

    ``place``: the absolute path of a file, or the address of a server's database without a
    password. ``mark``: tells whether it changed since it was looked at, without opening it.
    ``told``: what is known besides, as JSON.
    """

    id = BigAutoField()
    host = child_of(Host, "host_id")
    file = ForeignKeyField(
        File, column_name="file_id", on_delete="SET NULL", backref="+", index=False, null=True
    )
    name = TextField()
    place = BlobField()
    engine = TextField()
    named = BigIntegerField(constraints=default(0))
    there = BigIntegerField(constraints=default(1))
    first_seen_ns = BigIntegerField()
    looked_ns = BigIntegerField(null=True)
    mark = TextField(constraints=default(""))
    trouble = TextField(constraints=default(""))
    bytes = BigIntegerField(null=True)
    page_size = BigIntegerField(null=True)
    pages = BigIntegerField(null=True)
    free_pages = BigIntegerField(null=True)
    wal_bytes = BigIntegerField(null=True)
    journal = TextField(null=True)
    tables = BigIntegerField(null=True)
    rows = BigIntegerField(null=True)
    schema_digest = BlobField(null=True)
    foreign_keys = TextField(null=True)
    connections = BigIntegerField(null=True)
    told = TextField(constraints=default("{}"))

    class Meta:
        table_name = "databases"
        constraints = rules_of("databases")


class DatabaseSample(Model):
    """How large a database was at a time; folded to days after some of them."""

    database = child_of(DatabaseRow, "database_id")
    at_ns = BigIntegerField()
    bytes = BigIntegerField()
    free_bytes = BigIntegerField(null=True)
    wal_bytes = BigIntegerField(null=True)
    rows = BigIntegerField(null=True)
    connections = BigIntegerField(null=True)

    class Meta:
        table_name = "database_samples"
        primary_key = CompositeKey("database", "at_ns")
        constraints = rules_of("database_samples")


class DatabaseDay(Model):
    """What the samples of one day came to; days are counted from 1970, in UTC."""

    database = child_of(DatabaseRow, "database_id")
    day = BigIntegerField()
    samples = BigIntegerField()
    first_bytes = BigIntegerField()
    last_bytes = BigIntegerField()
    most_bytes = BigIntegerField()
    most_wal_bytes = BigIntegerField(null=True)
    last_free_bytes = BigIntegerField(null=True)
    last_rows = BigIntegerField(null=True)
    most_connections = BigIntegerField(null=True)

    class Meta:
        table_name = "database_days"
        primary_key = CompositeKey("database", "day")
        constraints = rules_of("database_days")


class CareRow(Model):
    """Where one kind of care for a database stands: when it was last done, and when it is due.

    ``outcome`` and ``detail`` (JSON) are those of the last try; ``good_ns`` is when it last went
    well.
    """

    database = child_of(DatabaseRow, "database_id")
    what = TextField()
    last_ns = BigIntegerField(null=True)
    good_ns = BigIntegerField(null=True)
    due_ns = BigIntegerField(null=True)
    next_try_ns = BigIntegerField(null=True)
    failures = BigIntegerField(constraints=default(0))
    outcome = TextField(null=True)
    mark = TextField(constraints=default(""))
    detail = TextField(constraints=default("{}"))

    class Meta:
        table_name = "care"
        primary_key = CompositeKey("database", "what")
        constraints = rules_of("care")


class CareRun(Model):
    """Something that was done for a database: by whom, why, and what came of it."""

    id = BigAutoField()
    database = child_of(DatabaseRow, "database_id")
    what = TextField()
    policy = TextField(null=True)
    asked_by = TextField()
    began_ns = BigIntegerField()
    ended_ns = BigIntegerField(null=True)
    outcome = TextField(null=True)
    detail = TextField(constraints=default("{}"))

    class Meta:
        table_name = "care_runs"
        constraints = rules_of("care_runs")


class BackupRow(Model):
    """A backup of a database as it was at ``taken_ns``; an increment needs the one it is based on.

    ``digest`` is that of the database that comes back, ``counted`` its rows by table, as JSON.
    """

    id = BigAutoField()
    database = child_of(DatabaseRow, "database_id")
    kind = TextField()
    base = ForeignKeyField(
        "self", column_name="base_id", on_delete="CASCADE", backref="+", index=False, null=True
    )
    store = TextField()
    key = TextField()
    state = TextField()
    policy = TextField(null=True)
    asked_by = TextField()
    began_ns = BigIntegerField()
    taken_ns = BigIntegerField(null=True)
    ended_ns = BigIntegerField(null=True)
    bytes = BigIntegerField(null=True)
    stored_bytes = BigIntegerField(null=True)
    page_size = BigIntegerField(null=True)
    pages = BigIntegerField(null=True)
    digest = BlobField(null=True)
    schema_digest = BlobField(null=True)
    counted = TextField(constraints=default("{}"))
    version = TextField(constraints=default(""))
    verified_ns = BigIntegerField(null=True)
    proven_ns = BigIntegerField(null=True)
    trouble = TextField(constraints=default(""))

    class Meta:
        table_name = "backups"
        constraints = rules_of("backups")


class RowArchive(Model):
    """Rows of a declared table that were put into an archive, and whether they left their table.

    ``first_clock`` and ``last_clock`` are what their clock column said, as text; ``children`` their
    children by table, ``told`` how far it is and where keys begin and end, as JSON.
    """

    id = BigAutoField()
    host = child_of(Host, "host_id")
    name = TextField()
    place = BlobField()
    state = TextField()
    store = TextField()
    key = TextField()
    version = TextField(constraints=default(""))
    form = TextField()
    policy = TextField(null=True)
    asked_by = TextField()
    reason = TextField()
    began_ns = BigIntegerField()
    ended_ns = BigIntegerField(null=True)
    purged_ns = BigIntegerField(null=True)
    first_clock = TextField(null=True)
    last_clock = TextField(null=True)
    rows = BigIntegerField(constraints=default(0))
    children = TextField(constraints=default("{}"))
    bytes = BigIntegerField(constraints=default(0))
    stored_bytes = BigIntegerField(constraints=default(0))
    digest = BlobField(null=True)
    told = TextField(constraints=default("{}"))
    trouble = TextField(constraints=default(""))

    class Meta:
        table_name = "row_archives"
        constraints = rules_of("row_archives")


class RowFigure(Model):
    """What was counted of a declared table: rows that are due, and children without a parent."""

    host = child_of(Host, "host_id")
    name = TextField()
    figure = TextField()
    value = BigIntegerField()
    counted_ns = BigIntegerField()

    class Meta:
        table_name = "row_figures"
        primary_key = CompositeKey("host", "name", "figure")
        constraints = rules_of("row_figures")


class QueryDay(Model):
    """How many statements a database ran on a day; the catalogue itself is called ``catalogue``."""

    host = child_of(Host, "host_id")
    source = TextField()
    day = BigIntegerField()
    statements = BigIntegerField()
    slow = BigIntegerField()
    seconds = DoubleField()

    class Meta:
        table_name = "query_days"
        primary_key = CompositeKey("host", "source", "day")
        constraints = rules_of("query_days")


class SlowQuery(Model):
    """A statement that took too long, without its values, and how the database goes about it."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    source = TextField()
    digest = BlobField()
    statement = TextField()
    plan = TextField(constraints=default(""))
    times = BigIntegerField()
    worst_ns = BigIntegerField()
    total_ns = BigIntegerField()
    first_ns = BigIntegerField()
    last_ns = BigIntegerField()

    class Meta:
        table_name = "slow_queries"
        constraints = rules_of("slow_queries")
