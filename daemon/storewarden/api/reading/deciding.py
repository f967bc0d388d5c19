"""What becomes of a file, and why: every policy in force, term by term."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from storewarden.api.reading import judgements
from storewarden.api.reading.judged import GONE, Said, Why
from storewarden.api.reading.moments import moment
from storewarden.api.reading.names import named
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.reasons import reasons
from storewarden.api.reading.subject import Of, missing, seen_file
from storewarden.api.reading.went import Tried, Went
from storewarden.catalogue import policy_sets, subjects
from storewarden.catalogue.subjects import SubjectRow
from storewarden.errors import UsageError
from storewarden.measure.shown import shown
from storewarden.policy.load import read
from storewarden.policy.rules import Force, PolicySet
from storewarden.policy.subject import Day, Subject
from storewarden.policy.terms import written

ACTIONS = tuple(force.word for force in Force if force)


def in_force(reader: Reader, stores: Collection[str], tables: Collection[str]) -> PolicySet:
    """Return the policies in force on a host; without any, a set that says nothing.

    Raises:
        PolicyError: they cannot be read by this version, or name a store that is not there.
    """
    host_id = reader.host_id
    stored = None if host_id is None else policy_sets.in_force(reader.engine, host_id)
    texts = () if stored is None else stored.sources
    return read([(name, text.encode()) for name, text in texts], stores=stores, tables=tables)


def why(reader: Reader, of: Of, policies: PolicySet, action: str | None = None) -> judgements.Why:
    """Return what becomes of a file and why; with ``action`` also why that does not happen.

    Raises:
        NotThere: it was never seen, or is not for this one to see.
        Wrong: no path below a root.
        UsageError: there is no such action.
    """
    if action is not None and action not in ACTIONS:
        raise UsageError(
            "no such action", where=shown(action), remedy=f"there are: {', '.join(ACTIONS)}"
        )
    rows = list(subjects.subjects(reader.engine, [seen_file(reader, of)]))
    if not rows:
        raise missing(of)
    subject = _subject(rows[0])
    found = reasons(reader.engine, reader.host_id, subject, b"", policies, reader.now_ns, action)
    return _record(found)


def _subject(row: SubjectRow) -> Subject:
    """Return a row of the catalogue as policies see it."""
    return Subject(**(row._asdict() | {"days": tuple(Day(*day) for day in row.days)}))


def _record(why: Why) -> judgements.Why:
    subject, decision = why.subject, why.decision
    gone = subject.state in GONE
    path, path_hex = named(subject.path)
    return judgements.Why(
        root=subject.root,
        path=path,
        path_hex=path_hex,
        state=subject.state,
        policies=tuple(map(_account, why.said)),
        next=None if gone else _coming(why),
        reason=_how_gone(why) if gone else decision.reason,
        went=_went(why.went),
        tried=_tried(why.tried),
        winners=judgements.Winners(
            hold=decision.hold, place=decision.place, phases=decision.phases, care=decision.care
        ),
        lies_in=subject.lies if subject.away else None,
        clock_frozen=why.frozen or None,
        history=tuple(
            judgements.Event(at_ns=each.at_ns, event=each.event, detail=each.detail)
            for each in why.happened
        ),
        not_=_why_not(why),
    )


def _account(said: Said) -> judgements.Account:
    account = said.account
    return judgements.Account(
        id=account.policy.id,
        result=account.result,
        kinds=account.kinds,
        wins=account.wins,
        after=account.earlier,
        terms=tuple(
            judgements.Judged(term=term.text, value=shown(term.value), result=term.truth)
            for term in said.explained.terms()
        ),
    )


def _coming(why: Why) -> judgements.Coming | None:
    decision = why.decision
    if decision.action is None:
        return None
    return judgements.Coming(
        action=decision.action.word,
        due=moment(decision.due_ns),
        due_ns=decision.due_ns,
        policy=decision.policy or "",
        store=decision.store,
        blocked=decision.blocked.name.lower() if decision.blocked else None,
        observed=why.observed,
        held=tuple(
            judgements.HeldBy(guard=one.guard, why=one.why, command=one.command) for one in why.held
        ),
    )


def _how_gone(why: Why) -> str:
    if why.subject.state == "purged":
        return f"purged {moment(why.gone_ns)}" if why.gone_ns else "purged"
    when = f", seen {moment(why.gone_ns)}" if why.gone_ns else ""
    return f"a person or a program removed it, not Storewarden{when}"


def _went(went: Went | None) -> judgements.HowItWent | None:
    if went is None:
        return None
    lies = tuple(
        judgements.LiesIn(store=one.store, key=one.key, damaged=one.damaged) for one in went.lies
    )
    fields: dict[str, Any] = went._asdict() | {"lies": lies}
    return judgements.HowItWent(**fields)


def _tried(tried: Tried | None) -> judgements.Attempt | None:
    return None if tried is None else judgements.Attempt(**tried._asdict())


def _why_not(why: Why) -> judgements.WhyNot | None:
    if why.action is None:
        return None
    return judgements.WhyNot(
        action=why.action.word,
        because=tuple(
            judgements.Because(
                policy=each.policy, what=each.what, terms=tuple(map(written, each.terms))
            )
            for each in why.obstacles
        ),
    )
