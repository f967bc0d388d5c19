"""The items of a HEIF file: pictures, EXIF and XMP, with their properties and their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from storewarden.facts.media.boxes import Box, child, children, content
from storewarden.facts.reader import Malformed, Reader, TooMuch

_MOST_ITEMS: Final = 10_000
_MOST_TABLE: Final = 256 << 10  # bytes of a table of items
_MOST_PROPERTY: Final = 1024  # bytes of a property: an ICC profile is longer, and not needed
_ALPHA: Final = (b":alpha\0", b":auxid:1\0")  # as AV1 and HEVC say it
_IN_FILE, _IN_META = 0, 1  # where the bytes of an item lie


class Items:
    """What one ``meta`` box tells; ``primary`` is the picture that the file is about."""

    def __init__(self, reader: Reader, meta: Box) -> None:
        self._reader = reader
        self._boxes = {box.kind: box for box in children(reader, meta, 4)}
        self.primary = self._primary()
        self._kinds = dict(self._infos())
        self._properties = self._all_properties()
        self._links = dict(self._associations())

    @property
    def alpha(self) -> bool:
        """Whether a picture of transparency lies beside the primary one."""
        return any(kind == b"auxC" and data.endswith(_ALPHA) for kind, data in self._properties)

    def properties(self, item: int) -> list[tuple[bytes, bytes]]:
        """Return kind and content of an item's properties."""
        known = len(self._properties)
        return [self._properties[one - 1] for one in self._links.get(item, ()) if 0 < one <= known]

    def codec(self, item: int) -> bytes:
        """Return the kind of an item; of one that is put together the kind of a piece."""
        kind = self._kinds.get(item, b"")
        if kind in {b"grid", b"iovl", b"iden"}:
            no_pictures = {b"Exif", b"mime", kind}
            return next((one for one in self._kinds.values() if one not in no_pictures), kind)
        return kind

    def contents(self, kind: bytes, most: int) -> Iterator[bytes]:
        """Yield the bytes of the items of a kind, the first four of them."""
        wanted = [item for item, known in self._kinds.items() if known == kind][:4]
        if not wanted:
            return
        places = dict(self._places())
        for item in wanted:
            if item in places:
                begin, length = places[item]
                if length > most:
                    raise TooMuch(f"holds a block of {length:,} bytes")
                yield self._reader.at(begin, length)

    def _table(self, kind: bytes) -> bytes:
        box = self._boxes.get(kind)
        if box and box.length > _MOST_TABLE:
            raise TooMuch(f"holds a table of {box.length:,} bytes")
        return content(self._reader, box, _MOST_TABLE) if box else b""

    def _primary(self) -> int:
        data = self._table(b"pitm")
        return int.from_bytes(data[4:] if data[:1] else b"", "big")

    def _infos(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of each item and what it is."""
        box = self._boxes.get(b"iinf")
        if not box:
            return
        wide = self._reader.some(box.begin, 1) != b"\0"
        for info in children(self._reader, box, 8 if wide else 6):
            data = content(self._reader, info, 16)
            if info.kind == b"infe" and len(data) >= 12 and data[0] in {2, 3}:  # noqa: PLR2004
                size = 2 if data[0] == 2 else 4  # noqa: PLR2004  # by version
                yield int.from_bytes(data[4 : 4 + size], "big"), data[6 + size : 10 + size]

    def _all_properties(self) -> list[tuple[bytes, bytes]]:
        box = self._boxes.get(b"iprp")
        shared = child(self._reader, box, b"ipco") if box else None
        if not shared:
            return []
        return [
            (one.kind, content(self._reader, one, _MOST_PROPERTY))
            for one in children(self._reader, shared)
        ]

    def _associations(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield which properties each item has, by their position from 1."""
        box = self._boxes.get(b"iprp")
        links = child(self._reader, box, b"ipma") if box else None
        if not links:
            return
        table = _Table(content(self._reader, links, _MOST_TABLE))
        version, flags = table.take(1), table.take(3)
        for _ in range(min(table.take(4), _MOST_ITEMS)):
            item = table.take(2 if version < 1 else 4)
            size = 2 if flags & 1 else 1
            mask = 0x7FFF if flags & 1 else 0x7F  # without the bit that says how much it matters
            yield item, tuple(table.take(size) & mask for _ in range(table.take(1)))

    def _places(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield where each item lies in the file; of items in pieces only the first piece."""
        table = _Table(self._table(b"iloc"))
        version = table.take(1)
        table.take(3)
        sizes = table.take(2)
        of_offset, of_length, of_base = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        of_index = sizes & 15 if version in {1, 2} else 0
        wide = 4 if version >= 2 else 2  # noqa: PLR2004
        for _ in range(min(table.take(wide), _MOST_ITEMS)):
            item = table.take(wide)
            method = table.take(2) & 15 if version in {1, 2} else _IN_FILE
            table.take(2)  # in which other file: never
            base = table.take(of_base)
            pieces = table.take(2)
            if pieces:
                table.take(of_index)
                begin = self._origin(method) + base + table.take(of_offset)
                yield item, (begin, table.take(of_length))
                table.skip((pieces - 1) * (of_index + of_offset + of_length))

    def _origin(self, method: int) -> int:
        inside = self._boxes.get(b"idat")
        return inside.begin if method == _IN_META and inside else 0


class _Table:
    """Numbers behind one another."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> int:
        """Return the next number of so many bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed("holds a table of items that is cut off")
        found = int.from_bytes(self._data[self._at : end], "big")
        self._at = end
        return found

    def skip(self, size: int) -> None:
        """Go on behind so many bytes."""
        self._at += size
