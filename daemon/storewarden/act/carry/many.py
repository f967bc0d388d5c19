"""Acts of one verb on one root are carried out together: what costs most is paid once for all.

The journal is written twice: where all are about to be put, and that all are done. An act that is
not like the others is left to be carried out by itself, from wherever it stands then: nothing here
brings it to a state that it could not have come to alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.carry.trash import lying
from storewarden.act.carry.work import Carry, Halted, Root, Tools, Work, drawer_place, file_ids
from storewarden.act.drawers import Room
from storewarden.act.members import Bundle
from storewarden.act.note import Note, Slip
from storewarden.act.proof import Proof
from storewarden.act.refused import Refused, refused
from storewarden.act.returning import Before
from storewarden.act.together import OpenDrawer, open_trash, survey, trash_together
from storewarden.catalogue import acts
from storewarden.catalogue.acts import Act, InTrash
from storewarden.clock import Clock
from storewarden.errors import CatalogueRefused

_PUT_AWAY: Final = frozenset({"trashed", "purged"})
_SECOND: Final = 1.0
"""Whoever was stopped for longer than this asks whether he may still act."""


@dataclass(slots=True)
class Hand:
    """What came of acts, by their numbers; the others are left to themselves.

    ``standing`` tells of which of them the journal says something else now; those ``going_on``
    are ended one by one, and those ``proven`` can be ended together.
    """

    ended: dict[int, tuple[Act, Work]] = field(default_factory=dict)
    stopped: dict[int, tuple[Work, Exception]] = field(default_factory=dict)
    going_on: dict[int, tuple[Work, Carry]] = field(default_factory=dict)
    proven: dict[int, tuple[Work, Sequence[Proof]]] = field(default_factory=dict)
    standing: dict[int, Act] = field(default_factory=dict)

    def stop(self, work: Work, why: Refused) -> None:
        self.stopped[work.act.id] = (work, Halted(why))


Together = Callable[[Tools, Root, Sequence[Act]], Hand]


def asking(work: Work, clock: Clock) -> Before:
    """Return what asks for the lease before the first act, and after any while in which we stood.

    Who is stopped and goes on later may have lost it; who goes on without a break has it still.
    """
    asked: list[float] = []

    def ask() -> None:
        now = clock.monotonic()
        if not asked or now - asked[-1] > _SECOND:
            work.require_lease()
            asked[:] = [clock.monotonic()]

    return ask


# -- trash ----------------------------------------------------------------------------------------


def trash_all(tools: Tools, root: Root, some: Sequence[Act]) -> Hand:
    """Move the files of acts that were only planned into one drawer, and end the acts."""
    hand = Hand()
    works = {act.mark: Work(act, root, tools) for act in some}
    known = acts.stands(
        tools.journal.engine, file_ids([one for act in some for one in act.members])
    )
    wanted = [
        _bundle(work, known)
        for work in works.values()
        if all(known.get(id_, _GONE)[0] != "archived" for id_ in file_ids(work.act.members))
    ]
    slips: list[Slip] = []
    bundles: list[Bundle] = []
    for bundle, slip in zip(wanted, survey(root.descriptor, wanted, tools.kernel), strict=True):
        if isinstance(slip, Refused):
            hand.stop(works[bundle.mark], slip)
        else:
            slips.append(slip)
            bundles.append(bundle)
    if slips:
        note = Note(slips[0].mark, tuple(slips))
        _put(hand, [works[slip.mark] for slip in slips], bundles, note)
    return hand


_GONE: Final = ("", "")


def _bundle(work: Work, known: Mapping[int, tuple[str, str]]) -> Bundle:
    kinds = {known.get(id_, _GONE)[1] for id_ in file_ids(work.act.members)}
    return work.bundle(work.act.members, kinds)


def _put(hand: Hand, works: Sequence[Work], bundles: Sequence[Bundle], note: Note) -> None:
    tools, root = works[0].tools, works[0].root
    place = drawer_place(Room.TRASH, note.mark)
    try:
        tools.journal.share([work.act for work in works], place, works[0].now_ns)
    except CatalogueRefused:
        return  # one is not where it was thought to be: each tells for itself
    bundles = [bundle._replace(shared=note.mark) for bundle in bundles]
    before = asking(works[0], tools.clock)
    done = trash_together(root.descriptor, note, bundles, tools.kernel, before)
    there: list[Work] = []
    ending: list[Act] = []
    for work, came in zip(works, done, strict=True):
        if isinstance(came, Refused):
            work.act = work.act._replace(place=place)
            hand.stop(work, came)
        else:
            work.tally.quiet = came.quiet
            there.append(work)
            members = lying(work.act.members, came.names)
            ending.append(work.act._replace(place=place, members=members))
    try:
        ended = tools.acted.all_trashed(ending, works[0].now_ns)
    except CatalogueRefused:  # as above, but the journal has their place now
        hand.standing.update((one.act.id, one.act._replace(place=place)) for one in there)
        return
    for work, act in zip(there, ended, strict=True):
        hand.ended[act.id] = (act, work)


# -- purge ----------------------------------------------------------------------------------------


class _Lot(NamedTuple):
    """An act, and the act whose files it is to remove from the trash."""

    work: Work
    lies: InTrash
    at_least_ns: int  # it must have lain there


def purge_all(tools: Tools, root: Root, some: Sequence[Act]) -> Hand:
    """Remove the files of acts from the drawers in which they lie, and end the acts."""
    hand = Hand()
    engine = tools.journal.engine
    ids = file_ids([one for act in some for one in act.members])
    known, put = acts.stands(engine, ids), acts.all_trashing(engine, ids)
    drawers: dict[bytes, list[_Lot]] = defaultdict(list)
    for act in some:
        lies = _lies(act, known, put)
        if lies is None:
            continue
        rule = tools.purge_rule(act)
        if not rule.copy_stays:
            lot = _Lot(Work(act, root, tools), lies, rule.at_least_ns)
            drawers[lies.place].append(lot)
    for place, lots in drawers.items():
        drawer = place.rpartition(b"/")[2].decode()
        with open_trash(root.descriptor, drawer, tools.kernel) as opened:
            if opened is None:
                continue
            _empty(hand, lots, opened)
            if not acts.going_on(engine, opened.marks):
                opened.forget()
    return hand


def _lies(
    act: Act, known: Mapping[int, tuple[str, str]], put: Mapping[int, InTrash]
) -> InTrash | None:
    if any(known.get(id_, _GONE)[0] not in _PUT_AWAY for id_ in file_ids(act.members)):
        return None
    return put_by(act, put)


def put_by(act: Act, put: Mapping[int, InTrash]) -> InTrash | None:
    """Return by which act exactly the files of this one came into the trash, as far as it is so."""
    ids = frozenset(file_ids(act.members))
    if len(ids) < len(act.members):
        return None
    found = {put.get(id_) for id_ in ids}
    (lies, *others) = found
    return lies if lies is not None and not others and lies.file_ids == ids else None


def _empty(hand: Hand, lots: Sequence[_Lot], opened: OpenDrawer) -> None:
    works: list[Work] = []
    allowances: list[Allowance] = []
    for lot in lots:
        work, allowed = lot.work, _allowed(lot, opened)
        if isinstance(allowed, Refused):
            hand.stop(work, allowed)
        elif allowed is not None:
            works.append(work)
            allowances.append(allowed)
    if not works:
        return
    tools = works[0].tools
    before = asking(works[0], tools.clock)
    before()
    gone: list[tuple[Work, int]] = []
    for work, done in zip(works, opened.purge(allowances, before), strict=True):
        if isinstance(done, Refused):
            hand.stop(work, done)
        else:
            work.tally.freed += done.freed
            gone.append((work, done.freed))
    if not gone:
        return
    freed = [(work.act, bytes_) for work, bytes_ in gone]
    try:
        ended = tools.acted.all_purged(freed, works[0].now_ns)
    except CatalogueRefused:
        return  # one is not where it was thought to be: each tells for itself
    for (work, _), act in zip(gone, ended, strict=True):
        hand.ended[act.id] = (act, work)


def _allowed(lot: _Lot, opened: OpenDrawer) -> Allowance | Refused | None:
    """Allow an act to remove its files; None if not all of them lie there, and nothing else."""
    work, lies, at_least_ns = lot
    try:
        entry = opened.entry(lies.mark)
    except OSError as error:
        return refused(error, work.act.path)
    if entry is None or not len(entry.files) == len(entry.here) == len(work.act.members):
        return None
    return allow_purge(
        entry,
        asked_by=work.act.policy or work.act.asked_by,
        at_least_ns=at_least_ns,
        now_ns=work.now_ns,
    )


TOGETHER: Final[Mapping[str, Together]] = {"trash": trash_all, "purge": purge_all}
