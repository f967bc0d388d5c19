"""Sounds and moving pictures that lie about their sizes are refused, soon and with few reads."""

import struct
from collections.abc import Callable

import pytest

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS as READERS
from storewarden.facts.media import (
    flv,
    fragments,
    isobmff,
    matroska,
    mpegaudio,
    mpegts,
    ogg,
    riff,
)
from storewarden.facts.media.bits import Bits
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated
from tests.makers.media import INSPECTORS, NAMES, made

GIB = 1 << 30
FIRST = {
    inspector: next(name for name in NAMES if name.startswith(inspector))
    for inspector in INSPECTORS
}


def box(kind: bytes, inside: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def element(kind: int, inside: bytes, size: int | None = None) -> bytes:
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    length = len(inside) if size is None else size
    return name + (1 << 56 | length).to_bytes(8, "big") + inside


class Sparse:
    """A large file of which only some places hold anything; counts its reads."""

    def __init__(self, size: int, parts: dict[int, bytes]) -> None:
        self.size, self.parts, self.reads = size, parts, 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        data = bytearray(min(length, self.size - offset))
        for at, part in self.parts.items():
            if at < offset + len(data) and offset < at + len(part):
                begin, end = max(at, offset), min(at + len(part), offset + len(data))
                data[begin - offset : end - offset] = part[begin - at : end - at]
        return bytes(data)

    def reader(self) -> Reader:
        return Reader(self.read, self.size)


def found_in(read: Callable[[Reader, Found], None], data: bytes) -> tuple[Found, Malformed | None]:
    found = Found()
    try:
        read(Reader.of_bytes(data), found)
    except Malformed as error:
        return found, error
    return found, None


# -- every inspector ----------------------------------------------------------------------------


@pytest.mark.parametrize("inspector", INSPECTORS)
def test_every_beginning_of_a_file_is_read_or_refused(inspector: str) -> None:
    data = made(FIRST[inspector]).read_bytes()
    ends = {*range(min(len(data), 1500)), *range(0, len(data), max(1, len(data) // 500))}

    for end in ends:
        found_in(READERS[inspector].read, data[:end])  # raises nothing but Malformed


@pytest.mark.parametrize("inspector", INSPECTORS)
@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"\x80", b"G\x40\0\x10"])
def test_nothing_but_filling_is_read_or_refused(inspector: str, filling: bytes) -> None:
    found_in(READERS[inspector].read, filling * 20_000)


@pytest.mark.parametrize("inspector", INSPECTORS)
def test_a_broken_tail_costs_nothing_that_was_read_before(inspector: str) -> None:
    data = made(FIRST[inspector]).read_bytes()
    whole, _ = found_in(READERS[inspector].read, data)
    zeros, _ = found_in(READERS[inspector].read, data[: len(data) * 9 // 10])

    if inspector != "isobmff":  # whose header is behind what it is of
        assert zeros.codec == whole.codec


# -- MP4 ----------------------------------------------------------------------------------------


def test_a_movie_box_at_the_end_of_ten_gigabytes_costs_few_reads() -> None:
    data = made("isobmff/h264-aac.mp4").read_bytes()
    at = data.index(b"moov") - 4
    moov = data[at:]
    size = 10 * GIB
    large = Sparse(
        size + len(moov),
        {
            0: box(b"ftyp", b"isom\0\0\0\0") + struct.pack(">I4sQ", 1, b"mdat", size - 16),
            size: moov,
        },
    )
    found = Found()

    isobmff.read(large.reader(), found)

    assert (found.codec, found.audio_codec, found.width) == ("h264", "aac", 64)
    assert large.reads <= 4


@pytest.mark.parametrize("size", [0, 1, 7, 2**31, 2**32 - 1])
def test_a_movie_box_of_any_size_is_read_or_refused(size: int) -> None:
    data = bytearray(made("isobmff/comfyui.mp4").read_bytes())
    at = data.index(b"moov") - 4
    data[at : at + 4] = struct.pack(">I", size)

    found_in(isobmff.read, bytes(data))


def test_a_movie_box_shortened_by_the_end_of_the_file_tells_what_is_there() -> None:
    data = made("isobmff/comfyui.mp4").read_bytes()
    end = data.index(b"moov") + data[data.index(b"moov") :].index(b"soun")

    found, error = found_in(isobmff.read, data[:end])

    assert isinstance(error, Truncated)
    assert (found.codec, found.width, found.height) == ("h264", 64, 48)


def test_boxes_ten_thousand_deep_are_left_unread() -> None:
    data = b""
    for _ in range(10_000):
        data = box(b"moov", data)
    found, _ = found_in(isobmff.read, data)

    assert found.codec is None


@pytest.mark.parametrize("kind", [b"trak", b"mdia", b"udta", b"meta", b"ilst", b"wave", b"moof"])
def test_boxes_of_any_kind_nested_in_their_own_kind_end(kind: bytes) -> None:
    data = b""
    for _ in range(3_000):
        data = box(kind, data)

    found_in(isobmff.read, box(b"moov", data))


def test_billions_of_entries_are_not_read() -> None:
    data = bytearray(made("isobmff/comfyui.mp4").read_bytes())
    at = data.index(b"stts")
    data[at + 8 : at + 12] = b"\xff" * 4

    found, error = found_in(isobmff.read, bytes(data))

    assert error is None
    assert found.fps == pytest.approx(25, rel=0.01)  # by frames and length instead


def test_a_billion_samples_in_a_fragment_are_counted_by_those_that_are_there() -> None:
    assert fragments._samples(struct.pack(">III", 0x100, 2**32 - 1, 7), 1) == (1, 7)
    assert fragments._samples(struct.pack(">II", 0, 2**32 - 1), 1) == (2**32 - 1, 2**32 - 1)


def test_a_movie_without_movie_box_says_so() -> None:
    with pytest.raises(Malformed, match="has no movie box"):
        isobmff.read(Reader.of_bytes(box(b"ftyp", b"isom") + box(b"mdat")), Found())


def test_more_fragments_than_anybody_indexes_are_left() -> None:
    data = made("isobmff/unindexed.mp4").read_bytes()
    at = data.index(b"moof") - 4
    length = struct.unpack_from(">I", data, at)[0]
    found, error = found_in(isobmff.read, data[:at] + data[at : at + length] * 1_200)

    assert isinstance(error, TooMuch)
    assert found.codec == "h264"


def test_a_text_too_long_to_be_one_is_refused() -> None:
    text = box(b"data", b"\0\0\0\1\0\0\0\0" + bytes(5 << 20))
    tags = box(b"udta", box(b"meta", bytes(4) + box(b"ilst", box(b"\xa9cmt", text))))

    _, error = found_in(isobmff.read, box(b"moov", tags))

    assert isinstance(error, TooMuch)


def test_credentials_and_xmp_in_boxes_of_their_own_are_seen() -> None:
    credentials = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"\0\0\0\0manifest\0"
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta/>"
    data = made("isobmff/comfyui.mp4").read_bytes() + box(b"uuid", credentials) + box(b"uuid", xmp)

    found, error = found_in(isobmff.read, data)

    assert error is None
    assert found.more["c2pa.present"] is True
    assert ("xmp", "<x:xmpmeta/>") in found.texts


# -- Matroska -----------------------------------------------------------------------------------


def test_elements_that_do_not_say_how_long_they_are_are_read_to_the_end() -> None:
    data = bytearray(made("matroska/h264-aac.mkv").read_bytes())
    at = data.index(bytes.fromhex("18538067")) + 4
    data[at : at + 8] = b"\x01" + b"\xff" * 7

    found, error = found_in(matroska.read, bytes(data))

    assert error is None
    assert (found.codec, found.audio_codec) == ("h264", "aac")


def test_a_seek_head_that_points_to_itself_ends() -> None:
    seek = element(0x4DBB, element(0x53AB, bytes.fromhex("1654AE6B")) + element(0x53AC, b"\0"))
    segment = element(0x18538067, element(0x114D9B74, seek) + element(0x1F43B675, b""))

    _, error = found_in(matroska.read, element(0x1A45DFA3, b"") + segment)

    assert error is not None
    assert "no tracks" in str(error)


@pytest.mark.parametrize("kind", [0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1254C367, 0x7373])
def test_elements_nested_in_their_own_kind_end(kind: int) -> None:
    data = b""
    for _ in range(2_000):
        data = element(kind, data)

    found_in(matroska.read, element(0x18538067, data))


def test_an_element_of_no_size_at_all_ends_the_walk() -> None:
    _, error = found_in(matroska.read, bytes.fromhex("1A45DFA3") + bytes(100))

    assert isinstance(error, Malformed)


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_length_that_is_none_is_not_told(duration: float) -> None:
    info = element(0x1549A966, element(0x4489, struct.pack(">d", duration)))
    found, _ = found_in(matroska.read, element(0x18538067, info))

    assert found.duration_ns is None


# -- sound --------------------------------------------------------------------------------------


def tag(frames: bytes, size: int | None = None, version: int = 3) -> bytes:
    length = len(frames) if size is None else size
    packed = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + packed + frames


def id3_frame(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">IH", len(content), 0) + content


def test_an_id3_of_256_megabytes_is_stepped_over() -> None:
    size = (1 << 28) - 1
    sound = made("mpegaudio/constant.mp3").read_bytes()
    head = tag(id3_frame(b"TIT2", b"\0A") + struct.pack(">4sIH", b"APIC", size - 50, 0), size)
    large = Sparse(10 + size + len(sound), {0: head, 10 + size: sound})
    found = Found()

    mpegaudio.read(large.reader(), found)

    assert (found.codec, found.sample_rate) == ("mp3", 44_100)
    assert ("id3:TIT2", "A") in found.texts
    assert large.reads <= 8


@pytest.mark.parametrize(
    ("content", "where", "text"),
    [
        (id3_frame(b"TXXX", b"\1\xff\xfep\0\0\0\xff\xfea\0"), "id3:TXXX:p", "a"),
        (id3_frame(b"TXXX", b"\0prompt\0sea"), "id3:TXXX:prompt", "sea"),
        (id3_frame(b"COMM", b"\0eng\0hello"), "id3:COMM", "hello"),
        (id3_frame(b"COMM", b"\0engabout\0hello"), "id3:COMM:about", "hello"),
        (id3_frame(b"TIT2", b"\2\0A"), "id3:TIT2", "A"),
        (id3_frame(b"PRIV", b"XMP\0<x/>"), "xmp", "<x/>"),
    ],
)
def test_frames_of_id3_in_any_encoding_are_found(content: bytes, where: str, text: str) -> None:
    data = tag(content) + made("mpegaudio/constant.mp3").read_bytes()

    assert (where, text) in found_in(mpegaudio.read, data)[0].texts


@pytest.mark.parametrize(
    ("version", "flags", "frames"),
    [
        (2, 0, b"TT2\0\0\2\0A"),
        (3, 0x80, id3_frame(b"TIT2", b"\1\xff\0\xfeA\0").replace(b"\0\0\0\6", b"\0\0\0\5")),
        (3, 0x40, b"\0\0\0\6" + bytes(6) + id3_frame(b"TIT2", b"\0A")),
        (4, 0, b"TIT2\0\0\0\2\0\0\3A"),
        (4, 0x40, b"\0\0\0\6\1\0" + b"TIT2\0\0\0\2\0\0\3A"),
        (4, 0, b"COMM\0\0\0\x90\0\0\3eng\0" + b"x" * 139 + b"TIT2\0\0\0\2\0\0\3A"),
    ],
)
def test_every_version_of_id3_is_understood(version: int, flags: int, frames: bytes) -> None:
    head = bytearray(tag(frames, version=version))
    head[5] = flags
    data = bytes(head) + made("mpegaudio/constant.mp3").read_bytes()

    assert ("id3:TIT2", "A") in found_in(mpegaudio.read, data)[0].texts


def test_the_first_id3_is_read_at_the_end() -> None:
    old = b"TAG" + b"Title".ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + bytes(65)
    found, _ = found_in(mpegaudio.read, made("mpegaudio/constant.mp3").read_bytes() + old)

    assert (found.more["title"], found.more["artist"]) == ("Title", "Artist")


def test_sound_without_a_frame_is_refused() -> None:
    with pytest.raises(Malformed, match="no MPEG audio frame"):
        mpegaudio.read(Reader.of_bytes(b"\xff\xe0" * 40_000), Found())


def test_wave_of_more_than_four_gigabytes_tells_its_length() -> None:
    size = 6 * GIB
    head = b"RF64\xff\xff\xff\xffWAVE"
    head += struct.pack("<4sIQQQI", b"ds64", 28, size + 72, size, size // 4, 0)
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 192_000, 4, 16)
    head += struct.pack("<4sI", b"data", 2**32 - 1)
    tail = struct.pack("<4sI4s4sI2s", b"LIST", 14, b"INFO", b"INAM", 2, b"A\0")
    large = Sparse(len(head) + size + len(tail), {0: head, len(head) + size: tail})
    found = Found()

    riff.read(large.reader(), found)

    assert found.duration_ns == size // 4 * 10**9 // 48_000
    assert found.more["title"] == "A"
    assert large.reads <= 3


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_wave_whose_writer_could_not_go_back_lasts_to_its_end(size: int) -> None:
    data = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
    data += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 8_000, 1, 8)
    data += struct.pack("<4sI", b"data", size) + bytes(4_000)

    assert found_in(riff.read, data)[0].duration_ns == 500_000_000


def test_pages_that_never_end_a_packet_are_left() -> None:
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, 1, 0, 0, 1) + b"\x13OpusHead\1\2" + bytes(9)
    page = struct.pack("<4sBBqIIIB", b"OggS", 0, 1, -1, 1, 0, 0, 255) + b"\xff" * 255

    found, _ = found_in(ogg.read, head + (page + bytes(255 * 255)) * 20)

    assert found.codec == "opus"


def test_a_script_of_endless_lists_is_left() -> None:
    script = b"\2\0\1a" + b"\x0a\xff\xff\xff\xff" * 1_000
    data = (
        b"FLV\1\5\0\0\0\x09\0\0\0\0" + b"\x12" + len(script).to_bytes(3, "big") + bytes(7) + script
    )

    with pytest.raises(Malformed):
        flv.read(Reader.of_bytes(data), Found())


def test_a_transport_stream_without_tables_is_refused() -> None:
    with pytest.raises(Malformed, match="no table"):
        mpegts.read(Reader.of_bytes((b"G\x1f\xff\x10" + bytes(184)) * 100), Found())


def test_numbers_without_end_in_parameter_sets_are_refused() -> None:
    with pytest.raises(Malformed, match="without end"):
        Bits(bytes(100)).unsigned()
