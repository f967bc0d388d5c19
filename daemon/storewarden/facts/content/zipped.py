"""What comes as a zip: office documents, books, pictures in layers, programs, plain archives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from storewarden.facts.content.told import tell, unescape
from storewarden.facts.content.zips import Member, content, directory
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_OFFICE: Final = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OPEN: Final = "application/vnd.oasis.opendocument."
_BOOK: Final = "application/epub+zip"
_PICTURES: Final = (b".png", b".jpg", b".jpeg", b".webp", b".gif", b".avif", b".jxl", b".bmp")

_Members = Mapping[bytes, Member]


def read(reader: Reader, found: Found) -> None:
    """Read the directory, and of documents what they say of themselves."""
    tell(found, "archive.format", "zip")
    listed = directory(reader)
    tell(found, "archive.entries", len(listed))
    tell(found, "archive.unpacked_size", sum(member.size for member in listed))
    if any(member.encrypted for member in listed):
        tell(found, "archive.encrypted", value=True)
    members = {member.name: member for member in listed}
    declared = _declared(reader, members)
    if b"[Content_Types].xml" in members:
        _office(reader, members, found)
    elif declared.startswith(_OPEN):
        _open_document(reader, members, declared, found)
    elif declared == _BOOK or b"META-INF/container.xml" in members:
        _book(reader, members, found)
    elif declared in ("image/openraster", "application/x-krita"):
        _layers(reader, members, declared, found)
    else:
        files = _files(members)
        if files and all(name.lower().endswith(_PICTURES) for name in files):
            found.pages = len(files)  # a comic, or a folder of pictures


def _files(members: _Members) -> list[bytes]:
    return [name for name in members if not name.endswith((b"/", b".xml"))]


def _text(reader: Reader, members: _Members, name: bytes) -> str:
    """Return a member as text, "" where there is none."""
    member = members.get(name)
    return content(reader, member).decode("utf-8", "replace") if member is not None else ""


def _declared(reader: Reader, members: _Members) -> str:
    member = members.get(b"mimetype")
    if member is None or member.size > 200:  # noqa: PLR2004  # a type is a few words
        return ""
    return content(reader, member).decode("ascii", "replace").strip().removesuffix("-template")


def _office(reader: Reader, members: _Members, found: Found) -> None:
    """Read what Word, Excel and PowerPoint wrote beside the document."""
    for part, mime in _OFFICE.items():
        if any(name.startswith(part) for name in members):
            found.kind, found.mime = "document", mime
            break
    said = _text(reader, members, b"docProps/app.xml")
    found.pages = _number(said, "Pages") or _number(said, "Slides")
    if found.pages is None:
        slides = sum(name.startswith(b"ppt/slides/slide") for name in members)
        found.pages = slides or None
    tell(found, "document.words", _number(said, "Words"))
    tell(found, "document.creator", _element(said, "Application"))
    _dublin_core(_text(reader, members, b"docProps/core.xml"), found)


def _open_document(reader: Reader, members: _Members, declared: str, found: Found) -> None:
    found.kind, found.mime = "document", declared
    said = _text(reader, members, b"meta.xml")
    statistics = re.search(r"<meta:document-statistic\s[^<>]{0,2000}>", said)
    counts = dict(
        re.findall(r'meta:([a-z-]{1,30})="(\d{1,9})"', statistics[0] if statistics else "")
    )
    pages, words = counts.get("page-count"), counts.get("word-count")
    found.pages = int(pages) if pages else None
    tell(found, "document.words", int(words) if words else None)
    tell(found, "document.creator", _element(said, "meta:generator"))
    _dublin_core(said, found)


def _book(reader: Reader, members: _Members, found: Found) -> None:
    found.kind, found.mime = "document", _BOOK
    container = _text(reader, members, b"META-INF/container.xml")
    path = re.search(r"""full-path\s*=\s*["']([^"'<>]{1,400})["']""", container)
    if path is None:
        raise Malformed("is a book that does not say where it begins")
    package = _text(reader, members, unescape(path[1]).encode())
    if not package:
        raise Malformed("is a book without the part that describes it")
    tell(found, "document.chapters", len(re.findall(r"<(?:\w{1,20}:)?itemref\s", package)))
    _dublin_core(package, found)


def _layers(reader: Reader, members: _Members, declared: str, found: Found) -> None:
    found.kind, found.mime = "image", declared
    said = _text(reader, members, b"stack.xml") or _text(reader, members, b"maindoc.xml")
    root = re.search(r"<(?:image|IMAGE)\s[^<>]{0,4000}>", said)
    if root is None:
        raise Malformed("is a picture that does not tell its size")
    sizes = dict(re.findall(r'\s(w|h|width|height)="(\d{1,9})"', root[0]))
    width, height = sizes.get("w") or sizes.get("width"), sizes.get("h") or sizes.get("height")
    found.width = int(width) if width else None
    found.height = int(height) if height else None


def _dublin_core(said: str, found: Found) -> None:
    tell(found, "title", _element(said, "dc:title"))
    tell(found, "author", _element(said, "dc:creator") or _element(said, "meta:initial-creator"))
    tell(found, "language", _element(said, "dc:language"))


def _element(said: str, name: str) -> str | None:
    found = re.search(rf"<{name}(?:\s[^<>]{{0,1000}})?>([^<]{{1,4000}})</{name}>", said)
    return " ".join(unescape(found[1]).split()) if found else None


def _number(said: str, name: str) -> int | None:
    found = re.search(rf"<{name}>(\d{{1,9}})</{name}>", said)
    return int(found[1]) if found else None
