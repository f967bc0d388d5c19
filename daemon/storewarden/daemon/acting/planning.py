"""From what is wanted of files to acts in the journal: decided again, and planned, in one go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from storewarden.catalogue import acts as history
from storewarden.catalogue.acts import Act, Member, Planned
from storewarden.catalogue.bundled import Bundle, bundles
from storewarden.daemon.acting.hands import Acting
from storewarden.daemon.acting.wish import Trouble, Wanted
from storewarden.policy.rules import LOCAL, Force
from storewarden.policy.run import Due
from storewarden.units import format_duration
from storewarden.watch.exclude import OURS

AT_ONCE: Final = 200
"""So many acts are planned in one transaction."""

_HERE: Final = ("present", "held")
_FITTING: Final[Mapping[str, Collection[str]]] = {
    "copy": _HERE,
    "archive": _HERE,
    "move": (*_HERE, "archived"),
    "trash": (*_HERE, "archived"),
    "purge": ("trashed", "archived"),
    # what somebody deleted, or what ceased to be here, may still have a copy
    "restore": ("trashed", "archived", "missing", "purged"),
}
_FORCES: Final = {force.word: force for force in Force}


class Asker(NamedTuple):
    """Who wants something done, and why; the number of the request, if it was one."""

    name: str
    reason: str
    job: int | None = None


class Batch(NamedTuple):
    """What was planned, and what came of what was not."""

    acts: tuple[Act, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    files: int = 0  # that are in trouble


def force(one: Wanted) -> Force:
    """Return what a guard takes it for: what comes back takes nothing away."""
    if one.verb == "restore" or (one.verb == "move" and one.store == LOCAL):
        return Force.COPY
    return _FORCES[one.verb]


def due(one: Wanted, bundle: Bundle) -> Due:
    """Return it as runs count it."""
    file = bundle.file
    return Due(one.file_id, file.root, force(one), bundle.size, len(bundle.files), one.store)


def plan(
    acting: Acting,
    wanted: Sequence[Wanted],
    asker: Asker,
    also: Callable[[], None] = lambda: None,
) -> Batch:
    """Note acts for what is wanted; what is decided otherwise by now is left out, and told.

    Of what a person wants that was put off the act that waits is returned: it is tried at once.
    ``also`` writes what is to be noted with them, or not at all.
    """
    engine, now_ns = acting.engine, acting.now_ns
    with engine.transaction(durable=True):
        found = bundles(engine, acting.host_id, [one.file_id for one in wanted])
        refused = {one: why for one in wanted if (why := _refusal(one, found.get(one.file_id)))}
        _decide_again(acting, [one for one in wanted if one not in refused], refused, now_ns)
        going = [one for one in wanted if one not in refused]
        planned = [_planned(one, found[one.file_id], asker) for one in going]
        acts = acting.journal.plan(planned, now_ns)
        also()
    ours = {act.id: act for act in acts if act is not None}
    for one, act in zip(going, acts, strict=True):
        if act is None:
            open_act = _open_act(acting, one.file_id)
            if open_act is not None and _is_the_same(one, open_act):
                ours[open_act.id] = open_act
            else:
                refused[one] = _in_hand(open_act, now_ns)
    troubles = [_trouble(one, found.get(one.file_id), why) for one, why in refused.items()]
    files = sum(len(found[one.file_id].files) if one.file_id in found else 1 for one in refused)
    return Batch(tuple(ours.values()), tuple(troubles), files)


def _refusal(one: Wanted, bundle: Bundle | None) -> str:
    """Return why something is not begun, or nothing."""
    if bundle is None:
        return "it is not known any more"
    if bundle.file.state not in _FITTING[one.verb]:
        return f"it is {bundle.file.state}"
    if one.to is not None:
        parts = one.to.split(b"/")
        if one.to.startswith(b"/") or {b"", b".", b".."} & set(parts) or parts[0] == OURS:
            return "it may only come to a place of its own below its root"
    if one.looked_into and {each.path for each in one.looked_into} != _paths(bundle):
        return "other files belong to it than when it was looked into"
    return ""


def _paths(bundle: Bundle) -> set[bytes]:
    return {each.path for each in bundle.files}


def _decide_again(
    acting: Acting, wanted: Sequence[Wanted], refused: dict[Wanted, str], now_ns: int
) -> None:
    """Refuse what policies were to do and do not ask for any more."""
    by_policy = [one for one in wanted if one.policy is not None]
    if not by_policy:
        return
    judge = acting.judge
    said = judge.says([one.file_id for one in by_policy], now_ns) if judge is not None else {}
    for one in by_policy:
        says = said.get(one.file_id)
        if says is None or not says.asks(one.policy or "", one.verb, one.store, now_ns):
            refused[one] = "it is decided otherwise by now"


def _open_act(acting: Acting, file_id: int) -> Act | None:
    return next((act for act in history.of_file(acting.engine, file_id) if not act.ended), None)


def _is_the_same(one: Wanted, act: Act) -> bool:
    """Tell whether a person asks for what was put off."""
    of_a_person = one.policy is None and one.to is None
    waits = act.next_try_ns is not None and act.verb == one.verb
    return of_a_person and waits and one.store in {None, act.store}


def _in_hand(act: Act | None, now_ns: int) -> str:
    """Say which act has a file, and when that is tried again."""
    if act is None:  # what belongs to it is in hand
        return "another act has it in hand"
    told = f"another act has it in hand: {act.id}, {act.verb}"
    if act.next_try_ns is None:
        return told
    seconds = max(0, act.next_try_ns - now_ns) // 10**9
    return f"{told}, which is tried again in {format_duration(seconds)}"


def _planned(one: Wanted, bundle: Bundle, asker: Asker) -> Planned:
    file = bundle.file
    members = tuple(each.member for each in bundle.files)
    if one.to is not None:
        members = tuple(_put(member, file.path, one.to) for member in members)
    if one.looked_into:
        digests = {each.path: each.digest for each in one.looked_into}
        members = tuple(member._replace(digest=digests[member.path]) for member in members)
    return Planned(
        *(one.verb, file.root_id, members, asker.name, asker.reason),
        policy=one.policy,
        store=one.store,
        undoes=one.undoes,
        job=asker.job,
    )


def _put(member: Member, path: bytes, to: bytes) -> Member:
    """Return a member that comes beside the one that was given a place, and bears its name."""
    if member.path == path:
        return Member(to, member.identity, member.file_id)
    directory, slash, name = to.rpartition(b"/")
    old, own = path.rpartition(b"/")[2], member.path.rpartition(b"/")[2]
    for stem, new in ((old, name), (old.rpartition(b".")[0], name.rpartition(b".")[0] or name)):
        if stem and own.startswith(stem):
            own = new + own[len(stem) :]
            break
    return Member(directory + slash + own, member.identity, member.file_id)


def _trouble(one: Wanted, bundle: Bundle | None, why: str) -> Trouble:
    root, path = ("", b"") if bundle is None else (bundle.file.root, bundle.file.path)
    return Trouble(root, path, one.verb, "refused", why)
