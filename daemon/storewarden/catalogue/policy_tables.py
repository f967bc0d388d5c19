"""The tables of what is decided about files, as they shall be; see ``tables``."""

from __future__ import annotations

from storewarden.catalogue.orm import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    Model,
    TextField,
)
from storewarden.catalogue.tables import File, Host, child_of, default, rules_of


class Mark(Model):
    """What people and applications said of a file; without a row nobody said anything."""

    file = child_of(File, "file_id", primary_key=True)
    pinned = BigIntegerField(constraints=default(0))
    rating = DoubleField(null=True)
    tags = TextField(constraints=default("[]"))
    owner = TextField(null=True)

    class Meta:
        table_name = "marks"
        constraints = rules_of("marks")


class Copy(Model):
    """A verified presence of a file in a store: the object that holds it, and how.

    ``digest`` and ``bytes`` are of the content; an object takes ``stored_bytes`` by itself, and
    ``version`` tells it from any other that ever bears its key. ``scrubbed_ns``: when it was last
    read to its end. The key is null where it was not noted.
    """

    file = child_of(File, "file_id")
    store = TextField()
    bytes = BigIntegerField()
    digest = BlobField()
    verified_ns = BigIntegerField()
    key = TextField(null=True)
    codec = TextField(constraints=default(""))
    stored_bytes = BigIntegerField(constraints=default(0))
    version = TextField(constraints=default(""))
    scrubbed_ns = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "copies"
        primary_key = CompositeKey("file", "store")
        constraints = rules_of("copies")


class StoreTotal(Model):
    """How many copies a host has in a store, and their bytes; kept, never counted."""

    host = child_of(Host, "host_id")
    store = TextField()
    files = BigIntegerField()
    bytes = BigIntegerField()
    stored_bytes = BigIntegerField()

    class Meta:
        table_name = "store_totals"
        primary_key = CompositeKey("host", "store")
        constraints = rules_of("store_totals")


class Placed(Model):
    """The store in which a file is for use, and since when; without a row it is in its root."""

    file = child_of(File, "file_id", primary_key=True)
    store = TextField()
    since_ns = BigIntegerField()

    class Meta:
        table_name = "placed"
        constraints = rules_of("placed")


class PolicySetRow(Model):
    """Policies as a host read them; its newest set is in force.

    ``sources``: name and text of each file, as JSON. ``decided_through``: files beyond this id
    were not decided by this set yet.
    """

    id = BigAutoField()
    host = child_of(Host, "host_id")
    fingerprint = TextField()
    sources = TextField()
    loaded_ns = BigIntegerField()
    decided_through = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "policy_sets"
        constraints = rules_of("policy_sets")


class PolicyRow(Model):
    """A policy by its name, whichever set it stands in; approved: a person applied its plan."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    name = TextField()
    fingerprint = TextField()
    first_seen_ns = BigIntegerField()
    approved_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "policies"
        constraints = rules_of("policies")


class ScheduleRow(Model):
    """What should happen next to a file; a file of which no policy says anything has no row.

    ``hold``, ``place``, ``phases`` and ``care`` are ids of policies: the one that wins, negative
    while it is not known whether it matches, 0 for none.
    """

    file = child_of(File, "file_id", primary_key=True)
    policy = child_of(PolicyRow, "policy_id", null=True)
    action = BigIntegerField(null=True)
    due_ns = BigIntegerField(null=True)
    store = TextField(null=True)
    blocked = BigIntegerField(constraints=default(0))
    hold = BigIntegerField(constraints=default(0))
    place = BigIntegerField(constraints=default(0))
    phases = BigIntegerField(constraints=default(0))
    care = BigIntegerField(constraints=default(0))
    again_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "schedule"
        constraints = rules_of("schedule")


class UndecidedRow(Model):
    """A file of which something changed since it was decided."""

    file = child_of(File, "file_id", primary_key=True)

    class Meta:
        table_name = "undecided"


class ClockRow(Model):
    """The clocks of a host as last noted; ``jumped_ns``: by how much the wall clock jumped."""

    host = child_of(Host, "host_id", primary_key=True)
    wall_ns = BigIntegerField()
    boot_ns = BigIntegerField()
    boot_id = TextField()
    jumped_ns = BigIntegerField(null=True)
    since_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "clocks"
