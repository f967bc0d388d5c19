"""What becomes of one file, as people, pipes and programs see it; values in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storewarden.api.reading.judged import GONE, Said, Why
from storewarden.api.reading.went import Went, tried_as_json, went_as_json
from storewarden.cli.output import Cell, Output, Style, named, width
from storewarden.cli.when import ago, moment
from storewarden.measure.shown import shown
from storewarden.policy.account import Obstacle
from storewarden.policy.decision import Blocked
from storewarden.policy.explain import Explained
from storewarden.policy.terms import written
from storewarden.units import format_size

LABEL = 11  # columns for what stands before the facts
DEEPEST = 40  # levels of a condition that are shown apart
WIDEST = 48  # columns of a term, and of what is known
TRUTHS = {True: "true", False: "false", None: "unknown"}
_STYLES: dict[bool | None, Style] = {True: "good", False: "dim", None: "odd"}
_RESULTS: dict[str, Style] = {"wins": "good", "earlier": "", "no": "dim", "unknown": "odd"}


# -- for programs -------------------------------------------------------------------------------


def document(why: Why) -> dict[str, Any]:
    """Return all of it as one object."""
    subject, decision = why.subject, why.decision
    told: dict[str, Any] = {
        "root": subject.root,
        **named("path", subject.path),
        "state": subject.state,
        "policies": [_policy(said) for said in why.said],
        "next": None if subject.state in GONE else _next(why),
        "reason": _went(why) if subject.state in GONE else decision.reason,
        "went": went_as_json(why.went),
        "tried": tried_as_json(why.tried),
        "winners": {kind: getattr(decision, kind) for kind in ("hold", "place", "phases", "care")},
        "lies_in": subject.lies if subject.away else None,
        "clock_frozen": why.frozen or None,
        "history": [
            {"at_ns": each.at_ns, "event": each.event, "detail": each.detail}
            for each in why.happened
        ],
    }
    if why.action is not None:
        told["not"] = {
            "action": why.action.word,
            "because": [
                {
                    "policy": each.policy,
                    "what": each.what,
                    "terms": [written(term) for term in each.terms],
                }
                for each in why.obstacles
            ],
        }
    return told


def _policy(said: Said) -> dict[str, Any]:
    return {
        "id": said.account.policy.id,
        "result": said.account.result,
        "kinds": list(said.account.kinds),
        "wins": list(said.account.wins),
        "after": list(said.account.earlier),
        "terms": [
            {"term": term.text, "value": shown(term.value), "result": term.truth}
            for term in said.explained.terms()
        ],
    }


def _next(why: Why) -> dict[str, Any] | None:
    decision = why.decision
    if decision.action is None:
        return None
    return {
        "action": decision.action.word,
        "due": None if decision.due_ns is None else moment(decision.due_ns),
        "due_ns": decision.due_ns,
        "policy": decision.policy,
        "store": decision.store,
        "blocked": decision.blocked.name.lower() if decision.blocked else None,
        "observed": why.observed,
        "held": [{"guard": one.guard, "why": one.why, "command": one.command} for one in why.held],
    }


# -- for pipes and people -----------------------------------------------------------------------


def tell(output: Output, why: Why) -> None:
    """Write it for whoever reads."""
    if output.terminal:
        _for_people(output, why)
    else:
        _for_pipes(output, why)


def _for_pipes(output: Output, why: Why) -> None:
    decision = why.decision
    output.fields("path", why.place)
    output.fields("state", why.subject.state)
    if why.subject.away:
        output.fields("lies in", why.subject.lies)
    if why.went is not None:
        output.fields(*_went_fields(why.went))
        for one in why.went.lies:
            output.fields("copy", one.store, one.key, "damaged" if one.damaged else "")
    if why.tried is not None:
        tried = why.tried
        output.fields("tried", tried.act, tried.verb, tried.state, tried.at_ns, tried.why)
    if why.subject.state in GONE:
        output.fields("gone", _went(why))
    elif decision.action is not None:
        due = "" if decision.due_ns is None else decision.due_ns
        blocked = decision.blocked.name.lower() if decision.blocked else ""
        store = decision.store or ""
        output.fields("next", decision.action.word, due, decision.policy, store, blocked)
    for kept in why.held:
        output.fields("held", kept.guard, kept.why, kept.command)
    output.fields("reason", decision.reason)
    for each in why.obstacles:
        output.fields("not", each.policy, each.what, "; ".join(map(written, each.terms)))
    _policies_for_pipes(output, why)


def _policies_for_pipes(output: Output, why: Why) -> None:
    for said in why.said:
        output.fields("policy", said.account.policy.id, said.account.result)
        for term in said.explained.terms():
            output.fields("term", said.account.policy.id, term.text, term.value, _truth(term))


def _went_fields(went: Went) -> tuple[object, ...]:
    at_ns = "" if went.at_ns is None else went.at_ns
    act = "" if went.act is None else went.act
    return "went", went.what, at_ns, went.by, went.policy or "", went.reason, act, went.back


def _for_people(output: Output, why: Why) -> None:
    output.text(shown(why.place), "head")
    output.text()
    for label, text, style in (*_facts(why), *_how_it_went(why), *_what_next(why)):
        head = output.styled(Cell(label + " " * (LABEL - width(label)), "dim"))
        output.text(f"{head} {output.styled(Cell(text, style))}".rstrip())
    if why.action is not None:
        output.text()
        for line in _why_not(why):
            output.text(line)
    if why.subject.state not in GONE:
        for said in why.said:
            output.text()
            _tell_policy(output, said)


def _facts(why: Why) -> Iterator[tuple[str, str, Style]]:
    """Yield what matters for policies, and what of it nobody knows."""
    subject, now_ns = why.subject, why.now_ns
    yield "state", subject.state + (" (growing)" if subject.growing else ""), ""
    yield "kind", f"{subject.kind}, {format_size(subject.size)}", ""
    yield "first seen", _dated(subject.first_seen_ns, now_ns), ""
    yield "modified", _dated(subject.modified_ns, now_ns), ""
    used = subject.last_used_ns
    yield "last used", "not counted in this root" if used is None else _dated(used, now_ns), ""
    if subject.away:
        since = "" if subject.placed_ns is None else f" since {moment(subject.placed_ns)}"
        yield "lies in", f"{shown(subject.lies)}{since}: it was moved there", ""
    if subject.copies:
        yield "copies", ", ".join(f"{shown(s)} since {moment(at)}" for s, at in subject.copies), ""
    marks = [
        *(["pinned"] if subject.pinned else []),
        *([] if subject.rating is None else [f"rated {subject.rating:g}"]),
        *subject.tags,
        *([f"owned by {subject.owner}"] if subject.owner else []),
    ]
    if marks:
        yield "marks", shown(", ".join(marks)), ""
    if not subject.inspected and subject.state not in GONE:
        yield "not known", "what is in it: it was not looked into, or could not be read", "odd"
    elif not subject.understood and subject.state not in GONE:
        yield "not known", "how it was made: what it says of that is not understood", "odd"


def _how_it_went(why: Why) -> Iterator[tuple[str, str, Style]]:
    """Yield who took a file from its place, why, and how to have it back."""
    went, tried = why.went, why.tried
    if went is not None and went.act is not None:
        when = "" if went.at_ns is None else f" {_dated(went.at_ns, why.now_ns)}"
        whom = f"policy {shown(went.policy)}, {shown(went.by)}" if went.policy else shown(went.by)
        yield "went", f"{went.what}{when}, by {whom}", ""
        yield "for", f"{shown(went.reason)}; act {went.act}", ""
    if went is not None:
        for one in went.lies:
            yield "lies", f"{shown(one.store)}: {shown(one.key)}", "dim"
            if one.damaged:
                yield "", "it was damaged when it was last read", "bad"
        if went.back:
            yield "back", went.back, "head"
        else:
            yield "back", "nothing brings it back: no copy of it is known", "odd"
    if tried is not None:
        yield "tried", f"{tried.verb} {tried.state} {_dated(tried.at_ns, why.now_ns)}", "odd"
        if tried.why:
            yield "", shown(tried.why), ""
        if tried.again_ns is not None:
            yield "", f"it is tried again {_dated(tried.again_ns, why.now_ns)}", "dim"


def _what_next(why: Why) -> Iterator[tuple[str, str, Style]]:
    decision = why.decision
    if why.subject.state in GONE:
        if why.went is None or why.went.act is None:
            yield "gone", _went(why), ""
        return
    if decision.action is None:
        yield "next", f"nothing: {shown(decision.reason)}", ""
    else:
        to = f" to {shown(decision.store)}" if decision.store else ""
        when = "at a time not known" if decision.due_ns is None else _due(why, decision.due_ns)
        yield "next", f"{decision.action.word}{to}, {when}, by {decision.policy}", "head"
        yield "because", shown(decision.reason), ""
        if decision.blocked is not Blocked.NO:
            yield "blocked", f"{decision.blocked.name.lower()}: it is not done", "bad"
        if why.observed:
            first = "nothing is done before a person has applied its first plan"
            yield "observed", f"{decision.policy} is new or was changed: {first}", "odd"
        for one in why.held:
            yield "held back", shown(one.why), "odd"
            yield "", one.command, "head"
    if why.frozen:
        remedy = "storewarden policy accept-clock"
        yield (
            "clock",
            f"{why.frozen}: nothing is freed until it is known to be right; {remedy}",
            "odd",
        )


def _due(why: Why, due_ns: int) -> str:
    far = ago(due_ns, why.now_ns)
    return f"{moment(due_ns)} ({far})" if due_ns > why.now_ns else f"due since {moment(due_ns)}"


def _dated(at_ns: int, now_ns: int) -> str:
    return f"{moment(at_ns)} ({ago(at_ns, now_ns)})"


def _went(why: Why) -> str:
    """Say how a file went, as far as its history tells."""
    if why.subject.state == "purged":
        return f"purged {_dated(why.gone_ns, why.now_ns)}" if why.gone_ns else "purged"
    when = f", seen {_dated(why.gone_ns, why.now_ns)}" if why.gone_ns else ""
    return f"a person or a program removed it, not Storewarden{when}"


def _why_not(why: Why) -> Iterator[str]:
    action = why.action.word if why.action else ""
    decision = why.decision
    if why.subject.state in GONE:
        yield f"not {action}: there is no such file any more"
        return
    if decision.action is why.action and not decision.blocked and decision.due_ns is not None:
        due = decision.due_ns <= why.now_ns
        yield f"not {action}: but it is {'due' if due else 'what comes next'}, by {decision.policy}"
    if not why.obstacles and decision.action is not why.action:
        yield f"not {action}: no policy does that"
    for each in why.obstacles:
        yield f"not {action} by {each.policy}: {shown(each.what)}{_decided(each, why)}"


def _decided(obstacle: Obstacle, why: Why) -> str:
    """Name the terms that decide, with what is known."""
    from storewarden.policy.explain import explain

    told = []
    for term in obstacle.terms:
        known = explain(term, why.subject, why.now_ns)
        told.append(f"{shown(known.text)} is {_truth(known)}, it is {shown(known.value)}")
    return f" ({'; '.join(dict.fromkeys(told))})" if told else ""


def _tell_policy(output: Output, said: Said) -> None:
    account = said.account
    result = {
        "wins": f"wins ({', '.join(account.wins)})",
        "earlier": f"matches, but {', '.join(account.earlier)} comes first",
        "no": "does not match"
        if account.truth is False
        else "says nothing: it is about databases only",
        "unknown": "not known: nothing of its kind is done until it is"
        if account.wins
        else f"not known, and {', '.join(account.earlier)} comes first",
    }[account.result]
    if account.result == "wins" and account.earlier:
        result += f"; for the rest {', '.join(account.earlier)} comes first"
    output.text(f"{account.policy.id}: {output.styled(Cell(result, _RESULTS[account.result]))}")
    lines = [
        (text, "" if term.parts else shown(term.value), term)
        for text, term in _lines(said.explained, 1)
    ]
    texts = min(WIDEST, max(width(text) for text, _, _ in lines))
    values = min(WIDEST, max(width(value) for _, value, _ in lines))
    for text, value, term in lines:
        truth = output.styled(Cell(_truth(term), _STYLES[term.truth]))
        output.text(f"{_padded(text, texts)}  {_padded(value, values)}  {truth}")


def _padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def _lines(term: Explained, depth: int) -> Iterator[tuple[str, Explained]]:
    """Yield a condition line by line, each part below what it is part of."""
    yield "  " * min(depth, DEEPEST) + shown(term.text), term
    for part in term.parts:
        yield from _lines(part, depth + 1)


def _truth(term: Explained) -> str:
    return TRUTHS[term.truth]
