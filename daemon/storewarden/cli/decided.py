"""What ``status`` tells about policies: which are in force, what is due, what keeps it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Style

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.session import Session
    from storewarden.policy.rules import PolicySet


@dataclass(frozen=True, slots=True)
class Decided:
    """Policies and their work, as one screen shows them."""

    in_force: int = 0
    sources: tuple[str, ...] = ()
    loaded_ns: int | None = None
    problems: tuple[str, ...] = ()  # of the policies as they are written now
    changed: bool = False  # what is written now says something else than what is in force
    undecided: int = 0
    due: dict[str, int] = field(default_factory=dict)  # files by action
    blocked: dict[str, int] = field(default_factory=dict)  # files that are due, by what hinders
    oldest_due_ns: int | None = None
    clock: str = ""  # how it jumped, while nobody confirmed that


def read(session: Session, engine: Engine, host: int | None, now_ns: int) -> Decided:
    """Read what is known of a host's policies."""
    from storewarden.api.reading.in_force import frozen
    from storewarden.catalogue.policy_sets import in_force
    from storewarden.cli.policies import policies_of
    from storewarden.errors import PolicyError

    written: PolicySet | None = None
    problems: tuple[str, ...] = ()
    try:
        written = policies_of(session)
    except PolicyError as error:
        problems = tuple(error.problems)
    stored = in_force(engine, host) if host is not None else None
    if host is None or stored is None:
        return Decided(problems=problems, clock=frozen(engine, host))
    same = written is not None and written.fingerprint == stored.fingerprint
    return Decided(
        in_force=_count(session, written if same else None, stored.sources),
        sources=tuple(name for name, _ in stored.sources),
        loaded_ns=stored.loaded_ns,
        problems=problems,
        changed=written is not None and not same,
        clock=frozen(engine, host),
        **_work(engine, host, now_ns),
    )


def _count(session: Session, known: PolicySet | None, sources: tuple[tuple[str, str], ...]) -> int:
    """Return how many policies are in force; 0 when what is stored cannot be read any more."""
    from storewarden.errors import PolicyError
    from storewarden.policy.load import read as read_set

    if known is not None:
        return len(known.policies)
    settings = session.settings
    files = [(name, text.encode()) for name, text in sources]
    try:
        read_again = read_set(files, stores=settings.store_names, tables=settings.table_names)
    except PolicyError:
        return 0
    return len(read_again.policies)


def _work(engine: Engine, host: int, now_ns: int) -> dict[str, Any]:
    from storewarden.catalogue.due import now_due, undecided
    from storewarden.policy.decision import Blocked
    from storewarden.policy.rules import Force

    due: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    oldest: int | None = None
    for one in now_due(engine, host, now_ns):
        if one.blocked:
            blocked[Blocked(one.blocked).name.lower()] += one.files
        else:
            due[Force(one.action).word] += one.files
            oldest = one.oldest_ns if oldest is None else min(oldest, one.oldest_ns)
    waiting = undecided(engine, host)
    return {
        "undecided": waiting,
        "due": dict(due),
        "blocked": dict(blocked),
        "oldest_due_ns": oldest,
    }


def as_json(decided: Decided | None) -> dict[str, Any] | None:
    """Return it as an object."""
    return None if decided is None else asdict(decided)


def fields(decided: Decided) -> tuple[object, ...]:
    """Return it as columns of a line for programs."""
    due, blocked = sum(decided.due.values()), sum(decided.blocked.values())
    wrong = len(decided.problems)
    return ("policies", decided.in_force, wrong, decided.undecided, due, blocked, decided.clock)


def lines(decided: Decided, now_ns: int) -> Iterator[tuple[str, Style]]:
    """Yield what people read."""
    yield _in_force(decided), "" if decided.in_force else "odd"
    if decided.problems:
        more = len(decided.problems) - 1
        rest = f" (and {more} more)" if more else ""
        yield (
            f"  what is written now is wrong, and not in force: {decided.problems[0]}{rest}",
            "bad",
        )
        yield "  → storewarden policy check", "head"
    if decided.changed:
        yield "  what is written now says something else; it is in force after a reload", "odd"
    if decided.undecided:
        yield f"  {_files(decided.undecided)} still to be decided", "dim"
    if decided.due:
        yield f"  due: {_counted(decided.due)}{_since(decided, now_ns)}", ""
        yield "  → storewarden plan", "head"
    if decided.blocked:
        yield f"  due, and kept back: {_counted(decided.blocked)}", "dim"
    if decided.clock:
        yield f"{decided.clock}: nothing is removed until it is confirmed", "bad"
        yield "  → storewarden policy accept-clock", "head"


def _in_force(decided: Decided) -> str:
    if decided.loaded_ns is None:
        return "policies   none in force"
    return f"policies   {decided.in_force} in force, from {', '.join(decided.sources)}"


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"


def _counted(files: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in files.items())


def _since(decided: Decided, now_ns: int) -> str:
    from storewarden.units import format_duration

    if decided.oldest_due_ns is None:
        return ""
    return f"; the oldest for {format_duration((now_ns - decided.oldest_due_ns) // 10**9)}"
