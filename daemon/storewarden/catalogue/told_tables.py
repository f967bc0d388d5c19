"""The tables of what applications and people tell, as they shall be; see ``tables``.

Workflows and scenes are in ``fact_tables``: what a file names and what an application tells is one
row.
"""

from __future__ import annotations

from storewarden.catalogue.fact_tables import Scene, User, Workflow, linked_to
from storewarden.catalogue.orm import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    Model,
    TextField,
)
from storewarden.catalogue.tables import File, Host, Root, child_of, default, rules_of


class TokenRow(Model):
    """A token of a user; only its digest is kept. ``scopes`` is a list, as JSON."""

    id = BigAutoField()
    user = child_of(User, "user_id")
    public_id = TextField()
    digest = BlobField()
    scopes = TextField()
    label = TextField(constraints=default(""))
    created_ns = BigIntegerField()
    expires_ns = BigIntegerField(null=True)
    last_used_ns = BigIntegerField(null=True)
    revoked_ns = BigIntegerField(null=True)

    class Meta:
        table_name = "tokens"
        constraints = rules_of("tokens")


class WorkflowPhase(Model):
    """A part of a workflow, in the order in which the parts were told."""

    workflow = child_of(Workflow, "workflow_id")
    name = TextField()
    position = BigIntegerField()
    status = TextField(null=True)
    started_ns = BigIntegerField(null=True)
    ended_ns = BigIntegerField(null=True)
    detail = TextField(null=True)

    class Meta:
        table_name = "workflow_phases"
        primary_key = CompositeKey("workflow", "name")
        constraints = rules_of("workflow_phases")


class ToldFile(Model):
    """A place of which something was told, and the file that was seen there.

    ``waiting``: no file was seen there yet. The place stays as it was told; a file that is renamed
    keeps its row, and with it this one. What was told of workflow, scene and kind wins over what
    the file says itself; rating, tags and owner become marks as soon as there is a file.
    ``cost_nano`` is what was told that making it cost; of several currencies the name is empty.
    ``held_by`` and ``held_bytes``: for which user it counts now, and with how many bytes.
    """

    id = BigAutoField()
    root = child_of(Root, "root_id")
    directory = BlobField()
    name = BlobField()
    waiting = BigIntegerField(constraints=default(1))
    file = linked_to(File, "file_id")
    owner = linked_to(User, "owner_id")
    workflow = linked_to(Workflow, "workflow_id")
    scene = linked_to(Scene, "scene_id")
    file_type = TextField(null=True)
    title = TextField(null=True)
    metadata = TextField(constraints=default("{}"))
    public = BigIntegerField(constraints=default(0))
    pinned = BigIntegerField(null=True)
    rating = DoubleField(null=True)
    tags = TextField(constraints=default("[]"))
    cost_nano = BigIntegerField(null=True)
    cost_currency = TextField(null=True)
    first_told_ns = BigIntegerField()
    told_ns = BigIntegerField()
    held_by = BigIntegerField(null=True)
    held_bytes = BigIntegerField(constraints=default(0))

    class Meta:
        table_name = "told_files"
        constraints = rules_of("told_files")


class UncountedRow(Model):
    """A told file that may count otherwise now than its owner's sum says."""

    told = child_of(ToldFile, "told_id", primary_key=True)

    class Meta:
        table_name = "uncounted"


class UserTotal(Model):
    """How much a user has below a root; kept, never counted."""

    user = child_of(User, "user_id")
    root = child_of(Root, "root_id")
    files = BigIntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "user_totals"
        primary_key = CompositeKey("user", "root")
        constraints = rules_of("user_totals")


class SceneImage(Model):
    """The picture of a scene."""

    scene = child_of(Scene, "scene_id", primary_key=True)
    told = child_of(ToldFile, "told_id")

    class Meta:
        table_name = "scene_images"


class ToldText(Model):
    """A transcript or a summary that was told: one for each role and language of a file."""

    id = BigAutoField()
    told = child_of(ToldFile, "told_id")
    role = TextField()
    language = TextField(null=True)
    text = TextField()
    duration_ns = BigIntegerField(null=True)
    model = TextField(null=True)
    told_ns = BigIntegerField()

    class Meta:
        table_name = "told_texts"
        constraints = rules_of("told_texts")


class Chat(Model):
    """A question about a file and its answer."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    told = child_of(ToldFile, "told_id")
    user = linked_to(User, "user_id")
    at_ns = BigIntegerField()
    question = TextField()
    answer = TextField()
    duration_ns = BigIntegerField(null=True)
    model = TextField(null=True)
    more = TextField(constraints=default("{}"))
    key = TextField(null=True)
    told_ns = BigIntegerField()

    class Meta:
        table_name = "chat_history"
        constraints = rules_of("chat_history")


class ApiUsage(Model):
    """What calls of a service took and cost; ``cost_nano`` is in billionths of the currency."""

    id = BigAutoField()
    host = child_of(Host, "host_id")
    at_ns = BigIntegerField()
    provider = TextField()
    model = TextField(null=True)
    operation = TextField(null=True)
    calls = BigIntegerField()
    tokens_in = BigIntegerField(null=True)
    tokens_out = BigIntegerField(null=True)
    cost_nano = BigIntegerField(null=True)
    currency = TextField()
    duration_ns = BigIntegerField(null=True)
    error = TextField(null=True)
    workflow = linked_to(Workflow, "workflow_id")
    scene = linked_to(Scene, "scene_id")
    told = linked_to(ToldFile, "told_id")
    user = linked_to(User, "user_id")
    key = TextField(null=True)
    told_ns = BigIntegerField()

    class Meta:
        table_name = "api_usage"
        constraints = rules_of("api_usage")


class AnswerRow(Model):
    """What was answered to a request with a key of its own, so that it is carried out once."""

    id = BigAutoField()
    user = child_of(User, "user_id", null=True)
    key = TextField()
    digest = BlobField()
    status = BigIntegerField()
    body = BlobField()
    answered_ns = BigIntegerField()

    class Meta:
        table_name = "answers"
        constraints = rules_of("answers")
