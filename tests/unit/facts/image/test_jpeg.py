"""What JPEGs tell: size, colour, EXIF, XMP, IPTC, comments, more pictures, credentials."""

import pytest

from tests.looking import complaint, look, texts
from tests.makers import images
from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import PROMPT, XMP, exif, picture, unicode_comment, written

PLAIN = written(picture(), "JPEG")


def test_a_prompt_in_the_users_comment_is_found() -> None:
    found = look("jpeg", written(picture(), "JPEG", exif=exif(comment=unicode_comment(PROMPT))))

    assert texts(found) == {"exif:UserComment": PROMPT}


def test_every_text_goes_by_the_place_where_it_lay() -> None:
    data = written(picture(), "JPEG", xmp=XMP.encode(), comment="by hand", exif=exif(make="Canon"))
    resources = by_hand.resource(0x0404, by_hand.iptc(caption="a lighthouse", keywords="sea"))
    data = by_hand.with_segment(data, 0xED, b"Photoshop 3.0\0" + resources)

    found = look("jpeg", data)

    assert texts(found) == {
        "xmp": XMP,
        "jpeg:comment": "by hand",
        "exif:Make": "Canon",
        "iptc:caption": "a lighthouse",
        "iptc:keywords": "sea",
    }
    assert found.more["camera.make"] == "Canon"


def test_xmp_that_needs_several_segments_is_put_together() -> None:
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    data = PLAIN
    for offset, piece in ((3, b"def"), (0, b"abc")):
        content = head + (6).to_bytes(4, "big") + offset.to_bytes(4, "big") + piece
        data = by_hand.with_segment(data, 0xE1, content)

    assert texts(look("jpeg", data)) == {"xmp": "abcdef"}


@pytest.mark.parametrize(
    ("mode", "colour"),
    [("L", "grey 8 bit"), ("RGB", "ycbcr 8 bit"), ("CMYK", "cmyk 8 bit")],
)
def test_colour_is_told(mode: str, colour: str) -> None:
    assert look("jpeg", written(picture(mode), "JPEG")).colour == colour


def test_colours_that_adobe_did_not_transform_are_rgb() -> None:
    data = written(picture(), "JPEG", keep_rgb=True)

    assert look("jpeg", data).colour == "rgb 8 bit"


def test_more_pictures_in_the_file_are_counted() -> None:
    assert look("jpeg", images.moving("MPO", [0, 0, 0])).frames == 3


def test_content_credentials_are_noticed() -> None:
    box = by_hand.box(
        b"jumb", by_hand.box(b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\3c2pa\0")
    )
    found = look("jpeg", by_hand.with_segment(PLAIN, 0xEB, b"JP\0\1\0\0\0\1" + box))

    assert found.more["c2pa.present"] is True


def test_filling_before_a_marker_is_passed_over() -> None:
    assert look("jpeg", PLAIN[:2] + b"\xff" * 40 + PLAIN[2:]).width == 48


def test_a_broken_block_of_exif_does_not_hide_the_size() -> None:
    found, why = complaint("jpeg", by_hand.with_segment(PLAIN, 0xE1, b"Exif\0\0XX*\0"))

    assert (found.width, found.height) == (48, 32)
    assert why == "holds tags without the head that they begin with"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xd7\xff", "does not begin like a JPEG"),
        (b"\xff\xd8\xff\xd9", "is a JPEG without a frame header"),
        (b"\xff\xd8\0\0\0\0", "has no marker at byte 2, where one must be"),
        (b"\xff\xd8\xff\xe0\0\1", "holds a segment of 1 bytes at byte 4"),
        (b"\xff\xd8\xff\xff\xff", "has no marker behind the filling at byte 4"),
    ],
)
def test_what_is_no_jpeg_is_refused_with_the_reason(data: bytes, why: str) -> None:
    assert complaint("jpeg", data)[1] == why
