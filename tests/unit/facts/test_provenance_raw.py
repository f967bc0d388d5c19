"""Texts are kept as they were found, and what was kept is not believed."""

import json
import sys

import pytest

from storewarden.facts.found import Text
from storewarden.facts.provenance import raw
from storewarden.facts.reader import Malformed, TooMuch

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST = 4 << 20


def test_texts_come_back_as_they_were() -> None:
    texts = [Text("png:parameters", "dusk\n☂ 灯台"), Text("xmp", "<x/>")]

    assert raw.unpack(raw.pack(texts)) == dict(texts)


def test_texts_from_the_same_place_are_all_kept() -> None:
    texts = [Text("png:a", "1"), Text("png:a", "2"), Text("png:a", "3")]

    assert raw.unpack(raw.pack(texts)) == {"png:a": "1", "png:a#2": "2", "png:a#3": "3"}


@pytest.mark.parametrize("filler", ["a", "\n", '"', "\\", "灯", "\x01", "é"])
def test_more_than_four_mebibytes_are_not_kept(filler: str) -> None:
    texts = [Text("a", "first"), Text("b", filler * (MOST // 2)), Text("c", filler * (MOST // 2))]

    kept = raw.unpack(raw.pack(texts))

    assert kept["a"] == "first"
    assert "c" not in kept


def test_half_a_character_is_kept_as_a_question_mark() -> None:
    assert raw.unpack(raw.pack([Text("a", "x\ud800y")])) == {"a": "x?y"}


def test_what_was_kept_bears_a_checksum() -> None:
    packed = bytearray(raw.pack([Text("a", "lighthouse " * 50)]))
    packed[-1] ^= 1

    with pytest.raises(Malformed, match="do not unpack"):
        raw.unpack(bytes(packed))


def test_a_bomb_is_given_up() -> None:
    with pytest.raises(TooMuch):
        raw.unpack(zstd.compress(b" " * (50 << 20)))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"nothing of the kind",
        zstd.compress(b"no JSON"),
        zstd.compress(b"[]"),
        zstd.compress(json.dumps({"a": 1}).encode()),
        raw.pack([Text("a", "b")])[:-3],
        raw.pack([Text("a", "b")]) + b"x",
    ],
)
def test_what_was_never_kept_is_refused(packed: bytes) -> None:
    with pytest.raises(Malformed):
        raw.unpack(packed)
