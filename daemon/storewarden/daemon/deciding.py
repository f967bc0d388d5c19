"""The policies in force in a running daemon: read, stored, decided by, shown.

Policies that cannot be read change nothing: the set that the catalogue remembers stays in force,
and that is said until it is mended. Without any, everything is recorded as ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from storewarden import __version__
from storewarden.catalogue import due, policy_sets
from storewarden.catalogue.due import Waits, Won
from storewarden.catalogue.policy_sets import StoredSet
from storewarden.catalogue.usage import Usage
from storewarden.clock import Clock
from storewarden.config.schema import Settings
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.clockwatch import ClockWatch
from storewarden.daemon.ground import Ground
from storewarden.errors import PolicyError, StorewardenError
from storewarden.measure.metrics import Metrics
from storewarden.measure.metrics import kind as kind_label
from storewarden.pipeline.deciding import Deciding, InForce
from storewarden.policy import load, verdict
from storewarden.policy.decision import Blocked
from storewarden.policy.expression import Condition, terms
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import Force, Policy, PolicySet, Triggers
from storewarden.policy.sources import read_sources
from storewarden.policy.terms import TERMS
from storewarden.policy.timing import carried_out, machine_zone

log = logging.getLogger(__name__)

_INTERVAL: Final = 10.0
# Times as long as counting took. A million files that are due, or in which policies won, take a
# second each: so counting costs a thousandth of a core, and nothing while nothing changes.
_REST: Final = 1000


class _Pause:
    """Measures what is done inside it, and keeps a pause after it in proportion to that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._until = 0.0

    def pause_is_over(self) -> bool:
        """Tell whether it may be done again."""
        return self._clock.monotonic() >= self._until

    def __enter__(self) -> None:
        self._began = self._clock.monotonic()

    def __exit__(self, *_: object) -> None:
        now = self._clock.monotonic()
        self._until = now + max(_INTERVAL, _REST * (now - self._began))


class Policies:
    """What the daemon knows of policies. ``step`` is a worker's, the rest the main thread's."""

    def __init__(
        self, ground: Ground, deciding: Deciding, usage: Usage, metrics: Metrics, clock: Clock
    ) -> None:
        self._ground = ground
        self._deciding = deciding
        self._usage = usage
        self._metrics = metrics
        self._clock = clock
        self._watch = ClockWatch(ground.engine, ground.host_id, clock, self._decide_anew)
        self._names: dict[int, str] = {}  # of the policies in force, by their ids
        self._triggers: dict[int, Triggers] = {}  # of the same
        self._zone = machine_zone()
        self._counts_won, self._counts_due = _Pause(clock), _Pause(clock)
        self._counted = -1  # how much was decided when policies' files were counted
        self.wake: Callable[[], None] = lambda: None  # the recorder's worker
        self.act_by: Callable[[Judge], None] = lambda _judge: None  # who carries them out
        self.worked: Callable[[int], None] = lambda _files: None  # is told how many were counted

    # -- reading them ---------------------------------------------------------------------------

    def read(self, settings: Settings) -> bool:
        """Put the policies of the configuration in force; keep those there are when it is wrong."""
        try:
            policy_set = load.read(
                read_sources(settings.policies),
                stores=settings.store_names,
                tables=settings.table_names,
            )
        except PolicyError as error:
            self._metrics.policies_reload_success.set(0)
            for problem in error.problems:
                log.error("the policies are wrong", extra={"facts": {"why": problem}})  # noqa: TRY400  # a mistake in a file has no traceback
            if not self._names:
                self._remembered(settings)
            return False
        stored = policy_sets.put_in_force(
            self._ground.engine,
            self._ground.host_id,
            policy_set.fingerprint,
            policy_set.sources,
            {policy.id: fingerprint(policy) for policy in policy_set.policies},
            self._clock.wall_ns(),
            __version__,
        )
        self._metrics.policies_reload_success.set(1)
        self._put(policy_set, stored)
        return True

    def read_again(self, settings: Settings) -> bool:
        """Do the same while running: a catalogue that cannot be written now is told, too."""
        try:
            return self.read(settings)
        except StorewardenError as error:
            if not error.transient:
                raise
            self._metrics.policies_reload_success.set(0)
            facts = {"why": error, "remedy": "reload again"}
            log.error("the policies cannot be stored", extra={"facts": facts})  # noqa: TRY400  # told by whoever writes the catalogue
            return False

    def _remembered(self, settings: Settings) -> None:
        """Put in force what was in force when the last daemon ran."""
        stored = policy_sets.in_force(self._ground.engine, self._ground.host_id)
        if stored is None:
            log.error("no policies are in force; files are recorded as ever")
            return
        files = [(name, text.encode()) for name, text in stored.sources]
        try:
            policy_set = load.read(files, stores=settings.store_names, tables=settings.table_names)
        except PolicyError as error:
            facts = {"why": error.problems[0], "problems": len(error.problems)}
            log.error("nor can those that were in force be read any more", extra={"facts": facts})  # noqa: TRY400  # as above
            return
        log.warning("the policies that were in force before stay so")
        self._put(policy_set, stored)

    def _put(self, policy_set: PolicySet, stored: StoredSet) -> None:
        engine = self._ground.engine
        rows = policy_sets.policies(engine, self._ground.host_id)
        ids = {policy.id: rows[policy.id].id for policy in policy_set.policies}
        self._triggers = {ids[policy.id]: policy.triggers for policy in policy_set.policies}
        self._names = {id_: name for name, id_ in ids.items()}
        self._usage.decides = asks_for_use(policy_set)
        self._deciding.put(
            InForce(
                stored.id,
                lambda now_ns: verdict.verdict(policy_set, ids, engine.dialect, now_ns),
            )
        )
        self.act_by(Judge(engine, self._ground.host_id, policy_set))
        loaded = self._metrics.policies_last_reload_success_timestamp_seconds
        loaded.set(stored.loaded_ns / 1e9)
        self._counted = -1
        facts = {"policies": len(ids), "from": ", ".join(name for name, _ in stored.sources)}
        log.info("policies are in force", extra={"facts": facts})
        self.wake()

    def _decide_anew(self) -> None:
        policy_sets.decide_all_anew(self._ground.engine, self._ground.host_id)
        self.wake()

    # -- the worker's step ------------------------------------------------------------------------

    def step(self) -> float:
        """Look at the clocks, and count what is due now and then."""
        try:
            self._watch.step()
            self._metrics.clock_jump_seconds.set(self._watch.jumped_ns / 1e9)
            if self._names and self._deciding.busy():
                return _INTERVAL
            if self._names:
                self._count()
            self._metrics.looked_for("policies", self._clock.wall_ns())
        except StorewardenError as error:
            if not error.transient:
                raise
        return _INTERVAL

    def _count(self) -> None:
        """Count anew what time and decisions may have changed, where that was long enough ago."""
        engine, host_id, now_ns = self._ground.engine, self._ground.host_id, self._clock.wall_ns()
        decided = self._deciding.decided
        if self._counts_won.pause_is_over() and decided != self._counted:
            with self._counts_won:
                won = due.won(engine, host_id)
                self._show_won(won)
            self._counted = decided
            self.worked(won.files)
        if self._counts_due.pause_is_over():
            with self._counts_due:
                self._metrics.undecided_files.set(due.undecided(engine, host_id))
                self._show_due(due.waits(engine, host_id, now_ns), now_ns)

    def _show_won(self, won: Won) -> None:
        metrics = self._metrics
        metrics.show("policy_files", {(name,): won.named[id_] for id_, name in self._names.items()})
        uncovered: dict[tuple[str, ...], float] = {}
        for kind, files in won.uncovered.items():
            label = (kind_label(kind),)
            uncovered[label] = uncovered.get(label, 0) + files
        metrics.show("uncovered_files", uncovered)

    def _show_due(self, waits: Waits, now_ns: int) -> None:
        names, metrics = dict(self._names), self._metrics
        metrics.show(
            "late_seconds",
            {
                (name,): self._late_ns(id_, waits.oldest.get(id_), now_ns) / 1e9
                for id_, name in names.items()
            },
        )
        metrics.show(
            "overdue_seconds",
            {
                (name,): max(0, now_ns - waits.oldest.get(id_, now_ns)) / 1e9
                for id_, name in names.items()
            },
        )
        metrics.show(
            "due_files",
            {
                (names[policy], Force(action).word): files
                for (policy, action), files in waits.due.items()
                if policy in names  # not one of before, of which something is still to be decided
            },
        )
        metrics.show(
            "blocked_files",
            {
                (block.name.lower(),): waits.blocked[block]
                for block in Blocked
                if block is not Blocked.NO
            },
        )

    def _late_ns(self, policy_id: int, due_ns: int | None, now_ns: int) -> int:
        """Return for how long what is due since then should have been done."""
        triggers = self._triggers.get(policy_id)
        if due_ns is None or triggers is None:
            return 0
        done_ns = carried_out(triggers, due_ns, self._zone)
        return 0 if done_ns is None else max(0, now_ns - done_ns)


def asks_for_use(policy_set: PolicySet) -> bool:
    """Tell whether anything is decided by how files are used: if not, use changes nothing."""
    return any(
        policy.clock == "last_used"
        or any(TERMS[term.name].source == "use" for part in _asked(policy) for term in terms(part))
        for policy in policy_set.policies
    )


def _asked(policy: Policy) -> Iterator[Condition]:
    yield policy.match
    if policy.place is not None and policy.place.evaluate is not None:
        yield policy.place.evaluate.local_if
