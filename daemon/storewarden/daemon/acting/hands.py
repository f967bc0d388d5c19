"""What carries acts out in this process: journal, roots, stores and policies put together.

Used by one thread at a time. What an act reads is announced, so that it does not count as use, and
what it did is told, so that the recorder looks at those names at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby
from typing import Final, NamedTuple

from storewarden.act.batch import carry_out_all
from storewarden.act.carry.beside import STORING, rounds
from storewarden.act.carry.verbs import VERBS
from storewarden.act.carry.work import PurgeRule, Tools, purge_at_once
from storewarden.act.execute import Executor, Outcome, Patience
from storewarden.catalogue.acted import Acted
from storewarden.catalogue.acts import Act, stands
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.journal import Journal
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.stores import Stores
from storewarden.daemon.ground import Ground
from storewarden.errors import FileUnusable
from storewarden.watch.own import OwnReads

# How often a verb opens a file at its own place and closes it there: a copy is read once; what
# leaves is also leased, and what comes is written.
_OPENED: Final = {"copy": 1, "archive": 2, "move": 2, "trash": 1, "restore": 1}
# Acts of these verbs share what each would pay alone, and so do those that store small files, or
# bring back what lies in the trash; any other may take hours by itself.
_SHARING: Final = frozenset({"trash", "purge"})


class GivenUp(Exception):
    """Ends an act in the middle of a file: we are to stop. It goes on from its journal later."""


class Seen(NamedTuple):
    """Whom acts tell of what they do; each is called by the thread that acts."""

    passed: Callable[[int], None] = lambda _bytes: None  # so many bytes of a content
    begins: Callable[[Act], None] = lambda _act: None
    ended: Callable[[Outcome], None] = lambda _outcome: None


class Acting:
    """Carries acts out. `judge` is None while no policies are in force."""

    def __init__(
        self,
        ground: Ground,
        counts: Counts,
        roots: OpenRoots,
        stores: Stores,
        *,
        own: OwnReads | None = None,
        hint: Callable[[Act], None] = lambda _act: None,
        patience: Patience | None = None,
    ) -> None:
        """Touch nothing; ``hint`` hears of each act of which something may be to be seen."""
        self.engine, self.host_id, self.clock = ground.engine, ground.host_id, ground.clock
        self.roots, self.stores = roots, stores
        self.counts = counts
        self.judge: Judge | None = None
        self.stopping: Callable[[], bool] = lambda: False
        self.journal = Journal(ground.engine, ground.lease.epoch)
        self._own = own or OwnReads()
        self._hint = hint
        self._seen = self._always = Seen()
        tools = Tools(
            journal=self.journal,
            acted=Acted(self.journal, counts),
            roots=roots,
            stores=stores,
            clock=ground.clock,
            purge_rule=self._purge_rule,
            progress=self._progress,
        )
        self.executor = Executor(tools, VERBS, patience)

    @property
    def now_ns(self) -> int:
        """The wall clock."""
        return self.clock.wall_ns()

    def store_is_down(self, name: str | None) -> bool:
        """Tell whether the last call to a store came to nothing."""
        return name is not None and name in self.stores and self.stores.state_of(name).up is False

    def carry_out(self, acts: Sequence[Act], seen: Seen | None = None) -> Iterator[Outcome]:
        """Go on with acts, in their order; yield what became of each.

        Raises:
            GivenUp: we are to stop.
            StorewardenError: the catalogue cannot be written now, or the lease is lost.
        """
        with self.under(seen or Seen()):
            trashed = self._trashed(acts)
            for (root, sharing, storing), some in groupby(acts, lambda act: _alike(act, trashed)):
                together = list(some)
                if sharing:
                    parts = [together]
                else:
                    parts = list(rounds(together)) if storing else [[act] for act in together]
                for part in parts:
                    yield from self._together(root, part)

    def _trashed(self, acts: Sequence[Act]) -> set[int]:
        """Return which files lie in the trash that are to come back."""
        ids = [act.file_id for act in acts if act.verb == "restore" and act.file_id is not None]
        found = stands(self.engine, ids)
        return {file_id for file_id, (state, _) in found.items() if state == "trashed"}

    def _together(self, root: str, acts: Sequence[Act]) -> Iterator[Outcome]:
        if self.stopping():
            raise GivenUp
        self._seen.begins(acts[0])
        self._always.begins(acts[0])
        with ExitStack() as stack:
            for act in acts:
                stack.enter_context(self._announced(act))
            with suppress(FileUnusable):  # each act is put off for that
                stack.enter_context(self.roots.opened(root))
            for outcome in carry_out_all(self.executor, acts):
                self.tell(outcome)
                yield outcome

    @contextmanager
    def under(self, seen: Seen) -> Iterator[None]:
        """Let somebody hear of acts."""
        before, self._seen = self._seen, seen
        try:
            yield
        finally:
            self._seen = before

    def hear(self, seen: Seen) -> None:
        """Let somebody hear of all acts."""
        self._always = seen

    def tell(self, outcome: Outcome) -> None:
        """Tell all who hear of acts what came of one."""
        self._hint(outcome.act)
        self._seen.ended(outcome)
        self._always.ended(outcome)

    @contextmanager
    def _announced(self, act: Act) -> Iterator[None]:
        """Announce that files are opened at their places."""
        times = _OPENED.get(act.verb, 0)
        places = [one.path.rpartition(b"/") for one in act.members for _ in range(times)]
        for directory, _, name in places:
            self._own.expect(act.root, directory, name)
        try:
            yield
        finally:
            for directory, _, name in places:
                self._own.over(act.root, directory, name)

    # -- what acts ask for ------------------------------------------------------------------------

    def _progress(self, size: int) -> None:
        self._seen.passed(size)
        self._always.passed(size)
        if self.stopping():
            raise GivenUp

    def _purge_rule(self, act: Act) -> PurgeRule:
        if act.policy is None:
            return purge_at_once(act)
        return (self.judge or Judge.none(self.engine, self.host_id)).purge_rule(act)


def _alike(act: Act, trashed: Collection[int | None]) -> tuple[str, bool, bool]:
    sharing = act.verb in _SHARING or (act.verb == "restore" and act.file_id in trashed)
    return act.root, sharing, act.verb in STORING
