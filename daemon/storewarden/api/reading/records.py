"""What is answered: one frozen value for each, with the names that the verbs' ``--json`` has.

The HTTP interface's JSON and its schemas, and what the client's methods return, are made from these
classes. None means: not known; in JSON it is left out. What a person sees of a name is harmless
text; ``place`` is the name itself, as a deed's ``path`` takes it and ``os.fsencode`` opens it.
Times that end in ``_ns`` are nanoseconds since 1970, all others texts with their zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from storewarden.api.shapes import Shape

Id = Annotated[int, Shape("its number in the catalogue")]
Place = Annotated[
    str,
    Shape(
        "the absolute path on its host, to be told or opened; bytes that are no UTF-8 as Python's"
        " surrogateescape has them"
    ),
]
Shown = Annotated[str, Shape("the path below its root, as harmless text")]
Hex = Annotated[str, Shape("the bytes of the path, where text cannot hold it")]
Nanoseconds = Annotated[int, Shape("nanoseconds since 1970")]
Span = Annotated[int, Shape("nanoseconds")]
Moment = Annotated[str, Shape("a time with its zone, as 2026-01-31T12:00:00Z")]
Anything = Annotated[Mapping[str, Any], Shape("anything, as it was told")]
Next = Annotated[str, Shape("what to ask with for the page after this one; none: it was the last")]


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


# -- what happened, and what will ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was noted of a file."""

    at_ns: Nanoseconds
    event: str
    detail: Anything = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened: an act with its outcome, or what was seen of a file."""

    at_ns: Nanoseconds
    what: str
    root: str
    path: Shown
    files: int
    bytes: int
    outcome: str | None = None
    path_hex: Hex | None = None
    store: str | None = None
    policy: str | None = None
    by: str | None = None
    why: str | None = None
    error: str | None = None
    act: int | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened to a file, the last first."""

    history: tuple[Happening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One term of a policy: what is known of the file, and whether it is so."""

    term: str
    value: str
    result: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one policy says of a file."""

    id: str
    result: str
    kinds: tuple[str, ...]
    wins: tuple[str, ...]
    after: tuple[str, ...]
    terms: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBy:
    """What keeps an action from being carried out now, and the command that lets it."""

    guard: str
    why: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What happens to a file next."""

    action: str
    policy: str
    observed: bool
    due: Moment | None = None
    due_ns: Nanoseconds | None = None
    store: str | None = None
    blocked: str | None = None
    held: tuple[HeldBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiesIn:
    """Where a copy of a file that is gone lies."""

    store: str
    key: str
    damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HowItWent:
    """What took a file from its place, and the command that brings it back."""

    what: str
    by: str
    reason: str
    back: str
    act: int | None = None
    at_ns: Nanoseconds | None = None
    policy: str | None = None
    lies: tuple[LiesIn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last act on a file, when nothing came of it."""

    act: int
    verb: str
    state: str
    at_ns: Nanoseconds
    why: str
    again_ns: Nanoseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why one policy does not do a thing."""

    policy: str
    what: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why an action does not happen to a file."""

    action: str
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Winners:
    """The policies that decide of a file, by what they decide."""

    hold: str | None = None
    place: str | None = None
    phases: str | None = None
    care: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What becomes of a file and why: every policy, term by term."""

    root: str
    path: Shown
    state: str
    reason: str
    policies: tuple[Account, ...]
    winners: Winners
    next: Coming | None = None
    path_hex: Hex | None = None
    went: HowItWent | None = None
    tried: Attempt | None = None
    lies_in: str | None = None
    clock_frozen: str | None = None
    history: tuple[Event, ...] = ()
    not_: WhyNot | None = None


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
