"""What is answered: one frozen value for each, with the names that the verbs' ``--json`` has.

The HTTP interface's JSON and its schemas, and what the client's methods return, are made from these
classes. None means: not known; in JSON it is left out. What a person sees of a name is harmless
text; ``place`` is the name itself, as a deed's ``path`` takes it and ``os.fsencode`` opens it.
Times that end in ``_ns`` are nanoseconds since 1970, all others texts with their zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from storewarden.api.reading.judgements import Event as Event  # noqa: PLC0414  # records too
from storewarden.api.reading.judgements import Happening as Happening  # noqa: PLC0414  # records too
from storewarden.api.reading.judgements import History as History  # noqa: PLC0414  # records too
from storewarden.api.reading.judgements import Why as Why  # noqa: PLC0414  # records too
from storewarden.api.reading.kinds import (
    Anything,
    Hex,
    Id,
    Nanoseconds,
    Next,
    Place,
    Shown,
    Span,
)
from storewarden.api.reading.kinds import Moment as Moment  # noqa: PLC0414  # records too

# -- files --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUsed:
    """A LoRA that a file was made with."""

    name: str
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A file that belongs to another one."""

    path: Shown
    role: str
    path_hex: Hex | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What is said in a file; its ``text`` only where one file is asked for."""

    role: str
    language: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as lists show it: what was recorded, found out, and told by applications."""

    id: Id
    place: Place
    root: str
    path: Shown
    kind: str
    size: int
    mtime_ns: Nanoseconds
    state: str
    growing: bool
    generation: int
    first_seen_ns: Nanoseconds
    recorded_ns: Nanoseconds
    inspected: bool
    digest: str | None = None
    gone_ns: Nanoseconds | None = None
    path_hex: Hex | None = None

    mime: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration_ns: Span | None = None
    codec: str | None = None
    audio_codec: str | None = None
    bit_rate: int | None = None
    fps: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    colour: str | None = None
    orientation: int | None = None
    pages: int | None = None
    more: Anything | None = None

    tool: str | None = None
    tool_version: str | None = None
    understood: bool | None = None
    model: str | None = None
    model_hash: str | None = None
    loras: tuple[LoraUsed, ...] | None = None
    prompt: str | None = None
    negative: str | None = None
    seed: int | None = None
    steps: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    guidance: float | None = None
    asked_width: int | None = None
    asked_height: int | None = None
    source_type: str | None = None

    workflow: str | None = None
    scene: str | None = None
    sidecars: tuple[Beside, ...] | None = None
    sidecar_of: str | None = None
    sidecar_of_hex: Hex | None = None
    transcript: Spoken | None = None

    used_ns: Nanoseconds | None = None
    opens: int | None = None
    writes: int | None = None
    opens_per_day: float | None = None
    writes_per_day: float | None = None
    outcome: str | None = None
    reason: str | None = None
    inspector: str | None = None
    inspector_version: int | None = None

    file_type: str | None = None
    title: str | None = None
    owner: str | None = None
    public: bool | None = None
    cost: Decimal | None = None
    currency: str | None = None
    pinned: bool | None = None
    rating: float | None = None
    tags: tuple[str, ...] | None = None
    metadata: Anything | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A verified presence of a file in a store."""

    store: str
    bytes: int
    verified_ns: Nanoseconds
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A transcript or a summary that an application told of a file."""

    role: str
    text: str
    told: Moment
    language: str | None = None
    model: str | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFile(File):
    """A file with everything that is known of it."""

    inode: int
    device: int
    mode: str
    links: int
    uid: int
    gid: int
    blocks: int
    atime_ns: Nanoseconds
    ctime_ns: Nanoseconds
    digested_ns: Nanoseconds | None = None
    inspected_ns: Nanoseconds | None = None
    host: str
    copies: tuple[Copy, ...] = ()
    texts: tuple[Text, ...] = ()
    history: tuple[Event, ...] = ()
    told: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A page of files, in the order of their roots, directories and names."""

    files: tuple[File, ...]
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A line of a text in which words were found; ``marks`` are where they begin and end in it."""

    field: str
    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A file that answers a search, how well, and where in it one sees that."""

    file: File
    score: int
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The files that answer a search best; ``more``: there are others."""

    hits: tuple[Hit, ...]
    more: bool


# -- what applications told ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of a workflow."""

    name: str
    status: str | None = None
    started: Moment | None = None
    ended: Moment | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow: told by an application, or named by a file."""

    id: Id
    workflow: str
    first_seen: Moment
    last_seen: Moment
    title: str | None = None
    status: str | None = None
    phase: str | None = None
    original_prompt: str | None = None
    enhanced_story: str | None = None
    created: Moment | None = None
    started: Moment | None = None
    ended: Moment | None = None
    owner: str | None = None
    public: bool | None = None
    more: Anything | None = None
    told: Moment | None = None
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflows:
    """A page of workflows, the newest first."""

    workflows: tuple[Workflow, ...]
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A part of a workflow, told by an application, or named by a file."""

    id: Id
    workflow: str | None = None
    scene: str
    number: int | None = None
    description: str | None = None
    prompt: str | None = None
    image: Place | None = None
    image_id: Id | None = None
    status: str | None = None
    more: Anything | None = None
    told: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """The scenes of a workflow, in their order."""

    scenes: tuple[Scene, ...]
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call of a service took and cost; ``cost`` is a decimal number, written as text."""

    id: Id
    at: Moment
    provider: str
    calls: int
    currency: str
    model: str | None = None
    operation: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None
    duration: float | None = None
    error: str | None = None
    workflow: str | None = None
    scene: str | None = None
    place: Place | None = None
    file: Id | None = None
    user: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usages:
    """A page of calls, the newest first."""

    usage: tuple[Usage, ...]
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The transcripts and summaries of a file."""

    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A question about a file and its answer."""

    id: Id
    question: str
    answer: str
    at: Moment
    duration: float | None = None
    model: str | None = None
    more: Anything | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """A page of what was asked about a file, the newest first."""

    chats: tuple[Chat, ...]
    next: Next | None = None


RECORDS: tuple[type[object], ...] = (
    *(Files, WholeFile, Hits, History, Why, Workflow, Workflows, Scene, Scenes),
    *(Usages, Texts, Chats),
)
"""What a question is answered with; all other classes here are parts of these."""
