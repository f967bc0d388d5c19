"""The deed ``backup``: what databases are now goes into a store, and is proven before it counts.

An image is taken in a process of its own while the application goes on. What would come back of it
is put together and checked: whole, its rows counted. Only then it goes into its store, is read back
there, and counts. What its policy does not keep any more goes after that.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from storewarden.act.codec import Codec
from storewarden.catalogue import backups
from storewarden.catalogue.acts import new_mark
from storewarden.catalogue.backups import Backup, Begun
from storewarden.catalogue.roots import this_machine
from storewarden.daemon.tending.assembling import assemble, parts_of
from storewarden.daemon.tending.bench import Bench, Meter, bench
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.forgetting import forget_of, go_on
from storewarden.daemon.tending.hands import BACKUPS, Hands
from storewarden.daemon.tending.meant import Meant, failed, meant, passing
from storewarden.daemon.tending.proven import Proven
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases import objects, restoring
from storewarden.databases.about import About, Base, key_for
from storewarden.databases.backups import Next, finish, next_kind
from storewarden.databases.image.increment import apply
from storewarden.databases.image.prove import Proved, prove
from storewarden.databases.image.take import Taken, prune_marks, take
from storewarden.errors import (
    DatabaseDamaged,
    DatabaseUnusable,
    FileUnusable,
    ObjectDamaged,
    ObjectMissing,
    PermanentError,
    StoreFull,
    StorewardenError,
)
from storewarden.policy.timing import machine_zone
from storewarden.store.contract import Store

log = logging.getLogger(__name__)

MARKS: Final = "marks"

_IMAGE, _BACK = b"image", b"back"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def backing_up(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Back up the databases of a wish; options: ``full`` for whole ones, ``to`` for the store."""
    began = hands.clock.monotonic()
    databases, items = meant(hands, wish)
    if wish.options.get("to") not in {None, *hands.stores}:
        raise PermanentError("there is no such store", where=str(wish.options["to"]))
    go_on(hands, stopping)
    for number, one in enumerate(databases):
        at = Told(wish.what, one.database.name, number, len(databases))
        told(at)
        try:
            items.append(_BackingUp(hands, wish, one, Meter(told, stopping, at), stopping).done())
        except StorewardenError as error:
            items.append(failed(one.database.name, wish.what, passing(error)))
    _prune(hands)
    return TendResult(tuple(items), hands.clock.monotonic() - began)


class _BackingUp:
    """One backup of one database."""

    def __init__(
        self, hands: Hands, wish: TendWish, one: Meant, meter: Meter, stopping: Stopping
    ) -> None:
        self._hands, self._wish, self._one = hands, wish, one
        self._meter, self._stopping = meter, stopping
        rule = one.backup
        self._store_name = str(wish.options.get("to") or (rule.to if rule else None) or BACKUPS)
        self._zone = machine_zone(os.environ)
        self._images = Proven(hands.settings.state)

    def done(self) -> Item:
        """Take it, and return what came of it."""
        one, began = self._one.database, self._hands.clock.monotonic()
        if one.engine != "sqlite":
            why, remedy = "it lies on a server", "its own tools back it up: pg_dump"
            return Item(one.name, self._wish.what, "refused", why, remedy)
        store = self._hands.stores.get(self._store_name)
        if store is None:
            raise PermanentError("there is no such store", where=self._store_name)
        with bench(self._hands) as place:
            facts = self._taken_soundly(store, place)
        facts["seconds"] = round(self._hands.clock.monotonic() - began, 3)
        try:
            facts["removed"] = sum(left.gone for left in forget_of(*self._forgets()))
        except StorewardenError as error:
            told = passing(error)
            log.warning("backups were not removed", extra={"facts": {"why": str(told)}})
        return Item(one.name, self._wish.what, "done", facts=facts)

    def _taken_soundly(self, store: Store, place: Bench) -> dict[str, Any]:
        """Take it; when what it would be built on turns out to be damaged, a whole one."""
        try:
            return self._taken(store, place)
        except ObjectDamaged as error:
            facts = {"database": self._one.database.name, "why": str(error)}
            log.error("what a backup is built on is damaged", extra={"facts": facts})  # noqa: TRY400  # its store says why
            place.clear()
            return self._taken(store, place)

    def _forgets(self) -> tuple[Hands, Meant, Stopping]:
        return self._hands, self._one, self._stopping

    def _next(self) -> Next:
        if self._wish.options.get("full"):
            return Next("full", None, "a whole one is wished")
        hands, rule = self._hands, self._one.backup
        known = backups.of_database(hands.engine, self._one.database.id)
        return next_kind(
            known, self._store_name, rule.full if rule else None, hands.now_ns, self._zone
        )

    def _taken(self, store: Store, place: Bench) -> dict[str, Any]:
        with ExitStack() as stack:
            parent, name, status = self._opened(stack)
            place.require(2 * status.st_size, "a backup")
            wanted = self._next()
            parts = self._parts(store, wanted)
            if not parts:
                _require_room(store, status.st_size)
            base = wanted.base.digest if wanted.base is not None and parts else None
            out = place.new(_IMAGE)
            stack.callback(os.close, out)
            kept = _marks(self._hands, stack)
            passed = self._meter.expect(status.st_size)
            taken = take(
                *(parent, name, out, place.descriptor),
                marks=kept,
                base=base,
                stopping=self._stopping,
                progress=passed,
            )
            name, proved = self._proved(store, place, out, taken, parts)
            about = self._about(taken, proved, status, parts, store)
            facts = self._stored(store, out, about, wanted.base, taken)
            if self._is_far(store):
                self._images.keep(taken.digest, place, name)
            return facts

    def _opened(self, stack: ExitStack) -> tuple[int, bytes, os.stat_result]:
        """Open the directory in which it lies; the file itself is only looked at."""
        one = self._one.database
        directory, _, name = one.place.rpartition(b"/")
        shown = one.place.decode("utf-8", "backslashreplace")
        try:
            parent = os.open(directory or b"/", _DIRECTORY)
            stack.callback(os.close, parent)
            return parent, name, os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError as error:
            why, remedy = "it is not there", f"storewarden db restore {one.name}"
            raise DatabaseUnusable(
                "a database cannot be backed up", where=shown, why=why, remedy=remedy
            ) from error
        except OSError as error:
            raise FileUnusable(
                "a database cannot be backed up", where=shown, why=error.strerror or str(error)
            ) from error

    def _parts(self, store: Store, wanted: Next) -> Sequence[restoring.Part]:
        """Return what an increment is built on, none where it has to be a whole one.

        What is not there any more, or is another, does not count from now on.
        """
        if wanted.base is None:
            return ()
        try:
            parts = parts_of(self._hands, store, wanted.base.key)
        except (ObjectMissing, ObjectDamaged):
            return ()
        return parts if parts[-1].about.digest == wanted.base.digest else ()

    def _proved(
        self,
        store: Store,
        place: Bench,
        out: int,
        taken: Taken,
        parts: Sequence[restoring.Part],
    ) -> tuple[bytes, Proved]:
        """Put together what would come back, and check it; return the name of its file, too."""
        name = _IMAGE
        if taken.kind == "increment":
            name = _BACK
            if not self._laid_over_kept(store, place, out, taken, parts[-1].about.digest):
                size = sum(part.about.content_bytes for part in parts)
                assemble(self._hands, store, parts, place, name, self._meter.expect(size))
                _lay_over(place, name, out, taken, parts[-1].about.digest)
        proved = prove(place.descriptor, name, stopping=self._stopping)
        if not proved.sound:
            raise DatabaseDamaged(
                "a database is damaged: its backup would be, too",
                where=self._one.database.name,
                why="; ".join(proved.problems[:3]),
                remedy="docs/runbooks/corrupt-database.md",
            )
        return name, proved

    def _laid_over_kept(
        self, store: Store, place: Bench, out: int, taken: Taken, base: bytes
    ) -> bool:
        """Lay an increment over the image that was kept when its base was proven, if one was."""
        if not self._is_far(store) or not self._images.lend(base, place, _BACK):
            return False
        try:
            _lay_over(place, _BACK, out, taken, base)
        except (DatabaseDamaged, ObjectDamaged):  # what was kept is not what it was
            os.unlink(_BACK, dir_fd=place.descriptor)
            return False
        return True

    def _is_far(self, store: Store) -> bool:
        """Tell whether what lies in a store has to be fetched over a network."""
        return not self._hands.stores.configured.settings_of(store.name).path

    def _about(
        self,
        taken: Taken,
        proved: Proved,
        status: os.stat_result,
        parts: Sequence[restoring.Part],
        store: Store,
    ) -> About:
        base = None
        if taken.kind == "increment":
            base = Base(parts[-1].stored.key, parts[-1].about.digest)
        return About(
            host=this_machine().name,
            name=self._one.database.name,
            place=self._one.database.place,
            kind=taken.kind,
            base=base,
            taken_ns=taken.taken_ns,
            page_size=taken.page_size,
            pages=taken.pages,
            digest=taken.digest,
            schema_digest=taken.schema_digest,
            codec=self._codec(taken, store),
            packed_bytes=0,
            content_digest=bytes(32),
            content_bytes=0,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            modified_ns=status.st_mtime_ns,
            mark=new_mark(),
            rows=proved.counted,
        )

    def _codec(self, taken: Taken, store: Store) -> Codec:
        rule = self._one.backup
        if taken.kind == "increment":
            return "zstd"
        if rule is not None and rule.compress is not None:
            return rule.compress
        return "zstd" if self._is_far(store) else "none"

    def _stored(
        self, store: Store, out: int, about: About, base: Backup | None, taken: Taken
    ) -> dict[str, Any]:
        hands = self._hands
        wanted = Begun(
            database_id=self._one.database.id,
            kind=about.kind,
            base_id=base.id if about.kind == "increment" and base is not None else None,
            store=store.name,
            key=key_for(about),
            asked_by=self._wish.asked_by,
            policy=self._one.policy.id if self._one.policy is not None else None,
        )
        number = backups.begin(hands.engine, wanted, hands.now_ns)
        size = os.fstat(out).st_size
        met = objects.put(store, out, about, self._meter.expect(size))
        passed = self._meter.expect(size)
        if not finish(hands.engine, store, number, met, lambda: hands.now_ns, passed):
            raise ObjectMissing("what a backup is built on was lost meanwhile", where=wanted.key)
        return {
            "backup": number,
            "kind": about.kind,
            "store": store.name,
            "key": wanted.key,
            "taken_ns": about.taken_ns,
            "bytes": about.size,
            "stored_bytes": met[1].bytes,
            "changed_pages": taken.changed,
            "pages": about.pages,
            "rows": None if about.rows is None else sum(about.rows.values()),
            "lock_seconds": round(taken.lock_seconds, 4),
        }


def _lay_over(place: Bench, name: bytes, out: int, taken: Taken, base: bytes) -> None:
    """Lay what was taken over the image that it is built on; it has to become what was seen."""
    back = place.open(name)
    try:
        image = apply(back, out, "what was just taken", base)
    finally:
        os.close(back)
    if image.digest != taken.digest:
        raise DatabaseDamaged("what was taken does not come back as it was")


def _require_room(store: Store, size: int) -> None:
    """Ask for room for a whole backup first; what changed is small, and refused by the store."""
    space = store.space()
    if space is not None and space.free < size:
        raise StoreFull(
            "there is no room for a backup",
            where=store.name,
            why=f"{space.free:,} bytes are free, and it takes up to {size:,}",
            remedy="make room there, or name another store",
        )


def _marks(hands: Hands, stack: ExitStack) -> int:
    """Open the directory in which what the pages of images were is kept."""
    path = hands.settings.state / MARKS
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, _DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise FileUnusable(
            "a backup cannot be taken", where=str(path), why=error.strerror or str(error)
        ) from error
    stack.callback(os.close, descriptor)
    return descriptor


def _prune(hands: Hands) -> None:
    """Forget the pages of images on which nothing will be built any more."""
    keep = backups.digests_of_newest(hands.engine, hands.host_id)
    with ExitStack() as stack:
        prune_marks(_marks(hands, stack), keep)
    Proven(hands.settings.state).prune(keep)
