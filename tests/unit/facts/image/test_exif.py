"""What EXIF tells, whoever wrote it and in whichever encoding."""

import struct

import pytest

from storewarden.facts.found import Found
from storewarden.facts.image.exif import read_exif
from storewarden.facts.reader import Malformed
from tests.looking import texts
from tests.makers.images import PROMPT, exif, unicode_comment

SPECIAL = "灯台 at dusk – «sea» 東京タワー"


def read(block: bytes) -> Found:
    found = Found()
    read_exif(block, found)
    return found


@pytest.mark.parametrize(
    "text", ["lighthouse", SPECIAL, "日本語だけの文章", "маяк на закате", PROMPT]
)
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-16"])
def test_a_comment_is_read_in_either_byte_order(text: str, encoding: str) -> None:
    found = read(exif(comment=unicode_comment(text, encoding)).tobytes())

    assert texts(found) == {"exif:UserComment": text}


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        (b"ASCII\0\0\0lighthouse\0\0", "lighthouse"),
        (b"ASCII\0\0\0" + "fée".encode(), "fée"),
        (b"\0" * 8 + b"lighthouse", "lighthouse"),
        (b"JIS\0\0\0\0\0" + "灯台".encode("iso2022_jp"), "灯台"),
        (
            b"UNICODE\0" + b"called wide and is none of it, only letters",
            "called wide and is none of it, only letters",
        ),
        (b"just a text", "just a text"),
    ],
)
def test_a_comment_is_read_by_its_code(comment: bytes, text: str) -> None:
    assert texts(read(exif(comment=comment).tobytes())) == {"exif:UserComment": text}


def test_an_empty_comment_is_none() -> None:
    assert not read(exif(comment=b"ASCII\0\0\0" + b"\0" * 64).tobytes()).texts


def test_windows_texts_are_read() -> None:
    block = exif()
    block[0x9C9C] = "灯台\0".encode("utf-16-le")
    block[0x9C9E] = "sea;dusk\0".encode("utf-16-le")

    assert texts(read(block.tobytes())) == {"exif:XPComment": "灯台", "exif:XPKeywords": "sea;dusk"}


def test_who_took_it_with_what_and_when_are_facts() -> None:
    block = exif(make="Canon ", model="EOS 5D")
    block[0x013B], block[0x8298], block[0x0131] = "Anna", "© Anna".encode(), "darktable 4.2"
    block.get_ifd(0x8769)[0x9003] = "2024:05:01 12:30:59"

    assert read(block.tobytes()).more == {
        "camera.make": "Canon",
        "camera.model": "EOS 5D",
        "artist": "Anna",
        "copyright": "© Anna",
        "software": "darktable 4.2",
        "taken": "2024-05-01T12:30:59",
    }


@pytest.mark.parametrize(("told", "kept"), [(1, 1), (8, 8), (0, None), (9, None), (65535, None)])
def test_only_what_an_orientation_can_be_is_one(told: int, kept: int | None) -> None:
    assert read(exif(orientation=told).tobytes()).orientation == kept


def test_both_byte_orders_are_read() -> None:
    for order, mark in (("<", b"II"), (">", b"MM")):
        tag = struct.pack(order + "HHIHxx", 0x0112, 3, 1, 6)
        block = mark + struct.pack(order + "HIH", 42, 8, 1) + tag + b"\0" * 4
        assert read(block).orientation == 6


def test_an_empty_block_is_nothing_and_a_broken_one_is_told() -> None:
    assert read(b"Exif\0\0" + b"\0" * 32) == Found()
    for block in (b"Exif\0\0II", b"II\x2b\0", b"II*\0\4\0\0\0", b"MM\0*\0\0\0\x08\xff\xff"):
        with pytest.raises(Malformed):
            read(block)
