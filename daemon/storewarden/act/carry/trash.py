"""Files go out of sight into the trash of their root; what was archived goes there in name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from storewarden.act.carry.away import end_kept, settled
from storewarden.act.carry.work import Halted, Verb, Work, drawer_place
from storewarden.act.drawers import Room
from storewarden.act.refused import Refused
from storewarden.act.trash import trash
from storewarden.catalogue.acts import Act, Member

_NOWHERE: Final = b""  # in name alone, whatever was meant before
_NOTHING: Final[tuple[bytes, ...]] = ()


def _carry(work: Work) -> Act:
    if work.act.state == "planned":
        here = _here(work)
        place, names = _NOWHERE, _NOTHING
        if here:
            work.require_lease()
            done = trash(work.root.descriptor, work.bundle(here), kernel=work.tools.kernel)
            if isinstance(done, Refused):
                raise Halted(done)
            work.tally.quiet = done.quiet
            place, names = drawer_place(Room.TRASH, done.drawer), done.names
        work.advance("switched", members=lying(work.act.members, here, names), place=place)
    return work.tools.acted.trashed(work.act, work.now_ns)


def _here(work: Work) -> list[Member]:
    """Return the files that lie in the root, and not only in a store."""
    archived = {row.id for row in work.rows().values() if row.state == "archived"}
    return [one for one in work.act.members if one.file_id not in archived]


def lying(
    members: Sequence[Member], here: Sequence[Member], names: Sequence[bytes]
) -> tuple[Member, ...]:
    """Return members that tell what each is called in the drawer."""
    called = {one.path: name for one, name in zip(here, names, strict=True)}
    return tuple(
        replace(one, lies=called[one.path]) if one.path in called else one for one in members
    )


def _settle(work: Work) -> Act | None:
    lies = settled(work)
    return end_kept(work, lies) if lies.kept else None


TRASH: Final = Verb(_carry, _settle)
