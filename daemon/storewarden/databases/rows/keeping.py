"""Rows are archived, removed, brought back and purged, each step noted before the next begins.

    the archive is copied and checked in our scratch directory
    planned → its object is put → written → it is read back → verified
    → deleting → rows leave the application's table → done

Nothing leaves before the object was read back from its store to its end. Whoever is killed at any
step finds by the journal what to do: remove an object that nothing left for yet, or go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from storewarden.catalogue import row_archives
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.row_archives import Archive, Begun
from storewarden.clock import Clock
from storewarden.databases.rows import packing
from storewarden.databases.rows.picked import Picked, Spared
from storewarden.databases.rows.tables import Declared
from storewarden.errors import (
    ObjectMissing,
    PermanentError,
    StoreRefused,
    StorewardenError,
)
from storewarden.store.contract import Store
from storewarden.store.key import key_of

FORM: Final = "sqlite 1"
SERVER_FORM: Final = "postgresql 1"
_MARK: Final = "abcdefghijklmnopqrstuvwxyz234567"
_MARK_BYTES: Final = 16
_HOURS: Final = 6 * 3600.0


class Run(Protocol):
    """Does one kind of work in a process of its own; see `databases.child.run_job`."""

    def __call__(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        descriptors: Sequence[int],
        scratch: int | None,
        progress: Callable[[Mapping[str, Any]], None],
        stopping: Callable[[], bool],
        seconds: float,
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A declared table, and where it is."""

    name: str
    place: bytes  # the absolute path of its database, or its address without a password
    declared: Declared
    clocks: tuple[str, ...]
    path_column: str | None
    where: str  # in the configuration

    def arguments(self) -> dict[str, Any]:
        """Return what every job about it is told; it goes into the journal as well."""
        return {
            "declared": self.declared.facts(),
            "clocks": list(self.clocks),
            "path_column": self.path_column,
            "where": self.where,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows that are to go, why, and for whom."""

    picked: Picked
    store: str
    policy: str | None
    asked_by: str
    reason: str
    most: int


@dataclass(slots=True)
class Keeper:
    """Keeps rows of declared tables. Used by one thread at a time."""

    engine: Engine
    host_id: int
    stores: Mapping[str, Store]
    clock: Clock
    scratch: Path
    run: Run
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[Mapping[str, Any]], None] = lambda _told: None
    urls: Mapping[bytes, str] = field(default_factory=dict)  # of servers, by places

    def look(
        self, subject: Subject, picks: Sequence[Picked], seconds: float = 600.0
    ) -> list[dict[str, Any]]:
        """Return the figures of each choice of rows; nothing is changed.

        Raises:
            StorewardenError: what is declared is wrong, or the database cannot be read.
        """
        arguments = subject.arguments() | {
            "picks": [one.facts() for one in picks],
            "seconds": seconds,
        }
        told: list[dict[str, Any]] = list(self._job("look", subject.place, arguments)["counts"])
        return told

    def archive(self, subject: Subject, wanted: Wanted) -> Archive | None:
        """Archive rows and remove them; None when there were none.

        Raises:
            StorewardenError: it came to nothing now, or to a part; the journal goes on from there.
        """
        with self._scratch_file() as file:
            now_ns = self.clock.wall_ns()
            told = {
                "name": subject.name,
                "place": os.fsdecode(subject.place),
                "policy": wanted.policy,
                "reason": wanted.reason,
                "made_ns": now_ns,
            }
            done = self._job(
                "archive",
                subject.place,
                subject.arguments()
                | {"picked": wanted.picked.facts(), "most": wanted.most, "archive": file}
                | {"told": told},
            )
            rows = done["rows"]
            count = int(rows[subject.declared.table]) if rows else 0
            if not count:
                return None
            archive = self._begin(subject, wanted, done, now_ns)
            archive = self._store(archive, file, count)
            return self._remove(archive, file)

    def recover(self) -> Iterator[Archive | StorewardenError]:
        """Go on with what was begun before; yield what became of each, or why it has to wait."""
        for archive in row_archives.archives(self.engine, self.host_id, states=row_archives.OPEN):
            try:
                yield self._go_on(archive)
            except StorewardenError as error:
                yield error

    def gone(self, subject: Subject, base: bytes) -> dict[str, Any]:
        """Return the rows whose file is not there; paths begin at ``base``. Nothing is changed."""
        arguments = subject.arguments() | {"base": base, "seconds": 600.0}
        return dict(self._job("files", subject.place, arguments))

    def restore(
        self, archive: Archive, wanted: Mapping[str, Any], place: bytes | None = None
    ) -> Mapping[str, Any]:
        """Bring rows of an archive back, into the database at a place; its object stays.

        Raises:
            StorewardenError: why nothing came back.
        """
        if archive.state not in row_archives.THERE:
            raise PermanentError(
                "nothing came back",
                where=f"archive {archive.id}",
                why=f"it is {archive.state}",
                remedy="storewarden rows archives",
            )
        arguments = dict(archive.told["subject"])
        with self._fetched(archive) as file:
            picked = archive.told["picked"]
            more = {"picked": picked, "archive": file, "wanted": wanted}
            done = self._job("restore", place or archive.place, arguments | more)
        if any(done["rows"].values()):
            back = {name: done[name] for name in ("first_ns", "last_ns", "keys")}
            noted = [*archive.told.get("restored", ()), back | {"at_ns": self.clock.wall_ns()}]
            row_archives.tell(self.engine, archive, restored=noted)
        return done

    def purge(self, archive: Archive) -> Archive:
        """Remove an archive from its store for good: its time is over."""
        archive = row_archives.step(self.engine, archive, "purging")
        return self._purged(archive)

    def spared(self, name: str, since_ns: int) -> tuple[Spared, ...]:
        """Return the rows that were brought back since; they stay as long as new ones would."""
        found = []
        for archive in row_archives.archives(self.engine, self.host_id, name):
            for one in archive.told.get("restored", ()):
                if one["at_ns"] > since_ns and one["first_ns"] is not None:
                    keys = tuple(tuple(key) for key in one["keys"])
                    picked = Picked.of(archive.told["picked"])
                    clock = (picked.clock, picked.unit, picked.since)
                    found.append(Spared(one["first_ns"], one["last_ns"], keys, *clock))
        return tuple(found)

    # -- steps ------------------------------------------------------------------------------------

    def _begin(
        self, subject: Subject, wanted: Wanted, done: Mapping[str, Any], now_ns: int
    ) -> Archive:
        store = self.stores.get(wanted.store)
        if store is None:
            raise StoreRefused("there is no such store", where=wanted.store)
        mark = "".join(_MARK[byte % len(_MARK)] for byte in os.urandom(_MARK_BYTES))
        key = key_of("rows", f"{subject.name}/rows.db".encode(), mark, ".zst")
        told = {
            "subject": subject.arguments(),
            "picked": wanted.picked.facts(),
            "rows": dict(done["rows"]),
            "held": done["held"],
        }
        begun = Begun(
            *(subject.name, subject.place, wanted.store, key),
            FORM if _is_file(subject.place) else SERVER_FORM,
            *(wanted.policy, wanted.asked_by, wanted.reason, told),
        )
        number = row_archives.begin(self.engine, self.host_id, begun, now_ns)
        archive = row_archives.one(self.engine, self.host_id, number)
        assert archive is not None  # noqa: S101  # just written
        first, last = (None if done[n] is None else str(done[n]) for n in ("first_ns", "last_ns"))
        return archive._replace(
            size=int(done["bytes"]), digest=done["digest"], first_clock=first, last_clock=last
        )

    def _store(self, archive: Archive, file: str, count: int) -> Archive:
        """Put the archive into its store and read it back; nothing left the table before."""
        store = self.stores[archive.store]
        assert archive.digest is not None  # noqa: S101  # it was copied
        rows: Mapping[str, int] = archive.told["rows"]
        about = {
            "name": archive.name,
            "place": os.fsdecode(archive.place).encode("utf-8", "backslashreplace").decode(),
            "form": archive.form,
            "rows": rows,
            "bytes": archive.size,
            "blake3": archive.digest.hex(),
            "first_ns": archive.first_ns,
            "last_ns": archive.last_ns,
            "made_ns": archive.began_ns,
        }
        path = os.fsencode(self.scratch / file)
        stored = packing.put(store, archive.key, path, about, self._passed)
        table = archive.told["subject"]["declared"]["table"]
        archive = row_archives.step(
            *(self.engine, archive, "written"),
            version=stored.version,
            stored_bytes=stored.bytes,
            bytes=archive.size,
            digest=archive.digest,
            rows=count,
            children={name: rows[name] for name in rows if name != table},
            first_clock=archive.first_clock,
            last_clock=archive.last_clock,
        )
        assert archive.digest is not None  # noqa: S101  # just written
        packing.read_back(store, stored, archive.size, archive.digest, self._passed)
        return row_archives.step(self.engine, archive, "verified")

    def _remove(self, archive: Archive, file: str) -> Archive:
        """Let the rows leave that lie in the archive; what changed meanwhile stays."""
        first = archive.state == "verified"
        if first:
            archive = row_archives.step(self.engine, archive, "deleting")
        arguments = dict(archive.told["subject"])
        more = {"picked": archive.told["picked"], "archive": file}
        done = self._job("remove", archive.place, arguments | more)
        told = {**archive.told, "removed": dict(done)}
        now_ns = self.clock.wall_ns()
        if first and not done["rows"] and done["left"] >= archive.rows:  # it is of no use
            archive = row_archives.tell(self.engine, archive, removed=dict(done))
            return self._undone(archive, "every row changed before it could leave")
        return row_archives.step(self.engine, archive, "done", ended_ns=now_ns, told=told)

    def _go_on(self, archive: Archive) -> Archive:
        if archive.state == "purging":
            return self._purged(archive)
        if archive.state in ("planned", "written"):
            return self._undone(archive, "it was cut short before anything left")
        try:
            with self._fetched(archive) as file:
                return self._remove(archive, file)
        except ObjectMissing as error:
            if archive.state == "verified":
                return self._undone(archive, "its object is gone, and nothing had left")
            raise PermanentError(
                "rows were archived, and their archive is gone",
                where=error.where,
                remedy="nothing more leaves the table; look for the object in the store's backups",
            ) from error

    def _undone(self, archive: Archive, why: str) -> Archive:
        store = self.stores[archive.store]
        stored = store.find(archive.key)
        if stored is not None:
            store.remove(stored)
        now_ns = self.clock.wall_ns()
        return row_archives.step(self.engine, archive, "undone", ended_ns=now_ns, trouble=why)

    def _purged(self, archive: Archive) -> Archive:
        store = self.stores[archive.store]
        with suppress(ObjectMissing):
            store.remove(packing.find(store, archive.key, archive.version))
        now_ns = self.clock.wall_ns()
        return row_archives.step(self.engine, archive, "purged", purged_ns=now_ns)

    # -- files of ours ----------------------------------------------------------------------------

    @contextmanager
    def _fetched(self, archive: Archive) -> Iterator[str]:
        store = self.stores[archive.store]
        assert archive.digest is not None  # noqa: S101  # it was written
        with self._scratch_file() as file:
            path = os.fsencode(self.scratch / file)
            stored = packing.find(store, archive.key, archive.version)
            packing.fetch(store, stored, archive.size, archive.digest, path)
            yield file

    @contextmanager
    def _scratch_file(self) -> Iterator[str]:
        name = f"rows-{os.getpid()}-{self.clock.wall_ns()}.db"
        try:
            yield name
        finally:
            with suppress(FileNotFoundError):
                (self.scratch / name).unlink()

    def _passed(self, size: int) -> None:
        self.progress({"bytes": size})

    def _job(self, work: str, place: bytes, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        with ExitStack() as stack:
            given: tuple[int, ...] = ()
            if _is_file(place):
                directory, _, name = place.rpartition(b"/")
                given = (_opened(directory or b"/", stack),)
                kind, more = f"rows_{work}", {**arguments, "file": name}
            else:
                kind, more = f"rows_server_{work}", {**arguments, "url": self._url(place)}
            scratch = _opened(os.fsencode(self.scratch), stack)
            return self.run(
                *(kind, more),
                descriptors=given,
                scratch=scratch,
                progress=self.progress,
                stopping=self.stopping,
                seconds=_HOURS,
            )

    def _url(self, place: bytes) -> str:
        url = self.urls.get(place)
        if url is None:
            raise PermanentError(
                "a database is not there",
                where=place.decode("utf-8", "backslashreplace"),
                why="the configuration names no such server any more",
                remedy="write it into databases: or tables: again",
            )
        return url


def _is_file(place: bytes) -> bool:
    return place.startswith(b"/")


def _opened(directory: bytes, stack: ExitStack) -> int:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise PermanentError(
            "a database is not there",
            where=directory.decode("utf-8", "backslashreplace"),
            why=error.strerror or str(error),
        ) from error
    stack.callback(os.close, descriptor)
    return descriptor
