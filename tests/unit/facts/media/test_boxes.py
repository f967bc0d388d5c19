"""Boxes are walked within what contains them, whatever their sizes claim."""

import struct

import pytest

from storewarden.facts.media.boxes import Box, boxes, child, children, content, identity
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated


def box(kind: bytes, inside: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def kinds(data: bytes) -> list[bytes]:
    return [found.kind for found in boxes(Reader.of_bytes(data))]


def test_boxes_side_by_side_come_in_order_with_their_content() -> None:
    reader = Reader.of_bytes(box(b"ftyp", b"isom") + box(b"free") + box(b"moov", b"12345"))

    found = list(boxes(reader))

    assert [(one.kind, content(reader, one)) for one in found] == [
        (b"ftyp", b"isom"),
        (b"free", b""),
        (b"moov", b"12345"),
    ]
    assert found[2] == Box(b"moov", 20, 28, 33)


def test_children_are_found_by_a_path_and_behind_the_version_of_a_full_box() -> None:
    reader = Reader.of_bytes(box(b"moov", box(b"udta", box(b"meta", b"\0\0\0\0" + box(b"ilst")))))
    (moov,) = boxes(reader)

    meta = child(reader, moov, b"udta", b"meta")

    assert meta is not None
    assert [one.kind for one in children(reader, meta, 4)] == [b"ilst"]
    assert child(reader, moov, b"trak", b"mdia") is None


def test_a_size_of_64_bits_is_understood() -> None:
    data = struct.pack(">I4sQ", 1, b"mdat", 20) + b"abcd" + box(b"free")

    assert [tuple(one) for one in boxes(Reader.of_bytes(data))] == [
        (b"mdat", 0, 16, 20),
        (b"free", 20, 28, 28),
    ]


def test_a_box_without_size_goes_to_the_end_of_the_file() -> None:
    data = box(b"ftyp") + struct.pack(">I4s", 0, b"mdat") + b"abcd"

    assert [tuple(one) for one in boxes(Reader.of_bytes(data))][1] == (b"mdat", 8, 16, 20)


def test_a_box_without_size_inside_of_another_ends_the_list() -> None:
    reader = Reader.of_bytes(box(b"udta", box(b"name") + bytes(12) + box(b"never")))
    (outer,) = boxes(reader)

    assert [one.kind for one in children(reader, outer)] == [b"name"]


@pytest.mark.parametrize("size", [2, 7])
def test_a_box_smaller_than_its_header_is_refused(size: int) -> None:
    with pytest.raises(Malformed, match="less than its own header"):
        kinds(struct.pack(">I4s", size, b"free") + bytes(20))


def test_a_large_size_smaller_than_its_header_is_refused() -> None:
    with pytest.raises(Malformed, match="less than its own header"):
        kinds(struct.pack(">I4sQ", 1, b"free", 15) + bytes(20))


def test_a_box_that_promises_too_much_comes_shortened_and_then_ends_the_walk() -> None:
    reader = Reader.of_bytes(box(b"ftyp") + struct.pack(">I4s", 1000, b"moov") + b"abcd")
    walk = boxes(reader)

    assert next(walk).kind == b"ftyp"
    assert content(reader, next(walk)) == b"abcd"
    with pytest.raises(Truncated):
        next(walk)


def test_a_size_beyond_64_bits_of_file_ends_the_walk() -> None:
    walk = boxes(Reader.of_bytes(struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + bytes(8)))

    assert next(walk).end == 24
    with pytest.raises(Truncated):
        next(walk)


def test_boxes_without_end_are_left() -> None:
    with pytest.raises(TooMuch, match="side by side"):
        kinds(box(b"free") * 10_001)


def test_boxes_nested_ten_thousand_deep_cost_nothing_to_whoever_does_not_descend() -> None:
    data = b""
    for _ in range(10_000):
        data = box(b"moov", data)

    assert kinds(data) == [b"moov"]


def test_a_box_of_a_kind_of_somebodys_own_is_told_by_sixteen_bytes() -> None:
    reader = Reader.of_bytes(box(b"uuid", bytes(range(20))) + box(b"free", bytes(16)))

    assert [identity(reader, one) for one in boxes(reader)] == [bytes(range(16)), b""]
