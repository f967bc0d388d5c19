"""The tables of what listeners hear, and how far each came; see ``tables``."""

from __future__ import annotations

from storewarden.catalogue.orm import (
    BigAutoField,
    BigIntegerField,
    CompositeKey,
    Model,
    TextField,
)
from storewarden.catalogue.tables import Host, child_of, default, rules_of


class EventRound(Model):
    """What one transaction added to files and history, and of which files more became known."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    at_ns = BigIntegerField()
    files_after = BigIntegerField()
    files_through = BigIntegerField()
    lines_after = BigIntegerField()
    lines_through = BigIntegerField()
    described = TextField(constraints=default(""))

    class Meta:
        table_name = "event_rounds"
        constraints = rules_of("event_rounds")


class ListenerRow(Model):
    """How far a configured listener came, and how it goes.

    ``failing_ns``: since when nothing could be delivered to it.
    """

    host = child_of(Host, "host_id")
    name = TextField()
    place = TextField()
    cursor = TextField()
    heard_ns = BigIntegerField()
    delivered = BigIntegerField(constraints=default(0))
    failing_ns = BigIntegerField(null=True)
    attempts = BigIntegerField(constraints=default(0))
    next_try_ns = BigIntegerField(null=True)
    error = TextField(constraints=default(""))

    class Meta:
        table_name = "listeners"
        primary_key = CompositeKey("host", "name")
        constraints = rules_of("listeners")


class DeadLetter(Model):
    """An event that a listener refuses, as it was sent; ``again``: it is to be sent once more."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    listener = TextField()
    at_ns = BigIntegerField()
    event = TextField()
    why = TextField()
    again = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "dead_letters"
        constraints = rules_of("dead_letters")
