"""What is wrong with a database: what its first bytes say, and what SQLite says of the rest.

Bytes and sentences in, exact places and remedies out; nothing here opens anything.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

SIGNATURE: Final = b"SQLite format 3\0"
HEAD_BYTES: Final = 4096  # enough to tell bytes of a cipher from others
_HEADER: Final = struct.Struct(">16sHBBBBBB12I20x2I")
_SMALLEST, _LARGEST = 512, 65_536
_WAL: Final = 2  # the newest way to write and to read that is known
_NEWEST_SCHEMA: Final = 4
_CIPHER: Final = 7.5  # bits in a byte; text and pictures of a few kilobytes stay below

Shape = Literal["database", "empty", "foreign", "encrypted", "truncated", "too_new", "damaged"]
Kind = Literal["schema", "page", "free list", "index", "row", "search index", "foreign key", "log"]


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a file says that it is, and why it is no sound database if it is not.

    ``missing`` counts the pages that should be there and are not.
    """

    shape: Shape
    why: str = ""
    page_size: int = 0
    pages: int = 0
    missing: int = 0
    wal: bool = False


def read_head(head: bytes, size: int, *, log: bool = False) -> Head:
    """Return what a file of ``size`` bytes is; with a ``log`` beside it pages may lie there."""
    if not size:
        return Head("empty", "the file is empty: a database nobody wrote to yet")
    if not head.startswith(SIGNATURE):
        return _foreign(head, size)
    if len(head) < _HEADER.size:
        return Head("truncated", f"its header ends at byte {size:,}")
    fields = _HEADER.unpack_from(head)
    page_size = _LARGEST if fields[1] == 1 else fields[1]
    if not _SMALLEST <= page_size <= _LARGEST or page_size & (page_size - 1):
        return Head("damaged", f"its header says pages of {page_size:,} bytes")
    return _measured(fields, page_size, size, log=log)


def _measured(fields: tuple[Any, ...], page_size: int, size: int, *, log: bool) -> Head:
    wal = fields[2] == _WAL
    there = size // page_size
    pages = fields[9] if fields[9] and fields[20] == fields[8] else there
    if fields[3] > _WAL or fields[13] > _NEWEST_SCHEMA:
        why = f"file format {fields[3]}, schema format {fields[13]}: written by a newer SQLite"
        return Head("too_new", why, page_size, pages, wal=wal)
    missing = max(0, pages - there)
    if missing and not log:
        why = f"it ends at byte {size:,}, before its {pages:,} pages do: {missing:,} are missing"
        return Head("truncated", why, page_size, pages, missing, wal)
    return Head("database", "", page_size, pages, 0, wal)


def _foreign(head: bytes, size: int) -> Head:
    if size % _SMALLEST == 0 and len(head) >= _SMALLEST and _entropy(head) >= _CIPHER:
        return Head(
            "encrypted", "its bytes look like those of a cipher: it is encrypted, or random"
        )
    return Head("foreign", "it does not begin like a SQLite database")


def _entropy(data: bytes) -> float:
    """Return the bits that a byte tells, corrected for how few bytes there are."""
    shares = [count / len(data) for count in Counter(data).values()]
    spread = -sum(share * math.log2(share) for share in shares)
    return spread + (len(shares) - 1) / (2 * len(data) * math.log(2))


# -- what SQLite says -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, as SQLite says it, and where exactly that is."""

    kind: Kind
    text: str
    table: str = ""
    index: str = ""
    page: int | None = None
    row: str = ""

    def facts(self) -> dict[str, Any]:
        """Return it as JSON has it; what is not known is left out."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}

    @property
    def where(self) -> str:
        """The place, for people."""
        parts = (
            f"table {self.table}" if self.table else "",
            f"index {self.index}" if self.index else "",
            f"page {self.page:,}" if self.page is not None else "",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Tree:
    """What begins at a page of its own: a table, or an index of one."""

    kind: str
    name: str
    table: str


_TREE: Final = re.compile(r"^Tree (?P<root>\d+)(?: page (?P<page>\d+))?")
_PAGE: Final = re.compile(r"^Page (?P<page>\d+)")
_OF_INDEX: Final = re.compile(
    r"^(?:row (?P<row>.+?) (?:missing from|values differ from) index"
    r"|rowid not at end-of-record for row (?P<end>.+?) of index"
    r"|wrong # of entries in index|non-unique entry in index) (?P<index>.+)$"
)
_OF_ROW: Final = re.compile(
    r"^(?:NULL value in|\w+ value in|CHECK constraint failed in|row not in PRIMARY KEY order for"
    r"|rowid out of order in|missing from table) (?P<table>.+?)(?:\.(?P<column>[^.]+))?$"
)
_OF_SEARCH: Final = re.compile(
    r"^.*\b(?:FTS\d|RTree|rtree)\b.* table (?:main\.)?(?P<table>[^\s:]+)"
)
_OF_TABLE: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("search index", _OF_SEARCH),
    ("row", _OF_ROW),
)
_BANNER: Final = "*** in database "


def problems(text: str, trees: Mapping[int, Tree]) -> Iterator[Problem]:
    """Yield what a row of an integrity check tells, which may be several lines."""
    for line in text.splitlines():
        if line and not line.startswith(_BANNER):
            yield problem(line, trees)


def problem(line: str, trees: Mapping[int, Tree]) -> Problem:
    """Return what one line says, with its place; ``trees`` are known by their first pages."""
    if line.startswith("Freelist"):
        return Problem("free list", line)
    if found := _TREE.match(line):
        return _of_tree(line, found, trees)
    if found := _OF_INDEX.match(line):
        of = {tree.name: tree.table for tree in trees.values() if tree.kind == "index"}
        row = found["row"] or found["end"] or ""
        return Problem("index", line, of.get(found["index"], ""), found["index"], row=row)
    for kind, form in _OF_TABLE:
        if found := form.match(line):
            return Problem(kind, line, found["table"])
    found = _PAGE.match(line)
    return Problem("page", line, page=int(found["page"]) if found else None)


def _of_tree(line: str, found: re.Match[str], trees: Mapping[int, Tree]) -> Problem:
    tree = trees.get(int(found["root"]))
    page = int(found["page"] or found["root"])
    if tree is None:
        return Problem("page", line, "sqlite_schema" if found["root"] == "1" else "", page=page)
    if tree.kind == "index":
        return Problem("index", line, tree.table, tree.name, page)
    return Problem("page", line, tree.name, page=page)


READ_ON: Final = "docs/runbooks/corrupt-database.md"


def remedy(found: Iterable[Problem], name: str) -> str:
    """Return what helps: the mildest thing that mends everything that was found."""
    kinds = {one.kind for one in found}
    if not kinds:
        return ""
    if kinds == {"foreign key"}:
        return f"its application decides about such rows: storewarden db check --json {name}"
    if kinds <= {"index", "foreign key"}:
        return "its rows are whole: REINDEX builds its indexes anew, while nobody uses it"
    return f"the newest good backup: storewarden db backups {name}; see {READ_ON}"
