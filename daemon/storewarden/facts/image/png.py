"""PNG and APNG: a chain of chunks, the texts among them before or behind the pixels."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from storewarden.facts.bounded import MOST_TEXT, inflate
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.reader import Malformed, Reader, TooMuch

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = struct.Struct(">I4s")
_LARGEST: Final = 2**31 - 1
_COLOURS: Final = {0: "grey", 2: "rgb", 3: "indexed", 4: "grey alpha", 6: "rgba"}
_XMP: Final = "XML:com.adobe.xmp"
_EXIF: Final = (b"Exif\0\0", b"II", b"MM")
_NANO: Final = 1_000_000_000
# ImageMagick puts whole blocks into texts, as hexadecimal digits below three lines of heading.
_RAW: Final = "Raw profile type "


def read(reader: Reader, found: Found) -> None:
    """Read all chunks but those that hold pixels."""
    if reader.at(0, 8) != _SIGNATURE:
        raise Malformed("does not begin like a PNG")
    _Chunks(reader, found).walk()


class _Chunks:
    """One walk along the chunks of one file."""

    def __init__(self, reader: Reader, found: Found) -> None:
        self._reader, self._found = reader, found
        self._parts = Parts()
        self._unpacked_left = 2 * MOST_TEXT
        self._duration = 0
        self._animated = False

    def walk(self) -> None:
        """Follow the chain to its end; what is wrong in a part is told when all was read."""
        offset = len(_SIGNATURE)
        while True:
            head = self._reader.at(offset, 8)
            length, kind = _HEAD.unpack(head)
            if length > _LARGEST:
                raise Malformed(f"holds a chunk of {length:,} bytes at byte {offset}")
            if read_chunk := _READERS.get(kind):
                read_chunk(self, offset + 8, length)
            elif kind == b"IEND":
                break
            elif kind == b"IDAT" and not self._animated:
                offset = self._last_alike(offset, head)
            offset += length + 12
        if self._found.width is None:
            raise Malformed("is a PNG without a header")
        if self._animated:
            self._found.duration_ns = self._duration
        self._parts.complain()

    def _last_alike(self, offset: int, head: bytes) -> int:
        """Return where the last chunk lies of a row that are alike: pixels come in many of a size.

        Pixels stand in one row of chunks by definition, so what lies a number of chunks ahead and
        has the same head ends the same row.
        """
        stride = _HEAD.unpack(head)[0] + 12
        step = (self._reader.size - offset) // stride
        while step > 0:
            ahead = offset + step * stride
            if self._reader.some(ahead, 8) == head:
                offset = ahead
            step //= 2
        return offset

    def header(self, at: int, length: int) -> None:
        """IHDR: dimensions, colour."""
        if length < 13:  # noqa: PLR2004  # what a header holds
            raise Malformed(f"has a header of {length} bytes")
        width, height, depth, colour = struct.unpack(">IIBB", self._reader.at(at, 10))
        found = self._found
        found.width, found.height, found.frames = width, height, 1
        if colour in _COLOURS:
            found.colour = f"{_COLOURS[colour]} {depth} bit"

    def animation(self, at: int, _length: int) -> None:
        """acTL: this PNG moves."""
        (frames,) = struct.unpack(">I", self._reader.at(at, 4))
        self._animated = True
        self._found.frames, self._found.mime = frames, "image/apng"

    def frame(self, at: int, _length: int) -> None:
        """fcTL: how long a frame stands, as a fraction of a second."""
        number, parts = struct.unpack(">HH", self._reader.at(at + 20, 4))
        self._duration += number * _NANO // (parts or 100)

    def text(self, at: int, length: int) -> None:
        """tEXt: a keyword and a text."""
        with self._parts:
            keyword, _, text = self._content(at, length).partition(b"\0")
            self._keep(keyword, text)

    def packed_text(self, at: int, length: int) -> None:
        """zTXt: the same, compressed."""
        with self._parts:
            keyword, _, rest = self._content(at, length).partition(b"\0")
            self._keep(keyword, self._unpack(rest[1:]))

    def international_text(self, at: int, length: int) -> None:
        """iTXt: UTF-8, with a language and a translated keyword, compressed or not."""
        with self._parts:
            keyword, _, rest = self._content(at, length).partition(b"\0")
            packed = rest[:1] == b"\1"
            _, _, rest = rest[2:].partition(b"\0")
            _, _, text = rest.partition(b"\0")
            self._keep(keyword, self._unpack(text) if packed else text)

    def exif(self, at: int, length: int) -> None:
        """eXIf: a block as JPEG has it."""
        with self._parts:
            if self._parts.first("exif"):
                read_exif(self._content(at, length), self._found)

    def credentials(self, _at: int, _length: int) -> None:
        """caBX: a manifest store of Content Credentials."""
        self._found.more["c2pa.present"] = True

    def _content(self, at: int, length: int) -> bytes:
        if length > MOST_TEXT:
            raise TooMuch(f"holds a text of {length:,} bytes")
        return self._reader.at(at, length)

    def _unpack(self, packed: bytes) -> bytes:
        """Inflate within what is left of a budget: a thousand bombs are no better than one."""
        most = min(MOST_TEXT, self._unpacked_left)
        if most == 0:
            raise TooMuch("holds more packed text than is unpacked of one file")
        self._unpacked_left -= most
        text = inflate(packed, most)
        self._unpacked_left += most - len(text)
        return text

    def _keep(self, keyword: bytes, data: bytes) -> None:
        name = words.plain(keyword[:79])
        if name.startswith(_RAW):
            self._raw_profile(name.removeprefix(_RAW), data)
        else:
            self._found.text("xmp" if name == _XMP else f"png:{name}", words.plain(data))

    def _raw_profile(self, name: str, data: bytes) -> None:
        lines = data.strip().split(b"\n", 2)
        try:
            block = bytes.fromhex(lines[-1].decode())
        except ValueError:
            raise Malformed(f"holds a raw profile {name} that is not hexadecimal") from None
        if name == "xmp":
            self._found.text("xmp", words.plain(block))
        elif name in {"exif", "APP1"} and block.startswith(_EXIF) and self._parts.first("exif"):
            read_exif(block, self._found)


_READERS: Final[dict[bytes, Callable[[_Chunks, int, int], None]]] = {
    b"IHDR": _Chunks.header,
    b"acTL": _Chunks.animation,
    b"fcTL": _Chunks.frame,
    b"tEXt": _Chunks.text,
    b"comf": _Chunks.text,  # ComfyUI's, behind the frames of an animation
    b"zTXt": _Chunks.packed_text,
    b"iTXt": _Chunks.international_text,
    b"eXIf": _Chunks.exif,
    b"caBX": _Chunks.credentials,
}
