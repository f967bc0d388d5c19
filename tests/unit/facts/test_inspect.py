"""One look into one file: what comes of it when the file, the disk or we ourselves are at fault."""

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.facts import inspect as module
from storewarden.facts.found import Found
from storewarden.facts.inspect import inspect, versions
from storewarden.facts.inspectors import INSPECTORS, NOTHING, Inspector
from storewarden.facts.kinds import KINDS
from storewarden.facts.reader import Malformed, Reader, TooMuch
from storewarden.model import Facts, Media, Outcome, Provenance, Transcript
from tests.makers import content, models
from tests.makers.images import PROMPT, png

PICTURE = b"\x89PNG\r\n\x1a\n and no more"
Read = Callable[[Reader, Found], None]


def looked(data: bytes, name: bytes) -> Facts:
    return inspect(Reader.of_bytes(data), name)


@pytest.fixture
def inspector(monkeypatch: pytest.MonkeyPatch) -> Callable[[Read], None]:
    """Put another reader of PNGs in the place of ours."""

    def put(read: Read, version: int = 1) -> None:
        monkeypatch.setitem(INSPECTORS, "png", Inspector(version, read))

    return put


def test_a_file_in_order_is_read() -> None:
    facts = looked(png({"parameters": PROMPT}), b"a.png")

    assert (facts.kind, facts.mime, facts.inspector) == ("image", "image/png", "png")
    assert (facts.outcome, facts.reason) == (Outcome.READ, "")
    assert (facts.media.width, facts.media.height) == (48, 32)
    assert facts.provenance is not None
    assert facts.provenance.seed == 1234567890


def test_a_lying_name_gets_the_facts_of_the_content() -> None:
    facts = looked(png(), b"a.mp4")

    assert (facts.kind, facts.mime, facts.outcome) == ("image", "image/png", Outcome.READ)


def test_a_type_that_nobody_reads_has_a_kind_and_no_more() -> None:
    facts = looked(b"glTF\2\0\0\0", b"chair.glb")

    assert facts == Facts("other", "model/gltf-binary", NOTHING, 1, Outcome.NOTHING)


def test_an_empty_file_is_what_it_is_called_and_no_more() -> None:
    assert looked(b"", b"a.png") == Facts("image", "image/png", NOTHING, 1, Outcome.NOTHING)


def test_a_file_that_is_not_what_it_claims_to_be_is_refused_with_the_reason() -> None:
    facts = looked(bytes(9), b"a.safetensors")

    assert (facts.kind, facts.outcome) == ("model", Outcome.REFUSED)
    assert facts.reason == "holds no JSON: Expecting value: line 1 column 1 (char 0)"
    assert facts.media == Media()


def test_of_a_file_that_breaks_off_what_was_found_is_kept() -> None:
    whole = models.tensors({"w": ("F32", (9,))}, {"modelspec.title": "Dusk"})

    facts = looked(whole[:-4], b"a.safetensors")

    assert facts.outcome == Outcome.PARTLY
    assert facts.more["title"] == "Dusk"
    assert facts.reason == "ends 4 bytes before its last tensor does"


@pytest.mark.parametrize(
    "find",
    [
        lambda found: setattr(found, "width", 0),
        lambda found: found.text("png:comment", "dusk"),
        lambda found: found.more.setdefault("title", ""),
        lambda found: setattr(found, "transcript", Transcript("text", "dusk")),
    ],
    ids=("a width", "a text", "a word", "a transcript"),
)
def test_anything_found_makes_it_partly(
    find: Callable[[Found], object], inspector: Callable[[Read], None]
) -> None:
    def read(_reader: Reader, found: Found) -> None:
        find(found)
        raise TooMuch("is endless")

    inspector(read)

    facts = looked(PICTURE, b"a.png")
    assert (facts.outcome, facts.reason) == (Outcome.PARTLY, "is endless")


@pytest.mark.parametrize("mistake", [KeyError("a"), RecursionError("deep"), MemoryError()])
def test_a_mistake_of_ours_costs_that_one_file(
    mistake: Exception, inspector: Callable[[Read], None]
) -> None:
    def read(_reader: Reader, _found: Found) -> None:
        raise mistake

    inspector(read)

    facts = looked(PICTURE, b"a.png")
    assert (facts.kind, facts.outcome) == ("image", Outcome.REFUSED)
    assert facts.reason == f"the png inspector failed: {type(mistake).__name__}: {mistake}"


def test_what_was_found_before_a_mistake_of_ours_is_kept(
    inspector: Callable[[Read], None],
) -> None:
    def read(_reader: Reader, found: Found) -> None:
        found.width = 48
        raise IndexError("out of range")

    inspector(read)

    facts = looked(PICTURE, b"a.png")
    assert (facts.outcome, facts.media.width) == (Outcome.PARTLY, 48)


def test_a_fault_of_the_disk_is_no_fault_of_the_file() -> None:
    def broken(_offset: int, _length: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        inspect(Reader(broken, 4096), b"a.png")


def test_a_fault_of_the_disk_later_on_is_none_either(inspector: Callable[[Read], None]) -> None:
    def read(_reader: Reader, _found: Found) -> None:
        raise OSError(errno.EIO, "Input/output error")

    inspector(read)

    with pytest.raises(OSError, match="Input/output error"):
        looked(PICTURE, b"a.png")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Malformed("tells its seed in words"), "tells its seed in words"),
        (ValueError("seed"), "the provenance reader failed: ValueError: seed"),
    ],
)
def test_an_origin_that_cannot_be_read_leaves_the_other_facts(
    trouble: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_found: Found) -> Provenance:
        raise trouble

    monkeypatch.setattr(module, "provenance_of", broken)

    facts = looked(png({"parameters": PROMPT}), b"a.png")
    assert (facts.outcome, facts.reason, facts.provenance) == (Outcome.PARTLY, reason, None)
    assert facts.media.width == 48


def test_the_content_may_tell_more_than_its_first_bytes() -> None:
    graph = content.as_json(content.UI_GRAPH)

    assert looked(graph, b"a.json").kind == "workflow"
    assert looked(graph, b"a.json").mime == "application/x-comfyui+json"


def test_a_newer_inspector_says_so(
    inspector: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions()

    inspector(lambda _reader, _found: None, 7)

    assert versions() == before | {"png": before["png"] + 6}
    assert looked(PICTURE, b"a.png").version == versions()["png"]


def test_when_all_inspectors_find_more_all_versions_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions()

    monkeypatch.setattr(module, "SHARED_VERSION", module.SHARED_VERSION + 1)

    assert versions() == {name: version + 1 for name, version in before.items()}
    assert looked(b"", b"a").version == versions()[NOTHING]


@given(
    some.binary(max_size=600)
    | some.sampled_from([data for make in content.FILES.values() for data in make().values()]),
    some.sampled_from([b"a", b"a.png", b"a.json", b"a.mp4", b"a.srt", b"a.zip", b"\xff.ckpt"]),
)
def test_it_never_fails(data: bytes, name: bytes) -> None:
    facts = looked(data, name)

    assert facts.kind in KINDS
    assert "inspector failed" not in facts.reason
    assert (facts.outcome in (Outcome.READ, Outcome.NOTHING)) == (facts.reason == "")
