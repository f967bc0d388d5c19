"""The structures by which Windows describes streams: in WAV and AVI, in ASF, within Matroska."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.media.codecs import EXTENSIBLE, windows_audio, windows_video

_SOUND: Final = struct.Struct("<HHIIHH")  # tag, channels, rate, bytes a second, block, bits
_PICTURE: Final = struct.Struct("<IiiHH4s")  # size, width, height, planes, bits, codec
_TAG_WITHIN: Final = 24  # where an extensible format has its tag, in the first bytes of a GUID


class SoundFormat(NamedTuple):
    """What a WAVEFORMATEX tells."""

    codec: str
    channels: int
    rate: int
    bytes_a_second: int
    block: int
    bits: int


class PictureFormat(NamedTuple):
    """What a BITMAPINFOHEADER tells."""

    codec: str
    width: int
    height: int
    bits: int


def sound_format(data: bytes) -> SoundFormat:
    """Read a WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE; struct.error when cut short."""
    if len(data) < _SOUND.size:
        data = data[:14] + bytes(2) if len(data) == 14 else data  # noqa: PLR2004  # without bits
    tag, channels, rate, bytes_a_second, block, bits = _SOUND.unpack_from(data)
    if tag == EXTENSIBLE and len(data) >= _TAG_WITHIN + 2:
        (tag,) = struct.unpack_from("<H", data, _TAG_WITHIN)
    return SoundFormat(windows_audio(tag, bits), channels, rate, bytes_a_second, block, bits)


def picture_format(data: bytes) -> PictureFormat:
    """Read a BITMAPINFOHEADER; a picture stored from top to bottom has a negative height."""
    _, width, height, _, bits, code = _PICTURE.unpack_from(data)
    return PictureFormat(windows_video(code), width, abs(height), bits)
