"""The deed ``migrate``: databases go to where policies want them, in three phases, one by one.

What stays is secured first: it is there, sound, and backed up where a policy asks for backups. Then
each that moves is looked over, and goes by an act of the journal that stores just what was found
sound, reads it back, and only then frees it here. Before each of them those that stay are felt for:
while they are slower than before, the next one waits. Nothing is noted but acts: stopped anywhere
it goes on with them, and done twice it does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Self

from storewarden.catalogue import backups
from storewarden.catalogue.movable import Movable, movable
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.acting.once import sleeping
from storewarden.daemon.acting.wish import Content, Result, Wanted, Wish
from storewarden.daemon.tending import put_off
from storewarden.daemon.tending.deeds import Stopping, Tell, deed
from storewarden.daemon.tending.feeling import Feeler
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.known import known, meant
from storewarden.daemon.tending.meant import passing
from storewarden.daemon.tending.overlooking import Looked, look_over
from storewarden.daemon.tending.standing import BY
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish, Told
from storewarden.databases.effect import Limits, Watch
from storewarden.databases.migrate import IDLE_NS, Migration, Task, migration
from storewarden.errors import (
    DatabaseBusy,
    DatabaseChanged,
    DatabaseDamaged,
    PermanentError,
    StorewardenError,
    UsageError,
)
from storewarden.policy.decide import winners
from storewarden.policy.rules import LOCAL, Policy, PolicySet

_DAY_NS: Final = 86_400 * 10**9
_AGAIN: Final = "once that is over: storewarden db migrate"
_WAITS: Final = (DatabaseBusy, DatabaseChanged)


class Options(NamedTuple):
    """What is wished of a migration."""

    phase: int | None = None  # None: all three
    limit: int | None = None  # so many move at most
    idle_ns: int = IDLE_NS
    slower: float = Limits().times  # than before is too slow, so many times
    reason: str = "storewarden db migrate"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Return what was told.

        Raises:
            UsageError: that makes no sense.
        """
        default = cls()
        try:
            phase, limit = told.get("phase"), told.get("limit")
            options = cls(
                None if phase is None else int(phase),
                None if limit is None else int(limit),
                int(told.get("idle_ns", default.idle_ns)),
                float(told.get("slower", default.slower)),
                str(told.get("reason", default.reason)),
            )
        except (TypeError, ValueError) as error:
            raise UsageError("this is no wish for databases", why=repr(error)) from error
        if options.phase not in {None, 1, 2, 3}:
            raise UsageError("a migration has three phases", where=str(options.phase))
        return options

    def wants(self, phase: int) -> bool:
        """Tell whether a phase is meant."""
        return self.phase in {None, phase}


def migrate(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Carry out the plan, or one phase of it; what came of each database that is meant.

    Raises:
        GivenUp: we are to stop.
        StorewardenError: nothing could be done for any.
    """
    began = hands.clock.monotonic()
    options = Options.of(wish.options)
    if hands.policies is None:
        raise PermanentError(
            "nothing is moved", why="no policies are in force", remedy="storewarden policy check"
        )
    hands.act(Wish((), wish.asked_by, options.reason))  # what was begun before comes first
    items: list[Item] = []
    try:
        items.extend(_Run(hands, hands.policies, wish, options, told, stopping).items())
    finally:
        put_off.note(hands, items, again=wish.asked_by == BY)
    return TendResult(tuple(items), hands.clock.monotonic() - began)


class _Run:
    """One migration, on its way."""

    def __init__(  # what a deed is given
        self,
        hands: Hands,
        policies: PolicySet,
        wish: TendWish,
        options: Options,
        told: Tell,
        stopping: Stopping,
    ) -> None:
        self._hands, self._policies, self._wish = hands, policies, wish
        self._options, self._told, self._stopping = options, told, stopping
        self._found = {one.row.id: one for one in movable(hands.engine, hands.host_id)}
        self._tops = {root.name: root.path for root in hands.settings.roots}
        self._plan = self._planned()
        self._done = 0

    def items(self) -> Iterator[Item]:
        """Yield what came of each database, in the order in which it was done."""
        secured = [self._secured(task) for task in self._plan.phase(1)]
        wrong = [item for item in secured if item.outcome != "done"]
        yield from (item for item in secured if self._options.wants(1) or item in wrong)
        moving = list(self._moving())
        if wrong:
            why = f"what stays here is not safe: {', '.join(item.database for item in wrong)}"
            yield from (_item(task, "refused", why, _AGAIN) for task in moving)
        else:
            yield from self._moved_all(moving)

    def _planned(self) -> Migration:
        databases = [known(one) for one in self._found.values()]
        return migration(self._policies, databases, self._hands.now_ns, self._options.idle_ns)

    def _moving(self) -> Iterator[Task]:
        """Yield what moves, of the phases and databases that are meant."""
        names = self._wish.databases
        for phase in (2, 3):
            for task in self._plan.phase(phase) if self._options.wants(phase) else ():
                if task.moves and meant(task.database.subject, names, self._tops):
                    yield task

    # -- what stays -------------------------------------------------------------------------------

    def _secured(self, task: Task) -> Item:
        """See that a database that stays is there, sound, and backed up where that is asked for."""
        if task.moves:
            return _item(task, "refused", task.later) if task.later else self._returned(task)
        found = self._found[task.database.subject.id]
        facts: dict[str, Any] = {}
        if not self._known_sound(found):
            looked = self._looked(task, idle=False)
            if isinstance(looked, Item):
                return looked
            facts["rows"] = looked.total
        missing = self._backed_up(task, found)
        return missing or _item(task, "done", **facts)

    def _known_sound(self, found: Movable) -> bool:
        """Tell whether a check found nothing wrong within a day, nor any since."""
        since = self._hands.now_ns - _DAY_NS
        return not found.damaged and found.sound_ns is not None and found.sound_ns > since

    def _backed_up(self, task: Task, found: Movable) -> Item | None:
        """Back up a database that should be and never was; return what came of it unless good."""
        policy = self._care_of(task)
        if policy is None or policy.care is None or policy.care.backup is None:
            return None
        hands, engine = self._hands, self._hands.engine
        if found.database_id and backups.newest_good(engine, found.database_id) is not None:
            return None
        self._tell(task, "is backed up")
        path = self._tops[found.row.root] + b"/" + found.row.path
        place = path.decode("utf-8", "surrogateescape")
        wish = TendWish("backup", (place,), {}, self._wish.asked_by, policy.id)
        try:
            result = deed("backup")(hands, wish, self._told, self._stopping)
        except StorewardenError as error:
            why = str(passing(error))
            return _item(task, "failed", f"it is not backed up: {why}", error.remedy)
        bad = next((one for one in result.items if one.outcome != "done"), None)
        if bad is None and result.items:
            return None
        why = bad.why if bad is not None else "nobody knows it as a database"
        remedy = bad.remedy if bad is not None else f"storewarden db backup {task.name}"
        return _item(task, "failed", f"it is not backed up: {why}", remedy)

    def _care_of(self, task: Task) -> Policy | None:
        won = winners(task.database.subject, self._policies, self._hands.now_ns).care
        return self._policies.policies[won - 1] if won > 0 else None

    # -- what moves -------------------------------------------------------------------------------

    def _moved_all(self, tasks: Sequence[Task]) -> Iterator[Item]:
        """Move one after the other, each once what stays is as fast as before the first."""
        watch: Watch | None = None
        begun = 0
        for at, task in enumerate(tasks):
            if self._stopping():
                raise GivenUp
            if task.later:
                yield _not_now(task)
                continue
            if begun == self._options.limit:
                continue
            watch = watch or self._watch()
            waited = watch.wait(partial(self._tell_waiting, task))
            if waited.too_slow:
                yield from map(partial(_too_slow, waited.too_slow), tasks[at:])
                return
            begun += 1
            item = self._returned(task) if task.what == "return" else self._moved(task)
            yield item._replace(facts={**item.facts, "effect": waited.facts()})
            self._done += 1

    def _tell_waiting(self, task: Task, why: str) -> None:
        self._tell(task, f"waits: {why}")

    def _watch(self) -> Watch:
        staying = [task for task in self._plan.tasks if not task.moves and self._is_here(task)]
        feeler = Feeler(self._hands, staying, self._stopping)
        limits = Limits.of(self._options.slower)
        return Watch(feeler.feel, self._hands.clock, sleeping(self._stopping), limits)

    def _is_here(self, task: Task) -> bool:
        return task.database.subject.lies == LOCAL

    def _moved(self, task: Task) -> Item:
        """Look a database over, and let just what was found sound go to its store."""
        looked = self._looked(task, idle=True)
        if isinstance(looked, Item):
            return looked
        contents = tuple(Content(path, digest) for path, digest in looked.digests)
        file_id, store = task.database.subject.id, task.belongs.recommendation
        wanted = Wanted(file_id, "move", store, looked_into=contents)
        facts = {"rows": looked.total, "digest": looked.digests[0][1].hex()}
        return self._acted(task, wanted, facts)

    def _returned(self, task: Task) -> Item:
        """Bring a database back that belongs here by now."""
        wanted = Wanted(task.database.subject.id, "move", LOCAL)
        return self._acted(task, wanted, {})

    def _acted(self, task: Task, wanted: Wanted, facts: Mapping[str, Any]) -> Item:
        self._tell(task)
        wish = Wish((wanted,), self._wish.asked_by, self._options.reason)
        result = self._hands.act(wish)
        outcome, why = _came(result)
        return _item(task, outcome, why, **facts, freed=result.freed)

    def _looked(self, task: Task, *, idle: bool) -> Looked | Item:
        """Look a database over; return what came of it when it is not to go on with it."""
        self._tell(task, "is looked over")
        files = self._found[task.database.subject.id].files
        try:
            looked = look_over(self._hands, files, self._stopping, idle=idle)
        except DatabaseDamaged as error:
            return _item(task, "found", error.why or str(error), _mend(task))
        except _WAITS as error:
            return _item(task, "put_off", error.why or error.what, _AGAIN)
        except StorewardenError as error:
            return _item(task, "failed", str(passing(error)), error.remedy)
        if looked.wrong:
            return _item(task, "found", looked.wrong, _mend(task))
        return looked

    def _tell(self, task: Task, doing: str = "") -> None:
        name = f"{task.place} {doing}".rstrip()
        total = sum(1 for _ in self._moving())
        self._told(Told(self._wish.what, name, self._done, total))


def _too_slow(why: str, task: Task) -> Item:
    return _item(task, "put_off", f"what stays is slower than before: {why}", _AGAIN)


def _mend(task: Task) -> str:
    return f"storewarden db check {task.name}"


def _not_now(task: Task) -> Item:
    damaged = task.kept and task.database.trouble
    outcome: Outcome = "found" if damaged else "refused" if task.kept else "put_off"
    return _item(task, outcome, task.later, _mend(task) if damaged else "")


def _came(result: Result) -> tuple[Outcome, str]:
    """Return what came of an act, and why it was not done, if so."""
    why = next((one.why for one in result.troubles), "")
    if result.failed:
        return "failed", why
    if result.put_off or result.held:
        return "put_off", why
    if result.refused or not result.done:
        return "refused", why
    return "done", ""


def _item(task: Task, outcome: Outcome, why: str = "", remedy: str = "", **facts: Any) -> Item:
    told = {
        "phase": task.phase,
        "bytes": task.database.size,
        "store": task.belongs.recommendation,
        "policy": task.belongs.policy,
        "reason": task.belongs.reason,
    }
    return Item(task.place, task.what, outcome, why, remedy, told | facts)
