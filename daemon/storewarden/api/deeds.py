"""What an application may say: one frozen value for each, with the same names everywhere.

The client's methods, the HTTP interface, its OpenAPI document and the tables take their words from
here. None means: not said. What is said again changes what is there; what is not said stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from storewarden.api import shapes
from storewarden.api.shapes import Shape

STATUSES = ("planned", "running", "paused", "done", "failed", "cancelled")
ROLES = ("transcript", "summary")

Status = Annotated[str, Shape("how far it is", one_of=STATUSES)]
Role = Annotated[str, Shape("what kind of text", one_of=ROLES)]
USER = r"[A-Za-z0-9][A-Za-z0-9._@+-]*"
Owner = Annotated[
    str,
    Shape(
        "the user whose it is; only the machine and administrators may say so", 1, 64, pattern=USER
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of a workflow: ``script``, ``images``, ``video``."""

    name: shapes.Name
    status: Status | None = None
    started: shapes.When | None = None
    ended: shapes.When | None = None
    detail: shapes.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellWorkflow:
    """Make a workflow, or change what is said of it.

    A workflow is known by its name on its host. One that a file named already is the same one.
    ``phases`` are added to, or change, those that are there, by their names.
    """

    workflow: shapes.Name
    title: shapes.Line | None = None
    status: Status | None = None
    phase: shapes.Name | None = None
    original_prompt: shapes.Text | None = None
    enhanced_story: shapes.Text | None = None
    started: shapes.When | None = None
    ended: shapes.When | None = None
    phases: tuple[Phase, ...] = ()
    more: shapes.More | None = None
    public: bool | None = None
    owner: Owner | None = None
    must: Annotated[str | None, Shape("whether it must be there", one_of=("exist", "be_new"))] = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TellScene:
    """Make a scene of a workflow, or change what is said of it; known by its name there."""

    workflow: shapes.Name
    scene: shapes.Name
    number: shapes.Count | None = None
    description: shapes.Text | None = None
    prompt: shapes.Text | None = None
    image: shapes.Path | None = None
    status: Status | None = None
    more: shapes.More | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellFile:
    """Say to what a file belongs, before or after it is seen on disk; known by its path."""

    path: shapes.Path
    workflow: shapes.Name | None = None
    scene: shapes.Name | None = None
    file_type: shapes.Name | None = None
    title: shapes.Line | None = None
    metadata: shapes.More | None = None
    public: bool | None = None
    owner: Owner | None = None
    rating: shapes.Rating | None = None
    tags: tuple[shapes.Tag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TellUsage:
    """Record what a call of a service took and cost. With the same ``key`` it counts once."""

    provider: shapes.Name
    model: shapes.Name | None = None
    operation: shapes.Name | None = None
    calls: shapes.Tally = 1
    tokens_in: shapes.Tally | None = None
    tokens_out: shapes.Tally | None = None
    cost: shapes.Cost | None = None
    currency: shapes.Currency = "USD"
    duration: shapes.Took | None = None
    error: shapes.Text | None = None
    workflow: shapes.Name | None = None
    scene: shapes.Name | None = None
    path: shapes.Path | None = None
    at: shapes.When | None = None
    key: shapes.Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellText:
    """Keep a transcript or a summary with its file; one for each role and language."""

    path: shapes.Path
    text: shapes.Text
    role: Role = "transcript"
    language: shapes.Language | None = None
    duration: shapes.Seconds | None = None
    model: shapes.Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellChat:
    """Keep a question about a file and its answer. With the same ``key`` it is kept once."""

    path: shapes.Path
    question: shapes.Text
    answer: shapes.Text
    at: shapes.When | None = None
    duration: shapes.Seconds | None = None
    model: shapes.Name | None = None
    more: shapes.More = field(default_factory=dict)
    key: shapes.Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Pin a file, so that no policy takes it away, or take its pin off."""

    path: shapes.Path
    pinned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Ask for a file that was put away: it comes back to where it was, never over something."""

    path: shapes.Path
    to: shapes.Path | None = None
    store: shapes.Name | None = None


Deed = TellWorkflow | TellScene | TellFile | TellUsage | TellText | TellChat | Pin | Restore
DEEDS: tuple[type[Deed], ...] = (
    *(TellWorkflow, TellScene, TellFile, TellUsage, TellText, TellChat, Pin, Restore),
)
