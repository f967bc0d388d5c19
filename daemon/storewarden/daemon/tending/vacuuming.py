"""The deeds ``vacuum`` and ``analyze``: databases are rewritten where that pays, and analyzed.

Whether it pays is decided from what was recorded when they were last looked at; one into which
nobody wrote since is not opened for that. Whatever happens, a database has all its rows: it is
rewritten in one transaction, from a copy that was proven, and the copy stays until the database
itself has passed its check.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from storewarden.daemon.tending import glimpse
from storewarden.daemon.tending.bench import Bench, bench
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.glimpse import Place
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.looking import look
from storewarden.daemon.tending.meant import Meant, failed, meant, passing
from storewarden.daemon.tending.nearby import beside
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases.child import run_job
from storewarden.databases.damage import READ_ON
from storewarden.databases.vacuum import Decision, Recorded, Room, decide
from storewarden.errors import DatabaseUnusable, StorewardenError
from storewarden.pipeline.judging import subjects
from storewarden.policy.subject import Subject

log = logging.getLogger(__name__)

SECONDS: Final = 4 * 3600.0
KEPT: Final = "kept"


def vacuuming(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Rewrite the databases of a wish without their empty pages; of all, those where it pays.

    Options: ``dry_run`` only decides.
    """
    began = hands.clock.monotonic()
    databases, items = _decided(hands, wish, stopping)
    for number, (one, decision) in enumerate(databases):
        name = one.database.name
        told(Told(wish.what, name, number, len(databases)))
        facts = {"gain": decision.gain, "needs": decision.needs, "decision": decision.verdict}
        if decision.verdict == "later" and (wish.databases or wish.policy):
            items.append(Item(name, wish.what, "put_off", decision.why, "", facts))
        elif decision.verdict != "pays" or wish.options.get("dry_run"):
            items.append(Item(name, wish.what, "done", decision.why, "", facts))
        else:
            try:
                items.append(_rewritten(hands, wish, one, decision, told, stopping))
            except StorewardenError as error:
                items.append(failed(name, wish.what, passing(error)))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def analyzing(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Renew the figures by which SQLite plans statements, in the databases of a wish."""
    began = hands.clock.monotonic()
    databases, items = meant(hands, wish)
    for number, one in enumerate(databases):
        name = one.database.name
        if one.database.engine != "sqlite" and not wish.databases:
            continue
        told(Told(wish.what, name, number, len(databases)))
        try:
            with beside(hands, one.database) as (parent, file), bench(hands) as place:
                facts = run_job(
                    *("analyze", {"name": file}),
                    descriptors=(parent,),
                    scratch=place.descriptor,
                    stopping=stopping,
                    seconds=SECONDS,
                )
        except StorewardenError as error:
            items.append(failed(name, wish.what, passing(error)))
            continue
        left = "; ".join(f"{table}: {why}" for table, why in facts["left"].items())
        items.append(Item(name, wish.what, "put_off" if left else "done", left, "", facts))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


# -- what pays ------------------------------------------------------------------------------------


def _decided(
    hands: Hands, wish: TendWish, stopping: Stopping
) -> tuple[list[tuple[Meant, Decision]], list[Item]]:
    """Return what is decided of each database; those that changed are looked at first."""
    databases, items = meant(hands, wish)
    ours = [one for one in databases if one.database.engine == "sqlite"]
    items += [
        Item(one.database.name, wish.what, "refused", "a server looks after itself")
        for one in databases
        if one not in ours and wish.databases
    ]
    places, wrong = glimpse.place_all(hands, [one.database for one in ours])
    items += [failed(one.name, wish.what, error) for one, error in wrong]
    changed = [
        place.database.name
        for place in places
        if place.seen is not None and place.seen.mark != place.database.mark
    ]
    if changed:
        look(hands, TendWish("look", tuple(changed), {}, wish.asked_by), _silent, stopping)
        databases, _ = meant(hands, wish)
        ours = [one for one in databases if one.database.engine == "sqlite"]
    by_id = {place.database.id: place for place in places}
    there = [one for one in ours if one.database.id in by_id]
    files = [one.database.file_id for one in there if one.database.file_id is not None]
    known = {subject.id: subject for subject in subjects(hands.engine, files)}
    rooms = _Rooms(hands.scratch)
    found = []
    for one in there:
        place = by_id[one.database.id]
        if place.seen is None:
            items.append(Item(one.database.name, wish.what, "failed", "it is not there"))
        else:
            subject = known.get(one.database.file_id or 0)
            found.append((one, _decide(hands, wish, one, place, subject, rooms)))
    return found, items


def _silent(_told: Told) -> None:
    """Hear nothing of how far a look is."""


def _decide(
    hands: Hands,
    wish: TendWish,
    one: Meant,
    place: Place,
    subject: Subject | None,
    rooms: _Rooms,
) -> Decision:
    database, seen = one.database, place.seen
    assert seen is not None  # noqa: S101  # only those that are there are decided
    care = one.policy.care if one.policy is not None else None
    if database.trouble:
        return Decision("later", f"it could not be looked at: {database.trouble}")
    known = Recorded(
        _measured(subject or _unrecorded(one), one),
        *(database.bytes or seen.bytes, database.page_size, database.pages),
        *(database.free_pages, seen.modified_ns, database.connections),
    )
    return decide(
        *(known, rooms.of(database.place), hands.now_ns),
        when=None if care is None else care.vacuum_when,
        asked=bool(wish.databases) and wish.policy is None,
    )


def _unrecorded(one: Meant) -> Subject:
    """Return a database that lies below no root as policies would see it."""
    database = one.database
    seen_ns, file = database.first_seen_ns, database.place.lstrip(b"/")
    return Subject(0, "", file, "database", 0, seen_ns, seen_ns)


def _measured(subject: Subject, one: Meant) -> Subject:
    """Return a database with what the last look at it measured."""
    pages, free, size = one.database.pages, one.database.free_pages, one.database.bytes
    ratio = free / pages if pages and free is not None else None
    return replace(subject, free_ratio=ratio, size=size or subject.size)


class _Rooms:
    """How much is free, asked once for each directory."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = _free(os.fsencode(scratch))
        self._known: dict[bytes, int] = {}

    def of(self, place: bytes) -> Room:
        directory = os.path.dirname(place)
        if directory not in self._known:
            self._known[directory] = _free(directory)
        return Room(self._known[directory], self._scratch)


def _free(directory: bytes) -> int:
    try:
        told = os.statvfs(directory)
    except OSError:
        return 0
    return told.f_bavail * told.f_frsize


# -- doing it -------------------------------------------------------------------------------------


def _rewritten(
    hands: Hands,
    wish: TendWish,
    one: Meant,
    decision: Decision,
    told: Tell,
    stopping: Stopping,
) -> Item:
    name, began = one.database.name, hands.clock.monotonic()
    marker = hands.settings.state / "rewriting" / str(one.database.id)
    size = one.database.bytes or 0

    def progress(step: Mapping[str, Any]) -> None:
        told(Told(wish.what, name, 0, 1, int(step["done"]), size))

    with beside(hands, one.database) as (parent, file), bench(hands) as place:
        ours = marker.exists()
        _begin(marker)
        facts = dict(
            run_job(
                *("vacuum", {"name": file, "ours": ours}),
                descriptors=(parent,),
                scratch=place.descriptor,
                progress=progress,
                stopping=stopping,
                seconds=SECONDS,
            )
        )
        marker.unlink(missing_ok=True)
        if not facts["whole"]:
            kept = _keep(hands, place, str(facts["copy"]), one)
            raise DatabaseUnusable(
                "a database is not whole after it was rewritten",
                where=name,
                why=f"its disk, or its memory, is failing; a whole copy is {kept}",
                remedy=f"put it there while nobody uses it; see {READ_ON}",
            )
    facts["seconds"] = round(hands.clock.monotonic() - began, 3)
    return Item(name, wish.what, "done", decision.why, "", facts)


def _begin(marker: Path) -> None:
    """Note on disk that a journal beside a database is ours from now on, should we be killed."""
    marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep(hands: Hands, place: Bench, copy: str, one: Meant) -> Path:
    """Put the only whole copy where nothing removes it."""
    directory = hands.settings.state / KEPT
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = directory / f"{one.database.id}-{hands.now_ns}.db"
    shutil.move(f"/proc/self/fd/{place.descriptor}/{copy}", kept)
    return kept
