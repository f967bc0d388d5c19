"""Rows come back out of archives; children without a parent and rows without a file are found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from storewarden.catalogue import row_archives
from storewarden.catalogue.row_archives import Archive, put_away
from storewarden.config.schema import TableSettings
from storewarden.daemon.tending.row_doing import archived, require_room, sums
from storewarden.daemon.tending.row_work import RowWork, where
from storewarden.daemon.tending.wish import Item
from storewarden.databases.rows import plan
from storewarden.databases.rows.declared import family
from storewarden.databases.rows.keeping import Subject, Wanted
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.restored import Wanted as Back
from storewarden.databases.rows.tables import Declared
from storewarden.policy.rules import Guard

RESTORE, ORPHANS = "rows_restore", "rows_orphans"
ORPHANS_FOUND: Final = "orphans"
"""The figure of rows that hang on nothing, all together."""


def restored(work: RowWork, table: TableSettings) -> list[Item]:
    """Bring rows of a table back, out of the newest archive that has them."""
    options = work.wish.options
    keys = {tuple(str(part) for part in key) for key in options.get("keys", ())}
    times = options.get("from_ns"), options.get("to_ns")
    items = []
    for archive in _archives(work, table, options.get("archive"), times):
        if options.get("keys") and not keys:
            break
        dangling = bool(options.get("dangling")) or archive.told["picked"]["what"] == "orphans"
        wanted = Back(tuple(sorted(keys)), *times, dangling=dangling)
        done = work.keeper.restore(archive, wanted.facts(), table.database)
        if done["met"]:
            facts = {name: done[name] for name in ("rows", "met", "there")}
            items.append(Item(table.name, RESTORE, "done", facts={"archive": archive.id, **facts}))
        keys -= {tuple(str(part) for part in key) for key in done["keys"]}
    if not items:
        why = "no archive has such rows"
        remedy = f"storewarden rows archives {table.name}"
        items.append(Item(table.name, RESTORE, "refused", why, remedy))
    return items


def _archives(
    work: RowWork, table: TableSettings, number: object, times: tuple[int | None, int | None]
) -> Iterator[Archive]:
    first, last = times
    for one in row_archives.archives(
        work.hands.engine, work.hands.host_id, table.name, row_archives.THERE
    ):
        if number is not None and one.id != int(str(number)):
            continue
        early = last is not None and one.first_ns is not None and one.first_ns > last
        late = first is not None and one.last_ns is not None and one.last_ns < first
        if not early and not late:
            yield one


def orphans(work: RowWork, table: TableSettings) -> list[Item]:
    """Count, and clean when that is wished, what hangs on nothing."""
    items = []
    for subject, picked, name in _loose(work, table):
        (counted,) = work.keeper.look(subject, [picked])
        items.append(_cleaned(work, table, subject, picked, name, counted))
    if table.file is not None:
        items.append(_fileless(work, table))
    figures = [(table.name, str(one.facts["figure"]), int(one.facts["rows"])) for one in items]
    figures.append((table.name, ORPHANS_FOUND, sum(value for _, _, value in figures)))
    work.note(figures)
    return items


def _loose(work: RowWork, table: TableSettings) -> Iterator[tuple[Subject, Picked, str]]:
    """Yield each child table as a table of its own, with the choice of its orphans."""
    whole = family(table, work.hands.settings.tables)
    waiting: list[Declared] = [whole]
    while waiting:
        parent = waiting.pop(0)
        for columns, child in parent.children:
            picked = Picked(
                what="orphans",
                parent=parent.table,
                parent_key=parent.key,
                columns=columns,
            )
            subject = Subject(table.name, table.database, child, (), None, where(table))
            yield subject, picked, f"orphans.{child.table}"
            waiting.append(child)


def _fileless(work: RowWork, table: TableSettings) -> Item:
    subject = work.subject(table, ())
    gone = work.keeper.gone(subject, table.files or os.path.dirname(table.database))
    paths = [bytes(path) for path, _ in gone["found"]]
    away = put_away(work.hands.engine, work.hands.host_id, paths)
    keys = tuple(tuple(key) for path, key in gone["found"] if bytes(path) not in away)
    picked = Picked(what="fileless", keys=keys)
    (counted,) = work.keeper.look(subject, [picked])
    counted["unknown"] = gone["unknown"]
    return _cleaned(work, table, subject, picked, "fileless", counted)


def _cleaned(
    work: RowWork,
    table: TableSettings,
    subject: Subject,
    picked: Picked,
    figure: str,
    counted: Mapping[str, Any],
) -> Item:
    rows = int(counted["rows"])
    facts = {"figure": figure, "table": subject.declared.table, "rows": rows}
    facts |= {
        name: counted[name]
        for name in ("bytes", "children", "of_rows", "unknown")
        if name in counted
    }
    options = work.wish.options
    if not rows or not options.get("clean"):
        return Item(table.name, ORPHANS, "found" if rows else "done", facts=facts)
    figures = (counted[n] for n in ("rows", "bytes", "of_rows", "of_bytes"))
    against = [words for _, words in plan.over(Guard(), *figures)]
    if against and not options.get("yes"):
        remedy = f"storewarden rows orphans {table.name} --clean --yes"
        return Item(table.name, ORPHANS, "refused", "; ".join(against), remedy, facts)
    wanted = Wanted(picked, plan.BACKUPS, None, work.wish.asked_by, figure, plan.MOST)
    require_room(work, int(counted["bytes"]))
    came = list(archived(work, subject, wanted))
    return Item(table.name, ORPHANS, "done", facts=facts | sums(came))
