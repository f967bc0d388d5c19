"""Files come back from their copies: what restore, and a move back, have in common."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack

from storewarden.act.carry.storing import digest_of
from storewarden.act.carry.work import Halted, Work
from storewarden.act.copying import Source
from storewarden.act.entries import at_place
from storewarden.act.fetching import Fetched, fetch
from storewarden.act.identity import Identity as Seen
from storewarden.act.landing import Place
from storewarden.act.members import open_parent
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.catalogue import copies
from storewarden.catalogue.acted_rows import Back
from storewarden.catalogue.acts import Act, Identity, Member
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.rules import bounded, folded
from storewarden.errors import (
    ObjectDamaged,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.model import Entry, accessed_of, entry_of

_TRY_ANOTHER = (StoreUnavailable, StoreRefused, ObjectMissing, ObjectDamaged)


def carry_back(work: Work) -> Act:
    """Fetch the files of the act to the paths that its members tell, and end it."""
    if work.act.state == "planned":
        fetch_all(work)
    return end_back(work)


def fetch_all(work: Work) -> None:
    """Fetch all files and note what they are now.

    Where something is already is tried first: nothing is fetched of a bundle that has no place.
    The first file, which gives the others their meaning, comes after all others.
    """
    members = work.act.members
    taken = {one.path for one in members if _seen(work, one.path) is not None}
    came: dict[bytes, Member] = {}
    for at in sorted(range(len(members)), key=lambda at: (members[at].path not in taken, -at)):
        came[members[at].path] = _fetched(work, members[at])
    work.advance("switched", members=tuple(came[one.path] for one in members))


def settle_back(work: Work) -> Act | None:
    """End an act some of whose files came back and others cannot; None when none did."""
    came = []
    for member in work.act.members:
        seen = _seen(work, member.path)
        if seen is not None and _holds_copied(work, member, seen):
            came.append(member._replace(identity=Identity(*seen)))
    if not came:
        return None
    paths = {one.path for one in came}
    work.reconsider([one for one in work.act.members if one.path not in paths])
    work.advance("switched", members=tuple(came))
    return end_back(work)


def end_back(work: Work) -> Act:
    """End an act whose files are back, as its members tell."""
    back = [_back(work, member) for member in work.act.members if member.file_id is not None]
    return work.tools.acted.restored(work.act, back, work.now_ns)


def copies_of(work: Work, member: Member) -> Iterator[Copy]:
    """Yield the copies of a file that can be read, those in the preferred store first.

    A restore that names a store is of the copy in that one alone.
    """
    if member.file_id is None:
        return
    known = copies.of_files(work.tools.journal.engine, [member.file_id]).get(member.file_id, [])
    by_store = {one.store: one for one in known}
    only = work.act.store if work.act.verb == "restore" else None
    for store in [only] if only is not None else work.tools.stores:
        if store in by_store and by_store[store].key is not None:
            yield by_store[store]


def hopeful(problems: list[StorewardenError], path: bytes) -> Exception:
    """Return what is to be told when no copy served: that for which trying again can help."""
    if not problems:
        return Halted(Refused(Reason.UNPROVEN, path, "no copy of it is known"))
    return next((one for one in problems if one.transient), problems[0])


def _fetched(work: Work, member: Member) -> Member:
    where = f"{work.root.name}: {member.path.decode('utf-8', 'backslashreplace')}"
    place = Place(work.root.descriptor, member.path, where)
    work.require_lease()
    problems: list[StorewardenError] = []
    for copy in copies_of(work, member):
        try:
            done = fetch(
                *(work.store_named(copy.store), copy.key or "", place, copy.digest),
                work.tools.progress,
            )
        except _TRY_ANOTHER as error:
            problems.append(error)
        else:
            return _taken_in(work, member, done)
    raise hopeful(problems, member.path)


def _taken_in(work: Work, member: Member, done: Fetched) -> Member:
    work.tally.lacking += done.lacking
    if not done.there_already:
        work.tally.fetched += done.about.size
    return member._replace(identity=Identity(*done.identity))


def _seen(work: Work, path: bytes) -> Seen | None:
    try:
        return at_place(work.root.descriptor, path, work.tools.kernel)
    except (OSError, Stop) as error:
        raise Halted(refused(error, path)) from error


def _holds_copied(work: Work, member: Member, seen: Seen) -> bool:
    """Tell whether a file has the content that one of its copies has."""
    digests = {one.digest for one in copies_of(work, member) if one.size == seen.size}
    root = work.root
    source = Source(root.host, root.name, root.uuid, root.descriptor, member.path, seen)
    try:
        return bool(digests) and digest_of(source) in digests
    except Stop:
        return False


def _back(work: Work, member: Member) -> Back:
    """Return a file as it came back, even if somebody changed it since: a scan sees to that."""
    _, _, name = member.path.rpartition(b"/")
    try:
        with ExitStack() as stack:
            kernel = work.tools.kernel
            parent, _ = open_parent(work.root.descriptor, member.path, kernel, stack)
            status, above = kernel.stat(name, parent), kernel.fstat(parent)
    except (OSError, Stop):
        entry: Entry = (name, 0, stat.S_IFREG | 0o600, 1, 0, 0, 0, 0, 0, 0)
        return _as_it_came(member, (0, 0), entry, work.now_ns)
    return back_as_seen(member, status, above)


def back_as_seen(member: Member, status: os.stat_result, above: os.stat_result) -> Back:
    """Return a file as it came back, from what was seen of it and of its directory."""
    _, _, name = member.path.rpartition(b"/")
    place = (above.st_dev, above.st_ino)
    return _as_it_came(member, place, entry_of(name, status), accessed_of(status))


def _as_it_came(member: Member, place: tuple[int, int], entry: Entry, accessed_ns: int) -> Back:
    name, noted = entry[0], member.identity
    entry = (
        *(name, folded(noted.inode), *entry[2:6], noted.size, entry[7]),
        *(bounded(noted.modified_ns), bounded(noted.changed_ns)),
    )
    return Back(member.file_id or 0, member.path, place, entry, accessed_ns)
