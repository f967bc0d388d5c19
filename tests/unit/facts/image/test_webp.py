"""What WebPs tell: size, codec, transparency, frames, EXIF, XMP, credentials."""

import pytest

from tests.looking import complaint, look, texts
from tests.makers import images
from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import PROMPT, XMP, exif, picture, unicode_comment, written


def test_a_prompt_in_the_users_comment_is_found() -> None:
    block = exif(comment=unicode_comment(PROMPT), orientation=6)
    found = look("webp", written(picture(), "WEBP", exif=block, xmp=XMP.encode()))

    assert texts(found) == {"exif:UserComment": PROMPT, "xmp": XMP}
    assert found.orientation == 6


def test_graphs_that_comfyui_puts_where_the_camera_should_stand_are_texts_and_no_camera() -> None:
    block = exif(make='workflow:{"nodes": []}', model='prompt:{"3": {}}')
    found = look("webp", written(picture(), "WEBP", exif=block))

    assert texts(found) == {
        "exif:Make": 'workflow:{"nodes": []}',
        "exif:Model": 'prompt:{"3": {}}',
    }
    assert not found.more


@pytest.mark.parametrize(
    ("mode", "codec", "colour"),
    [
        ("RGB", "vp8", "rgb 8 bit"),
        ("RGB", "vp8l", "rgb 8 bit"),
        ("RGBA", "vp8", "rgba 8 bit"),
        ("RGBA", "vp8l", "rgba 8 bit"),
    ],
)
def test_codec_and_colour_are_told(mode: str, codec: str, colour: str) -> None:
    found = look("webp", written(picture(mode), "WEBP", lossless=codec == "vp8l"))

    assert (found.codec, found.colour) == (codec, colour)
    assert (found.width, found.height, found.frames) == (48, 32, 1)


def test_an_animation_tells_its_frames_and_how_long_they_take() -> None:
    found = look("webp", images.moving("WEBP", [100, 250, 1000]))

    assert (found.frames, found.duration_ns) == (3, 1_350_000_000)


def test_content_credentials_are_noticed() -> None:
    data = by_hand.with_piece(written(picture(), "WEBP"), b"C2PA", b"\0\0\0\x08jumb")

    assert look("webp", data).more["c2pa.present"] is True


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"RIFF\x04\0\0\0WAVE", "does not begin like a WebP"),
        (b"RIFF\x04\0\0\0WEBP", "is a WebP without a picture"),
        (
            b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0" + b"\0" * 10,
            "holds a picture that does not begin with a key frame",
        ),
    ],
)
def test_what_is_no_webp_is_refused_with_the_reason(data: bytes, why: str) -> None:
    assert complaint("webp", data)[1] == why


def test_a_webp_that_is_cut_off_says_so() -> None:
    found, why = complaint("webp", written(picture(), "WEBP")[:-30])

    assert found.width == 48
    assert why.startswith("ends at byte ")
