"""All that both ExifTool and we read in a picture is the same."""

from pathlib import Path

import pytest

from storewarden.facts.inspect import inspect
from storewarden.facts.reader import Reader
from tests import exiftool
from tests.looking import look, texts
from tests.makers import images
from tests.makers.images import PROMPT, exif, picture, unicode_comment, written
from tests.makers.samples import SAMPLES

NOT_ASKED = {"qoi", "dds", "tga", "camera"}  # unknown to it; raws made by hand have no maker
ENDINGS = {"jpeg": "jpg", "tiff": "tif", "icon": "ico", "heif": "avif", "netpbm": "ppm"}
# Other types have several names, or none that is registered.
OF_ONE_NAME = ("png", "jpeg", "webp", "gif", "bmp", "jxl", "heif-0", "exif", "prompt")
# Where we say something else, and why.
MEANT = (
    "icon-0.ico: width",  # ExifTool tells of the first picture, we of the largest
    "icon-0.ico: height",
    "jxl-1.jxl: orientation",  # the stream says it, whatever EXIF says
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for inspector in SAMPLES.keys() - NOT_ASKED:
        ending = ENDINGS.get(inspector, inspector)
        for number, data in enumerate(SAMPLES[inspector]()):
            (folder / f"{inspector}-{number}.{ending}").write_bytes(data)
    block = exif(
        comment=unicode_comment(PROMPT), orientation=6, make="Canon", model="EOS", description="sea"
    ).tobytes()
    for form in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        for mode in ("L", "RGB"):
            name = f"exif-{mode}.{form.lower()}"
            (folder / name).write_bytes(written(picture(mode), form, exif=block))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        data = images.png({"parameters": PROMPT}, mode=mode)
        (folder / f"prompt-{mode.replace(';', '')}.png").write_bytes(data)
    return folder


def test_what_both_read_is_equal(folder: Path) -> None:
    theirs = exiftool.told(folder)
    wrong, compared = [], 0
    for path in sorted(folder.iterdir()):
        if "Error" in theirs[path.name]:
            continue  # ExifTool cannot read it
        data = path.read_bytes()
        facts = inspect(Reader.of_bytes(data), path.name.encode())
        found = texts(look(facts.inspector, data))
        wrong += [
            f"{path.name}: {one}" for one in exiftool.differences(facts, theirs[path.name], found)
        ]
        compared += 1

    types = [one for one in wrong if ": type: " in one]
    assert [one for one in types if one.startswith(OF_ONE_NAME)] == []
    assert [one for one in wrong if one not in types and not one.startswith(MEANT)] == []
    assert compared >= 50
