"""Whatever JSON, subtitles and tables of contents say, what is kept of it fits where it is kept."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from storewarden.facts.content.told import tell
from storewarden.facts.found import Found
from storewarden.facts.inspect import inspect
from storewarden.facts.reader import Reader
from storewarden.facts.wire import pack, unpack
from storewarden.model import Facts
from tests.makers import models

KEYS = (
    *("segments", "text", "start", "end", "language", "result", "transcription", "chunks"),
    *("nodes", "links", "type", "class_type", "inputs", "prompt", "workflow", "scene", "metadata"),
    *("extractor", "webpage_url", "title", "description", "duration", "seed", "steps", "model"),
    *("__metadata__", "dtype", "shape", "data_offsets", "w", "modelspec.title", "parameters"),
)
any_text = some.text(some.characters(codec=None), max_size=20)  # halves of characters as well
leaves = (
    some.none() | some.booleans() | some.integers() | some.floats() | any_text
    | some.sampled_from(["F32", "en", "english", "KSampler"])
)  # fmt: skip
values = some.recursive(
    leaves,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(some.sampled_from(KEYS) | any_text, inner, max_size=6)
    ),
    max_leaves=25,
)


def looked(data: bytes, name: bytes) -> Facts:
    """Return the facts of a file, which must be as they may be kept."""
    facts = inspect(Reader.of_bytes(data), name)
    assert "failed" not in facts.reason
    for text in (facts.transcript.text if facts.transcript else "", facts.reason, *facts.more):
        text.encode()
        assert "\0" not in text
    for value in facts.more.values():
        assert len(str(value).encode()) <= 4 * 4000
    assert len(facts.more) <= 64
    assert unpack(json.loads(json.dumps(pack(facts)))) == facts
    return facts


@given(values)
def test_any_json_is_read(value: Any) -> None:
    looked(json.dumps(value).encode(), b"a.json")


@given(some.dictionaries(some.sampled_from(KEYS), values, min_size=1, max_size=8))
def test_any_object_under_the_names_that_we_know_is_read(value: dict[str, Any]) -> None:
    looked(json.dumps(value).encode(), b"a.json")


@given(some.dictionaries(some.sampled_from(KEYS), values, max_size=6))
def test_any_header_of_a_model_is_read_or_refused(value: dict[str, Any]) -> None:
    looked(models.header(value), b"a.safetensors")


lines = some.sampled_from(
    [
        *("WEBVTT", "1", "", "00:01.000 --> 00:02.000", "0:0:1.0,0:0:2.0", "[00:01.00]x", "{1}{2}"),
        *(
            "[Script Info]",
            "Dialogue: 0,0:0:1.0,0:0:2.0,,,,,,,x",
            "<tt xml:lang='en'>",
            "<p>",
            "</p>",
        ),
        *(
            "<i>word</i>",
            "&#9999999999;",
            "{\\i1}",
            "</",
            "<SYNC Start=1>",
            "<br/>",
            "Language: en",
        ),
    ]
)


@given(some.lists(lines | some.text(max_size=20), max_size=12), some.sampled_from(["\n", "\r\n"]))
def test_any_lines_are_subtitles_or_none(told: list[str], end: str) -> None:
    looked(end.join(told).encode("utf-8", "replace"), b"a.srt")


@given(some.lists(some.tuples(some.text(max_size=5), leaves), max_size=80))
def test_facts_stay_within_their_bounds(told: list[tuple[str, Any]]) -> None:
    found = Found()
    for key, value in told:
        tell(found, key, value)

    assert len(found.more) <= 64
    for value in found.more.values():
        assert value == value  # noqa: PLR0124  # a number
        assert not isinstance(value, str) or value.strip() == value != ""
        assert isinstance(value, str | bool) or abs(value) < 2**63
