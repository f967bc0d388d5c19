"""The objects of a PDF, each found by its number: a table or a stream says where it lies.

Only dictionaries are read, and of those only what stands at their top. Pages are never walked.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from storewarden.facts.bounded import ZLIB
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

Entries = dict[bytes, bytes]

_TAIL: Final = 2048
_SHORT, _OBJECT = 8 << 10, 1 << 20  # most dictionaries; the longest, which name 100,000 pages
_MOST_STREAM: Final = 8 << 20
_MOST_TABLES: Final = 64  # a document changed so often has as many
_MOST_ENTRIES: Final = 1_000_000
_MOST_DEPTH: Final = 32
_MOST_HOLDERS: Final = 4  # streams of objects that need each other
_MOST_PACKED: Final = 100_000  # objects in one stream
_START: Final = re.compile(rb"startxref\s+(\d{1,12})")
_SECTION: Final = re.compile(rb"\s*(\d{1,10})\s+(\d{1,10})\s+")
_REFERENCE: Final = re.compile(rb"\s*(\d{1,10})\s+(\d{1,5})\s+R")
_HEAD: Final = re.compile(rb"\s*(\d{1,10})\s+\d{1,5}\s+obj")
_TOKEN: Final = re.compile(
    rb"(?:[\0\t\n\f\r ]|%[^\r\n]*)*+(<<|>>|\[|\]|\(|<[0-9A-Fa-f\s]*>|/[^\0\t\n\f\r ()<>\[\]{}/%]*"
    rb"|[^\0\t\n\f\r ()<>\[\]{}/%]+|.)",
    re.DOTALL,
)
_ROW: Final = 20  # bytes of an entry in a table
_FREE, _PLAIN, _PACKED = 0, 1, 2


def dictionary(data: bytes, at: int = 0) -> tuple[Entries, int]:
    """Return the entries of the dictionary that begins at ``at``, unparsed, and where it ends."""
    opened = _TOKEN.match(data, at)
    if opened is None or opened[1] != b"<<":
        raise Malformed("has no dictionary where one must be")
    found: Entries = {}
    at = opened.end()
    while True:
        token = _TOKEN.match(data, at)
        if token is None:
            raise Malformed("has a dictionary without an end")
        if token[1] == b">>":
            return found, token.end()
        if not token[1].startswith(b"/"):
            raise Malformed("has a dictionary with a value that has no name")
        begin = token.end()
        at = _end_of_value(data, begin)
        found.setdefault(token[1], data[begin:at].strip())


def _end_of_value(data: bytes, at: int) -> int:
    """Return where a value ends; a reference is three words."""
    if reference := _REFERENCE.match(data, at):
        return reference.end()
    depth = 0
    while token := _TOKEN.match(data, at):
        at = token.end()
        word = token[1]
        if word in (b"<<", b"["):
            depth += 1
        elif word in (b">>", b"]"):
            depth -= 1
        elif word == b"(":
            at = _end_of_string(data, at)
        if depth == 0:
            return at
        if not 0 < depth <= _MOST_DEPTH:
            break
    raise Malformed("has a dictionary with a value that makes no sense")


_BRACKET: Final = re.compile(rb"\\.|[()]", re.DOTALL)


def _end_of_string(data: bytes, at: int) -> int:
    depth = 1
    for found in _BRACKET.finditer(data, at):
        depth += (found[0] == b"(") - (found[0] == b")")
        if depth == 0:
            return found.end()
    raise Malformed("holds a text without an end")


class Objects:
    """The objects of one file. Raises Malformed where its tables lead nowhere."""

    def __init__(self, reader: Reader, shift: int) -> None:
        """Read the tables; ``shift`` is how many bytes stand before the document."""
        self._reader, self._shift = reader, shift
        self._tables: list[tuple[int, int, bytes, tuple[int, int, int]]] = []
        self._entries_left = _MOST_ENTRIES
        self._streams: dict[int, tuple[Entries, bytes]] = {}
        self._holders = 0
        self.trailer: Entries = {}
        self._read_tables()

    def _read_tables(self) -> None:
        told = _START.findall(self._reader.tail(_TAIL))
        if not told:
            raise Malformed("does not say at its end where its table of objects lies")
        waiting, seen = [int(told[-1])], set[int]()
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue  # in a circle
            seen.add(at)
            if len(seen) > _MOST_TABLES:
                raise TooMuch("has too many tables of objects")
            trailer = self._read_table(at + self._shift)
            for key, value in trailer.items():
                self.trailer.setdefault(key, value)
            waiting += [
                int(trailer[key])
                for key in (b"/Prev", b"/XRefStm")
                if trailer.get(key, b"").isdigit() and len(trailer[key]) <= 12  # noqa: PLR2004
            ]

    def _read_table(self, at: int) -> Entries:
        """Read one table of either form and return its trailer."""
        head = self._reader.some(at, 1024)
        if not head.lstrip().startswith(b"xref"):
            entries, data = self._stream_at(at)
            self._packed_table(entries, data)
            return entries
        at += head.index(b"xref") + 4
        while section := _SECTION.match(self._reader.some(at, 64)):
            first, count = int(section[1]), int(section[2])
            at += section.end()
            rows = self._reader.at(at, count * _ROW) if self._affords(count) else b""
            self._tables.append((first, count, rows, (0, 0, 0)))
            at += count * _ROW
        tail = self._reader.some(at, _SHORT).lstrip()
        if not tail.startswith(b"trailer"):
            raise Malformed("has a table of objects without a trailer")
        return dictionary(tail, len(b"trailer"))[0]

    def _affords(self, count: int) -> bool:
        self._entries_left -= count
        if self._entries_left < 0:
            raise TooMuch("has too many objects")
        return True

    def _packed_table(self, entries: Entries, data: bytes) -> None:
        widths = _numbers(entries.get(b"/W", b""))
        if len(widths) != 3 or not 0 < sum(widths) <= 24:  # noqa: PLR2004  # by definition
            raise Malformed("has a table of objects of no known form")
        size = sum(widths)
        sections = _numbers(entries.get(b"/Index", b"")) or [0, len(data) // size]
        at = 0
        for first, count in zip(sections[::2], sections[1::2], strict=False):
            self._affords(count)
            rows = data[at : at + count * size]
            self._tables.append((first, len(rows) // size, rows, (widths[0], widths[1], widths[2])))
            at += count * size

    def _place(self, number: int) -> tuple[int, int, int]:
        """Return how an object lies in the file: its form and two numbers that depend on it."""
        for first, count, rows, widths in self._tables:
            index = number - first
            if not 0 <= index < count:
                continue
            if not any(widths):
                row = rows[index * _ROW : index * _ROW + _ROW]
                offset = row[:10].strip()
                if not offset.isdigit():
                    raise Malformed("has a table of objects that makes no sense")
                if row[17:18] == b"n":
                    return _PLAIN, int(offset), 0
                continue
            at = index * sum(widths)
            fields = []
            for width in widths:
                fields.append(int.from_bytes(rows[at : at + width], "big"))
                at += width
            form = fields[0] if widths[0] else _PLAIN
            if form != _FREE:
                return form, fields[1], fields[2]
        raise Malformed(f"has no object {number}, which is referred to")

    def resolve(self, value: bytes, depth: int = 0) -> bytes:
        """Return a value itself where it is a reference to one."""
        reference = _REFERENCE.fullmatch(value)
        if reference is None:
            return value
        if depth > _MOST_DEPTH:
            raise Malformed("refers in a circle")
        number = int(reference[1])
        form, place, index = self._place(number)
        if form == _PLAIN:
            found = self._plain(place + self._shift, number)
        elif form == _PACKED:
            data, begin = self._packed(place, index, number)
            found = data[begin : _end_of_value(data, begin)]
        else:
            raise Malformed(f"holds an object of the unknown form {form}")
        return self.resolve(found.strip(), depth + 1)

    def _plain(self, at: int, number: int) -> bytes:
        """Return the value of the object that lies here."""
        for length in (_SHORT, _OBJECT):
            data = self._reader.some(at, length)
            head = _HEAD.match(data)
            if head is None or int(head[1]) != number:
                raise Malformed(f"has no object {number} at byte {at:,}, where it must be")
            try:
                return data[head.end() : _end_of_value(data, head.end())]
            except Malformed:
                if len(data) < length:
                    raise
        raise TooMuch(f"has an object {number} of more than {_OBJECT:,} bytes")

    def entries(self, value: bytes) -> Entries:
        """Return the entries of a dictionary, or of the one that is referred to."""
        return dictionary(self.resolve(value))[0]

    def stream(self, value: bytes, most: int) -> bytes:
        """Return what a stream holds, of those that are not packed or plainly packed."""
        reference = _REFERENCE.fullmatch(value)
        form, place, _ = self._place(int(reference[1])) if reference else (_FREE, 0, 0)
        return self._stream_at(place + self._shift, most)[1] if form == _PLAIN else b""

    def _packed(self, holder: int, index: int, number: int) -> tuple[bytes, int]:
        """Return the stream of objects that holds this one, and where it begins in it."""
        if holder not in self._streams:
            form, place, _ = self._place(holder)
            if form != _PLAIN or self._holders == _MOST_HOLDERS:
                raise Malformed("packs a stream of objects in another one")
            self._holders += 1
            self._streams[holder] = self._stream_at(place + self._shift)
            self._holders -= 1
        entries, data = self._streams[holder]
        first = _number(entries.get(b"/First", b""))
        index = min(index, _MOST_PACKED)
        numbers = data[:first].split(None, 2 * index + 2)[2 * index : 2 * index + 2]
        if len(numbers) != 2 or _number(numbers[0]) != number:  # noqa: PLR2004  # number and place
            raise Malformed(f"has no object {number} in the stream where it must be")
        begin = first + _number(numbers[1])
        return data, begin

    def _stream_at(self, at: int, most: int = _MOST_STREAM) -> tuple[Entries, bytes]:
        """Return the dictionary of a stream and what it holds."""
        head = self._reader.some(at, _SHORT)
        begin = _HEAD.match(head)
        if begin is None:
            raise Malformed(f"has no table of objects and no stream at byte {at:,}")
        entries, end = dictionary(head, begin.end())
        start = re.compile(rb"\s*stream\r?\n").match(head, end)
        if start is None:
            raise Malformed(f"has no stream at byte {at:,}")
        length = _number(self.resolve(entries.get(b"/Length", b"")))
        if at + start.end() + length > self._reader.size:
            raise Truncated(at + start.end(), length, self._reader.size)
        if length > most:
            raise TooMuch(f"has a stream of {length:,} bytes where a short one must be")
        return entries, _unpacked(entries, self._reader.at(at + start.end(), length), most)


def _unpacked(entries: Entries, data: bytes, most: int) -> bytes:
    filters = re.findall(rb"/\w+", entries.get(b"/Filter", b""))
    if not filters:
        return data
    if filters != [b"/FlateDecode"]:
        raise Malformed("packs its objects in a way that is not known")
    unpacker = zlib.decompressobj(ZLIB)
    try:
        found = unpacker.decompress(data, most)  # writers forget the sum at the end
    except zlib.error as error:
        raise Malformed(f"does not unpack: {error}") from error
    if unpacker.unconsumed_tail:
        raise TooMuch(f"unpacks to more than {most:,} bytes")
    parameters = entries.get(b"/DecodeParms", b"")
    if b"<<" not in parameters:
        return found
    told = dictionary(parameters, parameters.index(b"<<"))[0]
    if _number(told.get(b"/Predictor", b"1")) < 10:  # noqa: PLR2004  # those of PNG
        return found
    return _unfiltered(found, _number(told.get(b"/Columns", b"1")))


def _unfiltered(data: bytes, width: int) -> bytes:
    """Return rows of bytes of which each was packed as its difference to the one above."""
    if not 0 < width <= 64 or len(data) // (width + 1) > _MOST_ENTRIES // 10:  # noqa: PLR2004
        raise TooMuch("packs its table of objects in a way that is not known")
    rows, above = [], bytes(width)
    for at in range(0, len(data) - width, width + 1):
        row = data[at + 1 : at + 1 + width]
        if data[at] == 2:  # noqa: PLR2004  # "up", which all writers use here
            row = bytes([(one + other) & 0xFF for one, other in zip(row, above, strict=True)])
        elif data[at] != 0:
            raise Malformed("packs its table of objects in a way that is not known")
        rows.append(row)
        above = row
    return b"".join(rows)


def _numbers(value: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"\d{1,10}", value[:4096])]


def _number(value: bytes) -> int:
    if not value.isdigit() or len(value) > 12:  # noqa: PLR2004  # more than any file is long
        raise Malformed("holds a word where a number must be")
    return int(value)
