"""What travels between the stages: frozen values, no behaviour that reaches outside.

Paths are bytes. A directory is named by its path relative to its root, without a leading or
trailing slash; the root itself is ``b""``.
"""

from __future__ import annotations

import marshal
import os
from array import array
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Hint(IntEnum):
    """What an event says about one name; a later hint of the same name replaces an earlier one.

    A hint is never believed, it only says that the name is worth a look, and how soon.
    """

    OPENED = 1  # made, linked, given attributes: look when it was quiet for the settle time
    CLOSED = 2  # closed after writing, or moved in: look now
    GONE = 3  # deleted or moved away: look before the settle time is over


@dataclass(frozen=True, slots=True)
class Touched:
    """Names in directories of one root that are worth a look, folded by directory."""

    root: str
    names: dict[bytes, dict[bytes, Hint]]


@dataclass(frozen=True, slots=True)
class DirectoryFound:
    """A directory is new or moved in and its watches stand: look at all below it."""

    root: str
    path: bytes


@dataclass(frozen=True, slots=True)
class DirectoryMoved:
    """A directory was renamed inside its root; what lies in it kept its identity.

    Device and inode tell which directory it is: whoever looked at either path meanwhile may have
    met another one there.
    """

    root: str
    old: bytes
    new: bytes
    device: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryGone:
    """A directory was deleted or moved out of the root: confirm it and all below it by a look."""

    root: str
    path: bytes


@dataclass(frozen=True, slots=True)
class DirectoryDirty:
    """Too many names changed in one directory to keep each: list it (not what lies below)."""

    root: str
    path: bytes


@dataclass(frozen=True, slots=True)
class RootDirty:
    """Events of this root were lost: only a scan of the whole root makes the catalogue right."""

    root: str
    reason: str


Change = Touched | DirectoryFound | DirectoryMoved | DirectoryGone | DirectoryDirty | RootDirty


# One regular file as ``lstat`` told it: name, inode, mode, links, uid, gid, size, blocks,
# modified_ns, changed_ns. A plain tuple: a million of them are made in a scan.
Entry = tuple[bytes, int, int, int, int, int, int, int, int, int]

# Columns are signed 64-bit integers. Anybody may date a file 2446 or 5000 years ago, and some
# network file systems hand out inode numbers above 2**63: neither may stop the recording of others.
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def entry_of(name: bytes, status: os.stat_result) -> Entry:
    """Keep of a stat what the catalogue records, within what its columns can hold."""
    inode, modified, changed = status.st_ino, status.st_mtime_ns, status.st_ctime_ns
    if inode > _LARGEST:
        inode -= 2**64
    # a comparison costs less than a call, a million times
    if not _SMALLEST <= modified <= _LARGEST:
        modified = _within(modified)
    if not _SMALLEST <= changed <= _LARGEST:
        changed = _within(changed)
    return (
        name,
        inode,
        status.st_mode,
        status.st_nlink,
        status.st_uid,
        status.st_gid,
        status.st_size,
        status.st_blocks,
        modified,
        changed,
    )


def accessed_of(status: os.stat_result) -> int:
    """Return the access time, within what a column can hold."""
    return _within(status.st_atime_ns)


def _within(time_ns: int) -> int:
    return max(_SMALLEST, min(time_ns, _LARGEST))


@dataclass(frozen=True, slots=True)
class Listing:
    """All regular files of one directory as a walk found them, or a part of a very large one.

    ``entries`` is sorted by name. ``part`` counts from 0 and ``last`` marks the final part: an
    ordinary directory is one part. ``digest`` is over all parts and is set on the last.
    """

    root: str
    path: bytes
    device: int
    inode: int
    taken: float  # monotonic seconds when the reading of the directory began
    entries: bytes  # marshalled list of Entry; unpacked only when the digest differs
    accessed: bytes  # the access times beside them: they change without the file changing
    count: int
    digest: bytes = b""
    part: int = 0
    last: bool = True
    after: bytes = b""  # this part says all of the names behind this one …
    until: bytes = b""  # … up to and with this one; b"" is no bound
    unchanged: bool = False  # the walker was given this digest and found it again; no entries

    def unpack(self) -> tuple[list[Entry], array[int]]:
        """Return the entries and, in the same order, their access times."""
        times = array("q")
        times.frombytes(self.accessed)
        entries: list[Entry] = marshal.loads(self.entries) if self.entries else []  # noqa: S302  # packed by our own walk
        return entries, times


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A directory that a walk could not list; what lies below it is unknown, not gone."""

    root: str
    path: bytes
    error: int  # errno


class UsageCount(NamedTuple):
    """How often one file was opened and written since it was last told, and when last."""

    directory: bytes
    name: bytes
    opens: int  # by who only reads
    writes: int  # by who may write
    last_ns: int


class Blindness(StrEnum):
    """Why a root, or a part of it, cannot be seen. Each value is shown to people as it is."""

    WATCHES_EXHAUSTED = "watches-exhausted"
    UNREADABLE = "directory-unreadable"
    NOT_THERE = "root-not-there"
    NOT_MOUNTED = "root-not-mounted"
    MOUNTED_OVER = "root-mounted-over"
    REPLACED = "root-replaced"
    MOVED_AWAY = "root-moved-away"
    PATH_TOO_LONG = "path-too-long"
    EMITTER_DEAD = "emitter-dead"
    QUEUE_OVERFLOW = "event-queue-overflow"
    NO_EVENTS = "no-events"  # the canary was not heard


@dataclass(frozen=True, slots=True)
class Blind:
    """One reason for which one place of a root cannot be seen, and what mends it."""

    root: str
    reason: Blindness
    path: bytes  # relative; b"" is the whole root
    detail: str
    remedy: str


# -- facts: what a look into a file found out ---------------------------------------------------

Scalar = str | int | float | bool


class Outcome(StrEnum):
    """What came of inspecting a file. Each value is shown to people as it is."""

    READ = "read"  # all that we know how to look for was looked for
    PARTLY = "partly"  # some was found, then something was broken; the reason says what
    REFUSED = "refused"  # it is not what it claims to be, or the inspection had to be ended
    NOTHING = "nothing"  # no inspector for this type: nothing but kind and type is known


@dataclass(frozen=True, slots=True)
class Media:
    """What the headers of a picture, a sound or a document tell; None is not told."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration_ns: int | None = None
    codec: str | None = None  # of the picture, or of the sound where there is no picture
    audio_codec: str | None = None  # of the sound beside a picture
    bit_rate: int | None = None  # bits a second, of everything together
    fps: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    colour: str | None = None  # as in "rgb 8 bit", "yuv420p10 bt2020"
    orientation: int | None = None  # 1 to 8 as EXIF counts, or degrees turned: 90, 180, 270
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Lora:
    """A small model that was laid over the large one, and how strongly."""

    name: str
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a file was made, as it says itself; None is not said."""

    tool: str  # one of a fixed list of names, see facts/provenance
    understood: bool = True  # false: only `raw` is kept, for a later version
    tool_version: str | None = None
    model: str | None = None
    model_hash: str | None = None
    loras: tuple[Lora, ...] = ()
    prompt: str | None = None
    negative: str | None = None
    seed: int | None = None
    steps: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    guidance: float | None = None
    width: int | None = None  # as asked for; the file may be larger
    height: int | None = None
    source_type: str | None = None  # IPTC digital source type, as in trainedAlgorithmicMedia
    raw: bytes = b""  # zstd over a JSON object: every text as it was found, by where it was found


@dataclass(frozen=True, slots=True)
class Transcript:
    """Words that belong to a picture or a sound: spoken, shown, or about it."""

    role: str  # transcript, subtitle, caption, summary
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one look into one file found out."""

    kind: str
    mime: str
    inspector: str  # which one looked; its version tells whether it would find more today
    version: int
    outcome: Outcome
    reason: str = ""
    media: Media = Media()
    provenance: Provenance | None = None
    transcript: Transcript | None = None
    workflow: str | None = None  # as the file itself says, not where it lies
    scene: str | None = None
    more: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """What the path of a file tells about what it belongs to."""

    workflow: str | None = None
    scene: str | None = None
    more: dict[str, Scalar] = field(default_factory=dict)
