"""WebP: pieces in a RIFF file, of one picture or of many."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.reader import Malformed, Reader, TooMuch

_HEAD: Final = struct.Struct("<4sI")
_ALPHA: Final = 0x10
_MILLI: Final = 1_000_000


def read(reader: Reader, found: Found) -> None:
    """Read all pieces but those that hold pixels."""
    head = reader.at(0, 12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise Malformed("does not begin like a WebP")
    (length,) = struct.unpack_from("<I", head, 4)
    _Pieces(reader, found).walk(length + 8)


class _Pieces:
    """One walk along the pieces of one file."""

    def __init__(self, reader: Reader, found: Found) -> None:
        self._reader, self._found = reader, found
        self._parts = Parts()
        self._frames = self._duration = 0
        self._alpha = False

    def walk(self, end: int) -> None:
        """Follow the chain to its end; what is wrong in a part is told when all was read."""
        offset = 12
        while offset + 8 <= end:
            kind, length = _HEAD.unpack(self._reader.at(offset, 8))
            if read_piece := _READERS.get(kind):
                read_piece(self, offset + 8, length)
            offset += 8 + length + length % 2
        if offset > self._reader.size + 1:
            self._reader.at(offset - 1, 1)  # raises: the last piece is cut off
        self._finish()

    def _finish(self) -> None:
        found = self._found
        if found.width is None:
            raise Malformed("is a WebP without a picture")
        found.colour = "rgba 8 bit" if self._alpha else "rgb 8 bit"
        found.frames = self._frames or 1
        if self._frames:
            found.duration_ns = self._duration * _MILLI
        self._parts.complain()

    def lossy(self, at: int, _length: int) -> None:
        """VP8: a key frame of the video codec."""
        data = self._reader.at(at, 10)
        if data[3:6] != b"\x9d\x01\x2a":
            raise Malformed("holds a picture that does not begin with a key frame")
        width, height = struct.unpack_from("<HH", data, 6)
        self._size(width & 0x3FFF, height & 0x3FFF)
        self._found.codec = "vp8"

    def lossless(self, at: int, _length: int) -> None:
        """VP8L: width, height and transparency in one number of 32 bits."""
        data = self._reader.at(at, 5)
        if data[0] != 0x2F:  # noqa: PLR2004  # how it begins
            raise Malformed("holds a lossless picture that does not begin like one")
        (bits,) = struct.unpack_from("<I", data, 1)
        self._size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        self._alpha = self._alpha or bool(bits >> 28 & 1)
        self._found.codec = "vp8l"

    def extended(self, at: int, _length: int) -> None:
        """VP8X: what the file holds, and how large the canvas is."""
        data = self._reader.at(at, 10)
        self._alpha = bool(data[0] & _ALPHA)
        width, height = (int.from_bytes(data[begin : begin + 3], "little") for begin in (4, 7))
        self._size(width + 1, height + 1)

    def frame(self, at: int, _length: int) -> None:
        """ANMF: one picture of several, and for how long it is shown."""
        data = self._reader.at(at, 24)
        self._frames += 1
        self._duration += int.from_bytes(data[12:15], "little")
        self._found.codec = {b"VP8 ": "vp8", b"VP8L": "vp8l"}.get(data[16:20], self._found.codec)

    def exif(self, at: int, length: int) -> None:
        """EXIF: a block as JPEG has it."""
        with self._parts:
            if self._parts.first("exif"):
                read_exif(self._content(at, length), self._found)

    def xmp(self, at: int, length: int) -> None:
        """XMP: the packet."""
        with self._parts:
            self._found.text("xmp", words.plain(self._content(at, length)))

    def credentials(self, _at: int, _length: int) -> None:
        """C2PA: a manifest store of Content Credentials."""
        self._found.more["c2pa.present"] = True

    def _size(self, width: int, height: int) -> None:
        """Keep the size that was told first: the canvas is told before its pictures."""
        if self._found.width is None:
            self._found.width, self._found.height = width, height

    def _content(self, at: int, length: int) -> bytes:
        if length > MOST_TEXT:
            raise TooMuch(f"holds a block of {length:,} bytes")
        return self._reader.at(at, length)


_READERS: Final[dict[bytes, Callable[[_Pieces, int, int], None]]] = {
    b"VP8 ": _Pieces.lossy,
    b"VP8L": _Pieces.lossless,
    b"VP8X": _Pieces.extended,
    b"ANMF": _Pieces.frame,
    b"EXIF": _Pieces.exif,
    b"XMP ": _Pieces.xmp,
    b"C2PA": _Pieces.credentials,
}
