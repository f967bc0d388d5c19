"""ExifTool, asked what it reads in files, and where that is not what we read."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from storewarden.facts.provenance import raw
from storewarden.model import Facts
from tests.missing import program

PACKAGE = "libimage-exiftool-perl"
_COLOURS = {
    "Grayscale": "grey",
    "RGB": "rgb",
    "Palette": "indexed",
    "Grayscale with Alpha": "grey alpha",
    "RGB with Alpha": "rgba",
}
# What each calls the same text.
_TEXTS = {
    "Parameters": "png:parameters",
    "UserComment": "exif:UserComment",
    "Make": "exif:Make",
    "Model": "exif:Model",
    "ImageDescription": "exif:ImageDescription",
    "Software": "exif:Software",
    "Artist": "exif:Artist",
    "Copyright": "exif:Copyright",
    "Comment": "jpeg:comment",
}
_ALSO = {"Comment": ("png:Comment", "gif:comment", "netpbm:comment")}


def command(*words: str) -> list[str]:
    """Return the words that let ExifTool tell as JSON what it reads."""
    return [program("exiftool", PACKAGE), "-json", *words]


def told(directory: Path) -> dict[str, dict[str, Any]]:
    """Return what ExifTool reads in each file of a directory, as numbers where there are some."""
    words = command("-n", "-XMP", "-all", str(directory))
    done = subprocess.run(words, capture_output=True, check=False)  # 1 when a file has an error
    return by_name(done.stdout)


def by_name(output: bytes) -> dict[str, dict[str, Any]]:
    """Return what ExifTool said, by the names of the files."""
    return {Path(one["SourceFile"]).name: one for one in json.loads(output)}


def differences(facts: Facts, theirs: Mapping[str, Any], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield every field that both give and that is not the same."""
    media = facts.media
    pairs = [
        ("type", facts.mime, theirs.get("MIMEType")),
        ("width", media.width, theirs.get("ImageWidth")),
        ("height", media.height, theirs.get("ImageHeight")),
        ("orientation", media.orientation, theirs.get("Orientation")),
        ("colour", media.colour, _colour(theirs)),
    ]
    for name, where in _TEXTS.items():
        ours = (texts[key] for key in (where, *_ALSO.get(name, ())) if key in texts)
        pairs.append((name, next(ours, None), theirs.get(name)))
    for field, one, other in pairs:
        if one is not None and other is not None and str(one) != str(other):
            yield f"{field}: {one!r}, ExifTool says {other!r}"


def kept(facts: Facts) -> dict[str, str]:
    """Return the texts that are kept with what a file says of its making."""
    return raw.unpack(facts.provenance.raw) if facts.provenance else {}


def _colour(theirs: Mapping[str, Any]) -> str | None:
    """Return a PNG's colour in our words."""
    name, bits = theirs.get("ColorType"), theirs.get("BitDepth")
    return f"{_COLOURS[name]} {bits} bit" if name in _COLOURS else None
