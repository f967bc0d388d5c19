"""What happened to a file."""

from __future__ import annotations

from storewarden.api.reading import lines
from storewarden.api.reading.judgements import Happening, History
from storewarden.api.reading.lines import Line
from storewarden.api.reading.names import named
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.subject import Of, all_found, missing
from storewarden.catalogue import find


def history(reader: Reader, of: Of) -> History:
    """Return what happened to a file, or to all files of a path, the last first.

    Raises:
        NotThere: there is none, or it is not for this one to see.
        Wrong: no path below a root.
    """
    ids = [seen.file_id for seen in all_found(reader, of) if seen.file_id is not None]
    rows = find.files_by_id(reader.engine, ids)
    if not rows:
        raise missing(of)
    told = [line for row in rows for line in lines.of_file(reader.engine, row)]
    return History(history=tuple(map(_happening, sorted(told, key=lines.newest_first))))


def _happening(line: Line) -> Happening:
    path, path_hex = named(line.path)
    return Happening(
        at_ns=line.at_ns,
        what=line.what,
        outcome=line.outcome or None,
        root=line.root,
        path=path,
        path_hex=path_hex,
        files=line.files,
        bytes=line.size,
        store=line.store or None,
        policy=line.policy or None,
        by=line.by or None,
        why=line.why or None,
        error=line.error or None,
        act=line.act,
        undoes=line.undoes,
    )
