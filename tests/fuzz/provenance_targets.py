"""What is fuzzed of provenance: a function a reader, each fed with one stranger's text."""

import copy
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from storewarden.facts.found import Found, Text
from storewarden.facts.provenance import (
    TOOLS,
    a1111,
    comfyui,
    credentials,
    drawthings,
    fooocus,
    invokeai,
    midjourney,
    novelai,
    provenance_of,
    raw,
    records,
    services,
    swarmui,
    trained,
)
from storewarden.facts.provenance.texts import Texts
from storewarden.facts.reader import Reader
from storewarden.model import Provenance
from tests.makers import graphs, tools

Read = Callable[[Texts], Provenance | None]


def _read(reader: Read, data: bytes, *where: str) -> None:
    text = data.decode("utf-8", "replace")
    for one in where:
        sound(reader(Texts([Text(one, text)], {})))


def sound(told: Provenance | None) -> None:
    """Fail unless a provenance holds what it promises."""
    if told is None:
        return
    assert told.tool in TOOLS
    for one in (told.prompt, told.negative, told.model, told.sampler, told.tool_version):
        assert one is None or (one and "\0" not in one and one.encode("utf-8"))
    assert told.seed is None or (type(told.seed) is int and 0 <= told.seed < 10**40)
    for number in (told.steps, told.width, told.height):
        assert number is None or (type(number) is int and 0 < number < 2**31)
    assert told.guidance is None or abs(told.guidance) < float("inf")
    assert len(told.loras) <= 64


def read_a1111(data: bytes) -> None:
    _read(a1111.read, data, "png:parameters")


def read_comfyui(data: bytes) -> None:
    _read(comfyui.read, data, "png:prompt", "exif:Model")


def read_workflow(data: bytes) -> None:
    _read(comfyui.read, data, "png:workflow")


def read_fooocus(data: bytes) -> None:
    _read(fooocus.read, data, "png:parameters")


def read_invokeai(data: bytes) -> None:
    _read(invokeai.read, data, "png:invokeai_metadata", "png:sd-metadata", "png:Dream")


def read_swarmui(data: bytes) -> None:
    _read(swarmui.read, data, "png:parameters")


def read_novelai(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    sound(novelai.read(Texts([Text("png:Software", "NovelAI"), Text("png:Comment", text)], {})))


def read_drawthings(data: bytes) -> None:
    _read(drawthings.read, data, "xmp", "exif:UserComment")


def read_midjourney(data: bytes) -> None:
    _read(midjourney.read, data, "png:Description")


def read_services(data: bytes) -> None:
    _read(services.read, data, "xmp")


def read_records(data: bytes) -> None:
    _read(records.read, data, "json")


def read_trained(data: bytes) -> None:
    names = ("software", "ss_resolution", "ss_seed", "modelspec.resolution")
    _read(trained.read, data, *(f"safetensors:{name}" for name in names))


def read_credentials(data: bytes) -> None:
    found = Found()
    credentials.read(Reader.of_bytes(data), found)
    assert all(key.startswith("c2pa.") for key in found.more)


def unpack(data: bytes) -> None:
    raw.unpack(data)


_GRAPHS = (
    graphs.SDXL,
    graphs.SDXL_DRAWN,
    graphs.FLUX,
    graphs.SUBGRAPH_DRAWN,
    graphs.GROUP_DRAWN,
    graphs.WAN,
    graphs.SERVICE,
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**64,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "words",
    "\ud800\0",
    [],
    {},
    ["3", 0],
    ["20", 1],
    [1, 0],
    4,
    2,
    -10,
    -20,
    "workflow>Prompts",
    "Reroute",
    "KSampler",
    [[[]]],
    {"a": {"b": []}},
)


_RECORDS = (
    tools.FOOOCUS,
    tools.RUINED,
    tools.MRE,
    tools.INVOKE_5,
    tools.INVOKE_3,
    tools.INVOKE_2,
    tools.SWARM,
    tools.SWARM_LEGACY,
    tools.NOVELAI_3,
    tools.NOVELAI_4,
    tools.DRAW_THINGS,
    tools.EASY,
    tools.WANGP,
    tools.DIFFUSERS,
    {"info": json.dumps({"infotexts": [tools.A1111]}), "parameters": {}},
    {"Software": "NovelAI", "Source": "NovelAI", "Comment": json.dumps(tools.NOVELAI_4)},
)
_PLACES = ("png:parameters", "png:Comment", "json", "png:invokeai_metadata", "png:sd-metadata")


def bend_graph(data: bytes) -> None:
    """Change a graph in its parts, as the bytes decide, and read it."""
    dice = random.Random(zlib.crc32(data))
    _told(_bent(_GRAPHS, dice), "png:workflow")


def bend_record(data: bytes) -> None:
    """Change what another tool wrote in its parts, as the bytes decide, and read it."""
    dice = random.Random(zlib.crc32(data))
    _told(_bent(_RECORDS, dice), dice.choice(_PLACES))


def _told(graph: Any, where: str) -> None:
    found = Found()
    found.text(where, json.dumps(graph))
    sound(provenance_of(found))


def _bent(choices: tuple[Any, ...], dice: random.Random) -> Any:
    whole = json.loads(json.dumps(dice.choice(choices)))
    for _ in range(dice.choice((1, 1, 2, 3, 5, 8))):
        _bend(whole, dice)
    return whole


def _bend(part: Any, dice: random.Random) -> None:
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            return
        key = dice.choice(keys)
        inner = part[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.8:
            part = inner
            continue
        kind = dice.randrange(4)
        if kind == 0 and isinstance(part, dict):
            del part[key]
        elif kind == 1:
            part[key] = copy.deepcopy(part[dice.choice(keys)])
        else:
            part[key] = copy.deepcopy(dice.choice(_VALUES))
        return
