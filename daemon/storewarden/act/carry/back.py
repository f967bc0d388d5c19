"""What lies in the trash comes back, for many acts of one root at once; see `many`.

The journal is written once: that all are done. Until then each act stands as planned, and whoever
recovers sees by the drawer and by their places which of its files are back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from storewarden.act.carry.fetched import back_as_seen
from storewarden.act.carry.many import TOGETHER, Hand, Together, asking, put_by
from storewarden.act.carry.restore import targets, tell_changed
from storewarden.act.carry.trashed import Put
from storewarden.act.carry.work import Halted, Root, Tools, Work, file_ids
from storewarden.act.identity import Identity as Seen
from storewarden.act.refused import Refused
from storewarden.act.returning import Came, Return
from storewarden.act.together import OpenDrawer, open_trash
from storewarden.catalogue import acts
from storewarden.catalogue.acted_rows import Back
from storewarden.catalogue.acts import Act, Identity
from storewarden.errors import CatalogueRefused


class _Lot(NamedTuple):
    """An act, and the act whose files it is to bring back."""

    work: Work
    put: Act


def restore_all(tools: Tools, root: Root, some: Sequence[Act]) -> Hand:
    """Put the files of acts back from the drawers in which they lie, and end the acts."""
    hand = Hand()
    engine = tools.journal.engine
    for place, lots in _by_drawer(tools, root, some).items():
        drawer = place.rpartition(b"/")[2].decode()
        with open_trash(root.descriptor, drawer, tools.kernel) as opened:
            if opened is None:
                continue
            _bring(hand, lots, place, opened)
            if opened.is_empty() and not acts.going_on(engine, opened.marks):
                opened.forget()
    return hand


def _by_drawer(tools: Tools, root: Root, some: Sequence[Act]) -> Mapping[bytes, list[_Lot]]:
    engine = tools.journal.engine
    put = acts.all_trashing(engine, file_ids([one for act in some for one in act.members]))
    lies = {act.id: found for act in some if (found := put_by(act, put)) is not None}
    known = acts.all_marked(engine, [found.mark for found in lies.values()])
    drawers: dict[bytes, list[_Lot]] = defaultdict(list)
    for act in some:
        found = lies.get(act.id)
        if found is not None and found.mark in known:
            drawers[found.place].append(_Lot(Work(act, root, tools), known[found.mark]))
    return drawers


def _bring(hand: Hand, lots: Sequence[_Lot], place: bytes, opened: OpenDrawer) -> None:
    wanted = {lot.work: one for lot in lots if (one := _wanted(lot, opened)) is not None}
    if not wanted:
        return
    works = list(wanted)
    tools, root = works[0].tools, works[0].root
    before = asking(works[0], tools.clock)
    before()
    came: list[Work] = []
    back: list[tuple[Act, list[Back]]] = []
    done = opened.restore(root.descriptor, list(wanted.values()), before)
    for work, each in zip(works, done, strict=True):
        if isinstance(each, Refused):
            hand.stop(work, each)
        elif each is not None:
            came.append(work)
            back.append(_back(work, each, place))
    try:
        ended = tools.acted.all_restored(back, works[0].now_ns)
    except CatalogueRefused:
        return  # one is not where it was thought to be: each tells for itself
    for work, act in zip(came, ended, strict=True):
        hand.ended[act.id] = (act, work)


def _wanted(lot: _Lot, opened: OpenDrawer) -> Return | None:
    """Return what shall come where; None unless all files lie there, and nothing else is known."""
    work = lot.work
    try:
        entry = opened.entry(lot.put.mark)
        if entry is None or entry.going:
            return None
        if not len(entry.files) == len(entry.here) == len(work.act.members):
            return None
        return Return(tuple(zip(entry.files, targets(work, Put(lot.put, entry)), strict=True)))
    except (Halted, OSError):
        return None


def _back(work: Work, came: Came, place: bytes) -> tuple[Act, list[Back]]:
    """Return an act that tells what its files are now, and these for their rows."""
    tell_changed(work, [one.path for one in came if not one.intact])
    landed = {one.path: one for one in came}
    members = tuple(
        member._replace(identity=Identity(*Seen.of(landed[member.path].status)))
        for member in work.act.members
    )
    back = [
        back_as_seen(member, landed[member.path].status, landed[member.path].above)
        for member in members
    ]
    return work.act._replace(members=members, place=place), back


ALL_TOGETHER: Final[Mapping[str, Together]] = {**TOGETHER, "restore": restore_all}
"""The verbs whose acts are carried out together, with how."""
