"""What AVIF and HEIC tell: size, codec, colour, turning, frames, EXIF, XMP, credentials."""

import pytest

from tests.looking import complaint, look, texts
from tests.makers import images
from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import PROMPT, XMP, exif, picture, unicode_comment, written


def test_an_avif_tells_its_size_and_its_texts() -> None:
    block = exif(comment=unicode_comment(PROMPT)).tobytes()
    found = look("heif", written(picture(), "AVIF", exif=block, xmp=XMP.encode()))

    assert (found.mime, found.codec) == ("image/avif", "av1")
    assert (found.width, found.height, found.frames) == (48, 32, 1)
    assert texts(found) == {"exif:UserComment": PROMPT, "xmp": XMP}


@pytest.mark.parametrize(
    ("mode", "subsampling", "colour"),
    [
        ("RGB", "4:2:0", "yuv420 8 bit"),
        ("RGB", "4:4:4", "yuv444 8 bit"),
        ("RGBA", "4:2:2", "yuva422 8 bit"),
        ("RGB", "4:0:0", "grey 8 bit"),
    ],
)
def test_colour_is_told(mode: str, subsampling: str, colour: str) -> None:
    data = written(picture(mode), "AVIF", subsampling=subsampling)

    assert look("heif", data).colour == colour


def test_an_animation_tells_its_frames_and_how_long_they_take() -> None:
    found = look("heif", images.moving("AVIF", [100, 250, 1000]))

    assert (found.frames, found.duration_ns) == (3, 1_350_000_000)


def test_a_heic_is_turned_as_its_boxes_say_and_not_as_its_exif_says() -> None:
    block = exif(orientation=3, make="Apple").tobytes().removeprefix(b"Exif\0\0")
    found = look("heif", by_hand.heic(400, 300, exif=block, xmp=XMP.encode(), quarters=3))

    assert (found.mime, found.codec, found.colour) == (
        "image/heic",
        "hevc",
        "yuv420 10 bit bt2020 pq",
    )
    assert (found.width, found.height, found.orientation) == (400, 300, 6)
    assert texts(found) == {"exif:Make": "Apple", "xmp": XMP}


def test_content_credentials_are_noticed() -> None:
    mark = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    found = look("heif", by_hand.heic(more=by_hand.box(b"uuid", mark, b"\0" * 8)))

    assert found.more["c2pa.present"] is True


def test_a_file_without_a_picture_is_refused_with_the_reason() -> None:
    data = by_hand.box(b"ftyp", b"heic\0\0\0\0mif1")

    assert complaint("heif", data)[1] == "does not say how large it is"
