"""EXIF: how a picture is to be turned, which camera took it, and what its maker wrote into it."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.image.tags import Directory, Tag, Tags
from storewarden.facts.reader import Reader

_ORIENTATION, _XMP, _EXIF = 0x0112, 0x02BC, 0x8769
_TAKEN, _COMMENT = 0x9003, 0x9286
_TURNS: Final = range(1, 9)

_TEXTS: Final = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x8298: "Copyright",
}
# Windows writes these, as bytes of UTF-16.
_WIDE_TEXTS: Final = {
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
}
_MORE: Final = {
    "Make": "camera.make",
    "Model": "camera.model",
    "Software": "software",
    "Artist": "artist",
    "Copyright": "copyright",
    "XPTitle": "title",
}
_SHORT: Final = 200  # characters: more is no name of a camera but a workflow that was put there
_DATE: Final = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


def read_exif(block: bytes, found: Found) -> None:
    """Read a block of EXIF as it lies in a picture, with or without its own head."""
    block = block.removeprefix(b"Exif\0\0")
    if not block.strip(b"\0"):
        return  # some writers leave an empty one
    tags = Tags(Reader.of_bytes(block))
    read_directory(tags, tags.directory(tags.first), found)


def read_directory(tags: Tags, first: Directory, found: Found) -> None:
    """Read what the first directory and the one below it tell."""
    turn = tags.number(first.tags.get(_ORIENTATION))
    if turn in _TURNS:
        found.orientation = turn
    for number, name in _TEXTS.items():
        if tag := first.tags.get(number):
            _keep(name, words.plain(tags.content(tag, MOST_TEXT)), found)
    for number, name in _WIDE_TEXTS.items():
        if tag := first.tags.get(number):
            _keep(name, words.little(tags.content(tag, MOST_TEXT)), found)
    if tag := first.tags.get(_XMP):
        found.text("xmp", words.plain(tags.content(tag, MOST_TEXT)))
    if tag := first.tags.get(_COMMENT):  # it belongs below, but Fooocus and others put it here
        found.text("exif:UserComment", _comment(tags, tag))
    below = tags.number(first.tags.get(_EXIF))
    if below:
        _below(tags, tags.directory(below), found)


def _below(tags: Tags, directory: Directory, found: Found) -> None:
    if tag := directory.tags.get(_TAKEN):
        date = _DATE.match(words.plain(tags.content(tag, 20)))
        if date:
            found.more["taken"] = "{}-{}-{}T{}:{}:{}".format(*date.groups())
    if tag := directory.tags.get(_COMMENT):
        found.text("exif:UserComment", _comment(tags, tag))


def _comment(tags: Tags, tag: Tag) -> str:
    """Return the user's comment, which says in its first eight bytes how it is written."""
    data = tags.content(tag, MOST_TEXT)
    code, rest = data[:8], data[8:]
    if code.startswith(b"UNICODE"):
        return words.wide(rest)
    if code.startswith(b"JIS"):
        return rest.decode("iso2022_jp", "replace").rstrip("\0").replace("\0", " ")
    if code.startswith(b"ASCII") or not any(code):
        return words.plain(rest)
    return words.plain(data)  # whoever wrote it did not know about the eight bytes


def _keep(name: str, text: str, found: Found) -> None:
    text = text.strip()
    found.text(f"exif:{name}", text)
    key = _MORE.get(name)
    if key and text and len(text) <= _SHORT and "{" not in text:
        found.more[key] = text
