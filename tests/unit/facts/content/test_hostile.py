"""Files that are cut off anywhere, lie about their parts, lead in circles or unpack without end."""

import contextlib
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Malformed, Reader
from tests.fuzzing import endure
from tests.looking import complaint
from tests.makers import content, models, pdfs
from tests.makers.content import FILES

MIB = 1 << 20
NOWHERE = {"dtype": "F32", "shape": []}
ARRAYS = struct.pack("<IQ", 9, 1) * 100


@pytest.mark.parametrize("inspector", FILES)
def test_every_beginning_of_a_file_is_read_or_refused(inspector: str) -> None:
    read = INSPECTORS[inspector].read
    for data in FILES[inspector]().values():
        for length in range(len(data)):
            with contextlib.suppress(Malformed):
                read(Reader.of_bytes(data[:length]), Found())


# Of some formats the beginning is worth as much as all of it.
@pytest.mark.parametrize("inspector", ["pdf", "zipped", "safetensors", "json"])
def test_a_file_that_lacks_its_second_half_is_not_taken_for_a_whole_one(inspector: str) -> None:
    for name, data in FILES[inspector]().items():
        if name != "changed.pdf":  # of which the first half was a whole one before it was changed
            assert complaint(inspector, data[: len(data) // 2])[1], name


def lying_zip(at: int, layout: str, value: int) -> bytes:
    """Return a zip of which one number at its end is another."""
    data = bytearray(content.docx())
    struct.pack_into(layout, data, len(data) - 22 + at, value)
    return bytes(data)


def lying_member(at: int, layout: str, value: int) -> bytes:
    """Return a document of which one number about its title is another."""
    data = bytearray(content.docx())
    struct.pack_into(layout, data, data.rindex(b"docProps/core.xml") - 46 + at, value)
    return bytes(data)


def bomb() -> bytes:
    """Return a document whose title unpacks to a hundred megabytes."""
    return content.zipped({"[Content_Types].xml": "<Types/>", "docProps/core.xml": "x" * 100 * MIB})


def circle(told: dict[int, bytes]) -> bytes:
    return pdfs.plain(pdfs.objects(2) | told)


def strange(before: bytes, after: bytes) -> bytes:
    """Return a PDF of which the table, which comes last, is said to be something else."""
    return after.join(pdfs.packed(pdfs.objects(1)).rsplit(before, 1))


def nested(depth: int) -> bytes:
    return b'{"prompt": ' + b"[" * depth + b"]" * depth + b"}"


def promising(tensors: int, values: int) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, values)


def shape(*sizes: Any) -> bytes:
    return models.header({"w": {"dtype": "F32", "shape": sizes, "data_offsets": [0, 4]}}, 4)


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a zip of more members than it has": (
        *("zipped", lambda: lying_zip(10, "<H", 9)),
        "promises 9 members, and its directory names 4",
    ),
    "a zip with its directory behind its end": (
        *("zipped", lambda: lying_zip(16, "<L", 10_000)),
        "promises its directory at byte 10,000, behind its end",
    ),
    "a zip with a directory larger than itself": (
        *("zipped", lambda: lying_zip(12, "<L", 2**31)),
        "promises a directory of 2,147,483,648 bytes before byte",
    ),
    "a zip without an end": (
        *("zipped", lambda: content.docx()[:-22]),
        "is a zip without the directory that belongs at its end",
    ),
    "a zip with a member that is not there": (
        *("zipped", lambda: lying_member(42, "<L", 3)),
        "has no member at byte 3 where its directory says so",
    ),
    "a zip with a member that is too large": (
        *("zipped", lambda: lying_member(20, "<L", 2**31)),
        "holds a member of 2,147,483,648 bytes",
    ),
    "a zip with a member packed by a strange method": (
        *("zipped", lambda: lying_member(10, "<H", 99)),
        "packs a member by the unknown method 99",
    ),
    "a zip with a member that is encrypted": (
        *("zipped", lambda: lying_member(8, "<H", 1)),
        "is encrypted",
    ),
    "a zip bomb": ("zipped", bomb, "holds a member of 104,857,600 bytes"),
    "a zip bomb that says it is small": (
        *("zipped", lambda: bomb().replace(struct.pack("<L", 100 * MIB), struct.pack("<L", 99))),
        "unpacks to more than 4,194,304 bytes",
    ),
    "a book that begins nowhere": (
        *("zipped", lambda: content.zipped({"META-INF/container.xml": "<container/>"})),
        "is a book that does not say where it begins",
    ),
    "a checkpoint that is any zip": (
        *("checkpoint", lambda: content.zipped({"a": "b"})),
        "is a zip without the parts of a checkpoint",
    ),
    "a PDF whose table of objects lies elsewhere": (
        *("pdf", lambda: pdfs.plain(pdfs.objects(2), b"/Root 1 0 R/Prev 15")),
        "has no stream at byte 15",
    ),
    "a PDF that refers in a circle": (
        *("pdf", lambda: circle({2: b"3 0 R", 3: b"2 0 R"})),
        "refers in a circle",
    ),
    "a PDF without a page tree": (
        *("pdf", lambda: circle({2: b"<</Type/Font>>"})),
        "does not tell how many pages it has",
    ),
    "a PDF of more pages than there are": (
        *("pdf", lambda: circle({2: b"<</Type/Pages/Count 99999999999>>"})),
        "does not tell how many pages it has",
    ),
    "a PDF that nests without end": (
        *("pdf", lambda: circle({1: b"<</Pages " + b"[" * 10_000 + b">>"})),
        "has a dictionary with a value that makes no sense",
    ),
    "a PDF with a table that is cut off": (
        *("pdf", lambda: b"%PDF-1.4\nxref\n0 99\nstartxref\n9\n"),
        "ends at byte ",
    ),
    "a PDF with a table without a trailer": (
        *("pdf", lambda: b"%PDF-1.4\nxref\n0 0\nstartxref\n9\n"),
        "has a table of objects without a trailer",
    ),
    "a PDF with a table of a billion objects": (
        *("pdf", lambda: b"%PDF-1.4\nxref\n0 1000000000\nstartxref\n9\n"),
        "has too many objects",
    ),
    "a PDF that lacks an object": (
        *("pdf", lambda: circle({1: b"<</Pages 77 0 R>>"})),
        "has no object 77, which is referred to",
    ),
    "a PDF with another object in the place of one": (
        *("pdf", lambda: pdfs.plain(pdfs.objects(1)).replace(b"\n2 0 obj", b"\n8 0 obj")),
        "has no object 2 at byte ",
    ),
    "a PDF with a text without an end": (
        *("pdf", lambda: circle({1: b"<</A (" + b"\\(" * 99 + b">>"})),
        "holds a text without an end",
    ),
    "a PDF with a dictionary without an end": (
        *(
            "pdf",
            lambda: pdfs.plain(pdfs.objects(1), b"/Root 1 0 R").replace(b">>\nstart", b"\nstart"),
        ),
        "has a dictionary with a value that has no name",
    ),
    "a PDF with a packed table of no form": (
        *("pdf", lambda: pdfs.packed(pdfs.objects(1)).replace(b"/W[1 3 1]", b"/W[0 0 0]")),
        "has a table of objects of no known form",
    ),
    "a PDF with a packed table in a strange packing": (
        *("pdf", lambda: strange(b"/FlateDecode", b"/LZW1Decode")),
        "packs its objects in a way that is not known",
    ),
    "a PDF with a stream of objects that is another": (
        *("pdf", lambda: pdfs.packed(pdfs.objects(1)).replace(b"/First 2", b"/First 1")),
        "",
    ),
    "a PDF of which the end says nothing": (
        *("pdf", lambda: b"%PDF-1.7\n"),
        "does not say at its end where its table of objects lies",
    ),
    "a GGUF of 2^63 values": (
        *("gguf", lambda: promising(1, 2**63)),
        "promises 1 tensors and 9,223,372,036,854,775,808 values",
    ),
    "a GGUF of 2^63 tensors": (
        *("gguf", lambda: promising(2**63, 0)),
        "promises 9,223,372,036,854,775,808 tensors and 0 values",
    ),
    "a GGUF with an array of 2^63 numbers": (
        *("gguf", lambda: promising(0, 1) + struct.pack("<Q1sIIQ", 1, b"a", 9, 4, 2**63)),
        "promises 36,893,488,147,419,103,232 bytes more than there are",
    ),
    "a GGUF with a text of 2^63 bytes": (
        *("gguf", lambda: promising(0, 1) + struct.pack("<Q1sIQ", 1, b"a", 8, 2**63)),
        "promises 9,223,372,036,854,775,808 bytes more than there are",
    ),
    "a GGUF with arrays in arrays": (
        *("gguf", lambda: promising(0, 1) + struct.pack("<Q1sI", 1, b"a", 9) + ARRAYS),
        "holds an array of the unknown type 9",
    ),
    "a GGUF with a name of a gigabyte": (
        *("gguf", lambda: promising(0, 1) + struct.pack("<Q", 2**30)),
        "promises a name of 1,073,741,824 bytes",
    ),
    "a GGUF with a value of a strange type": (
        *("gguf", lambda: promising(0, 1) + struct.pack("<Q1sI", 1, b"a", 99)),
        "holds a value of the unknown type 99",
    ),
    "a GGUF with a tensor of many dimensions": (
        *("gguf", lambda: promising(1, 0) + struct.pack("<Q1sI", 1, b"a", 99)),
        "holds a tensor of 99 dimensions",
    ),
    "a GGUF with a very large tensor": (
        *("gguf", lambda: models.gguf((), {"a": (2**40, 2**40)})),
        "promises 1.2e+24 parameters",
    ),
    "a GGUF that ends in a word": (
        *("gguf", lambda: models.gguf(models.LLAMA)[:-80]),
        "ends at byte ",
    ),
    "a GGUF of a strange version": (
        *("gguf", lambda: b"GGUF" + struct.pack("<IQQ", 99, 0, 0)),
        "is a GGUF model of the unknown version 99",
    ),
    "a safetensors file with a header of a gigabyte": (
        *("safetensors", lambda: struct.pack("<Q", 10**9) + b"{}"),
        "promises a header of 1,000,000,000 bytes, more than the format allows",
    ),
    "a safetensors file without its tensors": (
        *("safetensors", lambda: models.tensors({"w": ("F32", (9,))})[:-4]),
        "ends 4 bytes before its last tensor does",
    ),
    "a safetensors file with a shape of words": (
        *("safetensors", lambda: shape("a")),
        "gives its tensor 'w' a wrong shape",
    ),
    "a safetensors file with a negative shape": (
        *("safetensors", lambda: shape(-1)),
        "gives its tensor 'w' a wrong shape",
    ),
    "a safetensors file with a truth for a shape": (
        *("safetensors", lambda: shape(True)),
        "gives its tensor 'w' a wrong shape",
    ),
    "a safetensors file with a very large tensor": (
        *("safetensors", lambda: shape(2**40, 2**40)),
        "gives its tensor 'w' 1.2e+24 parameters",
    ),
    "a safetensors file with a thousand dimensions": (
        *("safetensors", lambda: shape(*[1] * 1000)),
        "gives its tensor 'w' a wrong shape",
    ),
    "a safetensors file with a tensor of nothing": (
        *("safetensors", lambda: models.header({"w": None})),
        "describes its tensor 'w' in a wrong way",
    ),
    "a safetensors file with a tensor nowhere": (
        *("safetensors", lambda: models.header({"w": {**NOWHERE, "data_offsets": [-1, 2.5]}})),
        "describes its tensor 'w' in a wrong way",
    ),
    "a safetensors file of a list": (
        *("safetensors", lambda: models.header([])),
        "has a header that names no tensors",
    ),
    "deep JSON": ("json", lambda: nested(200_000), "holds JSON that is nested too deeply"),
    "JSON of a very long number": ("json", lambda: b"9" * 100_000, "holds no JSON"),
    "JSON that is too large": (
        *("json", lambda: b'"' + b"a" * (4 * MIB) + b'"'),
        "is JSON of 4,194,306 bytes, of which at most 4,194,304 are read",
    ),
    "bytes that claim to be JSON": ("json", lambda: bytes(9), "holds bytes that no text has"),
    "bytes that claim to be prose": ("prose", lambda: bytes(9), "holds bytes that no text has"),
    "subtitles that are none": (
        *("subtitle", lambda: b"nothing here"),
        "holds no subtitle where there must be some",
    ),
    "a database with pages of three bytes": (
        *("sqlite", lambda: b"SQLite format 3\0" + struct.pack(">H", 3) + bytes(99)),
        "is a SQLite database with pages of 3 bytes",
    ),
    "a database without its last page": (
        *("sqlite", lambda: content.sqlite()[:-1]),
        "ends at byte 2,047, before its 2 pages do",
    ),
    "a database that is encrypted": (
        *("sqlite", lambda: bytes(range(256)) * 4),
        "does not begin like a SQLite database; an encrypted one does not either",
    ),
    "a tar that ends in a file": (
        *("archive", lambda: content.tar({"a": bytes(4096)})[:1024]),
        "ends at byte 1024, before the",
    ),
    "a gzip of garbage": (
        *("archive", lambda: b"\x1f\x8b\x08" + b"\xff" * 40),
        "does not unpack",
    ),
    "a 7z with a changed head": (
        *("archive", lambda: content.seven_zip()[:20] + b"\1" + content.seven_zip()[21:]),
        "has a damaged head",
    ),
    "an xz without its end": (
        *("archive", lambda: FILES["archive"]()["one.xz"][:-4]),
        "has no end where an xz file must have one",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_and_the_reason_is_told(case: str) -> None:
    inspector, make, reason = REFUSED[case]

    assert complaint(inspector, make())[1].startswith(reason)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "owned",))

    data = pickle.dumps(Evil(), protocol=2)
    inside = content.zipped({"archive/data.pkl": data, "archive/data/0": b"x"})

    assert complaint("checkpoint", data)[1] == ""
    assert complaint("checkpoint", inside)[1] == ""
    assert list(tmp_path.iterdir()) == []


def tags(count: int) -> bytes:
    return b"1\n00:00:01,000 --> 00:00:02,000\n" + b"<a" * count + b"\n"


def paragraphs(count: int) -> bytes:
    return b"<tt>" + b"<p>" * count


# What would take minutes where every beginning is followed to the end.
LONG: dict[str, tuple[str, Callable[[], bytes]]] = {
    "tags that do not end": ("subtitle", lambda: tags(2 * MIB - 100)),
    "paragraphs that do not end": ("subtitle", lambda: paragraphs(MIB)),
    "arrows": ("subtitle", lambda: b"00:00:01,000 --> 00:00:02,000\n" * 100_000),
    "empty lines": ("subtitle", lambda: b"WEBVTT" + b"\n" * (4 * MIB - 6)),
    "white space": ("subtitle", lambda: b" " * (4 * MIB)),
    "brackets": ("subtitle", lambda: b"[00:00.00]" * 400_000),
    "braces": ("subtitle", lambda: b"{0}{1}" + b"{\\" * (2 * MIB - 3)),
    "ampersands": ("subtitle", lambda: b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"&#9" * MIB),
    "short words": ("prose", lambda: b"a " * (2 * MIB)),
    "empty lists": ("json", lambda: b"[" + b"[]," * 1_390_000 + b"[]]"),
    "names of a zip": ("zipped", lambda: content.zipped({f"{n}": "" for n in range(20_000)})),
    "words of a vocabulary": (
        "gguf",
        lambda: promising(0, 1) + struct.pack("<Q1sIIQ", 1, b"a", 9, 8, 599_999) + bytes(4_799_992),
    ),
    "white space in a PDF": (
        "pdf",
        lambda: pdfs.plain(pdfs.objects(1) | {1: b"<<" + b"\n" * 1_000_000 + b">>"}),
    ),
    "comments in a PDF": (
        "pdf",
        lambda: pdfs.plain(pdfs.objects(1) | {1: b"<<" + b"%\n" * 500_000 + b">>"}),
    ),
    "brackets in a PDF": (
        "pdf",
        lambda: pdfs.plain(pdfs.objects(1) | {1: b"<</A(" + b"(\\" * 200_000 + b">>"}),
    ),
    "sections in a PDF": (
        "pdf",
        lambda: b"%PDF-1.4\nxref\n" + b"0 0\n" * 400_000 + b"startxref\n9\n",
    ),
}


@pytest.mark.parametrize("case", LONG)
def test_no_file_takes_more_than_a_second_or_256_megabytes(case: str) -> None:
    inspector, make = LONG[case]

    endure(f"inspector:{inspector}", [make()], count=0)


def test_a_document_whose_tables_lead_in_a_circle_is_read() -> None:
    data = pdfs.plain(pdfs.objects(2), b"/Root 1 0 R/Prev 00000")
    table = data[data.rindex(b"startxref") :].split()[1]

    assert complaint("pdf", data.replace(b"Prev 00000", b"Prev " + table.zfill(5)))[1] == ""


def test_streams_of_objects_that_lie_in_each_other_are_refused() -> None:
    told = pdfs.objects(2)
    length = pdfs.packed(told).replace(b"/First", b"/Length 5 0 R/First", 1)

    assert complaint("pdf", length)[1]


def test_a_zip_of_too_many_members_still_tells_that_it_is_one() -> None:
    found, reason = complaint("zipped", content.zipped({f"{n:0200}": "" for n in range(18_000)}))

    assert found.more == {"archive.format": "zip"}
    assert reason == "is a zip of 18,000 members: too many to look at each"


def test_of_a_header_that_is_too_large_the_metadata_is_read() -> None:
    told = {"__metadata__": {"modelspec.title": "Dusk"}} | {
        f"{number:0900}": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
        for number in range(5_000)
    }

    found, reason = complaint("safetensors", models.header(told, 4))
    assert found.more == {"title": "Dusk"}
    assert reason.startswith("has a header of")
