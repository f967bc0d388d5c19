"""The daemon: parts put together, threads, signals, readiness, and the order in which it stops."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from storewarden import __version__
from storewarden.catalogue import drivers, keep
from storewarden.catalogue.connect import sqlite_path
from storewarden.catalogue.roots import write_blindness
from storewarden.clock import Clock, SystemClock
from storewarden.config.changes import changed
from storewarden.config.schema import Settings
from storewarden.daemon import process
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.together import put_together
from storewarden.daemon.background import Background
from storewarden.daemon.clerk import Clerk
from storewarden.daemon.comeback import Comeback
from storewarden.daemon.deciding import Policies
from storewarden.daemon.ground import Ground, RootMemory, prepared, stages_on
from storewarden.daemon.healthy import Healthy
from storewarden.daemon.heartbeat import Heartbeat
from storewarden.daemon.telling.holding import HoldingTally
from storewarden.daemon.telling.together import Telling
from storewarden.daemon.tending import together as tending
from storewarden.daemon.tidy import Tidy
from storewarden.errors import (
    DONE,
    FAILED,
    HELD,
    CatalogueCorrupt,
    ConfigError,
    LeaseLost,
    StorewardenError,
)
from storewarden.measure import listening, notify
from storewarden.measure import log as logs
from storewarden.measure.http import Server
from storewarden.measure.metrics import Metrics
from storewarden.measure.web import Web, require_guard
from storewarden.model import Blind
from storewarden.pipeline.deciding import Deciding
from storewarden.pipeline.eyes import InotifyEyes
from storewarden.pipeline.figures import Figures
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.flow import Flow
from storewarden.pipeline.inbox import CatalogueDoubted, RootUp
from storewarden.pipeline.parts import Committed
from storewarden.pipeline.scanner import Scanner
from storewarden.pipeline.sentinel import Sentinel
from storewarden.pipeline.state import ScanTally, ScanWish
from storewarden.policy.timing import machine_zone
from storewarden.supervise import PATIENCE, Supervisor, Worker, together
from storewarden.watch.budget import WatchBudget
from storewarden.watch.observer import WardenObserver
from storewarden.watch.walk import PART

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
_TICK = 1.0
_ACTOR, _TENDER = "actor", "tender"
_STORE_PATIENCE = 600.0
_SOME = 100  # names settling, beside which digests may still be taken


def run(settings: Settings, *, json_log: bool, reload: Callable[[], Settings]) -> int:
    """Watch and record until SIGTERM or SIGINT; return the exit code."""
    logs.setup(settings.log.level, "json" if json_log else _form(settings))
    clock = SystemClock()
    process.raise_file_limit()
    process.share_one_heap()
    try:
        return _serve(settings, clock, reload)
    except CatalogueCorrupt as error:
        if drivers.is_server(settings.catalogue):
            raise  # its administrator's to mend; we can only mend our own file
        log.critical("the catalogue is damaged", extra={"facts": {"error": str(error)}})
        keep.condemn(sqlite_path(settings.catalogue, settings.state))
    return _serve(settings, clock, reload)  # which sets the damaged one aside


def _serve(settings: Settings, clock: Clock, reload: Callable[[], Settings]) -> int:
    with prepared(settings, clock, "storewarden run") as ground:
        return Daemon(settings, ground, clock, reload).run()


def _form(settings: Settings) -> logs.Format:
    return "json" if settings.log.format == "json" else "auto"


class Daemon:
    """All parts of one running daemon. Owned by the main thread."""

    def __init__(
        self, settings: Settings, ground: Ground, clock: Clock, reload: Callable[[], Settings]
    ) -> None:
        self._settings = settings
        self._ground = ground
        self._clock = clock
        self._load_again = reload
        self._metrics = Metrics(__version__)
        self._wake = threading.Event()
        self._stop_asked = False
        self._reload_asked = False
        self._waiting = ["the start"]
        self._stages = stages_on(ground)
        self._ups: dict[str, RootUp] = {}  # written by the sentinel, read by all
        self._budget = WatchBudget(share=settings.watch_share)
        self._observer = WardenObserver(self._budget)
        self._put_together()
        self._workers()

    def _put_together(self) -> None:
        stages, ground, clock = self._stages, self._ground, self._clock
        deciding = Deciding(ground.engine, ground.host_id, clock)
        self.flow = Flow(stages, self, clock, deciding)
        self._scanner = Scanner(
            stages.inbox,
            self._ups,
            clock,
            self,
            lambda root: stages.directories.large_digests(ground.roots[root], PART),
        )
        eyes = InotifyEyes(self._observer, stages.inbox, clock, stages.own)
        memory = RootMemory(ground)
        self._sentinel = Sentinel(
            stages.inbox, self._ups, eyes, memory, self._scanner, clock, self._unreadable
        )
        self._figures = Figures(
            self._metrics,
            ground.engine,
            stages.counts,
            clock,
            self._sentinel.sights,
            stages.states,
            lambda: ground.uninspected(
                [name for name, up in list(self._ups.items()) if up.settings.inspect]
            ),
        )
        self._comeback = Comeback(ground.engine, self._scan_all)
        self._background = Background(
            stages,
            lambda: {name: up.settings for name, up in list(self._ups.items())},
            self._metrics,
            clock,
            busy=self._recording,
        )
        deciding.busy = self._background.busy
        self._actor, self._scrubbing = put_together(
            *(ground, stages, self._settings, self._metrics),
            busy=self._background.busy,
            decided=lambda: deciding.decided,
            acted=self._acted,
        )
        self._tender = tending.put_together(
            *(ground, self._settings, self._metrics),
            own=stages.own,
            busy=self._background.busy,
        )
        self._clerk = Clerk(
            ground,
            self._scanner,
            stages.counts,
            clock,
            lambda root: root in self._ups,
            lambda: {root.name: root.usage_keep for root in self._settings.roots},
            self._actor.ask,
        )
        self._clerk.tend = self._tender.ask
        self._clerk.told_kept = lambda: (
            self._settings.api.keep_usage,
            self._settings.api.keep_chats,
        )
        self._clerk.tidied = lambda: self._metrics.looked_for("tidying", clock.wall_ns())
        self._healthy = Healthy(
            ground,
            self._settings,
            self._metrics,
            machine_zone(),
            failing=self.flow.failing,
            systems=lambda: self._tender.systems,
            tops=lambda: {name: up.settings.path for name, up in list(self._ups.items())},
        )
        self._actor.answer = self._tender.answer = self._clerk.answer
        self._policies = Policies(ground, deciding, stages.usage, self._metrics, clock)
        self._tidy = Tidy(ground.engine, lambda: self._recording() or deciding.going_on)
        deciding.worked = self._policies.worked = self._tidy.worked
        self._policies.act_by = self._judge_by

    def _workers(self) -> None:
        """The workers in the order of the flow: who feeds whom stops first."""

        def worker(
            name: str,
            step: Callable[[], float],
            finish: Callable[[], None] | None = None,
            patience: float = PATIENCE,
        ) -> Worker:
            return Worker(
                name,
                step,
                clock=self._clock,
                on_death=self._worker_died,
                on_fatal=lambda _worker, _error: self._wake.set(),
                finish=finish,
                patience=patience,
            )

        watch = worker("sentinel", self._sentinel.step, finish=self._sentinel.close)
        self._watch_worker = watch
        self._scan_worker = worker("scanner", self._scanner.step)
        background = self._background
        digest = worker("digester", background.digester.step, finish=background.digester.stop)
        inspect = worker("inspector", background.inspector.step, finish=background.inspector.stop)
        background.wake = inspect.wake
        # a store may take long over one call; it has time-outs of its own
        act = worker(_ACTOR, self._actor.step, self._actor.finish, _STORE_PATIENCE)
        self._actor.wake, self._actor.beat = act.wake, act.beat
        tend = worker(_TENDER, self._tender.step, self._tender.finish, _STORE_PATIENCE)
        self._tender.wake, self._tender.beat = tend.wake, tend.beat
        record = worker("recorder", self.flow.step, finish=self.flow.finish)
        clerk = worker("clerk", self._clerk.step, finish=self._clerk.last)
        figures = worker("figures", self._figures.step, finish=self._figures.last)
        health = worker("health", self._healthy.step)
        lease = worker("lease", Heartbeat(self._ground, self._comeback, self).step)
        policies = worker("policies", self._policies.step)
        scrub = worker("scrubber", self._scrubbing.step, finish=self._scrubbing.finish)
        self._stages.inbox.wake = self._policies.wake = record.wake
        self._scanner.wake = self._scan_worker.wake
        self._scanner.beat = self._scan_worker.beat
        self._scanner.stopping = lambda: self._stop_asked
        self._supervisor = Supervisor(
            (
                *(watch, self._scan_worker, digest, inspect, record, clerk, figures, policies),
                # a store may keep these, and nobody else waits for that
                *(health, lease, tend, scrub, act),
            ),
            clock=self._clock,
        )
        self._telling = Telling(self._ground, self._settings, self._metrics)
        holding = HoldingTally(self._ground.engine, self._metrics, self._clock)
        holding.uses = self._telling.write_uses

        def also() -> None:
            holding.step()
            self._telling.listening.step()

        self._clerk.also = also
        self._http = Server(
            self._metrics,
            stuck=lambda: self._supervisor.stuck(self._clock.monotonic()),
            waiting=lambda: tuple(self._waiting),
        )
        self._http.guest = self._telling.guest

    # -- the main thread ------------------------------------------------------------------

    def run(self) -> int:
        """Start, go on until told to stop, and stop."""
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # see pipeline/look.py: leases
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        self._start()
        ping = notify.watchdog_interval()
        try:
            while not self._stop_asked and self._supervisor.fatal is None:
                self._wake.wait(together(min(_TICK, ping or _TICK), self._clock.monotonic()))
                self._wake.clear()
                self._supervisor.check(self._clock.monotonic())
                stuck = self._supervisor.stuck(self._clock.monotonic())
                self._metrics.show_stuck((one.name for one in self._supervisor.workers), stuck)
                if ping and not stuck:
                    notify.watchdog()
                self._tidy.step()
                self._telling.listening.check()
                if self._reload_asked:
                    self._reload_asked = False
                    self._reload()
        finally:
            left = self._stop()
        fatal = self._supervisor.fatal
        if {_ACTOR, _TENDER} & set(left):
            # A store keeps them from ending. The lease stays ours until they have: what they were
            # doing goes on with the next start.
            logging.shutdown()
            others = set(left) - {_ACTOR, _TENDER}
            os._exit(FAILED if others or fatal is not None else DONE)
        if isinstance(fatal, LeaseLost):
            return HELD
        if isinstance(fatal, StorewardenError):
            raise fatal
        return FAILED if left or fatal is not None else DONE

    def _start(self) -> None:
        """Watches first, then readiness, then the scans that make up for the time before."""
        for root in self._settings.roots:
            self._metrics.begin_root(root.name, root.rescan)
        self._serve_pages()
        self._metrics.watches_limit.set(self._budget.allowed)
        self._metrics.config_reload_success.set(1)
        self._metrics.config_last_reload_success_timestamp_seconds.set(self._clock.wall_ns() / 1e9)
        self._figures.show_all_totals()
        self._policies.read(self._settings)
        self._observer.start()
        self._sentinel.watch(self._settings.roots)
        self._sentinel.step()
        self._supervisor.start()
        self._waiting.clear()
        self._metrics.ready.set(1)
        notify.ready(f"watching {len(self._ups)} of {len(self._settings.roots)} roots")
        facts: dict[str, object] = {"version": __version__, "from": self._settings.source}
        if self._http.url:
            facts["http"] = self._http.url
        log.info("ready", extra={"facts": facts})

    def _serve_pages(self) -> None:
        http = self._settings.http
        web = Web(http.web_config) if http.web_config is not None else None
        made = listening.handed_over()
        ours = made is None
        require_guard(http.listen if made is None else listening.address(made), web)
        if made is None and http.listen.served:
            made = listening.opened(http.listen)
        if made is not None:
            self._http.start(made, web, ours=ours)
        self._telling.open()

    def _stop(self) -> tuple[str, ...]:
        notify.stopping()
        self._waiting.append("the end")
        self._metrics.ready.set(0)
        self._stop_asked = True
        self._background.give_up()
        self._actor.give_up()
        self._tender.give_up()
        self._telling.close()
        left = self._supervisor.stop(STOP_SECONDS)
        self._observer.stop()
        self._observer.join(0.5)
        self._http.stop()
        log.info("stopped", extra={"facts": {"left": ",".join(left)} if left else {}})
        return left

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        """Only set a flag; the main loop does the rest. A second request to stop is final."""
        if number == signal.SIGHUP:
            self._reload_asked = True
        elif self._stop_asked:
            os._exit(FAILED)
        else:
            self._stop_asked = True
        self._wake.set()

    def _reload(self) -> None:
        """Take a new configuration over as far as can be done while running; keep a right one."""
        notify.reloading(self._clock.monotonic())
        try:
            new = self._load_again()
            for root in new.roots:
                if root.name not in self._ground.roots:
                    self._ground.register((root,))
                    self._stages.counts.know(root.name, self._ground.roots[root.name])
                self._ground.note_counting(root)
        except StorewardenError as error:
            self._metrics.config_reload_success.set(0)
            problems = error.problems if isinstance(error, ConfigError) else (str(error),)
            for problem in problems:
                log.error("the new configuration is wrong", extra={"facts": {"why": problem}})  # noqa: TRY400  # a mistake in a file has no traceback
            notify.ready("the new configuration is wrong; the one before is in use")
            return
        self._apply(new)
        right = self._policies.read_again(new)
        self._metrics.config_reload_success.set(1)
        self._metrics.config_last_reload_success_timestamp_seconds.set(self._clock.wall_ns() / 1e9)
        notify.ready(
            "the new configuration is in use"
            if right
            else "the new configuration is in use, but for its policies: they are wrong"
        )

    def _apply(self, new: Settings) -> None:
        for difference in changed(self._settings, new):
            level = logging.INFO if difference.live else logging.WARNING
            what = "applied" if difference.live else "takes effect with the next start"
            log.log(
                level,
                "the configuration changed",
                extra={"facts": {"change": str(difference), "what": what}},
            )
        for root in new.roots:
            if root not in self._settings.roots:
                self._metrics.begin_root(root.name, root.rescan)
        logs.set_level(new.log.level)
        self._sentinel.want_roots(new.roots)
        self._actor.follow(new)
        self._tender.follow(new)
        self._healthy.follow(new)
        self._telling.follow(new)
        self._settings = new

    # -- what the parts tell each other ---------------------------------------------------

    def lost_events(self, root: str, reason: str) -> None:
        """Have the root scanned once the storm is over (recorder thread)."""
        self._scanner.want(root, ScanWish(reason), settled=False)

    def root_doubted(self, root: str, why: str) -> None:
        """Have the root judged anew (recorder thread)."""
        del why
        self._sentinel.doubt(root)
        self._watch_worker.wake()

    def blind_changed(self, root: str, blind: Sequence[Blind]) -> None:
        """Write what cannot be seen, inside the recorder's transaction."""
        root_id = self._ground.roots[root]
        write_blindness(self._ground.engine, root_id, blind, self._clock.wall_ns())

    def committed(self, done: Committed) -> None:
        """Count a round (recorder thread)."""
        self._figures.committed(done)
        self._comeback.works()
        written = sum(one.written() for one in done.recorded.values())
        self._tidy.worked(written)
        if done.recorded:
            self._background.news(written)

    def kept(self, kept: Kept) -> None:
        """Count facts that were stored (recorder thread)."""
        self._background.kept(kept)
        self._figures.kept(kept)

    def _judge_by(self, judge: Judge) -> None:
        """Act and care by other policies (main thread)."""
        self._actor.judge_by(judge)
        self._tender.judge_by(judge)
        self._healthy.judge_by(judge.policies)

    def _acted(self, root: str) -> None:
        """Hear that an act ended in a root (actor thread)."""
        self._figures.acted(root)
        self._tidy.worked(1)

    def failed(self, error: StorewardenError) -> None:
        """Count a round that came to nothing (recorder thread)."""
        self._figures.failed(error)
        self._comeback.failed(error)

    def scan_begun(self, tally: ScanTally) -> None:
        """Show that a scan runs (scanner thread)."""
        self._figures.scan_begun(tally)

    def scan_ended(self, tally: ScanTally) -> None:
        """Let the scanner go on (recorder thread)."""
        self._scanner.ended(tally)

    def scan_concluded(self, tally: ScanTally, seconds: float) -> None:
        """Store and answer what a scan came to (recorder thread)."""
        if tally.whole and not tally.broken and not self._scanner.is_wanted(tally.root):
            self._confirm_watches(tally)
        try:
            self._clerk.ended(tally, seconds)
            self._figures.scan_ended(tally, seconds)
        except StorewardenError as error:
            if not error.transient:
                raise
            self._figures.failed(error)
        self._tidy.worked(tally.listed)

    def _confirm_watches(self, tally: ScanTally) -> None:
        """Let the emitter drop what a whole scan did not meet, and forget that it lost events."""
        emitter = self._observer.emitter(tally.root)
        if emitter is None:
            return
        root_id, known = self._ground.roots[tally.root], self._stages.directories.known

        def visited(path: bytes) -> bool:
            directory = known(root_id, path)
            return directory is not None and tally.met(directory.id)

        if tally.wish.accept_missing:
            emitter.believe_gone()
        emitter.confirm_after_scan(visited)

    def _scan_all(self, why: str) -> None:
        self._stages.inbox.put(CatalogueDoubted())
        for root in list(self._ups):
            self._scanner.want(root, ScanWish(why))

    def _unreadable(self, root: str) -> dict[bytes, int]:
        state = self._stages.states.get(root)
        return dict(state.unreadable) if state is not None else {}

    def _recording(self) -> bool:
        """Tell whether the recorder has more to do than to wait."""
        return (
            self.flow.failing()
            or self._scanner.running() is not None
            or any(state.shown.pending > _SOME for state in list(self._stages.states.values()))
        )

    def works_again(self) -> None:
        """Hear that the catalogue is back (the lease's thread)."""
        if not self.flow.failing():
            self._figures.committed(Committed())

    def _worker_died(self, worker: Worker, _error: BaseException) -> None:
        self._metrics.worker_restarts_total.labels(worker=worker.name).inc()
        self._wake.set()
