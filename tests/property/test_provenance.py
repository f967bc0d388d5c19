"""What was written by the rules of a tool is read as it was meant, whatever words are in it."""

import json
import string
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as some

from storewarden.facts.found import Found, Text
from storewarden.facts.provenance import provenance_of, raw
from storewarden.facts.provenance.infotext import NEGATIVE, parse
from storewarden.facts.provenance.values import real, size, text, whole
from storewarden.facts.provenance.xmp import Packet, source_type
from storewarden.model import Provenance
from tests.makers.graphs import node

lines = some.text(
    some.characters(
        exclude_categories=["Cs"], exclude_characters="\n\r\0\v\f\x1c\x1d\x1e\x85\u2028\u2029"
    )
).map(str.strip)
prompts = some.lists(lines.filter(lambda line: not line.startswith(NEGATIVE)), max_size=5).map(
    "\n".join
)
names = some.text(string.ascii_letters, min_size=1, max_size=12)
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=20,
)


def quoted(value: str) -> str:
    """Write a value as the web UI does."""
    if not any(one in value for one in ',\n:"'):
        return value
    return json.dumps(value, ensure_ascii=False)


def known(where: str, content: str) -> Provenance:
    found = Found()
    found.text(where, content)
    provenance = provenance_of(found)
    assert provenance is not None
    return provenance


@example("{", "", 0, "0", 1)
@example("[red|blue] car", "{fog}", 0, "{", 1)
@example("", "\nNegative template:", 0, "0", 1)
@given(prompts, prompts, some.integers(0, 2**80), lines.filter(bool), some.integers(1, 2**15))
def test_an_infotext_is_read_as_it_was_written(
    prompt: str, negative: str, seed: int, model: str, width: int
) -> None:
    settings = f"Steps: 20, Note: {quoted(model)}, Seed: {seed}, Size: {width}x8, Version: v1.10.1"
    written = f"{prompt}\n{NEGATIVE} {negative}\n{settings}"

    found = parse(written)

    assert found is not None
    assert found.prompt == prompt.strip("\0 \t\n").strip()
    assert found.negative == negative.strip()
    assert found.settings["Note"] == (model if quoted(model) != model else model.strip())
    provenance = known("png:parameters", written)
    assert (provenance.seed, provenance.width, provenance.height) == (seed, width, 8)


@given(some.dictionaries(names, lines, min_size=3, max_size=20))
def test_every_setting_is_found_by_its_name(settings: dict[str, str]) -> None:
    line = ", ".join(f"{name}: {json.dumps(value)}" for name, value in settings.items())

    found = parse(f"a lighthouse\n{line}")

    assert found is not None
    assert found.settings == settings


@given(
    some.text(some.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
    some.lists(
        some.sampled_from(["ConditioningSetArea", "AcmePass", "ControlNetApplyAdvanced"]),
        max_size=30,
    ),
    some.lists(some.sampled_from(["LoraLoader", "ModelSamplingFlux", "AcmePatch"]), max_size=30),
)
def test_words_and_models_are_found_through_any_number_of_nodes(
    words: str, passing: list[str], patches: list[str]
) -> None:
    graph: dict[str, Any] = {
        "encoder": node("CLIPTextEncode", text=words, clip=["loader", 1]),
        "loader": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "save": node("SaveImage", images=["sampler", 0]),
    }
    words_at, model_at = "encoder", "loader"
    for number, kind in enumerate(passing):
        name = "positive" if kind == "ControlNetApplyAdvanced" else "conditioning"
        graph[f"c{number}"] = node(kind, **{name: [words_at, 0]}, strength=1.0)
        words_at = f"c{number}"
    for number, kind in enumerate(patches):
        lora = {"lora_name": f"lora{number}.safetensors"} if kind == "LoraLoader" else {}
        graph[f"m{number}"] = node(kind, model=[model_at, 0], strength_model=0.5, **lora)
        model_at = f"m{number}"
    graph["sampler"] = node(
        "KSampler",
        seed=1,
        steps=20,
        cfg=7,
        sampler_name="euler",
        positive=[words_at, 0],
        negative=["nowhere", 0],
        model=[model_at, 0],
        latent_image=["nowhere", 0],
    )

    provenance = known("png:prompt", json.dumps(graph))

    assert provenance.prompt == words.strip()
    assert provenance.model == "base"
    assert len(provenance.loras) == patches.count("LoraLoader")


@given(some.lists(some.tuples(some.text(min_size=1), some.text()), max_size=8))
def test_texts_are_kept_as_they_were(told: list[tuple[str, str]]) -> None:
    kept = raw.unpack(raw.pack(Text(*one) for one in told))

    assert sorted(kept.values()) == sorted(one for _, one in told)


@given(anything)
def test_any_value_is_a_number_and_a_text_or_none(value: Any) -> None:
    number, seed, words = real(value), whole(value), text(value)

    assert number is None or abs(number) < float("inf")
    assert seed is None or (type(seed) is int and seed >= 0)
    assert words is None or (words and "\0" not in words)
    assert all(one is None or one > 0 for one in size(value))


@given(anything)
def test_any_json_anywhere_is_read_without_a_mistake(value: Any) -> None:
    found = Found()
    for where in ("png:prompt", "png:workflow", "png:parameters", "json", "png:Comment", "xmp"):
        found.text(where, json.dumps(value))

    provenance_of(found)


@given(some.text())
def test_any_text_anywhere_is_read_without_a_mistake(content: str) -> None:
    found = Found()
    for where in ("png:parameters", "png:Dream", "png:Description", "xmp", "exif:Model"):
        found.text(where, content)

    provenance_of(found)


@given(lines, some.sampled_from(["<a:Credit>{}</a:Credit>", '<x a:Credit="{}"/>']))
def test_a_property_of_a_packet_is_read_however_it_is_written(said: str, form: str) -> None:
    escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")

    assert (Packet(form.format(escaped)).value("Credit") or "") == said


@given(some.text(string.ascii_letters, min_size=1, max_size=40))
def test_the_source_type_is_the_last_part_of_its_address(word: str) -> None:
    packet = f'<x a:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{word}"/>'

    assert source_type(packet) == word
