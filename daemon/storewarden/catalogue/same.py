"""Files with the same content, and the bytes that keeping it more than once wastes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from storewarden.catalogue import find, terms
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.orm import SQL, Node, Select, fn
from storewarden.catalogue.rules import HERE
from storewarden.catalogue.tables import Directory, File, Root

_AT_ONCE = 500  # groups
_Group = tuple[bytes, int, int]


@dataclass(frozen=True, slots=True)
class Same:
    """Files of one content; a hard link is another name of a file and wastes nothing."""

    digest: bytes
    size: int
    files: tuple[FileRow, ...]
    wasted: int


def same(
    engine: Engine,
    wanted_terms: Sequence[str],
    now_ns: int,
    *,
    host_id: int | None = None,
    limit: int | None = None,
) -> Iterator[Same]:
    """Yield what lies there more than once, what wastes most first; empty files are left out.

    Only files that meet all terms are compared. Files without a digest yet are not.
    """
    met = _met(engine, wanted_terms, now_ns, host_id)
    groups = _groups(engine, met, limit)
    ids = _ids(engine, met, [digest for digest, _, _ in groups] if limit else None)
    for start in range(0, len(groups), _AT_ONCE):
        some = groups[start : start + _AT_ONCE]
        rows = find.files_by_id(engine, [each for group in some for each in ids[group[0]]])
        files = {row.id: row for row in rows}
        for digest, size, number in some:
            alike = [files[each] for each in ids[digest] if each in files]
            alike.sort(key=lambda file: (file.root, file.directory, file.name))
            yield Same(digest, size, tuple(alike), size * (number - 1))


def _met(
    engine: Engine, wanted_terms: Sequence[str], now_ns: int, host_id: int | None
) -> list[Node]:
    asked = terms.parse(wanted_terms)
    met = terms.conditions(asked, engine.dialect, now_ns)
    met += [File.digest.is_null(False), File.size > 0]  # noqa: FBT003  # peewee's own word for it
    if not any(term.name == "state" for term in asked):
        met.append(File.state.in_(HERE))
    if host_id is not None:
        met.append(Root.host == host_id)
    return met


def _groups(engine: Engine, met: Iterable[Node], limit: int | None) -> list[_Group]:
    """Return digest, size and number of all that lies there more than once."""
    files = find.joined(File.digest, File.size, Root.host, Directory.device, File.inode)
    number = fn.COUNT(SQL("*"))
    query = (
        Select([files.where(*met).distinct().alias("each")], [SQL("digest"), SQL("size"), number])
        .group_by(SQL("digest"), SQL("size"))
        .having(number > 1)
        .order_by((SQL("size") * (number - 1)).desc(), SQL("digest"))
        .limit(limit or None)
    )
    return [(bytes(digest), size, count) for digest, size, count in engine.rows(query)]


def _ids(
    engine: Engine, met: Iterable[Node], digests: Sequence[bytes] | None
) -> dict[bytes, list[int]]:
    """Return the files of these digests, or of all that more than one file has."""
    query = find.joined(File.digest, File.id).where(*met)
    if digests is None:
        twice = find.joined(File.digest).where(*met).group_by(File.digest)
        query = query.where(File.digest.in_(twice.having(fn.COUNT(File.id) > 1)))
    found: dict[bytes, list[int]] = defaultdict(list)
    for digest, file_id in _rows(engine, query, digests):
        found[bytes(digest)].append(file_id)
    return found


def _rows(engine: Engine, query: Any, digests: Sequence[bytes] | None) -> Iterator[Row]:
    if digests is None:
        yield from engine.rows(query)
        return
    for start in range(0, len(digests), _AT_ONCE):
        yield from engine.rows(query.where(File.digest.in_(digests[start : start + _AT_ONCE])))
