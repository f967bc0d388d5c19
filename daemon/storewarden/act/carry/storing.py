"""The files of an act become objects that are proven: what copy, archive and move begin with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

from blake3 import blake3

from storewarden.act.about import About, from_bytes
from storewarden.act.carry.work import STEP_ERRORS, Tools, Work, file_ids
from storewarden.act.codec import PIECE
from storewarden.act.copying import Progress, Source, copy, keys, open_unnoticed, quiet, verify
from storewarden.act.entries import at_place
from storewarden.act.identity import Identity
from storewarden.act.proof import Content, Proof
from storewarden.act.refused import Reason, Stop, translated
from storewarden.catalogue import copies
from storewarden.catalogue.acts import Act, Held, Member
from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StorewardenError,
)
from storewarden.store.contract import Store, Stored


def copy_all(work: Work) -> None:
    """Store all files of the act and note what holds them."""
    work.advance("copied", members=store_all(work, known_copies(work.tools, [work.act])))


Known = Mapping[int, Sequence[copies.Copy]]
"""What the catalogue knows of earlier copies, by file."""


def known_copies(tools: Tools, acts: Sequence[Act]) -> Known:
    """Return the copies that earlier acts made of the files of these."""
    ids = file_ids([member for act in acts for member in act.members])
    return copies.of_files(tools.journal.engine, ids)


def store_all(work: Work, known: Known) -> tuple[Member, ...]:
    """Store all files of the act; return them with what holds them, which is noted nowhere yet."""
    return tuple(_with_held(work, member, known) for member in work.act.members)


def verify_all(work: Work) -> list[Proof]:
    """Read all objects of the act to their ends; return the proofs, which end with the process."""
    return [_proven(work, member) for member in work.act.members]


def prove(store: Store, held: Held, identity: Identity, progress: Progress = quiet) -> Proof:
    """Read an object to its end and return the proof that it holds what was noted of it.

    What ``progress`` raises goes through.

    Raises:
        ObjectMissing: it is not there.
        ObjectDamaged: it is not what was noted.
        StorewardenError: it cannot be read now.
    """
    stored = Stored(held.key, held.stored_bytes, held.version)
    return verify(store, stored, Content(identity, held.digest), progress)


def drop_objects(work: Work) -> None:
    """Remove what an act stored that did nothing to its files; what cannot be is left there.

    An object stays, too, when its file is not where it was: it may be all that is left of it.
    """
    engine = work.tools.journal.engine
    work.require_lease()
    for member in work.act.members:
        if not _lies_as_it_was(work, member):
            continue
        for key in keys(work.root.name, member.path, work.act.mark).values():
            if copies.at(engine, work.act.store or "", key) is None:
                with contextlib.suppress(*STEP_ERRORS):
                    found = work.store.find(key)
                    if found is not None:
                        work.store.remove(found)


def _lies_as_it_was(work: Work, member: Member) -> bool:
    try:
        found = at_place(work.root.descriptor, member.path, work.tools.kernel)
    except (OSError, Stop):
        return False
    return found is not None and Identity(*member.identity).unchanged_by_rename(found)


def _with_held(work: Work, member: Member, known: Known) -> Member:
    held = _known(work, member, known) or _stored(work, member)
    if member.digest not in {None, held.digest}:
        raise Stop(Reason.CHANGED, member.path, "it does not hold any more what was looked into")
    return member._replace(held=held)


def _known(work: Work, member: Member, known: Known) -> Held | None:
    """Return the copy that an earlier act made, if the file is still what that holds."""
    if member.file_id is None:
        return None
    for one in known.get(member.file_id, []):
        here = (one.store, one.size) == (work.act.store, member.identity.size)
        if (
            here
            and one.key is not None
            and digest_of(work.source(member), work.progress) == one.digest
        ):
            return Held(one.key, one.codec, one.digest, one.stored_bytes, one.version)
    return None


def _stored(work: Work, member: Member) -> Held:
    tools, store, source = work.tools, work.store, work.source(member)
    work.require_lease()
    try:
        done = copy(
            *(source, store, work.act.mark, work.act.planned_ns, tools.codec(store.name)),
            progress=work.progress,
        )
    except ObjectExists as error:
        stored, about = _adopted(work, source, error)
    else:
        stored, about = done.stored, done.about
        work.tally.copied += about.size
    return Held(stored.key, about.codec, about.digest, stored.bytes, stored.version)


def _adopted(work: Work, source: Source, error: ObjectExists) -> tuple[Stored, About]:
    """Return the object of an attempt before a kill, if it tells of what the file is now.

    It is no copy yet: it is read to its end like any other before something relies on it.
    """
    store, mark = work.store, work.act.mark
    for key in keys(source.root, source.path, mark).values():
        stored = store.find(key)
        if stored is not None:
            about = from_bytes(store.about(key), f"{store.name}: {key}")
            told = (about.mark, about.path, about.size, about.digest)
            digest = digest_of(source, work.progress)
            if told == (mark, source.path, source.identity.size, digest):
                return stored, about
    raise error


def digest_of(source: Source, progress: Progress = quiet) -> bytes:
    """Return the digest of a file that is what it was, before and after it was read.

    Raises:
        Stop: it is not, or cannot be read.
    """
    hasher = blake3()
    try:
        descriptor = open_unnoticed(source.root_fd, source.path)
        try:
            _require_same(source, descriptor)
            while piece := os.read(descriptor, PIECE):
                hasher.update(piece)
                progress(len(piece))
            _require_same(source, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise translated(error, source.path) from error
    return hasher.digest()


def _require_same(source: Source, descriptor: int) -> None:
    if Identity.of(os.fstat(descriptor)) != source.identity:
        raise Stop(Reason.CHANGED, source.path)


def _proven(work: Work, member: Member) -> Proof:
    if member.held is None:
        raise ObjectMissing("an act does not tell what holds a file", where=f"act {work.act.id}")
    identity = Identity(*member.identity)
    try:
        proof = prove(work.store, member.held, identity, work.progress)
    except (ObjectMissing, ObjectDamaged) as error:
        _forget_copy(work, member, member.held, error)
        raise
    work.tally.verified += proof.content.size
    return proof


def _forget_copy(work: Work, member: Member, held: Held, error: StorewardenError) -> None:
    """Note that an earlier act's copy is none: the next act makes one of its own."""
    engine, store = work.tools.journal.engine, work.store.name
    known = copies.at(engine, store, held.key)
    if known is not None and known.file_id == member.file_id:
        work.tools.acted.copy_lost(known.file_id, store, str(error), work.now_ns)
