"""One reconciling scan without a daemon: the same stages, driven until they are at rest."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storewarden.catalogue.roots import LastScan, write_blindness, write_scan
from storewarden.catalogue.written import Recorded
from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import RootSettings, Settings
from storewarden.daemon.ground import Ground, RootMemory, prepared, stages_on
from storewarden.errors import PermanentError, StorewardenError
from storewarden.model import Blind
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.flow import Flow
from storewarden.pipeline.inbox import RootUp
from storewarden.pipeline.parts import Committed
from storewarden.pipeline.scanner import Scanner
from storewarden.pipeline.state import ScanTally, ScanWish
from storewarden.watch.identity import Kind, judge, read_identity
from storewarden.watch.mounts import MountTable
from storewarden.watch.walk import PART

# A scan waits this much longer than a root's settle time for files that are being written.
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan, of one root or of several, came to."""

    files: int = 0
    bytes: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    errors: int = 0
    seconds: float = 0.0
    held: int = 0
    problems: tuple[str, ...] = ()


Progress = Callable[[str, int], None]  # root, files met so far


def scan_once(
    settings: Settings,
    roots: Sequence[str],
    *,
    accept_missing: bool = False,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> ScanResult:
    """Scan ``roots`` (all, if none is named) as the holder of the lease."""
    clock = clock or SystemClock()
    begun = clock.monotonic()
    wanted = [root for root in settings.roots if not roots or root.name in roots]
    with prepared(settings, clock, "storewarden scan") as ground:
        single = _Single(ground, clock, progress)
        for root in wanted:
            single.scan(root, accept_missing=accept_missing)
        return single.result(wanted, clock.monotonic() - begun)


class _Single:
    """Drives flow and scanner from one thread and one helper."""

    def __init__(self, ground: Ground, clock: Clock, progress: Progress | None) -> None:
        self._ground = ground
        self._clock = clock
        self._progress = progress
        self._stages = stages = stages_on(ground)
        self._memory = RootMemory(ground)
        self._ups: dict[str, RootUp] = {}
        self._ended: list[ScanTally] = []
        self._problems: list[str] = []
        self._recorded = Recorded()
        self._failure: StorewardenError | None = None
        self._giving_up = False
        self.flow = Flow(stages, self, clock)
        self._scanner = Scanner(
            stages.inbox,
            self._ups,
            clock,
            self,
            lambda root: stages.directories.large_digests(ground.roots[root], PART),
        )
        self._scanner.stopping = lambda: self._giving_up

    def scan(self, root: RootSettings, *, accept_missing: bool) -> None:
        """Scan one root and let what is being written settle."""
        place = self._place(root)
        if place is None:
            return
        self._ups[root.name] = up = RootUp(root, place, None)
        self._stages.inbox.put(up)
        wish = ScanWish("start", accept_missing=accept_missing)
        count = len(self._ended)
        self._drive(up, wish, count)
        self._settle(root)
        tally = self._ended[-1]
        if tally.broken or not tally.whole:
            self._problems.append(f"{root.name}: {tally.broken or 'the walk ended early'}")
        else:
            self._remember(root, tally)
        del self._ups[root.name]

    def _drive(self, up: RootUp, wish: ScanWish, count: int) -> None:
        """Run the walk beside the recorder until its conclusions are drawn."""
        walk = threading.Thread(target=self._scanner.scan, args=(up, wish), daemon=True)
        arrived = threading.Event()
        self._stages.inbox.wake = arrived.set
        walk.start()
        try:
            while len(self._ended) == count:
                wait = self.flow.step()
                if self._failure is not None:
                    raise self._failure
                if wait > 0:
                    arrived.wait(min(wait, 0.2))
                    arrived.clear()
        finally:
            self._giving_up = len(self._ended) == count
            walk.join(5.0)

    def _settle(self, root: RootSettings) -> None:
        """Give files that are being written the time to rest; the others are said to grow."""
        state = self._stages.states[root.name]
        until = self._clock.monotonic() + root.settle + _PATIENCE
        while state.settle.pending() or state.busy():
            wait = self.flow.step()
            if self._failure is not None:
                raise self._failure
            if self._clock.monotonic() >= until:
                break
            time.sleep(min(wait, 0.05))
        self.flow.finish(math.inf)

    def _place(self, root: RootSettings) -> tuple[int, int] | None:
        mounts = MountTable()
        try:
            seen = read_identity(root.path, mounts)
            verdict = judge(root.path, self._memory.known(root.name), seen, mounts.current())
        except OSError as error:
            self._problems.append(f"{root.name}: {error.strerror}")
            return None
        finally:
            mounts.close()
        if verdict.kind is Kind.FROZEN:
            self._problems.append(
                f"{root.name}: {verdict.reason}: {verdict.detail}; {verdict.remedy}"
            )
            return None
        self._memory.remember(root.name, seen)
        return (seen.device, seen.inode)

    def _remember(self, root: RootSettings, tally: ScanTally) -> None:
        scan = LastScan(
            self._clock.wall_ns(),
            self._clock.monotonic() - tally.started,
            self._stages.counts.present(root.name),
            tally.held,
        )
        write_scan(self._ground.engine, self._ground.roots[root.name], scan)
        write_blindness(self._ground.engine, self._ground.roots[root.name], (), scan.at_ns or 0)

    # -- what flow and scanner report -----------------------------------------------------

    def lost_events(self, root: str, reason: str) -> None:
        """Nothing is watched, so nothing is lost."""

    def root_doubted(self, root: str, why: str) -> None:
        """Say that this root could not be scanned to its end."""
        self._problems.append(f"{root}: {why}")

    def scan_begun(self, tally: ScanTally) -> None:
        """The one who asked waits for the end."""

    def scan_ended(self, tally: ScanTally) -> None:
        """Keep what a scan came to."""
        self._ended.append(tally)

    def scan_concluded(self, tally: ScanTally, seconds: float) -> None:
        """Only the daemon's scanner is told: here each scan is the last."""

    def blind_changed(self, root: str, blind: Sequence[Blind]) -> None:
        """Nothing is watched, so nothing is blind."""

    def committed(self, done: Committed) -> None:
        """Add up what changed, and tell how far it is."""
        for recorded in done.recorded.values():
            self._recorded.add(recorded)
        if self._progress is not None:
            for state in self._stages.states.values():
                if state.scan is not None:
                    self._progress(state.name, state.scan.listed)

    def kept(self, kept: Kept) -> None:
        """Nothing is looked into here."""

    def failed(self, error: StorewardenError) -> None:
        """A single scan does not wait for a full disk to be mended: it says so and ends."""
        self._failure = error

    def result(self, wanted: Sequence[RootSettings], seconds: float) -> ScanResult:
        """Add up what all the scans came to."""
        if len(self._problems) == len(wanted):
            raise PermanentError("nothing could be scanned", why="; ".join(self._problems))
        names = {root.name for root in wanted}
        present = [
            figures
            for (root, _, state), figures in self._stages.counts.totals.items()
            if root in names and state == "present"
        ]
        recorded = self._recorded
        return ScanResult(
            files=sum(files for files, _ in present),
            bytes=sum(size for _, size in present),
            added=recorded.added + recorded.returned,
            changed=recorded.changed + recorded.touched + recorded.renamed,
            gone=recorded.missing,
            errors=sum(tally.errors for tally in self._ended) + len(self._problems),
            seconds=seconds,
            held=sum(tally.held for tally in self._ended),
            problems=tuple(self._problems),
        )
