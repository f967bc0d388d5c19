"""Pictures that are cut off anywhere, claim any size, or unpack to hundreds of megabytes."""

import contextlib
import struct
import tracemalloc

import pytest

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Malformed, Reader
from tests.looking import complaint, look, texts
from tests.makers import pictures_by_hand as by_hand
from tests.makers.samples import SAMPLES

HUGE = 100_000


@pytest.mark.parametrize("inspector", SAMPLES)
def test_every_beginning_of_a_file_is_read_or_refused(inspector: str) -> None:
    read = INSPECTORS[inspector].read
    for data in SAMPLES[inspector]():
        for length in range(len(data)):
            with contextlib.suppress(Malformed):
                read(Reader.of_bytes(data[:length]), Found())


# Packed text may say nothing before its end.
@pytest.mark.parametrize("inspector", sorted(SAMPLES.keys() - {"svg"}))
def test_a_file_that_lacks_its_end_still_tells_its_size(inspector: str) -> None:
    for data in SAMPLES[inspector]():
        whole = look(inspector, data)
        found, _ = complaint(inspector, data[:-4])
        assert (found.width, found.height) == (whole.width, whole.height)


@pytest.mark.parametrize(
    ("inspector", "data"),
    [
        ("png", by_hand.bare_png(HUGE, HUGE)),
        ("bmp", b"BM" + b"\0" * 12 + struct.pack("<IiiHH24x", 40, HUGE, HUGE, 1, 24)),
        ("qoi", struct.pack(">4sIIBB", b"qoif", HUGE, HUGE, 4, 0)),
        ("psd", by_hand.psd(HUGE, HUGE, large=True)),
        ("exr", by_hand.exr(HUGE, HUGE)),
        ("hdr", by_hand.hdr(HUGE, HUGE)),
        ("jxl", by_hand.jxl(HUGE, HUGE)),
        ("heif", by_hand.heic(HUGE, HUGE)),
        ("netpbm", by_hand.pam(HUGE, HUGE)),
        ("netpbm", b"P6 100000 100000 255\n"),
        ("svg", by_hand.svg('width="100000" height="100000"')),
        ("dds", b"DDS " + struct.pack("<IIII108x", 124, 0, HUGE, HUGE)),
    ],
)
def test_dimensions_of_any_size_are_told_and_cost_nothing(inspector: str, data: bytes) -> None:
    tracemalloc.start()
    found = look(inspector, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (found.width, found.height) == (HUGE, HUGE)
    assert peak < 1 << 20


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_of_300_megabytes_is_refused_and_the_others_are_read(kind: bytes) -> None:
    head = b"prompt\0\0" if kind == b"zTXt" else b"prompt\0\1\0\0\0"
    trap = by_hand.chunk(kind, head + by_hand.bomb(300 << 20))
    data = by_hand.bare_png(512, 512, trap, by_hand.chunk(b"tEXt", b"a\0b"))

    found, why, peak = _traced("png", data)

    assert (found.width, texts(found)) == (512, {"png:a": "b"})
    assert why == "unpacks to more than 4,194,304 bytes"
    assert peak < 32 << 20


def test_a_thousand_small_bombs_are_no_better_than_a_large_one() -> None:
    trap = by_hand.chunk(b"zTXt", b"prompt\0\0" + by_hand.bomb(3 << 20))
    data = by_hand.bare_png(512, 512, *[trap] * 1000)

    found, why, peak = _traced("png", data)

    assert found.width == 512
    assert why == "unpacks to more than 2,097,152 bytes"
    assert peak < 64 << 20


def test_what_texts_take_together_is_bounded() -> None:
    text = by_hand.chunk(b"tEXt", b"a\0" + b"x" * (1 << 20))
    found, _, peak = _traced("png", by_hand.bare_png(9, 9, *[text] * 50))

    assert sum(len(text) for text in texts(found).values()) <= 4 << 20
    assert peak < 64 << 20


def _traced(inspector: str, data: bytes) -> tuple[Found, str, int]:
    tracemalloc.start()
    found, why = complaint(inspector, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, why, peak
