"""PDF: how many pages, its title, whether it is encrypted. Pages are counted, never walked."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.content.pdfobjects import Entries, Objects, dictionary
from storewarden.facts.content.told import tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_HEAD: Final = 1024  # within which a reader finds where the document begins
_LINEAR: Final = 2048
_MOST_PAGES: Final = 10_000_000
_MOST_XMP: Final = 1 << 20
_VERSION: Final = re.compile(rb"%PDF-(\d\.\d)")
_OBJECT: Final = re.compile(rb"\d{1,10}\s+\d{1,5}\s+obj\s*(?=<<)")
_FACTS: Final = {
    b"/Title": "title",
    b"/Author": "author",
    b"/Creator": "document.creator",
    b"/Producer": "document.producer",
}
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_ESCAPED: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    **dict.fromkeys((b"\n", b"\r", b"\r\n"), b""),  # a line goes on
}


def read(reader: Reader, found: Found) -> None:
    """Read what the end of the file leads to."""
    head = reader.some(0, _HEAD)
    begin = head.find(b"%PDF-")
    if begin < 0:
        raise Malformed("does not begin like a PDF")
    if version := _VERSION.match(head, begin):
        tell(found, "document.version", version[1].decode())
    found.pages = _linear(reader)
    objects = Objects(reader, begin)
    encrypted = b"/Encrypt" in objects.trailer
    tell(found, "document.encrypted", encrypted)
    try:
        catalogue = objects.entries(objects.trailer.get(b"/Root", b""))
        found.pages = _pages(objects, catalogue)
    except Malformed:
        if encrypted:  # what leads to the pages may be encrypted as well
            return
        raise
    if not encrypted:
        _information(objects, found)
        if metadata := catalogue.get(b"/Metadata"):
            packet = objects.stream(metadata, _MOST_XMP)
            found.text("xmp", packet.decode("utf-8", "replace").replace("\0", " "))


def _linear(reader: Reader) -> int | None:
    """Return what a document tells that was made for the web: it says it again at its beginning."""
    head = reader.some(0, _LINEAR)
    first = _OBJECT.search(head)
    if first is None or b"/Linearized" not in head:
        return None
    try:
        entries = dictionary(head, first.end())[0]
    except Malformed:
        return None
    if entries.get(b"/L") != b"%d" % reader.size:
        return None  # it was changed since
    return _count(entries.get(b"/N", b""))


def _pages(objects: Objects, catalogue: Entries) -> int:
    """Return what the root of the tree of pages counts."""
    tree = objects.entries(catalogue.get(b"/Pages", b""))
    count = _count(objects.resolve(tree.get(b"/Count", b"")))
    if count is None or tree.get(b"/Type", b"/Pages") != b"/Pages":
        raise Malformed("does not tell how many pages it has")
    return count


def _count(value: bytes) -> int | None:
    if not value.isdigit() or len(value) > len(str(_MOST_PAGES)):
        return None
    return int(value) if int(value) <= _MOST_PAGES else None


def _information(objects: Objects, found: Found) -> None:
    told = objects.trailer.get(b"/Info")
    if told is None:
        return
    entries = objects.entries(told)
    for key, fact in _FACTS.items():
        if key in entries:
            tell(found, fact, _text(objects.resolve(entries[key])))


def _text(value: bytes) -> str:
    """Return a string of either form, in either encoding."""
    if not value.startswith(b"(") and (not value.startswith(b"<") or value.startswith(b"<<")):
        return ""  # something else
    if value.startswith(b"<"):
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", value)
        data = bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii"))
    else:
        data = _ESCAPE.sub(_unescaped, value[1:-1])
    if data.startswith(b"\xfe\xff"):
        return data[2:].decode("utf-16-be", "replace")
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8", "replace")
    return data.decode("latin-1")


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes((int(found[1], 8) & 0xFF,))
    return _ESCAPED.get(found[2], found[2])
