"""The tables of sums that statistics are read from, as they shall be; see ``tables``.

Sums outlive what they were made of: workflows and users stand in them by their names, and what was
not told is an empty text. Days are counted from 1970, in UTC.
"""

from __future__ import annotations

from storewarden.catalogue.orm import BigAutoField, BigIntegerField, CompositeKey, Model, TextField
from storewarden.catalogue.tables import Host, child_of, rules_of


class ApiUsageDay(Model):
    """Sums of ``api_usage``; added to in the transaction that tells of a call, never counted.

    ``times``: deeds, ``failed``: those with an error, ``priced``: with a cost, ``timed``: with a
    duration. What it cost is whole units of the currency and billionths below one, so that no sum
    overflows.
    """

    host = child_of(Host, "host_id")
    day = BigIntegerField()
    provider = TextField()
    model = TextField()
    operation = TextField()
    currency = TextField()
    workflow_name = TextField()
    user_name = TextField()
    times = BigIntegerField()
    failed = BigIntegerField()
    calls = BigIntegerField()
    tokens_in = BigIntegerField()
    tokens_out = BigIntegerField()
    priced = BigIntegerField()
    cost_units = BigIntegerField()
    cost_nano = BigIntegerField()
    timed = BigIntegerField()
    took_us = BigIntegerField()
    longest_ns = BigIntegerField()

    class Meta:
        table_name = "api_usage_days"
        primary_key = CompositeKey(
            *("host", "day", "provider", "model", "operation", "currency"),
            *("workflow_name", "user_name"),
        )
        constraints = rules_of("api_usage_days")


class ApiUsageTime(Model):
    """How many calls took how long; ``step`` is a span of times, see ``told.took``.

    Those of all, by provider and model, have no user; those of each user no provider and model.
    """

    host = child_of(Host, "host_id")
    day = BigIntegerField()
    provider = TextField()
    model = TextField()
    user_name = TextField()
    step = BigIntegerField()
    times = BigIntegerField()

    class Meta:
        table_name = "api_usage_times"
        primary_key = CompositeKey("host", "user_name", "day", "provider", "model", "step")
        constraints = rules_of("api_usage_times")


class ForgottenUsage(Model):
    """The key of a call whose row was let go of: told again, it counts no second time.

    ``user_id`` is 0 where no user told it.
    """

    host = child_of(Host, "host_id")
    user_id = BigIntegerField()
    key = TextField()

    class Meta:
        table_name = "forgotten_usage"
        primary_key = CompositeKey("host", "user_id", "key")
        constraints = rules_of("forgotten_usage")


class FileSlice(Model):
    """Some thousand files with neighbouring ids that were counted, up to the newest of them."""

    slice = BigIntegerField(primary_key=True)
    through_id = BigIntegerField()

    class Meta:
        table_name = "file_slices"
        constraints = rules_of("file_slices")


class FileDoubt(Model):
    """A file of a slice changed since it was counted; rows of their own, so that nobody waits."""

    id = BigAutoField()
    slice = BigIntegerField()

    class Meta:
        table_name = "file_doubts"
        constraints = rules_of("file_doubts")


class FileSum(Model):
    """How many files of a slice are there, by what they have in common and when they came.

    ``owner_id`` is 0 where nobody owns them.
    """

    host = child_of(Host, "host_id")
    slice = BigIntegerField()
    about = TextField()
    name = TextField()
    day = BigIntegerField()
    owner_id = BigIntegerField()
    public = BigIntegerField()
    files = BigIntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "file_sums"
        primary_key = CompositeKey("about", "slice", "host", "name", "day", "owner_id", "public")
        constraints = rules_of("file_sums")
