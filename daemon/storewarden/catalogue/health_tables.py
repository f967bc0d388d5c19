"""The table of how healthy all of it was; see ``tables``."""

from __future__ import annotations

from storewarden.catalogue.orm import BigIntegerField, CompositeKey, Model, TextField
from storewarden.catalogue.tables import Host, child_of, default, rules_of


class HealthRow(Model):
    """A score, and from when until when it was known to be so.

    ``deductions`` says what was lost, as JSON.
    """

    host = child_of(Host, "host_id")
    at_ns = BigIntegerField()
    until_ns = BigIntegerField()
    score = BigIntegerField()
    status = TextField()
    profile = TextField()
    deductions = TextField(constraints=default("[]"))

    class Meta:
        table_name = "health_history"
        primary_key = CompositeKey("host", "at_ns")
        constraints = rules_of("health_history")
