"""What moving databases to where they belong comes to: three phases, task by task; pure.

What stays is secured before anything moves. What moves goes one by one, the smallest and least used
first: what is wrong with a store, or with us, shows with what matters least. Each task says what
keeps it from being done now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from storewarden.databases.recommend import Recommendation, recommend
from storewarden.policy import decide, reasons
from storewarden.policy.decide import Candidate
from storewarden.policy.decision import Blocked
from storewarden.policy.known import rate
from storewarden.policy.rules import LOCAL, Force, PolicySet
from storewarden.policy.subject import Subject

What = Literal["secure", "move", "return", "there", "judge"]
"""``there``: it is where it belongs; ``judge``: where it belongs is not known, as nobody counts."""

IDLE_NS: Final = 10 * 60 * 10**9
"""For so long nobody used what is moved, unless somebody says otherwise."""

_WINDOW_NS: Final = 30 * 86_400 * 10**9
_SECURE, _MOVE, _JUDGE = 1, 2, 3


class Database(NamedTuple):
    """A database as it is known: what policies see of it, and what they do not."""

    subject: Subject
    size: int  # with the logs beside it
    written_ns: int  # when it, or a log of it, was last written
    trouble: str = ""  # what is wrong with it, as its last check told


class Task(NamedTuple):
    """What a migration does with one database; ``later`` is why not now, if so.

    ``kept``: that does not end by itself.
    """

    phase: int
    what: What
    database: Database
    belongs: Recommendation
    later: str = ""
    kept: bool = False

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.database.subject.name.decode(errors="backslashreplace")

    @property
    def place(self) -> str:
        """Its root, and its path there."""
        subject = self.database.subject
        return f"{subject.root}/{subject.path.decode(errors='backslashreplace')}"

    @property
    def moves(self) -> bool:
        """Whether bytes are carried from one place to another."""
        return self.what in {"move", "return"}


class Migration(NamedTuple):
    """All that moves, and what stays, in the order in which it is done."""

    tasks: tuple[Task, ...]
    unnamed: tuple[Database, ...]  # of which no policy says where they belong

    def phase(self, number: int) -> tuple[Task, ...]:
        """Return the tasks of a phase."""
        return tuple(task for task in self.tasks if task.phase == number)

    @property
    def here(self) -> int:
        """Bytes of all databases that lie on this machine."""
        return sum(one.size for one in self._all() if one.subject.lies == LOCAL)

    @property
    def away(self) -> int:
        """Bytes of those that were moved away, as large as they were here."""
        return sum(one.size for one in self._all() if one.subject.lies != LOCAL)

    @property
    def leaving(self) -> int:
        """Bytes that leave this machine once all is done, less those that come back."""
        signs = {"move": 1, "return": -1}
        return sum(signs.get(task.what, 0) * task.database.size for task in self.tasks)

    @property
    def saved(self) -> float | None:
        """The share of all bytes that left this machine by now."""
        return self._share(self.away)

    @property
    def forecast(self) -> float | None:
        """The share that will have left it once all is done."""
        return self._share(self.away + self.leaving)

    def _share(self, size: int) -> float | None:
        every = self.here + self.away
        return size / every if every else None

    def _all(self) -> Iterable[Database]:
        return (*(task.database for task in self.tasks), *self.unnamed)


def migration(
    policies: PolicySet, databases: Sequence[Database], now_ns: int, idle_ns: int = IDLE_NS
) -> Migration:
    """Return what is to be done with databases that are here, or were moved away."""
    tasks, unnamed = [], []
    for one in databases:
        task = _task(policies, one, now_ns, idle_ns)
        if task is None:
            unnamed.append(one)
        else:
            tasks.append(task)
    tasks.sort(key=lambda task: _order(task, now_ns))
    return Migration(tuple(tasks), tuple(unnamed))


def _task(policies: PolicySet, one: Database, now_ns: int, idle_ns: int) -> Task | None:
    subject = one.subject
    belongs = recommend(policies, subject, now_ns, measured=True)
    policy = policies.policy(belongs.policy)
    if policy is None or policy.place is None:
        return None
    if policy.place.evaluate is not None:
        phase = _JUDGE
    else:
        phase = _SECURE if belongs.recommendation == LOCAL else _MOVE
    if belongs.recommendation == "evaluate":
        return Task(phase, "judge", one, belongs)
    if belongs.due_ns is None:
        return Task(phase, "secure" if phase == _SECURE else "there", one, belongs)
    what: What = "return" if belongs.recommendation == LOCAL else "move"
    keeps = _keeps(policies, one, belongs, now_ns)
    later = keeps or _waits(one, belongs, now_ns, idle_ns)
    return Task(phase, what, one, belongs, later, bool(keeps))


def _keeps(policies: PolicySet, one: Database, belongs: Recommendation, now_ns: int) -> str:
    """Return what keeps a database from going until somebody does something, or nothing."""
    won = decide.winners(one.subject, policies, now_ns)
    wants = Candidate(Force.MOVE, belongs.due_ns, belongs.recommendation, won.place, "")
    blocked = decide.blocks(wants, one.subject, policies, won)
    if blocked is not Blocked.NO and blocked is not Blocked.GROWING:
        hold = policies.policies[abs(won.hold) - 1].id if won.hold else None
        unsure = "?" if won.hold < 0 else ""
        names = {"hold": hold and unsure + hold, "place": belongs.policy}
        return reasons.hindrance(blocked, one.subject, names)
    if one.trouble and belongs.recommendation != LOCAL:
        return f"it is damaged: {one.trouble}"
    return ""


def _waits(one: Database, belongs: Recommendation, now_ns: int, idle_ns: int) -> str:
    """Return why a database does not go now, though it will, or nothing."""
    subject, due_ns = one.subject, belongs.due_ns or 0
    if due_ns > now_ns:
        return f"it stays where it is until {reasons.day(due_ns)}: {_far(due_ns - now_ns)}"
    if belongs.recommendation == LOCAL:
        return ""  # it is nobody's to use where it is
    if subject.growing:
        return "somebody is writing it"
    used_ns = max(one.written_ns, subject.last_opened_ns or 0)
    if now_ns - used_ns < idle_ns:
        ago = reasons.duration(max(0, now_ns - used_ns))
        return f"it was used {ago} ago, and goes after {reasons.duration(idle_ns)} without use"
    return ""


def _far(length_ns: int) -> str:
    return f"{reasons.duration(length_ns)} from now"


def _order(task: Task, now_ns: int) -> tuple[object, ...]:
    """Sort by phase; of a phase the smallest first, of those of about one size the least used."""
    subject = task.database.subject
    uses = _uses(subject, now_ns)
    size = task.database.size
    return (task.phase, not task.moves, size.bit_length(), uses, size, subject.root, subject.path)


def _uses(subject: Subject, now_ns: int) -> float:
    """Return opens and writes a day, as policies measure them; none where nobody counts."""
    rates = (rate(term, subject, now_ns, _WINDOW_NS) for term in _RATES)
    return sum(one for one in rates if isinstance(one, float))


_RATES: Final = ("opens_per_day", "writes_per_day")
