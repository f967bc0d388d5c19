"""Every file that any of the makers makes, under a name that such a file has."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.makers import content, media, samples, tools

_EXTENSIONS = {
    "jpeg": "jpg",
    "heif": "avif",
    "icon": "ico",
    "netpbm": "ppm",
    "tiff": "tif",
}


class Made(NamedTuple):
    """One file, and the inspector that it was made for."""

    inspector: str
    name: bytes
    data: bytes


# What there is: `made` makes one group of it.
GROUPS = (
    *(f"picture:{inspector}" for inspector in samples.SAMPLES),
    *(f"content:{inspector}" for inspector in content.FILES),
    *(f"media:{inspector}" for inspector in media.INSPECTORS),
    *(f"tool:{label}" for label in tools.MADE),
)


def made(group: str) -> Iterator[Made]:
    """Make all files of one group; ends the test where a program for it is missing."""
    origin, _, name = group.partition(":")
    if origin == "picture":
        called = f"a.{_EXTENSIONS.get(name, name)}".encode()
        yield from (Made(name, called, data) for data in samples.SAMPLES[name]())
    elif origin == "content":
        files = content.FILES[name]().items()
        yield from (Made(name, called.encode(), data) for called, data in files)
    elif origin == "media":
        for recipe in media.RECIPES:
            if recipe.startswith(f"{name}/"):
                path = media.made(recipe)
                yield Made(name, path.name.encode(), path.read_bytes())
    else:
        called_by_tool, make = tools.MADE[name]
        if called_by_tool.endswith((".mp4", ".webm", ".flac", ".mp3", ".opus", ".mkv", ".mov")):
            media.need_ffmpeg()
        yield Made("", called_by_tool.encode(), make())
