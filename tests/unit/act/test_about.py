"""What an object tells of itself is read back as it was written, or refused with the reason."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from storewarden.act.about import About, from_bytes, to_bytes
from storewarden.act.attributes import Attributes, Extended
from storewarden.errors import ObjectDamaged, PermanentError
from storewarden.store.contract import LARGEST_ABOUT
from tests.fuzzing import mutations

ATTRIBUTES = Attributes(
    size=10_000_000,
    allocated=8192,
    mode=0o4751,
    uid=1000,
    gid=100,
    modified_ns=-1_234_567_890_123_456_789,
    accessed_ns=4_102_444_800_000_000_001,
    extended=(Extended(b"user.a", b"\0\xff"), Extended(b"user.b", b"")),
)
ABOUT = About(
    host="studio",
    root="save_outputs",
    root_uuid="2a1b",
    path=b"renders/gr\xf6\xdfe \xff\n.mp4",
    attributes=ATTRIBUTES,
    digest=bytes(range(32)),
    codec="zstd",
    stored_bytes=5_000_000,
    stored_digest=bytes(range(32, 64)),
    mark="abcdefgh234567aa",
    made_ns=1_800_000_000_000_000_000,
)
WRITTEN = to_bytes(ABOUT)


def refusal(written: bytes) -> str:
    with pytest.raises(ObjectDamaged) as refused:
        from_bytes(written, "cloud: key")
    assert refused.value.where == "cloud: key"
    return refused.value.why


def test_it_is_read_as_it_was_written() -> None:
    plain = replace(ABOUT, codec="none", stored_bytes=ABOUT.size, stored_digest=ABOUT.digest)

    for about in (ABOUT, plain, replace(ABOUT, root_uuid="", path=b"a")):
        assert from_bytes(to_bytes(about), "") == about


def test_people_can_read_it() -> None:
    told = json.loads(WRITTEN)

    assert (told["version"], told["size"], told["codec"]) == (1, 10_000_000, "zstd")
    assert told["blake3"] == bytes(range(32)).hex()


def with_attributes(count: int, size: int) -> About:
    extended = tuple(Extended(b"user.%06d" % number, bytes(size)) for number in range(count))
    return replace(ABOUT, attributes=replace(ATTRIBUTES, extended=extended))


@pytest.mark.parametrize(("count", "size"), [(1, 64 << 10), (3, 30_000), (2000, 30), (40, 2000)])
def test_extended_attributes_beyond_its_size_are_left_out_and_counted(
    count: int, size: int
) -> None:
    written = to_bytes(with_attributes(count, size))

    read = from_bytes(written, "").attributes
    assert len(written) <= LARGEST_ABOUT
    assert read.left_out + len(read.extended) == count
    assert read.left_out > 0


def test_the_largest_attributes_go_first() -> None:
    small, large = Extended(b"user.rating", b"5"), Extended(b"user.large", bytes(60_000))
    about = replace(ABOUT, attributes=replace(ATTRIBUTES, extended=(large, small)))

    assert from_bytes(to_bytes(about), "").attributes.extended == (small,)


def test_a_path_beyond_its_size_is_refused_when_written() -> None:
    with pytest.raises(PermanentError, match="its path has 60,000 bytes"):
        to_bytes(replace(ABOUT, path=b"a/" * 30_000))


def edited(**changes: Any) -> bytes:
    return json.dumps(json.loads(WRITTEN) | changes).encode()


TEXT_OF_64 = "0" * 64

WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no JSON"),
    "no json": (b"{", "no JSON"),
    "a list": (b"[]", "no object"),
    "too large": (b" " * (LARGEST_ABOUT + 1), "bytes, more than any has"),
    "deep": (b"[" * LARGEST_ABOUT, "no JSON"),
    "deep inside": (b'{"version":' * 5500, "no JSON"),
    "no ascii": (WRITTEN.replace(b"studio", "größe".encode()), "no JSON"),
    "NaN": (edited(size=float("nan")), "a number that is none"),
    "a huge number": (WRITTEN.replace(b"10000000", b"9" * 5000), "no JSON"),
    "twice": (WRITTEN.replace(b'{"version":1', b'{"version":1,"version":1'), "a field twice"),
    "newer": (edited(version=2), "of a newer program"),
    "older": (edited(version=0), "no version"),
    "true": (edited(version=True), "no version"),
    "unknown": (edited(more=1), "unknown: ['more']"),
    "negative": (edited(size=-1), "size is not a whole number"),
    "a fraction": (edited(size=1.0), "size is not a whole number"),
    "a truth": (edited(uid=True), "uid is not a whole number"),
    "too far": (edited(modified_ns=2**100), "modified_ns is not"),
    "more than a mode": (edited(mode=0o100644), "mode is not"),
    "nobody": (edited(uid=2**32 - 1), "uid is not"),
    "surrogates": (edited(host="\ud800"), "host is not a short text"),
    "a line end": (edited(host="a\nb"), "host is not a short text"),
    "no text": (edited(root=5), "root is not a short text"),
    "no name": (edited(root="../etc"), "root is not a name"),
    "above": (edited(path="Li4vZXRjL3Bhc3N3ZA=="), "path is not one below a root"),
    "absolute": (edited(path="L2V0Yw=="), "path is not one below a root"),
    "nothing": (edited(path=""), "path is not one below a root"),
    "with NUL": (edited(path="YQBi"), "path is not one below a root"),
    "no base 64": (edited(path="*"), "path is not base 64"),
    "sloppy base 64": (edited(path="YR=="), "path is not base 64 as it is always written"),
    "no path": (edited(path=None), "path is not a text"),
    "a codec": (edited(codec="xz"), "codec is not one"),
    "codecs": (edited(codec=["zstd"]), "codec is not one"),
    "a digest": (edited(blake3="abc"), "blake3 is not written"),
    "a loud digest": (edited(blake3="A" * 64), "blake3 is not written"),
    "a mark": (edited(mark="ABC"), "mark is not written"),
    "other bytes": (edited(codec="none", stored_blake3=TEXT_OF_64), "yet not the same bytes"),
    "xattrs": (edited(xattrs={}), "xattrs is not a list"),
    "xattrs of three": (edited(xattrs=[["YQ==", "YQ==", "YQ=="]]), "more than names"),
    "xattrs twice": (edited(xattrs=[["YQ==", ""], ["YQ==", ""]]), "a name twice"),
    "xattrs without a name": (edited(xattrs=[["", ""]]), "a name that is none"),
    "xattrs of numbers": (edited(xattrs=[[1, 2]]), "xattrs is not a text"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_was_never_written_is_refused(case: str) -> None:
    written, why = WRONG[case]

    assert why in refusal(written)


@pytest.mark.parametrize("name", sorted(json.loads(WRITTEN)))
def test_no_field_may_be_missing(name: str) -> None:
    told = json.loads(WRITTEN)
    del told[name]

    assert name in refusal(json.dumps(told).encode())


def test_fifty_thousand_mutations_are_refused_or_well_formed() -> None:
    seeds = [WRITTEN, to_bytes(with_attributes(10, 20)), edited(codec="none")]
    accepted = 0
    for mutation in mutations(seeds, 50_000, random.Random(7)):
        try:
            about = from_bytes(mutation, "")
        except ObjectDamaged:
            continue
        accepted += 1
        assert from_bytes(to_bytes(about), "") == about
        assert not about.path.startswith(b"/")
        assert b".." not in about.path.split(b"/")
    assert accepted > 100
