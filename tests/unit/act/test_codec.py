"""What is packed can be had again, by us and by zstd; what is not whole any more is refused."""

import random
import resource
import shutil
import subprocess
import threading

import pytest

from storewarden.act import codec as codec_module
from storewarden.act.codec import Codec, Encoder, decoder, pays
from storewarden.errors import ObjectDamaged
from tests.archived import MIB, Bytes, noise, words

SIZES = (0, 1, 100, MIB - 1, MIB, MIB + 1, 3 * MIB, 7 * MIB + 5)


def packed(content: bytes, codec: Codec = "zstd", step: int = MIB) -> bytes:
    encoder = Encoder(codec, len(content))
    pieces = [encoder.feed(content[at : at + step]) for at in range(0, len(content), step)]
    return b"".join([*pieces, encoder.end()])


def unpacked(stored: bytes, size: int, codec: Codec = "zstd", most: int = MIB) -> bytes:
    return b"".join(decoder(codec, size, "here")(Bytes(stored, most)))


def refusal(stored: bytes, size: int, codec: Codec = "zstd") -> str:
    with pytest.raises(ObjectDamaged) as refused:
        unpacked(stored, size, codec)
    assert refused.value.where == "here"
    return refused.value.why


@pytest.mark.parametrize("codec", ["zstd", "none"])
@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_out(size: int, codec: Codec) -> None:
    for content in (words(size), noise(size), bytes(size)):
        assert unpacked(packed(content, codec), size, codec) == content


@pytest.mark.parametrize("size", SIZES)
def test_zstd_itself_reads_it_and_knows_its_size_and_its_checksum(size: int) -> None:
    if not shutil.which("zstd"):
        pytest.skip("zstd is missing: apt install zstd")
    content = words(size)
    stored = packed(content)

    read = subprocess.run(["zstd", "-dc"], input=stored, capture_output=True, check=True)

    assert read.stdout == content
    flags = stored[4]
    assert flags & 0b100, "no checksum"
    assert flags >> 6 or flags & 0b100000, "no size of the content"


def test_the_same_content_is_packed_into_the_same_bytes_however_it_is_cut() -> None:
    content = words(6 * MIB)

    assert packed(content) == packed(content, step=MIB - 77) == packed(content, step=4096)


def test_an_object_of_several_frames_is_one_content() -> None:
    parts = [words(300_000), b"", noise(200_000), b"x", bytes(5 * MIB)]
    stored = b"".join(map(packed, parts))
    content = b"".join(parts)

    assert unpacked(stored, len(content)) == content
    assert unpacked(stored, len(content), most=7) == content


@pytest.mark.parametrize("size", [0, 1000, 3 * MIB])
def test_an_object_that_is_cut_off_anywhere_is_damaged(size: int) -> None:
    stored = packed(words(size))
    dice = random.Random(size)

    for cut in {0, 1, 4, len(stored) - 1, *(dice.randrange(len(stored)) for _ in range(20))}:
        assert refusal(stored[:cut], size) in {"is empty", "is cut off"}


def test_an_object_with_something_behind_it_is_damaged() -> None:
    content = words(5000)

    assert "does not unpack" in refusal(packed(content) + b"something", 5000)
    assert refusal(packed(content) + packed(b"x"), 5000) == "holds more than 5,000 bytes"


def test_any_flipped_bit_is_found() -> None:
    content = noise(300) + words(300)
    stored = packed(content)

    for position in range(8 * len(stored)):
        hurt = bytearray(stored)
        hurt[position // 8] ^= 1 << position % 8
        try:
            told = unpacked(bytes(hurt), len(content))
        except ObjectDamaged:
            continue
        assert told == content, "a bit that means nothing may differ, and nothing else"


def test_an_object_ends_where_its_content_should_or_is_damaged() -> None:
    assert refusal(b"abc", 4, "none") == "ends 1 bytes early"
    assert refusal(b"abc", 2, "none") == "holds more than 2 bytes"
    assert refusal(packed(b"abc"), 4) == "ends 1 bytes early"


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = packed(bytes(512 * MIB))
    assert len(bomb) < MIB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert refusal(bomb, 1000) == "holds more than 1,000 bytes"

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 << 10  # KiB


def test_a_window_larger_than_zstd_takes_is_refused() -> None:
    # The header of a frame that wants a window of a gigabyte: no size, window log 30.
    header = (0xFD2FB528).to_bytes(4, "little") + bytes([0b00000000, (30 - 10) << 3])

    assert "does not unpack" in refusal(header + bytes(100), 1000)


def test_many_tiny_frames_take_no_more_than_linear_time() -> None:
    stored = packed(b"x") * 20_000

    assert unpacked(stored, 20_000) == b"x" * 20_000


def test_packing_pays_from_three_per_cent_on() -> None:
    assert pays(words(4 * MIB), words(MIB))
    assert pays(bytes(4 * MIB))
    assert not pays(noise(4 * MIB), noise(MIB))
    assert not pays(b"")
    assert not pays(b"short")
    share = 5 * MIB * 3 // 100
    assert not pays(noise(4 * MIB), noise(MIB - share // 2) + bytes(share // 2))
    assert pays(noise(4 * MIB), noise(MIB - 2 * share) + bytes(2 * share))


def test_a_library_without_threads_packs_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_module, "_WORKERS", 0)
    content = words(5 * MIB)

    assert unpacked(packed(content), len(content)) == content


def test_threads_that_pack_are_gone_when_it_is_done() -> None:
    before = threading.active_count()

    packed(words(9 * MIB))

    assert threading.active_count() == before
