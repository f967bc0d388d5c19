"""How a content is packed into an object, and had out of it again, in pieces of bounded size."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from typing import Final, Literal

from storewarden.errors import ObjectDamaged
from storewarden.store.contract import Opened

if sys.version_info >= (3, 14):
    from compression.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
    )
else:
    from backports.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
    )

Codec = Literal["zstd", "none"]

PIECE: Final = 1 << 20  # of a content, at a time
ENDINGS: Final[dict[Codec, str]] = {"zstd": ".zst", "none": ""}  # of keys, for people and tools
PROBED_FIRST: Final = 4 << 20
PROBED_MIDDLE: Final = 1 << 20

_LEVEL: Final = 3
_PROBE_LEVEL: Final = 1
_LEAST_SAVED: Final = 0.03  # less does not pay for unpacking it ever after
# A window of 128 MiB is what ``zstd -d`` takes without being told to; ours have 2 MiB.
_UNPACKING: Final[dict[int, int]] = {DecompressionParameter.window_log_max: 27}
_PACKED: Final = 256 << 10  # of an object, at a time: what follows a frame is copied for the next
# Two workers pack what does not fit into one piece of work: measured on two cores, 606 MB/s of
# text instead of 369. Its pieces overlap by a window, so that it grows by nothing that counts.
# A library that was built without threads takes no workers, and says so by its bounds.
_WORKERS: Final = min(2, CompressionParameter.nb_workers.bounds()[1])
_WORK: Final = 2 << 20


class Encoder:
    """Packs one content of a known size; the very same bytes from the same content."""

    def __init__(self, codec: Codec, size: int, level: int = _LEVEL) -> None:
        self._packer: ZstdCompressor | None = None
        if codec == "zstd":
            options: dict[int, int] = {
                CompressionParameter.compression_level: level,
                CompressionParameter.checksum_flag: 1,
            }
            if size > _WORK and _WORKERS:
                options[CompressionParameter.nb_workers] = _WORKERS
                options[CompressionParameter.job_size] = _WORK
            self._packer = ZstdCompressor(options=options)
            self._packer.set_pledged_input_size(size)

    def feed(self, piece: bytes) -> bytes:
        """Return what is ready after another piece of the content; often nothing."""
        return self._packer.compress(piece) if self._packer else piece

    def end(self) -> bytes:
        """Return the rest, after all of the content and no byte more was fed."""
        return self._packer.flush() if self._packer else b""


def pays(first: bytes, middle: bytes = b"") -> bool:
    """Tell whether packing saves enough of a content, by its beginning and some of its middle."""
    wanted = (len(first) + len(middle)) * _LEAST_SAVED
    saved = 0
    for sample in (first, middle):
        for at in range(0, len(sample), PIECE):
            piece = sample[at : at + PIECE]
            packer = ZstdCompressor(level=_PROBE_LEVEL)
            saved += len(piece) - len(packer.compress(piece, ZstdCompressor.FLUSH_FRAME))
            if saved > 2 * wanted:
                return True  # what follows cannot grow by as much
    return saved >= wanted > 0


Pieces = Generator[bytes, None, None]


def decoder(codec: Codec, size: int, where: str) -> Callable[[Opened], Pieces]:
    """Return what yields a content of a known size out of an object.

    It raises ObjectDamaged, with ``where`` the object is, as soon as the object turns out to be
    cut off, broken, more than the content, or in need of more memory than anything we packed.
    """

    def decode(opened: Opened) -> Pieces:
        pieces = _unpacked(opened, where) if codec == "zstd" else _plain(opened)
        left = size
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                raise _damaged(where, f"holds more than {size:,} bytes")
            yield piece
        if left:
            raise _damaged(where, f"ends {left:,} bytes early")

    return decode


def _plain(opened: Opened) -> Iterator[bytes]:
    while piece := opened.read(PIECE):
        yield piece


def _unpacked(opened: Opened, where: str) -> Iterator[bytes]:
    """Yield the content of all frames; there is one at least."""
    packed = opened.read(_PACKED)
    if not packed:
        raise _damaged(where, "is empty")
    try:
        while packed:
            packed = yield from _frame(opened, packed, where)
    except ZstdError as error:
        raise _damaged(where, f"does not unpack: {error}") from None


def _frame(opened: Opened, packed: bytes, where: str) -> Generator[bytes, None, bytes]:
    """Yield the content of one frame, of which the beginning was read; return what follows it."""
    unpacker = ZstdDecompressor(options=_UNPACKING)
    while True:
        if piece := unpacker.decompress(packed, PIECE):
            yield piece
        if unpacker.eof:
            return unpacker.unused_data or opened.read(_PACKED)
        packed = b""
        if unpacker.needs_input and not (packed := opened.read(_PACKED)):
            raise _damaged(where, "is cut off")


def _damaged(where: str, why: str) -> ObjectDamaged:
    return ObjectDamaged("an object cannot be read", where=where, why=why)
