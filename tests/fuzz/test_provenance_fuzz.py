"""Nothing that a stranger writes where tools write hurts the readers of it."""

import importlib.util
import json
import shutil

import pytest

from storewarden.facts.found import Text
from storewarden.facts.provenance import raw
from tests.fuzz.slow_provenance import SLOW
from tests.fuzzing import LONG, QUICK, endure
from tests.makers import graphs, tools
from tests.makers.credentials import signed
from tests.missing import missing

_DEPTH = "[" * 4000
_BENT = ("bend_graph", "bend_record")  # broken in what they say, not in how it is written
_SEEDS: dict[str, list[str]] = {
    "read_a1111": [
        tools.A1111,
        tools.A1111_OLD,
        tools.FORGE,
        tools.SDNEXT,
        tools.CIVITAI,
        tools.FOOOCUS_A1111,
        'Steps: 1, Hashes: {"model": "a"}, Seed: 99999999999999999999999, Size: 1x1, a: "',
    ],
    "read_comfyui": [
        json.dumps(graphs.FLUX),
        "prompt:" + json.dumps(graphs.SERVICE),
        json.dumps(graphs.WAN_COMMENT),
        json.dumps({"1": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["1", 0]}}}),
        _DEPTH,
    ],
    "read_fooocus": [json.dumps(one) for one in (tools.FOOOCUS, tools.RUINED, tools.MRE)],
    "read_invokeai": [
        *(json.dumps(one) for one in (tools.INVOKE_5, tools.INVOKE_3, tools.INVOKE_2)),
        tools.DREAM,
    ],
    "read_swarmui": [json.dumps(tools.SWARM), json.dumps(tools.SWARM_LEGACY)],
    "read_novelai": [json.dumps(tools.NOVELAI_3), json.dumps(tools.NOVELAI_4)],
    "read_drawthings": [
        json.dumps(tools.DRAW_THINGS),
        tools.packet('xmp:CreatorTool="Draw Things"', "<exif:UserComment>{}</exif:UserComment>"),
    ],
    "read_midjourney": [tools.MIDJOURNEY, "--no --no --v Job ID: " + "0" * 36],
    "read_services": [
        tools.packet(f'Iptc4xmpExt:DigitalSourceType="{tools.SOURCE_TYPE}digitalCapture"'),
        tools.packet(
            'photoshop:Credit="Made with Google AI"',
            f'<a:DigitalSourceType rdf:resource="{tools.SOURCE_TYPE}print"/>',
        ),
    ],
    "read_records": [json.dumps(one) for one in (tools.DIFFUSERS, tools.WANGP, tools.EASY)],
    "read_trained": ['{"name": "ai-toolkit", "version": "0.3"}', "(1024, 1024)", "512x512", "42"],
}


def _endure(name: str, seeds: list[bytes], count: int) -> None:
    endure(f"tests.fuzz.provenance_targets:{name}", seeds, count)


def _bytes(name: str) -> list[bytes]:
    return [seed.encode() for seed in _SEEDS[name]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _SEEDS)
def test_a_reader_withstands_broken_texts(name: str) -> None:
    _endure(name, _bytes(name), QUICK)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _BENT)
def test_what_tools_write_may_be_bent_in_any_way(name: str) -> None:
    _endure(name, [b"a", b"lighthouse", b"at dusk"], QUICK)


@pytest.mark.timeout(300)
def test_what_was_kept_may_be_anything() -> None:
    packed = [
        raw.pack([Text("png:parameters", tools.A1111)]),
        raw.pack([Text("a", "b"), Text("a", "c")]),
        raw.pack([Text("a", "b" * 100_000)]),
    ]

    _endure("unpack", packed, QUICK)


@pytest.mark.timeout(300)
def test_credentials_may_be_broken() -> None:
    if not importlib.util.find_spec("c2pa"):
        missing("c2pa-python", "make setup")
    if not shutil.which("openssl"):
        missing("openssl", "apt install openssl")

    _endure("read_credentials", [signed("PNG"), signed("JPEG")], QUICK)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", _SEEDS)
def test_a_reader_withstands_a_million_broken_texts(name: str) -> None:
    _endure(name, _bytes(name), LONG)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", _BENT)
def test_a_million_things_may_be_bent(name: str) -> None:
    _endure(name, [b"a", b"lighthouse", b"at dusk"], LONG)


@pytest.mark.parametrize("slow", SLOW)
def test_a_text_made_to_take_long_is_given_up_in_time(slow: str) -> None:
    name, make = SLOW[slow]

    _endure(name, [make().encode()], 0)
