"""The deed ``look``: which databases there are, and what each is now.

One into which nobody wrote since it was looked at is not opened again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from storewarden.catalogue import looks, samples
from storewarden.catalogue.databases import (
    Database,
    Named,
    align,
    find_databases,
    forget_databases,
    known_databases,
)
from storewarden.catalogue.looks import Looked, Trouble
from storewarden.catalogue.rules import bounded
from storewarden.catalogue.samples import Sample
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending import glimpse
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.glimpse import Place
from storewarden.daemon.tending.glimpse import Told as Said
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases.child import run_job
from storewarden.databases.sample import DAY_NS, day_of, fold, tells_more
from storewarden.databases.who import Users, users
from storewarden.errors import DatabaseUnusable, StorewardenError, WorkStopped
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)

SAMPLES_KEPT: Final = 7  # days, before they are folded
DAYS_KEPT: Final = 800  # two years can be compared
GONE_KEPT_NS: Final = 400 * DAY_NS
_AT_ONCE: Final = 500  # databases of one transaction
_LONGEST: Final = 16_000  # characters of what is told besides
_MOST_USERS: Final = 20
_SERVER_SECONDS: Final = 60.0
_COUNTED: Final = ("page_size", "pages", "free_pages", "tables", "rows")
_OPENED: Final = {"opened": True}
_LEFT: Final = {"opened": False}
_DIGEST: Final = 32
_JOURNALS: Final = (None, "wal", "rollback")
_KEYS: Final = frozenset({"none", "declared", "off", "on"})


def look(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Look at the databases that are meant, all where none is named.

    The option ``again`` opens also those that nobody wrote into.

    Raises:
        GivenUp: we are to stop; what was seen is kept.
        StorewardenError: the catalogue cannot be used.
    """
    began = hands.clock.monotonic()
    aligned = align(hands.engine, hands.host_id, named(hands.settings), hands.now_ns)
    if any(aligned):
        log.info("there are other databases", extra={"facts": aligned._asdict()})
    found, items = _meant(hands, wish)
    round_ = _Round(hands, wish, told, stopping, items, len(found))
    files = [one for one in found if one.engine == "sqlite"]
    try:
        round_.look_at_files(files)
        for one in found:
            if one.engine == "postgresql":
                round_.look_at_server(one)
    finally:
        round_.write()
    if not wish.databases:
        _tidy(hands, stopping)
    return TendResult(tuple(round_.items), hands.clock.monotonic() - began)


def named(settings: Settings) -> list[Named]:
    """Return the databases that the configuration names."""
    return [
        Named(one.name, one.place, "sqlite" if one.url is None else "postgresql")
        for one in settings.databases
    ]


def _meant(hands: Hands, wish: TendWish) -> tuple[list[Database], list[Item]]:
    if not wish.databases:
        every = known_databases(hands.engine, hands.host_id, gone=True)
        return [one for one in every if one.there or one.named], []
    found, unknown = find_databases(hands.engine, hands.host_id, wish.databases, gone=True)
    items = [
        Item(shown(name), wish.what, "refused", "no database is called so", "storewarden db list")
        for name in unknown
    ]
    return found, items


class _Round:
    """One round of looking: what was seen waits to be written, many at a time."""

    def __init__(  # what a deed is given
        self,
        hands: Hands,
        wish: TendWish,
        told: Tell,
        stopping: Stopping,
        items: list[Item],
        total: int,
    ) -> None:
        self.items = items
        self._hands, self._wish, self._told, self._stopping = hands, wish, told, stopping
        self._total = total
        self._users = Users({}, whole=True)
        self._looked: list[tuple[Database, Looked]] = []
        self._troubles: list[tuple[Database, Trouble]] = []
        self._unchanged: list[tuple[Database, int | None, Mapping[str, Any]]] = []

    def look_at_files(self, databases: Sequence[Database]) -> None:
        """Look at files; only those that somebody wrote into are opened."""
        places, wrong = glimpse.place_all(self._hands, databases)
        for one, error in wrong:
            self._item(one, "put_off", error)
        there = [place for place in places if place.seen is not None]
        names = {
            place.seen.file: place.database.place.rpartition(b"/")[2]
            for place in there
            if place.seen is not None
        }
        self._users = users(names)
        for place in places:
            if place.seen is None:
                self._lost(place.database)
        changed = []
        for place in there:
            if self._is_unchanged(place):
                self._keep_unchanged(place)
            else:
                changed.append(place)
        glimpse.ask(self._hands, changed, self._heard, self._stopping)

    def look_at_server(self, one: Database) -> None:
        """Look at a database that a server has."""
        if self._stopping():
            raise GivenUp
        urls = {each.name: each.url for each in self._hands.settings.databases}
        url = urls.get(one.name)
        if url is None:
            return  # it lost its name in the configuration
        try:
            seen = run_job(
                "look_server", {"url": url}, stopping=self._stopping, seconds=_SERVER_SECONDS
            )
            looked = understood(seen, "", bounded(int(seen["bytes"])), None)
            connections = max(0, bounded(int(seen["connections"])))
        except WorkStopped:
            raise GivenUp from None
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            self._trouble(one, _nonsense(one, error), Trouble("", "", one.bytes, None))
        except StorewardenError as error:
            self._trouble(one, error, Trouble("", "", one.bytes, None))
        else:
            self._add_looked(one, looked._replace(connections=connections))

    # -- what was seen --------------------------------------------------------------------------

    def _is_unchanged(self, place: Place) -> bool:
        mark = place.seen.mark if place.seen is not None else ""
        return bool(mark) and mark == place.database.mark and not self._wish.options.get("again")

    def _keep_unchanged(self, place: Place) -> None:
        one = place.database
        connections, using = self._use(place)
        self._unchanged.append((one, connections, {**one.told, **using}))
        if one.trouble:
            why = one.trouble
            self.items.append(Item(one.name, self._wish.what, "failed", why, facts=_LEFT))
        else:
            self.items.append(Item(one.name, self._wish.what, "done", facts=_LEFT))
        self._advance(one)

    def _heard(self, place: Place, said: Said) -> None:
        """Take what a child said of a database, which is not believed."""
        one, seen = place.database, place.seen
        assert seen is not None  # noqa: S101  # only those that are there are asked for
        connections, using = self._use(place)
        error = said.error
        if said.look is not None:
            try:
                looked = understood(said.look, seen.mark, seen.bytes, seen.wal_bytes)
            except (KeyError, OverflowError, TypeError, ValueError) as wrong:
                error = _nonsense(one, wrong)
            else:
                told, keys = {**looked.told, **using}, _keys(one, looked)
                looked = looked._replace(connections=connections, told=told, foreign_keys=keys)
                self._add_looked(one, looked)
                return
        assert error is not None  # noqa: S101  # it is one or the other
        mark = "" if glimpse.passes(error) else seen.mark
        self._trouble(one, error, Trouble(mark, "", seen.bytes, seen.wal_bytes, connections))

    def _use(self, place: Place) -> tuple[int | None, Mapping[str, Any]]:
        """Return how many programs have a file open, None where that is hidden, and which."""
        assert place.seen is not None  # noqa: S101  # as above
        programs = self._users.of(place.seen.file)
        using = {
            "users": [[program.pid, program.name] for program in programs[:_MOST_USERS]],
            "users_whole": self._users.whole,
        }
        return len(programs) if programs or self._users.whole else None, using

    def _lost(self, one: Database) -> None:
        """Note that a database is not where it was; of those in roots the recorder says so."""
        if one.file_id is None:
            trouble = Trouble("", "it is not there", one.bytes, one.wal_bytes, None, there=False)
            self._troubles.append((one, trouble))
            remedy = f"see databases.{one.name} in the configuration" if one.named else ""
            self.items.append(Item(one.name, self._wish.what, "failed", "it is not there", remedy))
        else:
            why = "it is not there; its root is not recorded up to now"
            self.items.append(Item(one.name, self._wish.what, "put_off", why))
        self._advance(one)

    def _trouble(self, one: Database, error: StorewardenError, trouble: Trouble) -> None:
        why = shown(error.why or error.what)
        self._troubles.append((one, trouble._replace(trouble=why)))
        self._item(one, "put_off" if error.transient else "failed", error)

    def _item(self, one: Database, outcome: Any, error: StorewardenError) -> None:
        why = shown(error.why or error.what)
        self.items.append(Item(one.name, self._wish.what, outcome, why, error.remedy))
        self._advance(one)

    def _add_looked(self, one: Database, looked: Looked) -> None:
        self._looked.append((one, looked))
        self.items.append(Item(one.name, self._wish.what, "done", facts=_OPENED))
        self._advance(one)

    def _advance(self, one: Database) -> None:
        self._told(Told(self._wish.what, one.name, len(self.items), self._total))
        if len(self._looked) + len(self._troubles) + len(self._unchanged) >= _AT_ONCE:
            self.write()

    # -- what is kept ---------------------------------------------------------------------------

    def write(self) -> None:
        """Keep what was seen, in one transaction."""
        engine, now_ns = self._hands.engine, self._hands.now_ns
        taken = [
            *((one.id, _sample(looked, now_ns)) for one, looked in self._looked),
            *((one.id, _same(one, number, now_ns)) for one, number, _ in self._unchanged),
        ]
        newest = samples.newest(engine, [database_id for database_id, _ in taken])
        kept = [
            (database_id, sample)
            for database_id, sample in taken
            if sample is not None and tells_more(newest.get(database_id), sample)
        ]
        if not (self._looked or self._troubles or self._unchanged):
            return
        with engine.transaction():
            looks.write_looked(engine, [(one.id, told) for one, told in self._looked], now_ns)
            looks.write_trouble(engine, [(one.id, told) for one, told in self._troubles], now_ns)
            unchanged = [(one.id, number, told) for one, number, told in self._unchanged]
            looks.write_unchanged(engine, unchanged, now_ns)
            samples.add(engine, kept)
        self._looked, self._troubles, self._unchanged = [], [], []


def _keys(one: Database, looked: Looked) -> str | None:
    """Return what is known of foreign keys; what its application was seen to do with them stays."""
    by_watching = one.foreign_keys in {"on", "off"} and not one.told.get("broken_references")
    return (
        one.foreign_keys
        if looked.foreign_keys == "declared" and by_watching
        else looked.foreign_keys
    )


def _sample(looked: Looked, now_ns: int) -> Sample | None:
    if looked.bytes is None:
        return None
    free = None
    if looked.free_pages is not None and looked.page_size is not None:
        free = looked.free_pages * looked.page_size
    return Sample(now_ns, looked.bytes, free, looked.wal_bytes, looked.rows, looked.connections)


def _same(one: Database, connections: int | None, now_ns: int) -> Sample | None:
    """Return the sample of a database that is as it was."""
    if one.bytes is None:
        return None
    return Sample(now_ns, one.bytes, one.free_bytes, one.wal_bytes, one.rows, connections)


def understood(seen: Mapping[str, Any], mark: str, size: int, wal_bytes: int | None) -> Looked:
    """Return what a child said.

    Raises:
        KeyError, OverflowError, TypeError, ValueError: that makes no sense.
    """
    counted = {
        name: max(0, bounded(int(seen[name]))) for name in _COUNTED if seen.get(name) is not None
    }
    digest, keys, journal = seen["schema_digest"], seen["foreign_keys"], seen.get("journal")
    if not isinstance(digest, bytes) or len(digest) != _DIGEST or not isinstance(keys, str):
        raise TypeError("what was said of its schema is none")
    if keys not in _KEYS or journal not in _JOURNALS:
        raise ValueError("what was said of it is no word of ours")
    known = {"schema_digest", "foreign_keys", "journal", "bytes", "connections", *_COUNTED}
    told = {str(name): value for name, value in seen.items() if name not in known}
    for name in ("rows_by_table", "bytes_by_table"):
        if len(json.dumps(told)) > _LONGEST:
            told.pop(name, None)
    if len(json.dumps(told)) > _LONGEST:
        raise ValueError("more was said than is kept")
    return Looked(
        mark,
        size,
        wal_bytes,
        journal=journal,
        schema_digest=digest,
        foreign_keys=keys,
        told=told,
        **counted,
    )


def _nonsense(one: Database, error: Exception) -> StorewardenError:
    return DatabaseUnusable(
        "a database cannot be looked at",
        where=one.name,
        why=f"its process said what nobody understands: {error!r}",
        remedy="it was left as it is",
    )


def _tidy(hands: Hands, stopping: Stopping) -> None:
    """Fold samples of days ago, forget days of years ago and what is long gone."""
    engine, today = hands.engine, day_of(hands.now_ns)
    before_ns = (today - SAMPLES_KEPT) * DAY_NS
    for some in _sampled_before(hands, before_ns):
        if stopping():
            raise GivenUp
        taken = samples.samples(engine, some, before_ns)
        known = samples.days(engine, some, 0)
        folded = {}
        for database_id, each in taken.items():
            days = {sample.at_ns // DAY_NS for sample in each}
            before = {day: one for day, one in known.get(database_id, {}).items() if day in days}
            folded[database_id] = list(fold(each, before).values())
        with engine.transaction():
            samples.replace(engine, folded, before_ns)
    with engine.transaction():
        samples.forget(engine, today - DAYS_KEPT)
        forget_databases(engine, hands.host_id, hands.now_ns - GONE_KEPT_NS)


def _sampled_before(hands: Hands, before_ns: int) -> Iterator[list[int]]:
    while some := samples.sampled_before(hands.engine, before_ns, _AT_ONCE):
        yield some
