"""Files come back: from the trash, else from the best copy; never over something.

The members of such an act tell where its files shall come. That is where they were, or another
place in the same root that somebody named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storewarden.act.carry.fetched import end_back, fetch_all, settle_back
from storewarden.act.carry.trashed import Put, forget_emptied, put_into_trash
from storewarden.act.carry.work import Halted, Verb, Work, drawer_of, drawer_place
from storewarden.act.drawers import Room
from storewarden.act.entries import at_place
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.act.trash import restore
from storewarden.catalogue.acts import Act, Identity, Member


def _carry(work: Work) -> Act:
    if work.act.state == "planned":
        put = put_into_trash(work)
        if put is None or (put.entry.going and not put.entry.here):
            fetch_all(work)
        else:
            _from_trash(work, put)
    ended = end_back(work)
    drawer = drawer_of(ended)
    if drawer is not None:
        forget_emptied(work, drawer)
    return ended


def _from_trash(work: Work, put: Put) -> None:
    to = targets(work, put)
    work.require_lease()
    mark, drawer = put.entry.mark, put.entry.drawer
    done = restore(work.root.descriptor, mark, to, kernel=work.tools.kernel, shared=drawer)
    if isinstance(done, Refused):
        raise Halted(done)
    tell_changed(work, done.changed)
    members = tuple(_as_it_is(work, member) for member in work.act.members)
    work.advance("switched", members=members, place=drawer_place(Room.TRASH, drawer))


def tell_changed(work: Work, paths: Iterable[bytes]) -> None:
    """Tell of files that are not what was trashed."""
    work.tally.lacking += [
        f"{path.decode('utf-8', 'backslashreplace')}: somebody changed it in the trash"
        for path in paths
    ]


def targets(work: Work, put: Put) -> list[bytes]:
    """Return where each file of the drawer shall come.

    Raises:
        Halted: that is not known, or not all that was trashed together is meant.
    """
    wanted = {one.file_id: one.path for one in work.act.members if one.file_id is not None}
    to = []
    for file in put.entry.files:
        path = file.noted.path if file.noted else None
        path = wanted.get(put.file_id(file) or 0, path)
        if path is None:
            raise Halted(Refused(Reason.CHANGED, work.act.path, "no note tells what lies there"))
        to.append(path)
    if len(set(to)) < len(to) or not set(wanted.values()) <= set(to):
        raise Halted(
            Refused(Reason.CHANGED, work.act.path, "not all that is meant was trashed together")
        )
    return to


def _as_it_is(work: Work, member: Member) -> Member:
    try:
        seen = at_place(work.root.descriptor, member.path, work.tools.kernel)
    except (OSError, Stop) as error:
        raise Halted(refused(error, member.path)._replace(unsure=True)) from error
    return member if seen is None else member._replace(identity=Identity(*seen))


def _settle(work: Work) -> Act | None:
    try:
        put = put_into_trash(work)
    except Halted as halted:
        if halted.refused.again:
            raise
        return None  # it was not begun
    if put is None or (put.entry.going and not put.entry.here):
        return settle_back(work)
    if len(put.entry.here) < len(put.entry.files):
        raise Halted(Refused(Reason.BUSY, work.act.path, "a part of it is back", unsure=True))
    return None


RESTORE: Final = Verb(_carry, _settle)
