"""Files by terms, page by page; and everything about one of them."""

from __future__ import annotations

import stat
from collections.abc import Sequence

from storewarden.api.reading import cursor, filed
from storewarden.api.reading.moments import moment
from storewarden.api.reading.reader import PAGE, Reader, within
from storewarden.api.reading.records import Copy, Event, Files, WholeFile
from storewarden.api.reading.said import texts_of
from storewarden.api.reading.subject import Of, found, missing
from storewarden.catalogue import copies, find, pages, terms
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.known import known
from storewarden.catalogue.told import visible
from storewarden.catalogue.ways import END

_LIST = "files"


def page(
    reader: Reader, wanted: Sequence[str] = (), limit: int = PAGE, after: str | None = None
) -> Files:
    """Return the newest files that meet all terms, those of ``storewarden files``.

    New files come on the first page: who goes on with ``next`` misses none and meets none twice.

    Raises:
        UsageError: a term cannot be understood, or no page begins there, or has that size.
    """
    user_id = reader.user_id
    asked = pages.Asked(
        *(terms.parse(wanted), reader.now_ns, reader.host_id),
        () if user_id is None else (visible.seen_by(user_id),),
        None if user_id is None else visible.way_of(user_id),
    )
    (below,) = (END,) if after is None else cursor.decode(_LIST, after)
    got = pages.page(reader.engine, asked, within(limit), below)
    after = cursor.encode(_LIST, got.rows[-1].id) if got.more else None
    return Files(files=tuple(filed.records(reader, got.rows)), next=after)


def whole(reader: Reader, of: Of) -> WholeFile:
    """Return everything that is known of a file.

    Raises:
        NotThere: it was never seen, or is not for this one to see.
        Wrong: no path below a root.
    """
    engine, seen = reader.engine, found(reader, of)
    rows = find.files_by_id(engine, [seen.file_id]) if seen.file_id is not None else []
    if not rows:
        raise missing(of)
    row = rows[0]
    ((host, top),) = engine.execute(
        "SELECT h.name, r.path FROM files f JOIN directories d ON d.id = f.directory_id"
        " JOIN roots r ON r.id = d.root_id JOIN hosts h ON h.id = r.host_id WHERE f.id = ?",
        (row.id,),
    )
    facts = known(engine, [row.id], whole=True, now_ns=reader.now_ns, user_id=reader.user_id).get(
        row.id
    )
    said = facts.told if facts is not None else None
    return WholeFile(
        **filed.told(row, facts, bytes(top)),
        inode=row.inode,
        device=row.device,
        mode=stat.filemode(row.mode),
        links=row.links,
        uid=row.uid,
        gid=row.gid,
        blocks=row.blocks,
        atime_ns=row.accessed_ns,
        ctime_ns=row.changed_ns,
        digested_ns=row.digested_ns,
        inspected_ns=row.inspected_ns,
        host=host,
        copies=_copies(reader, row),
        texts=() if seen.told_id is None else texts_of(reader, seen.told_id),
        history=tuple(
            Event(at_ns=each.at_ns, event=each.event, detail=each.detail)
            for each in find.history(engine, row.id)
        ),
        told=None if said is None else moment(said.told_ns),
    )


def _copies(reader: Reader, row: FileRow) -> tuple[Copy, ...]:
    return tuple(
        Copy(store=one.store, bytes=one.size, verified_ns=one.verified_ns, key=one.key)
        for one in copies.of_files(reader.engine, [row.id]).get(row.id, ())
    )
