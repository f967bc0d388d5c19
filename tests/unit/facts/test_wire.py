"""What leaves the inspecting process arrives as it was; what else arrives becomes no nonsense."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.facts.wire import NoAnswer, pack, parse, unpack
from storewarden.model import Facts, Lora, Media, Outcome, Provenance, Transcript

WHOLE = Facts(
    kind="image",
    mime="image/png",
    inspector="png",
    version=3,
    outcome=Outcome.PARTLY,
    reason="ends early",
    media=Media(width=1, height=2, duration_ns=3, fps=29.97, codec="png", pages=0),
    provenance=Provenance(
        tool="comfyui",
        understood=False,
        model="m",
        loras=(Lora("l", 0.5), Lora("k")),
        prompt="a lighthouse\nat dusk ü",
        seed=2**64 - 1,
        guidance=7.5,
        raw=b"\x00\xff",
    ),
    transcript=Transcript("subtitle", "words", "en"),
    workflow="w",
    scene="7",
    more={"a.b": 1, "c": "d", "e": True, "f": 0.5},
)


def travelled(facts: Facts) -> Facts:
    return unpack(parse(json.dumps(pack(facts)).encode()))


@pytest.mark.parametrize("facts", [WHOLE, Facts("other", "x/y", "none", 1, Outcome.NOTHING)])
def test_facts_arrive_as_they_left(facts: Facts) -> None:
    assert travelled(facts) == facts


def changed(path: str, value: object) -> Facts:
    message = pack(WHOLE)
    *way, last = path.split(".")
    inner: Any = message
    for key in way:
        inner = inner[key]
    inner[last] = value
    return unpack(parse(json.dumps(message).encode()))


@pytest.mark.parametrize("value", ["wide", True, 2**63, -1, [1], {}, None, 1.5])
def test_what_is_no_64_bit_integer_is_no_width(value: object) -> None:
    assert changed("media.width", value).media.width is None


def test_a_number_that_no_database_holds_is_not_told() -> None:
    assert changed("media.fps", math.inf).media.fps is None
    assert changed("media.fps", 10**400).media.fps is None
    assert changed("media.fps", -1.0).media.fps is None
    assert changed("provenance.seed", 10**50).provenance.seed is None  # type: ignore[union-attr]


def test_text_is_what_every_database_takes() -> None:
    provenance = changed("provenance.prompt", "a\0b\ud800c").provenance
    assert provenance is not None
    assert provenance.prompt == "ab?c"


def test_text_is_cut_where_it_is_too_long() -> None:
    provenance = changed("provenance.prompt", "x" * 1_000_000).provenance
    assert provenance is not None
    assert provenance.prompt is not None
    assert len(provenance.prompt) == 65_536
    assert len(changed("reason", "x" * 1_000_000).reason) == 4_000


def test_a_provenance_without_a_tool_is_none() -> None:
    assert changed("provenance.tool", 5).provenance is None


def test_there_are_never_more_than_so_many_further_facts() -> None:
    assert len(changed("more", {str(number): number for number in range(1000)}).more) == 64


@pytest.mark.parametrize("key", ["kind", "mime", "inspector", "version", "outcome"])
def test_an_answer_without_what_all_have_is_none(key: str) -> None:
    message = pack(WHOLE)
    del message[key]
    with pytest.raises(NoAnswer):
        unpack(message)


@pytest.mark.parametrize("answer", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_object_is_no_answer(answer: bytes) -> None:
    with pytest.raises(NoAnswer):
        unpack(parse(answer))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
NAMES = st.sampled_from([*pack(WHOLE), "media.width", "provenance.loras", "transcript.text"])


@given(NAMES, JSON)
def test_whatever_stands_in_an_answer_it_gives_facts_or_none(name: str, value: object) -> None:
    try:
        facts = changed(name, value)
    except NoAnswer:
        return
    assert travelled(facts) == facts
