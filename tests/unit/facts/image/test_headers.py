"""What formats with a small header tell."""

import gzip
import struct
import subprocess
from pathlib import Path

import pytest

from storewarden.facts.inspect import inspect
from storewarden.facts.reader import Reader
from tests.looking import complaint, look, texts
from tests.makers import images
from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import XMP, exif, picture, written
from tests.makers.samples import SAMPLES
from tests.missing import missing, program


@pytest.mark.parametrize(
    ("form", "inspector", "colours"),
    [
        ("BMP", "bmp", {"1": "indexed 1 bit", "L": "indexed 8 bit", "RGB": "rgb 8 bit"}),
        ("DIB", "bmp", {"P": "indexed 8 bit", "RGB": "rgb 8 bit"}),
        ("QOI", "qoi", {"RGB": "rgb 8 bit", "RGBA": "rgba 8 bit"}),
        ("PPM", "netpbm", {"1": "grey 1 bit", "L": "grey 8 bit", "I;16": "grey 16 bit"}),
        ("PPM", "netpbm", {"RGB": "rgb 8 bit", "F": "grey 32 bit float"}),
        ("TGA", "tga", {"L": "grey 8 bit", "LA": "grey alpha 8 bit", "P": "indexed 8 bit"}),
        ("TGA", "tga", {"RGB": "rgb 8 bit", "RGBA": "rgba 8 bit"}),
        ("DDS", "dds", {"L": "grey 8 bit", "RGB": "rgb 8 bit", "RGBA": "rgba 8 bit"}),
        ("TIFF", "tiff", {"1": "grey 1 bit", "L": "grey 8 bit", "LA": "grey alpha 8 bit"}),
        ("TIFF", "tiff", {"RGBA": "rgba 8 bit", "CMYK": "cmyk 8 bit", "F": "grey 32 bit float"}),
        ("JPEG2000", "jp2", {"L": "grey 8 bit", "LA": "grey alpha 8 bit", "RGBA": "rgba 8 bit"}),
        ("PNG", "png", {"1": "grey 1 bit", "L": "grey 8 bit", "LA": "grey alpha 8 bit"}),
        ("PNG", "png", {"P": "indexed 8 bit", "RGBA": "rgba 8 bit", "I;16": "grey 16 bit"}),
    ],
)
def test_colour_is_told(form: str, inspector: str, colours: dict[str, str]) -> None:
    told = {mode: look(inspector, written(picture(mode), form)).colour for mode in colours}

    assert told == colours


def test_a_bmp_of_os2_and_one_with_transparency_are_read() -> None:
    old = b"BM" + b"\0" * 12 + struct.pack("<IHHHH", 12, 640, 480, 1, 24)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    new = b"BM" + b"\0" * 12 + struct.pack("<IiiHH24x", 56, 640, -480, 1, 32) + masks

    assert [look("bmp", data).colour for data in (old, new)] == ["rgb 8 bit", "rgba 8 bit"]
    assert {look("bmp", data).height for data in (old, new)} == {480}


def test_a_gif_tells_its_frames_its_comment_and_its_xmp() -> None:
    data = images.moving("GIF", [100, 250, 1000], comment=b"by hand")
    found = look("gif", data)
    assert (found.frames, found.duration_ns) == (3, 1_350_000_000)
    assert texts(found) == {"gif:comment": "by hand"}

    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    block = b"\x21\xff\x0bXMP DataXMP" + XMP.encode() + trailer
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    assert texts(look("gif", data[:at] + block + data[at:]))["xmp"] == XMP


def test_pages_of_a_tiff_are_counted_also_in_a_large_one() -> None:
    for large in (False, True):
        more = [picture("L")] * 4
        data = written(picture(), "TIFF", save_all=True, append_images=more, big_tiff=large)
        found = look("tiff", data)
        assert (found.pages, found.frames) == (5, 5)


def test_a_tiff_whose_pages_go_round_in_circles_has_as_many_as_it_has() -> None:
    tags = [(0x0100, 3, 1, 64), (0x0101, 3, 1, 48)]
    table = b"".join(struct.pack("<HHIHxx", *tag) for tag in tags)
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + table + struct.pack("<I", 8)

    assert look("tiff", data).pages == 1


def test_a_raw_is_as_large_as_its_sensor_and_not_as_its_small_picture() -> None:
    small = [(0x00FE, 4, 1, 1), (0x0100, 4, 1, 160), (0x0101, 4, 1, 120), (0x014A, 4, 1, 200)]
    full = [(0x00FE, 4, 1, 0), (0x0100, 4, 1, 6000), (0x0101, 4, 1, 4000), (0x0106, 4, 1, 32803)]
    small.append((0xC612, 1, 4, 0x00000401))
    tables = [
        struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        for tags in (small, full)
    ]
    data = (b"II*\0\x08\0\0\0" + tables[0]).ljust(200, b"\0") + tables[1] + b"\0" * 4

    found = look("tiff", data)

    assert (found.width, found.height, found.colour) == (6000, 4000, "raw 1 bit")
    assert (found.mime, found.frames, found.pages) == ("image/x-adobe-dng", 1, None)


def test_raws_of_other_makes_tell_size_and_orientation() -> None:
    for data, mime in zip(SAMPLES["camera"](), ("x-canon-cr3", "x-fuji-raf"), strict=True):
        facts = inspect(Reader.of_bytes(data), b"unnamed")
        assert (facts.inspector, facts.mime) == ("camera", f"image/{mime}")
        assert (facts.media.width, facts.media.height, facts.media.orientation) == (16, 12, 6)


def test_an_icon_is_as_large_as_its_largest_picture() -> None:
    sizes = [(16, 16), (256, 256), (48, 48)]
    found = look("icon", written(picture(size=(256, 256)), "ICO", sizes=sizes))

    assert (found.width, found.height) == (256, 256)
    assert found.more["icon.sizes"] == "16×16, 48×48, 256×256"


def test_a_psd_tells_its_layers_and_its_texts() -> None:
    plain, large = (look("psd", data) for data in SAMPLES["psd"]())

    assert (plain.colour, plain.more["layers"], plain.orientation) == ("rgb 8 bit", 3, 6)
    assert {"xmp", "iptc:caption", "exif:UserComment"} <= texts(plain).keys()
    assert (large.mime, large.colour, large.more["layers"]) == ("image/x-psb", "rgba 8 bit", 2)


def test_an_exr_tells_its_texts() -> None:
    found = look("exr", by_hand.exr(640, 480, prompt='{"3": {}}', owner="Anna"))

    assert (found.width, found.height) == (640, 480)
    assert (found.colour, found.codec) == ("rgb 16 bit float", "zip")
    assert texts(found)["exr:prompt"] == '{"3": {}}'
    assert found.more == {"copyright": "Anna"}


@pytest.mark.parametrize(
    ("size", "expected"),
    [("-Y {height} +X {width}", (640, 480)), ("+X {width} -Y {height}", (640, 480))],
)
def test_a_radiance_picture_may_be_written_in_any_order(
    size: str, expected: tuple[int, int]
) -> None:
    found = look("hdr", by_hand.hdr(640, 480, size))

    assert (found.width, found.height) == expected
    assert found.more["software"] == "pfstools 2.2"


def test_comments_of_netpbm_are_texts_and_pam_is_read() -> None:
    found = look("netpbm", b"P3 # one\n# two\n640 480 65535\n0 0 0")
    assert (found.width, found.height, found.colour) == (640, 480, "rgb 16 bit")
    assert texts(found) == {"netpbm:comment": "one\ntwo"}

    found = look("netpbm", by_hand.pam(640, 480, "GRAYSCALE", 65535))
    assert (found.width, found.height, found.colour) == (640, 480, "grey 16 bit")


def test_a_dds_tells_how_it_is_compressed_and_its_smaller_pictures() -> None:
    forms = {"DXT1": "dxt1", "DXT5": "dxt5", "BC2": "bc2", "BC5": "bc5"}
    image = picture("RGBA")
    for form, codec in forms.items():
        source = picture() if form == "BC5" else image
        assert look("dds", written(source, "DDS", pixel_format=form)).codec == codec


def test_a_tga_tells_what_newer_writers_add() -> None:
    data = written(picture(), "TGA", id_section=b"name")
    body, footer = data[:-26], data[-26:]
    area = bytearray(495)
    area[2:6], area[43:50], area[426:432] = b"Anna", b"by hand", b"gimp 2"
    data = body + bytes(area) + struct.pack("<I", len(body)) + footer[4:]

    found = look("tga", data)

    assert texts(found) == {"tga:comment": "by hand"}
    assert found.more == {"artist": "Anna", "software": "gimp 2"}


# -- SVG ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="640" height="480"', (640, 480)),
        ("width='640px' height='4.5e2'", (640, None)),
        ('width="10cm" height="1in"', (378, 96)),
        ('viewBox="0 0 640 480"', (640, 480)),
        ('viewBox="0,0,640,480" width="320"', (320, 240)),
        ('width="100%" height="100%" viewBox="-5 -5 64.4 48"', (64, 48)),
        ('width="1e999"', (None, None)),
        ('data-width="7" stroke-width="9"', (None, None)),
    ],
)
def test_an_svg_is_as_large_as_its_root_asks_for(
    attributes: str, size: tuple[int | None, int | None]
) -> None:
    found = look("svg", by_hand.svg(attributes, '<rect width="1" height="1"/>'))

    assert (found.width, found.height) == size


def test_an_svg_is_read_packed_and_in_any_encoding() -> None:
    text = by_hand.svg('width="640" height="480"', "<title>灯台</title>").decode()
    for data in (gzip.compress(text.encode()), text.encode("utf-16"), text.encode("utf-8-sig")):
        found = look("svg", data)
        assert (found.width, found.more["title"]) == (640, "灯台")


def test_what_is_no_svg_is_refused_with_the_reason() -> None:
    assert (
        complaint("svg", b"<html><p>svg</p></html>")[1] == "holds no svg element where one must be"
    )


# -- JPEG XL ------------------------------------------------------------------------------------


def test_a_jpeg_xl_by_hand_tells_size_depth_turning_and_texts() -> None:
    block = exif(make="Apple", orientation=3).tobytes().removeprefix(b"Exif\0\0")
    stream = by_hand.jxl(100_000, 70_000, orientation=6, depth=14)
    boxes = by_hand.box(b"Exif", b"\0" * 4, block), by_hand.box(b"xml ", XMP.encode())

    bare, boxed = look("jxl", stream), look("jxl", by_hand.jxl_boxed(stream, *boxes))

    for found in (bare, boxed):
        assert (found.width, found.height) == (100_000, 70_000)
        assert (found.colour, found.orientation) == ("rgb 14 bit", 6)
    assert texts(boxed) == {"exif:Make": "Apple", "xmp": XMP}


@pytest.mark.parametrize(
    ("size", "pixels", "colour"),
    [
        ((48, 32), "rgb24", "rgb 8 bit"),
        ((401, 299), "gray", "grey 8 bit"),
        ((1920, 1080), "rgba", "rgba 8 bit"),
        ((1000, 1000), "rgba64le", "rgba 16 bit"),
    ],
)
def test_a_jpeg_xl_by_ffmpeg_tells_size_and_colour(
    tmp_path: Path, size: tuple[int, int], pixels: str, colour: str
) -> None:
    encoders = subprocess.check_output([program("ffmpeg"), "-v", "error", "-encoders"], text=True)
    if "libjxl" not in encoders:
        missing("an ffmpeg with libjxl", "apt install ffmpeg, of Debian 12 or newer")
    into = tmp_path / "a.jxl"
    source = f"testsrc=size={size[0]}x{size[1]}"
    words = ["-f", "lavfi", "-i", source, "-frames:v", "1", "-pix_fmt", pixels, str(into)]
    subprocess.run([program("ffmpeg"), "-v", "error", *words], check=True)

    found = look("jxl", into.read_bytes())

    assert (found.width, found.height, found.colour) == (*size, colour)
