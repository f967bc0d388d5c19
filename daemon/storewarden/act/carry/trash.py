"""Files go out of sight into the trash of their root; what was archived goes there in name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storewarden.act.carry.away import end_kept, settled
from storewarden.act.carry.work import Halted, Verb, Work, drawer_place
from storewarden.act.drawers import Room
from storewarden.act.refused import Refused
from storewarden.act.trash import trash
from storewarden.catalogue.acts import Act, Member

_NOWHERE: Final = b""  # in name alone, whatever was meant before


def _carry(work: Work) -> Act:
    if work.act.state == "planned":
        here = _here(work)
        place, members = _NOWHERE, work.act.members
        if here:
            work.require_lease()
            done = trash(work.root.descriptor, work.bundle(here), kernel=work.tools.kernel)
            if isinstance(done, Refused):
                raise Halted(done)
            work.tally.quiet = done.quiet
            place = drawer_place(Room.TRASH, done.drawer)
            there = {one.path: one for one in lying(here, done.names)}
            members = tuple(there.get(one.path, one) for one in members)
        work.advance("switched", members=members, place=place)
    return work.tools.acted.trashed(work.act, work.now_ns)


def _here(work: Work) -> list[Member]:
    """Return the files that lie in the root, and not only in a store."""
    archived = {row.id for row in work.rows().values() if row.state == "archived"}
    return [one for one in work.act.members if one.file_id not in archived]


def lying(here: Sequence[Member], names: Sequence[bytes]) -> tuple[Member, ...]:
    """Return members that tell what each is called in the drawer."""
    return tuple(
        [
            Member(one.path, one.identity, one.file_id, one.held, name)
            for one, name in zip(here, names, strict=True)
        ]
    )


def _settle(work: Work) -> Act | None:
    lies = settled(work)
    return end_kept(work, lies) if lies.kept else None


TRASH: Final = Verb(_carry, _settle)
