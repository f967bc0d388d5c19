"""The deed ``check``: are databases whole, and do their rows have parents?

What is found is told with its exact place and what helps; nothing is mended, as that would be a
change of somebody's data. A check that does not end in its time goes on, the next time, where it
was, as long as nobody wrote into the database.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from storewarden.catalogue import care
from storewarden.catalogue.databases import Database
from storewarden.daemon.tending.bench import bench
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.meant import failed, meant, passing
from storewarden.daemon.tending.nearby import beside
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish, Told
from storewarden.databases import mark
from storewarden.databases.child import run_job
from storewarden.databases.damage import READ_ON, Problem, remedy
from storewarden.databases.found import JOURNAL, WAL
from storewarden.errors import StorewardenError

log = logging.getLogger(__name__)

SECONDS: Final = 3600.0  # one check may take; then it goes on the next time
LARGE: Final = 8 << 30  # bytes from which on it goes table by table
_GRACE: Final = 60.0
_SHOWN: Final = 3  # problems that are told in a sentence


def checking(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Check the databases of a wish, all where it names none.

    Options: ``quick`` compares no index with its table, ``foreign_keys`` (true if left out) looks
    for rows without a parent, ``seconds`` each may take.
    """
    began = hands.clock.monotonic()
    databases, items = meant(hands, wish)
    stands = care.stands(hands.engine, hands.host_id)
    for number, one in enumerate(databases):
        database = one.database
        if database.engine != "sqlite" and not wish.databases:
            continue
        told(Told(wish.what, database.name, number, len(databases)))
        before = stands.get((database.id, wish.what))
        try:
            items.append(_checked(hands, wish, database, before, stopping))
        except StorewardenError as error:
            items.append(failed(database.name, wish.what, passing(error)))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def _checked(
    hands: Hands, wish: TendWish, one: Database, before: care.Stands | None, stopping: Stopping
) -> Item:
    began = hands.clock.monotonic()
    seconds = float(wish.options.get("seconds") or SECONDS)
    with beside(hands, one) as (parent, name), bench(hands) as place:
        seen = mark.seen(parent, name)
        now = "" if seen is None else seen.mark
        if seen is not None and _may_be_copied(parent, name):
            place.require(seen.bytes + seen.wal_bytes, "the copy on which a database is checked")
        done = _done_before(before, now)
        found = run_job(
            "check",
            {
                "name": name,
                "quick": bool(wish.options.get("quick")),
                "foreign_keys": bool(wish.options.get("foreign_keys", True)),
                "by_table": bool(done) or (seen is not None and seen.bytes >= LARGE),
                "done": done,
                "seconds": seconds,
            },
            descriptors=(parent,),
            scratch=place.descriptor,
            stopping=stopping,
            seconds=seconds + _GRACE,
        )
    facts = dict(found) | {"seconds": round(hands.clock.monotonic() - began, 3), "mark": now}
    return _item(wish.what, one, facts)


def _may_be_copied(parent: int, name: bytes) -> bool:
    """Tell whether a log lies beside it: then it is in use, or was left by a killed program."""
    for ending in (WAL, JOURNAL):
        with suppress(FileNotFoundError):
            if os.stat(name + ending, dir_fd=parent, follow_symlinks=False).st_size:
                return True
    return False


def _done_before(before: care.Stands | None, now: str) -> list[str]:
    """Return what an earlier check came through, if nobody wrote into the database since."""
    if before is None or not now:
        return []
    facts = json.loads(before.detail).get("facts", {})
    if facts.get("integrity") != "unfinished" or facts.get("mark") != now:
        return []
    # one of everything at once that did not end goes table by table, from the first one on
    return list(facts.get("done") or ["sqlite_schema"])


def _item(what: str, one: Database, facts: Mapping[str, Any]) -> Item:
    shape, integrity = facts["shape"], facts["integrity"]
    problems = [_problem(each) for each in facts["problems"]]
    if shape in {"foreign", "encrypted", "too_new"}:
        helps = "" if shape != "too_new" else "a newer Storewarden can read it"
        return Item(one.name, what, "refused", str(facts["why"]), helps, facts)
    if facts["count"]:
        why = _sentence(problems, int(facts["count"]), more=bool(facts["more"]))
        helps = remedy(problems, one.name)
        if integrity == "damaged":
            told = {"database": one.name, "why": why}
            log.warning("a database is damaged: see %s", READ_ON, extra={"facts": told})
        return Item(one.name, what, "found", why, helps, facts)
    outcome: Outcome = "put_off" if integrity == "unfinished" else "done"
    return Item(one.name, what, outcome, _beside(facts), "", facts)


def _beside(facts: Mapping[str, Any]) -> str:
    """Return what is to be said where nothing is wrong."""
    if facts["integrity"] == "unfinished":
        gone = len(facts["done"])
        return f"it takes longer than it may: {gone:,} tables are whole, it goes on with the next"
    if facts["integrity"] == "partly":
        tables = ", ".join(f"{table}: {why}" for table, why in facts["unchecked"].items())
        return f"only its application can check all of it: {tables}"
    return str(facts.get("why", ""))


def _sentence(problems: list[Problem], count: int, *, more: bool) -> str:
    told = "; ".join(
        f"{one.where}: {one.text}" if one.where else one.text for one in problems[:_SHOWN]
    )
    rest = count - min(count, _SHOWN)
    if not rest:
        return told
    return f"{told}; and {'at least ' if more else ''}{rest:,} more"


def _problem(facts: Mapping[str, Any]) -> Problem:
    return Problem(**facts)
