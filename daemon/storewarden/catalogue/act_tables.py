"""The tables of what is done to files, as they shall be; see ``tables``."""

from __future__ import annotations

from storewarden.catalogue.orm import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    Model,
    TextField,
)
from storewarden.catalogue.tables import File, Host, Root, child_of, default, rules_of


class ActRow(Model):
    """An act on a bundle, from before it begins; it goes on until ``ended_ns`` is set.

    ``members``: the files as JSON, that which it is about first: path, identity, what was stored
    of each, and what it is called in ``place``: the directory of ours, relative to the root, in
    which they lie meanwhile, or until they are purged.
    """

    id = BigAutoField()
    root = child_of(Root, "root_id")
    verb = TextField()
    mark = TextField()
    state = TextField(constraints=default("planned"))
    members = TextField()
    policy = TextField(null=True)
    asked_by = TextField()
    reason = TextField()
    store = TextField(null=True)
    bytes = BigIntegerField()
    stored_bytes = BigIntegerField(null=True)
    place = BlobField(null=True)
    attempts = BigIntegerField(constraints=default(0))
    next_try_ns = BigIntegerField(null=True)
    error = TextField(constraints=default(""))
    planned_ns = BigIntegerField()
    changed_ns = BigIntegerField()
    ended_ns = BigIntegerField(null=True)
    undoes = BigIntegerField(null=True)
    epoch = BigIntegerField(null=True)
    job = BigIntegerField(null=True)

    class Meta:
        table_name = "acts"
        constraints = rules_of("acts")


class ActFile(Model):
    """A file that an act is on; ``open`` as long as the act goes on.

    An act outlives the rows of its files: two rows that turn out to be one file become one.
    """

    act = child_of(ActRow, "act_id")
    file = child_of(File, "file_id")
    open = BigIntegerField(constraints=default(1))

    class Meta:
        table_name = "act_files"
        primary_key = CompositeKey("act", "file")
        constraints = rules_of("act_files")


class ActTotal(Model):
    """How many acts ended how, and the bytes they freed; an empty policy is a person.

    These only grow: acts that are forgotten stay counted.
    """

    host = child_of(Host, "host_id")
    policy = TextField()
    verb = TextField()
    outcome = TextField()
    acts = BigIntegerField()
    bytes = BigIntegerField()
    freed = BigIntegerField()

    class Meta:
        table_name = "act_totals"
        primary_key = CompositeKey("host", "policy", "verb", "outcome")
        constraints = rules_of("act_totals")


class HeldBackRow(Model):
    """What a guard keeps a policy from doing, since when, and the command that lets it go on."""

    host = child_of(Host, "host_id")
    policy = TextField()
    guard = TextField()
    why = TextField()
    files = BigIntegerField()
    bytes = BigIntegerField()
    since_ns = BigIntegerField()
    command = TextField(constraints=default(""))

    class Meta:
        table_name = "held_back"
        primary_key = CompositeKey("host", "policy", "guard")
        constraints = rules_of("held_back")


class PolicyRun(Model):
    """The last run of a policy: why it began, and what it let through since then.

    ``pressed``: the roots in which it makes room, as JSON. ``files`` and ``bytes`` are those that
    it took from their places, or was about to; ``tried`` and ``failed`` are acts.
    """

    host = child_of(Host, "host_id")
    policy = TextField()
    cause = TextField()
    began_ns = BigIntegerField()
    looked_ns = BigIntegerField()
    pressed = TextField(constraints=default("[]"))
    fruitless = BigIntegerField(constraints=default(0))
    files = BigIntegerField(constraints=default(0))
    bytes = BigIntegerField(constraints=default(0))
    tried = BigIntegerField(constraints=default(0))
    failed = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "policy_runs"
        primary_key = CompositeKey("host", "policy")
        constraints = rules_of("policy_runs")
