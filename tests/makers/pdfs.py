"""PDFs in the forms that writers give them: Pillow's, and by hand those that it does not write."""

import io
import zlib
from collections.abc import Mapping

from PIL import Image

INFO = b"<</Title (The lighthouse \\(at dusk\\)) /Author <FEFF004D00F6>>>"


def by_pillow(pages: int = 3, title: str = "The lighthouse at dusk") -> bytes:
    """Return a PDF of empty pictures, with a plain table of objects."""
    images = [Image.new("1", (8, 8)) for _ in range(pages)]
    into = io.BytesIO()
    images[0].save(into, "PDF", save_all=True, append_images=images[1:], title=title, author="Mö")
    return into.getvalue()


def objects(pages: int) -> dict[int, bytes]:
    """Return a catalogue, a tree of pages two nodes deep, and the pages."""
    kids = b" ".join(b"%d 0 R" % (10 + number) for number in range(pages))
    return {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count %d>>" % pages,
        3: b"<</Type/Pages/Parent 2 0 R/Kids[" + kids + b"]/Count %d>>" % pages,
        4: INFO,
        **{10 + number: b"<</Type/Page/Parent 3 0 R>>" for number in range(pages)},
    }


def plain(told: Mapping[int, bytes], trailer: bytes = b"/Root 1 0 R/Info 4 0 R") -> bytes:
    """Return a PDF with a table in sections, an object each."""
    body = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = bytearray(b"xref\n0 1\n0000000000 65535 f \n")
    for number, value in told.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, len(body))
        body += b"%d 0 obj\n" % number + value + b"\nendobj\n"
    end = b"trailer\n<</Size 99%s>>\nstartxref\n%d\n%%%%EOF\n" % (trailer, len(body))
    return bytes(body + table + end)


def changed(before: bytes, told: Mapping[int, bytes]) -> bytes:
    """Return a PDF to which newer objects were added at its end."""
    body = bytearray(before)
    last = before[before.rindex(b"startxref") :].split()[1]
    table = bytearray(b"xref\n")
    for number, value in told.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, len(body))
        body += b"%d 0 obj\n" % number + value + b"\nendobj\n"
    end = b"trailer\n<</Root 1 0 R/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (last, len(body))
    return bytes(body + table + end)


def packed(told: Mapping[int, bytes], trailer: bytes = b"/Root 1 0 R/Info 4 0 R") -> bytes:
    """Return a PDF with all objects in one stream and a packed table, as most are today."""
    body = bytearray(b"%PDF-1.7\n")
    places, values = [], bytearray()
    for number, value in told.items():
        places.append(b"%d %d" % (number, len(values)))
        values += value + b"\n"
    first = b" ".join(places) + b"\n"
    content = zlib.compress(first + bytes(values))
    holder, table = 90, 91
    where = {holder: (1, len(body), 0)}
    where |= {number: (2, holder, index) for index, number in enumerate(told)}
    body += b"90 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (
        len(told),
        len(first),
        len(content),
    )
    body += content + b"\nendstream\nendobj\n"
    start = len(body)
    where[table] = (1, start, 0)
    rows = [where.get(number, (0, 0, 0)) for number in range(table + 1)]
    flat = [
        bytes((form,)) + place.to_bytes(3, "big") + bytes((last,)) for form, place, last in rows
    ]
    above, filtered = bytes(5), bytearray()
    for row in flat:
        filtered.append(2)  # the difference to the row above
        filtered += bytes((one - other) & 0xFF for one, other in zip(row, above, strict=True))
        above = row
    content = zlib.compress(bytes(filtered))
    body += b"91 0 obj\n<</Type/XRef/Size 92/W[1 3 1]/Filter/FlateDecode/Length %d%s" % (
        len(content),
        trailer,
    )
    body += b"/DecodeParms<</Predictor 12/Columns 5>>>>\nstream\n" + content
    body += b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(body)


def with_xmp(packet: bytes) -> bytes:
    """Return a PDF with an XMP packet."""
    told = objects(1)
    told[1] = b"<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R>>"
    told[5] = b"<</Type/Metadata/Length %d>>\nstream\n" % len(packet) + packet + b"\nendstream"
    return plain(told)
