"""What we read in a picture is what Pillow reads in it, for every format that Pillow writes."""

import io
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from PIL import Image, ImageSequence

from tests.looking import look, texts
from tests.makers import images
from tests.makers.images import PROMPT, XMP, XMP_KEYWORD, exif, picture, unicode_comment, written

READ_BY = {
    "PNG": "png",
    "JPEG": "jpeg",
    "MPO": "jpeg",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "DIB": "bmp",
    "TIFF": "tiff",
    "ICO": "icon",
    "ICNS": "icon",
    "AVIF": "heif",
    "JPEG2000": "jp2",
    "QOI": "qoi",
    "PPM": "netpbm",
    "TGA": "tga",
    "DDS": "dds",
}
# Documents, and what has not been made for decades or is only a small part of a system.
NOT_READ = {
    *("BLP", "BUFR", "EPS", "GRIB", "HDF5", "IM", "MSP", "PALM", "PCX", "PDF", "SGI"),
    *("SPIDER", "WMF", "XBM"),
}
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F")
SIZES = ((1, 1), (3, 300), (129, 65))
MOVING = ("PNG", "WEBP", "GIF", "AVIF")
TURNED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")


def every_mode(form: str) -> Iterator[bytes]:
    for mode in MODES:
        for size in SIZES:
            try:
                yield written(picture(mode, size), form)
            except (OSError, ValueError):
                break  # the format has no such pixels


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_every_format_that_pillow_writes_is_thought_of() -> None:
    Image.init()

    assert READ_BY.keys() | NOT_READ >= Image.SAVE.keys()
    assert not READ_BY.keys() & NOT_READ


@pytest.mark.parametrize("form", READ_BY)
def test_dimensions_are_those_that_pillow_reads(form: str) -> None:
    files = list(every_mode(form))
    assert files

    for data in files:
        found = look(READ_BY[form], data)
        assert (found.width, found.height) == opened(data).size
        assert found.frames == 1


@pytest.mark.parametrize("form", MOVING)
@pytest.mark.parametrize("durations", [[100], [100, 200], [20, 40, 60, 500], [40] * 24])
def test_frames_and_durations_are_those_that_pillow_reads(form: str, durations: list[int]) -> None:
    data = images.moving(form, durations)
    lasting = _lasting(data) if durations[1:] else None

    found = look(READ_BY[form], data)

    assert found.frames == _frames(data) == len(durations)
    assert found.duration_ns == (None if lasting is None else round(lasting * 1_000_000))


@pytest.mark.parametrize("form", ["MPO", "TIFF"])
@pytest.mark.parametrize("count", [2, 5])
def test_pictures_in_one_file_are_those_that_pillow_counts(form: str, count: int) -> None:
    data = images.moving(form, [0] * count)

    assert look(READ_BY[form], data).frames == _frames(data) == count


@pytest.mark.parametrize("form", TURNED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_the_one_that_pillow_reads(form: str, orientation: int) -> None:
    data = written(picture(), form, exif=exif(orientation=orientation))
    pillow = opened(data).getexif().get(images.ORIENTATION, 1)

    assert look(READ_BY[form], data).orientation == pillow == orientation


@pytest.mark.parametrize("form", TURNED)
def test_exif_says_what_pillow_reads_in_it(form: str) -> None:
    block = exif(comment=unicode_comment(PROMPT), make="Canon", model="EOS 5D", description="sea")
    data = written(picture(), form, exif=block.tobytes())
    pillow = opened(data).getexif()
    comment = pillow.get_ifd(0x8769)[images.USER_COMMENT]

    assert texts(look(READ_BY[form], data)) == {
        "exif:Make": pillow[images.MAKE],
        "exif:Model": pillow[images.MODEL],
        "exif:ImageDescription": pillow[images.DESCRIPTION],
        "exif:UserComment": comment[8:].decode("utf-16-be"),
    }


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "PNG"])
def test_xmp_is_what_pillow_reads(form: str) -> None:
    data = (
        images.png({XMP_KEYWORD: XMP})
        if form == "PNG"
        else written(picture(), form, xmp=XMP.encode())
    )

    assert texts(look(READ_BY[form], data))["xmp"].encode() == opened(data).info["xmp"]


@pytest.mark.parametrize("form", ["JPEG", "GIF"])
def test_comments_are_what_pillow_reads(form: str) -> None:
    data = written(picture(), form, comment=b"by hand, " * 100)

    (text,) = texts(look(READ_BY[form], data)).values()

    assert text.encode() == opened(data).info["comment"]


@settings(max_examples=200, deadline=None)
@given(
    some.dictionaries(
        some.text("abcdefghijXYZ :-", min_size=1, max_size=79).map(str.strip).filter(bool),
        some.text(some.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
        max_size=5,
    ),
)
def test_texts_of_a_png_are_those_that_pillow_reads(told: dict[str, str]) -> None:
    for text in told.values():
        assume(not _is_utf8_by_chance(text))

    for packed in (True, False):
        data = images.png(told, size=(1, 1), packed=packed)
        pillow = opened(data).text  # type: ignore[attr-defined]  # of its class for PNG
        assert texts(look("png", data)) == {f"png:{key}": text for key, text in pillow.items()}
        assert pillow == told


def _frames(data: bytes) -> int:
    frames: int = getattr(opened(data), "n_frames", 1)  # of the classes that can have several
    return frames


def _lasting(data: bytes) -> float:
    milliseconds = 0.0
    for frame in ImageSequence.Iterator(opened(data)):
        frame.load()  # some classes know it only then
        milliseconds += frame.info["duration"]
    return milliseconds


def _is_utf8_by_chance(text: str) -> bool:
    """Latin-1 that reads as UTF-8 is taken for UTF-8: most who write such bytes mean it."""
    try:
        return not text.isascii() and text.encode("latin-1").decode() != text
    except ValueError:
        return False
