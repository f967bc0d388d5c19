"""Files cease to be: what lies in the trash by an allowance, what is archived by its objects."""

from __future__ import annotations

from typing import Final

from storewarden.act.allowance import allow_purge
from storewarden.act.carry.fetched import copies_of, hopeful
from storewarden.act.carry.storing import prove
from storewarden.act.carry.trashed import Put, forget_emptied, put_into_trash
from storewarden.act.carry.work import STEP_ERRORS, Halted, Verb, Work, file_ids
from storewarden.act.drawers import Lying
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Refused
from storewarden.act.trash import purge
from storewarden.catalogue import copies
from storewarden.catalogue.acts import Act, Held
from storewarden.catalogue.copies import Copy
from storewarden.errors import ObjectDamaged, StorewardenError
from storewarden.store.contract import Store, Stored

_PUT_AWAY: Final = frozenset({"trashed", "archived", "purged"})


def _carry(work: Work) -> Act:
    for row in work.rows().values():
        if row.state not in _PUT_AWAY:
            raise Halted(Refused(Reason.NOT_ALLOWED, work.act.path, f"it is {row.state}"))
    put = put_into_trash(work)
    if put is None:
        removed = _remove_copies(work)
        return work.tools.acted.purged(work.act, work.now_ns, removed=removed)
    freed = _empty(work, put)
    return _ended(work, put, work.act, freed)


# -- what lies in the trash -----------------------------------------------------------------------


def _empty(work: Work, put: Put) -> int:
    rule = work.tools.purge_rule(work.act)
    allowed = allow_purge(
        put.entry,
        asked_by=work.act.policy or work.act.asked_by,
        at_least_ns=rule.at_least_ns,
        now_ns=work.now_ns,
        proofs=[_proof(work, put, file) for file in put.entry.here] if rule.copy_stays else None,
    )
    if isinstance(allowed, Refused):
        raise Halted(allowed)
    work.require_lease()
    done = purge(work.root.descriptor, allowed, kernel=work.tools.kernel)
    if isinstance(done, Refused):
        raise Halted(done)
    work.tally.freed += done.freed
    return done.freed + _freed_before(put)


def _freed_before(put: Put) -> int:
    """Return what an attempt before a kill had freed, as far as the note tells."""
    gone = [file.noted for file in put.entry.files if file.here is None and file.noted]
    return sum(noted.identity.size for noted in gone)


def _proof(work: Work, put: Put, file: Lying) -> Proof:
    """Return the proof that a copy of what lies in the trash can be had."""
    by_id = {one.file_id: one for one in work.act.members}
    member = by_id.get(put.file_id(file))
    if member is None or file.noted is None:
        raise Halted(Refused(Reason.UNPROVEN, work.act.path, "no copy of it is known"))
    problems: list[StorewardenError] = []
    for copy in copies_of(work, member):
        try:
            return prove(work.store_named(copy.store), _held(copy), file.noted.identity)
        except STEP_ERRORS as error:
            problems.append(error)
    raise hopeful(problems, member.path)


def _held(copy: Copy) -> Held:
    return Held(copy.key or "", copy.codec, copy.digest, copy.stored_bytes, copy.version)


def _ended(work: Work, put: Put, act: Act, freed: int) -> Act:
    ended = work.tools.acted.purged(act, work.now_ns, freed=freed)
    forget_emptied(work, put.entry.drawer)
    return ended


# -- what is archived -----------------------------------------------------------------------------


def _remove_copies(work: Work) -> set[str]:
    """Remove all objects that hold the files; return the stores.

    All are looked at before the first is removed: one that is another object now stops everything.
    """
    found = []
    known = copies.of_files(work.tools.journal.engine, file_ids(work.act.members))
    for copy in (one for each in known.values() for one in each):
        store = work.store_named(copy.store)
        stored = _stored(store, copy)
        if stored is not None:
            found.append((store, stored))
    for store, stored in found:
        work.require_lease()
        store.remove(stored)
    return {one.store for each in known.values() for one in each}


def _stored(store: Store, copy: Copy) -> Stored | None:
    if copy.key is None:
        return None
    stored = store.find(copy.key)
    if stored is not None and stored != Stored(copy.key, copy.stored_bytes, copy.version):
        raise ObjectDamaged(
            "a copy was replaced",
            where=f"{store.name}: {copy.key}",
            why="it is not the object that was stored",
            remedy="look who put it there; it was left alone",
        )
    return stored


# -- giving up ------------------------------------------------------------------------------------


def _settle(work: Work) -> Act | None:
    if not all(row.state in _PUT_AWAY for row in work.rows().values()):
        return None
    try:
        put = put_into_trash(work)
    except Halted as halted:
        if halted.refused.again:
            raise
        return None  # it was not begun
    return _settle_objects(work) if put is None else _settle_trash(work, put)


def _settle_trash(work: Work, put: Put) -> Act | None:
    here = {put.file_id(file) for file in put.entry.here}
    gone = tuple(one for one in work.act.members if one.file_id not in here)
    if not put.entry.going or not gone:
        return None
    work.reconsider([one for one in work.act.members if one.file_id in here])
    return _ended(work, put, work.act._replace(members=gone), _freed_before(put))


def _settle_objects(work: Work) -> Act | None:
    """End the act for those files of which no object is left; of others tell what is gone."""
    ids = file_ids(work.act.members)
    known = copies.of_files(work.tools.journal.engine, ids)
    lost = {
        file_id: [one for one in each if _is_gone(work, one)] for file_id, each in known.items()
    }
    gone = {file_id for file_id, each in known.items() if len(lost[file_id]) == len(each)}
    why = f"removed by act {work.act.id}, which was given up"
    for one in (one for file_id in lost.keys() - gone for one in lost[file_id]):
        work.tools.acted.copy_lost(one.file_id, one.store, why, work.now_ns)
    if not gone:
        return None
    members = work.act.members
    work.reconsider([one for one in members if one.file_id not in gone])
    act = work.act._replace(members=tuple(one for one in members if one.file_id in gone))
    removed = {one.store for file_id in gone for one in known[file_id]}
    return work.tools.acted.purged(act, work.now_ns, removed=removed)


def _is_gone(work: Work, copy: Copy) -> bool:
    store = work.tools.stores.get(copy.store)
    return store is not None and copy.key is not None and store.find(copy.key) is None


PURGE: Final = Verb(_carry, _settle)
