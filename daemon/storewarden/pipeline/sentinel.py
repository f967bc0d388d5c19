"""Is each root still the root it was, and can it be seen? Asked all the time; healed when it ends.

``step`` runs in the sentinel thread, once a second. It is the only one that starts and stops
watching, and the only one that says that a root is blind.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from storewarden.clock import Clock
from storewarden.config.schema import RootSettings
from storewarden.errors import StorewardenError, WatchError
from storewarden.model import Blind, Blindness
from storewarden.pipeline.inbox import BlindnessChanged, Inbox, RootDown, RootUp
from storewarden.pipeline.nested import Known, NestedMounts
from storewarden.pipeline.state import ScanWish
from storewarden.watch.emitter import InotifyEmitter
from storewarden.watch.identity import (
    Kind,
    RootIdentity,
    Verdict,
    judge,
    let_us_read,
    new_marker,
    read_identity,
    write_marker,
)
from storewarden.watch.mounts import MountTable, mode_for

log = logging.getLogger(__name__)

INTERVAL = 1.0
_TRY_AGAIN = 4.0  # seconds between attempts to watch a root that has to be polled


class Memory(Known, Protocol):
    """What the catalogue remembers of roots."""

    def known(self, root: str) -> RootIdentity | None:
        """Return what a root was known by when it was last up."""
        ...

    def remember(self, root: str, identity: RootIdentity) -> None:
        """Store what a root is known by from now on."""
        ...


class ScanDesk(Protocol):
    """Where scans are asked for."""

    def want(self, root: str, wish: ScanWish, *, settled: bool = True) -> None:
        """Ask for a scan."""
        ...

    def forget(self, root: str) -> None:
        """Drop what was asked for."""
        ...


class Eyes(Protocol):
    """What roots are watched with."""

    mounts: MountTable

    def open(self, root: RootSettings) -> InotifyEmitter | None:
        """Watch a root, or raise WatchError; None: no events come from its file system."""
        ...

    def close(self, root: str, *, heard: bool = False) -> None:
        """Stop watching a root; ``heard``: what it knew of until now comes into the inbox."""
        ...

    def dead(self) -> Sequence[str]:
        """Return the roots whose watching thread died."""
        ...


@dataclass(slots=True)
class Sight:
    """What the sentinel sees of one root, for the figures."""

    settings: RootSettings
    nested: NestedMounts
    mode: str = "none"
    state: str = "starting"
    known: RootIdentity | None = None
    up: RootUp | None = None
    emitter: InotifyEmitter | None = None
    blind: dict[tuple[Blindness, bytes], Blind] = field(default_factory=dict)
    told: bool = False  # whether the catalogue knows; what an earlier daemon told may be over
    own: tuple[Blind, ...] = ()  # what the sentinel itself found
    lost: int = 0  # overflows of emitters that are gone
    deaths: int = 0  # emitters that died and were replaced
    try_again_at: float = 0.0  # when to try to watch a root that had to be polled

    def overflows(self) -> int:
        """Return how often events of this root were lost since the start."""
        return self.lost + (self.emitter.figures().overflows if self.emitter is not None else 0)


class Sentinel:
    """Brings roots up and down. ``sights`` may be read by any thread."""

    def __init__(
        self,
        inbox: Inbox,
        ups: dict[str, RootUp],
        eyes: Eyes,
        memory: Memory,
        scans: ScanDesk,
        clock: Clock,
        unreadable: Callable[[str], Mapping[bytes, int]],
    ) -> None:
        """Watch with ``eyes``; ``unreadable`` are directories the recorder could not list."""
        self.sights: dict[str, Sight] = {}
        self.ups = ups
        self._wanted: tuple[RootSettings, ...] | None = None
        self._doubted: set[str] = set()
        self._inbox = inbox
        self._eyes = eyes
        self._memory = memory
        self._scans = scans
        self._clock = clock
        self._unreadable = unreadable

    def want_roots(self, roots: Sequence[RootSettings]) -> None:
        """Ask, from any thread, for these roots and only these from the next step on."""
        self._wanted = tuple(roots)

    def doubt(self, root: str) -> None:
        """Ask, from any thread, that a root is brought down and judged anew."""
        self._doubted.add(root)

    def watch(self, roots: Sequence[RootSettings]) -> None:
        """Take these roots, and only these, from now on; before the thread starts, or in it."""
        wanted = {settings.name: settings for settings in roots}
        for name in [n for n, sight in self.sights.items() if wanted.get(n) != sight.settings]:
            self._down(self.sights[name], "stopped")
            del self.sights[name]
        for name, settings in wanted.items():
            if name not in self.sights:
                nested = NestedMounts(settings, self._eyes.mounts, self._memory)
                self.sights[name] = Sight(settings, nested, known=self._memory.known(name))

    def step(self) -> float:
        """Judge every root once."""
        if (wanted := self._wanted) is not None:
            self._wanted = None
            self.watch(wanted)
        dead = set(self._eyes.dead())
        for sight in list(self.sights.values()):
            self._judge(sight, emitter_died=sight.settings.name in dead)
            self._tell(sight)
        return INTERVAL

    def close(self) -> None:
        """Stop watching everything; what was seen until now is still to be recorded."""
        for sight in self.sights.values():
            self._lose_emitter(sight, heard=True)
            sight.state, sight.mode = "stopped", "none"

    # -- one root -------------------------------------------------------------------------

    def _judge(self, sight: Sight, *, emitter_died: bool) -> None:
        settings = sight.settings
        name = settings.name
        try:
            seen: RootIdentity | OSError = read_identity(settings.path, self._eyes.mounts)
        except OSError as error:
            seen = error
        foreign = {
            other.known.marker
            for other in self.sights.values()
            if other is not sight and other.known is not None and other.known.marker
        }
        verdict = judge(settings.path, sight.known, seen, self._eyes.mounts.current(), foreign)
        if verdict.kind is Kind.FROZEN or isinstance(seen, OSError):
            self._freeze(sight, verdict)
            return
        if sight.up is not None and (verdict.again or emitter_died or self._doubt(name)):
            self._down(sight, "blind")
            if emitter_died:
                sight.deaths += 1
                log.error(
                    "a watching thread died and is replaced",
                    extra={"facts": {"root": name}},
                )
        if sight.up is None:
            self._bring_up(sight, seen, verdict)
        elif sight.emitter is None:
            self._try_to_watch(sight, seen)
        else:
            sight.nested.look(sight.emitter)
            self._poll_what_is_unwatched(sight, sight.emitter)

    def _doubt(self, name: str) -> bool:
        doubted = name in self._doubted
        self._doubted.discard(name)
        return doubted

    def _freeze(self, sight: Sight, verdict: Verdict) -> None:
        state = "frozen" if sight.known is not None else "blind"
        if sight.up is not None or sight.state != state:
            self._down(sight, state)
        reason = verdict.reason or Blindness.NOT_THERE
        sight.own = (Blind(sight.settings.name, reason, b"", verdict.detail, verdict.remedy),)

    def _bring_up(self, sight: Sight, seen: RootIdentity, verdict: Verdict) -> None:
        settings = sight.settings
        if seen.marker is None:
            marker = sight.known.marker if sight.known is not None else None
            marker = marker or new_marker()
            if write_marker(settings.path, marker):
                seen = replace(seen, marker=marker)
        sight.known = seen
        sight.mode = mode_for(seen.fstype, settings.watch)
        if sight.mode == "inotify":
            self._start_watching(sight)
        if settings.usage and sight.emitter is None:
            log.warning(
                "use is not counted where no events come",
                extra={"facts": {"root": settings.name, "mode": sight.mode}},
            )
        self._announce(sight, seen, "start" if sight.state == "starting" else "it is back")
        log.info(
            "a root is watched",
            extra={"facts": {"root": settings.name, "mode": sight.mode, "how": verdict.kind.value}},
        )

    def _announce(self, sight: Sight, seen: RootIdentity, why: str) -> None:
        """Tell the recorder that the root is there; what happened before is for a scan to find."""
        name = sight.settings.name
        sight.state = "watching" if sight.emitter is not None else "polling"
        try:
            self._memory.remember(name, seen)
        except StorewardenError as error:
            if not error.transient:
                raise
            # A restart judges by what was stored before; until then memory is enough.
            log.warning("a root's identity could not be stored", extra={"facts": {"why": error}})
        place, watched = (seen.device, seen.inode), sight.emitter is not None
        # Where nothing is watched, nobody looks at what is mounted inside.
        judged = sight.nested.judged if watched else lambda: True
        sight.up = self.ups[name] = RootUp(sight.settings, place, sight.emitter, judged)
        self._inbox.put(sight.up)
        self._scans.want(name, ScanWish(why))

    def _start_watching(self, sight: Sight) -> None:
        """Watch by events, or poll and say why."""
        settings = sight.settings
        sight.own = ()
        sight.nested.begin()
        try:
            emitter = self._eyes.open(settings)
        except WatchError as error:
            sight.mode = "poll"
            sight.try_again_at = self._clock.monotonic() + _TRY_AGAIN
            detail = f"{error.why or error.what}; scanned every {settings.poll:g} s meanwhile"
            sight.own = (
                Blind(settings.name, Blindness.WATCHES_EXHAUSTED, b"", detail, error.remedy),
            )
            return
        if emitter is None:
            sight.mode = "poll"
            return
        sight.emitter = emitter
        sight.nested.tell(emitter)

    def _try_to_watch(self, sight: Sight, seen: RootIdentity) -> None:
        """Go back from polling to events when what prevented them has ended."""
        if not sight.own or self._clock.monotonic() < sight.try_again_at:
            return
        self._start_watching(sight)
        if sight.emitter is not None:
            sight.mode = "inotify"
            self._announce(sight, seen, "events come again")

    def _poll_what_is_unwatched(self, sight: Sight, emitter: InotifyEmitter) -> None:
        """While there are too few watches, scan the root as often as one without any."""
        exhausted = any(one.reason is Blindness.WATCHES_EXHAUSTED for one in emitter.blind())
        sight.mode = "poll" if exhausted else "inotify"
        now = self._clock.monotonic()
        if exhausted and now >= sight.try_again_at:
            sight.try_again_at = now + sight.settings.poll
            self._scans.want(sight.settings.name, ScanWish("too few watches"))

    def _lose_emitter(self, sight: Sight, *, heard: bool = False) -> None:
        if sight.emitter is not None:
            sight.lost += sight.emitter.figures().overflows
            self._eyes.close(sight.settings.name, heard=heard)
            sight.emitter = None

    def _down(self, sight: Sight, state: str) -> None:
        """Believe nothing about this root from now on."""
        name = sight.settings.name
        self._lose_emitter(sight)
        self.ups.pop(name, None)
        sight.up = None
        sight.state, sight.mode = state, "none"
        self._inbox.put(RootDown(name))
        self._scans.forget(name)

    # -- what cannot be seen --------------------------------------------------------------

    def _tell(self, sight: Sight) -> None:
        """Say what cannot be seen when that changes: once when it begins, once when it ends."""
        name = sight.settings.name
        now = {(one.reason, one.path): one for one in self._blind(sight)}
        if now.keys() == sight.blind.keys() and sight.told:
            sight.blind = now
            return
        sight.told = True
        for key in now.keys() - sight.blind.keys():
            one = now[key]
            log.error(
                "a root cannot be seen",
                extra={"facts": _facts(one) | {"detail": one.detail, "remedy": one.remedy}},
            )
        for key in sight.blind.keys() - now.keys():
            log.info("a root can be seen again", extra={"facts": _facts(sight.blind[key])})
        sight.blind = now
        self._inbox.put(BlindnessChanged(name, tuple(now.values())))

    def _blind(self, sight: Sight) -> list[Blind]:
        name = sight.settings.name
        blind = list(sight.own)
        if sight.emitter is not None:
            blind += sight.emitter.blind()
        said = {one.path for one in blind if one.reason is Blindness.UNREADABLE}
        for path, error in self._unreadable(name).items():
            if path not in said:
                blind.append(_unreadable(sight.settings, path, error))
        return blind


def _facts(one: Blind) -> dict[str, object]:
    return {"root": one.root, "reason": one.reason.value, "path": one.path}


def _unreadable(settings: RootSettings, path: bytes, error: int) -> Blind:
    remedy = let_us_read(settings.path + b"/" + path if path else settings.path)
    if error not in (errno.EACCES, errno.EPERM):
        remedy = "see the kernel's log: dmesg | tail"
    return Blind(settings.name, Blindness.UNREADABLE, path, os.strerror(error), remedy)
