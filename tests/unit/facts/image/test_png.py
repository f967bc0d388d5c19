"""What PNGs tell: size, colour, texts before and behind the pixels, animation, credentials."""

import zlib

import pytest

from storewarden.facts.found import Found
from storewarden.facts.image import png
from storewarden.facts.reader import Reader
from tests.looking import complaint, look, texts
from tests.makers import images
from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import PROMPT, XMP, XMP_KEYWORD


def test_a_prompt_is_found_however_it_is_packed() -> None:
    told = {"parameters": PROMPT, "comment": "灯台"}

    for data in (images.png(told), images.png(told, packed=True)):
        assert texts(look("png", data)) == {"png:parameters": PROMPT, "png:comment": "灯台"}


def test_a_text_behind_the_pixels_is_found() -> None:
    picture = images.png(size=(400, 400), mode="RGBA", compress_level=0)
    assert picture.count(b"IDAT") > 2

    found = look("png", by_hand.with_chunk(picture, b"tEXt", b"parameters\0late", last=True))

    assert texts(found) == {"png:parameters": "late"}


@pytest.mark.parametrize("alike", [1, 2, 3, 7, 8, 1000])
@pytest.mark.parametrize("rest", [0, 5])
def test_any_number_of_chunks_of_pixels_is_passed_over(alike: int, rest: int) -> None:
    pixels = [by_hand.chunk(b"IDAT", b"\0" * 8)] * alike + [by_hand.chunk(b"IDAT", b"\1" * rest)]
    found = look("png", by_hand.bare_png(9, 9, *pixels, by_hand.chunk(b"tEXt", b"a\0b")))

    assert texts(found) == {"png:a": "b"}


def test_a_large_png_takes_few_reads() -> None:
    pixels = [by_hand.chunk(b"IDAT", b"\0" * 8192)] * 1000
    data = by_hand.bare_png(9, 9, *pixels, by_hand.chunk(b"tEXt", b"a\0b"))
    reads: list[int] = []

    def read(offset: int, length: int) -> bytes:
        reads.append(offset)
        return data[offset : offset + length]

    png.read(Reader(read, len(data)), Found())

    assert len(reads) < 30


def test_text_in_utf8_is_read_although_the_format_says_latin() -> None:
    data = by_hand.bare_png(9, 9, by_hand.chunk(b"tEXt", "a\0fée".encode()))
    assert texts(look("png", data)) == {"png:a": "fée"}
    data = by_hand.bare_png(9, 9, by_hand.chunk(b"tEXt", "a\0fée".encode("latin-1")))
    assert texts(look("png", data)) == {"png:a": "fée"}


def test_xmp_goes_by_its_own_name() -> None:
    found = look("png", images.png({XMP_KEYWORD: XMP}))

    assert texts(found) == {"xmp": XMP}


def test_exif_of_imagemagick_in_hexadecimal_digits_is_read() -> None:
    block = images.exif(comment=images.unicode_comment(PROMPT), orientation=8).tobytes()
    raw = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    data = by_hand.bare_png(
        9, 9, by_hand.chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw))
    )

    found = look("png", data)

    assert found.orientation == 8
    assert texts(found) == {"exif:UserComment": PROMPT}


def test_an_animation_tells_its_frames_and_how_long_they_take() -> None:
    found = look("png", images.moving("PNG", [100, 250, 1000]))

    assert (found.mime, found.frames, found.duration_ns) == ("image/apng", 3, 1_350_000_000)


def test_content_credentials_are_noticed() -> None:
    found = look("png", by_hand.bare_png(9, 9, by_hand.chunk(b"caBX", b"\0\0\0\x08jumb")))

    assert found.more["c2pa.present"] is True


def test_a_broken_text_hides_neither_size_nor_what_follows() -> None:
    data = by_hand.bare_png(
        9, 7, by_hand.chunk(b"zTXt", b"prompt\0\0not packed"), by_hand.chunk(b"tEXt", b"a\0b")
    )

    found, why = complaint("png", data)

    assert (found.width, found.height, texts(found)) == (9, 7, {"png:a": "b"})
    assert why.startswith("does not unpack")


def test_a_png_that_is_cut_off_tells_what_came_before() -> None:
    found, why = complaint("png", images.png({"parameters": PROMPT}, size=(300, 300))[:-20])

    assert (found.width, texts(found)) == (300, {"png:parameters": PROMPT})
    assert why.startswith("ends at byte ")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x89PNG\r\n\x1a\r" + b"\0" * 25, "does not begin like a PNG"),
        (b"\x89PNG\r\n\x1a\n" + by_hand.chunk(b"IEND", b""), "is a PNG without a header"),
        (b"\x89PNG\r\n\x1a\n" + by_hand.chunk(b"IHDR", b"\0" * 4), "has a header of 4 bytes"),
        (
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
            "holds a chunk of 4,294,967,295 bytes at byte 8",
        ),
    ],
)
def test_what_is_no_png_is_refused_with_the_reason(data: bytes, why: str) -> None:
    assert complaint("png", data)[1] == why
