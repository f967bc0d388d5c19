"""The tables of what was found out about files, as they shall be; see ``tables``."""

from __future__ import annotations

from typing import Any

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


def linked_to(model: type[Model], name: str) -> Any:
    """Return a foreign key that becomes null when what it points to goes."""
    return ForeignKeyField(
        model, column_name=name, on_delete="SET NULL", backref="+", index=False, null=True
    )


class User(Model):
    """Somebody for whom files are kept and who may say and ask things."""

    id = BigAutoField()
    name = TextField()
    created_ns = BigIntegerField()
    disabled_ns = BigIntegerField(null=True)
    quota_bytes = BigIntegerField(null=True)
    quota_files = BigIntegerField(null=True)

    class Meta:
        table_name = "users"
        constraints = rules_of("users")


class Workflow(Model):
    """What files of one run, project or conversation have in common.

    It appears by itself as soon as a file names it; what an application tells of it stands in the
    columns after that. ``told_ns``: when something was told last.
    """

    id = BigAutoField()
    host = child_of(Host, "host_id")
    name = TextField()
    first_seen_ns = BigIntegerField()
    last_seen_ns = BigIntegerField()
    title = TextField(null=True)
    status = TextField(null=True)
    phase = TextField(null=True)
    original_prompt = TextField(null=True)
    enhanced_story = TextField(null=True)
    created_ns = BigIntegerField(null=True)
    started_ns = BigIntegerField(null=True)
    ended_ns = BigIntegerField(null=True)
    owner = linked_to(User, "owner_id")
    public = BigIntegerField(constraints=default(0))
    more = TextField(constraints=default("{}"))
    told_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "workflows"
        constraints = rules_of("workflows")


class Scene(Model):
    """A part of a workflow, or one that stands alone; see ``Workflow``."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    workflow = child_of(Workflow, "workflow_id", null=True)
    name = TextField()
    first_seen_ns = BigIntegerField()
    last_seen_ns = BigIntegerField()
    number = BigIntegerField(null=True)
    description = TextField(null=True)
    prompt = TextField(null=True)
    status = TextField(null=True)
    more = TextField(constraints=default("{}"))
    told_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "scenes"
        constraints = rules_of("scenes")


class FactsRow(Model):
    """What the last look into a file came to; ``more`` is what has no column."""

    file = child_of(File, "file_id", primary_key=True)
    inspector = TextField()
    version = BigIntegerField()
    outcome = TextField()
    reason = TextField()
    mime = TextField()
    width = BigIntegerField(null=True)
    height = BigIntegerField(null=True)
    frames = BigIntegerField(null=True)
    duration_ns = BigIntegerField(null=True)
    codec = TextField(null=True)
    audio_codec = TextField(null=True)
    bit_rate = BigIntegerField(null=True)
    fps = DoubleField(null=True)
    sample_rate = BigIntegerField(null=True)
    channels = BigIntegerField(null=True)
    colour = TextField(null=True)
    orientation = BigIntegerField(null=True)
    pages = BigIntegerField(null=True)
    workflow = linked_to(Workflow, "workflow_id")
    scene = linked_to(Scene, "scene_id")
    more = TextField(constraints=default("{}"))

    class Meta:
        table_name = "facts"
        constraints = rules_of("facts")


class PromptRow(Model):
    """How a file was made; ``from_id`` is the sidecar that says so, where it is not the file."""

    file = child_of(File, "file_id", primary_key=True)
    source = linked_to(File, "from_id")
    tool = TextField()
    understood = BigIntegerField()
    tool_version = TextField(null=True)
    model = TextField(null=True)
    model_hash = TextField(null=True)
    loras = TextField(constraints=default("[]"))
    prompt = TextField(null=True)
    negative = TextField(null=True)
    seed = TextField(null=True)  # a decimal number: some have more than 64 bits
    steps = BigIntegerField(null=True)
    sampler = TextField(null=True)
    scheduler = TextField(null=True)
    guidance = DoubleField(null=True)
    width = BigIntegerField(null=True)
    height = BigIntegerField(null=True)
    source_type = TextField(null=True)
    raw_texts = BlobField(column_name="raw", null=True)

    class Meta:
        table_name = "prompts"
        constraints = rules_of("prompts")


class TranscriptRow(Model):
    """The words in a file, whether they are about it or about the file that it belongs to."""

    file = child_of(File, "file_id", primary_key=True)
    role = TextField()
    language = TextField(null=True)
    text = TextField()

    class Meta:
        table_name = "transcripts"
        constraints = rules_of("transcripts")


class SidecarRow(Model):
    """A file that belongs to another one beside it, and as what."""

    file = child_of(File, "file_id", primary_key=True)
    owner = child_of(File, "of_id")
    role = TextField()

    class Meta:
        table_name = "sidecars"
        constraints = rules_of("sidecars")


class UsageRow(Model):
    """When a file was last opened, and how often that was seen."""

    file = child_of(File, "file_id", primary_key=True)
    last_ns = BigIntegerField()
    opens = BigIntegerField()
    writes = BigIntegerField()

    class Meta:
        table_name = "usage"
        constraints = rules_of("usage")


class UsageDay(Model):
    """How often a file was opened on a day, counted from 1970 in UTC."""

    file = child_of(File, "file_id")
    day = BigIntegerField()
    opens = BigIntegerField()
    writes = BigIntegerField()

    class Meta:
        table_name = "usage_days"
        primary_key = CompositeKey("file", "day")
        constraints = rules_of("usage_days")


class InspectorRow(Model):
    """The version of an inspector that a host's files are brought to.

    ``swept_id``: files up to this id have been told to wait for it; null, all have.
    """

    host = child_of(Host, "host_id")
    name = TextField()
    version = BigIntegerField()
    swept_id = BigIntegerField(null=True)

    class Meta:
        table_name = "inspectors"
        primary_key = CompositeKey("host", "name")
        constraints = rules_of("inspectors")
