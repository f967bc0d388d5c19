"""Texts that are made to take long: each as large as a text may be, each for another reader."""

import json
from collections.abc import Callable
from typing import Any

from tests.makers.graphs import node

_MOST = 4_000_000


def _chain(kind: str, name: str, count: int, **more: Any) -> dict[str, Any]:
    """Return a sampler before which nodes of a kind stand in a row, the last of them a circle."""
    graph = {str(n): node(kind, **{name: [str((n + 1) % count), 0]}, **more) for n in range(count)}
    graph["s"] = node(
        "KSampler",
        seed=["0", 0],
        steps=["0", 0],
        cfg=["0", 0],
        sampler_name=["0", 0],
        scheduler=["0", 0],
        positive=["0", 0],
        negative=["0", 0],
        model=["0", 0],
        latent_image=["0", 0],
    )
    graph["o"] = node("SaveImage", images=["s", 0])
    return graph


def _doubling() -> dict[str, Any]:
    graph = {
        str(n): node(
            "StringConcatenate",
            string_a=[str(n + 1), 0],
            string_b=[str(n + 1), 0],
            delimiter=", ",
        )
        for n in range(60)
    }
    graph["60"] = node("PrimitiveString", value="a lighthouse")
    graph["c"] = node("CLIPTextEncode", text=["0", 0])
    return graph | {
        "s": node("KSampler", seed=1, steps=1, cfg=1, sampler_name="a", positive=["c", 0]),
        "o": node("SaveImage", images=["s", 0]),
    }


def _endings() -> dict[str, Any]:
    graph = _chain("Blend", "image", 18_000)
    del graph["s"], graph["o"]
    return graph | {f"o{n}": node("SaveImage", images=["0", 0]) for n in range(18_000)}


def _samplers() -> dict[str, Any]:
    count = 9_000
    graph = {
        str(n): node(
            "KSampler",
            seed=n,
            steps=1,
            cfg=1,
            positive=[str(n + 1), 0],
            latent_image=[str(n + 1), 0],
            model=["x", 0],
        )
        for n in range(count)
    }
    graph["o"] = node("SaveImage", images=["0", 0])
    return graph


def _drawn(nodes: list[Any], links: list[Any], **more: Any) -> dict[str, Any]:
    return {"nodes": nodes, "links": links, **more}


def _subgraphs_in_themselves() -> dict[str, Any]:
    inner = {
        "id": "a",
        "nodes": [{"id": n, "type": "a"} for n in range(40)],
        "links": [[n, n, 0, -20, n % 3, "*"] for n in range(60_000)],
        "inputs": [],
    }
    nodes = [{"id": n, "type": "a"} for n in range(40)]
    return _drawn(
        [*nodes, _drawn_sampler()], [[1, 0, 0, 99, 0, "*"]], definitions={"subgraphs": [inner]}
    )


def _drawn_sampler() -> dict[str, Any]:
    inputs = [
        {"name": name, "link": 1} for name in ("model", "positive", "negative", "latent_image")
    ]
    return {
        "id": 99_999,
        "type": "KSampler",
        "inputs": inputs,
        "widgets_values": [1, "fixed", 20, 7, "euler", "normal", 1],
    }


def _reroutes() -> dict[str, Any]:
    count = 20_000
    nodes = [{"id": n, "type": "Reroute", "inputs": [{"link": n + 1}]} for n in range(count)]
    links = [[n + 1, n + 1, 0, n, 0, "*"] for n in range(count)]
    users = [
        {"id": count + n, "type": "SaveImage", "inputs": [{"name": "images", "link": 1}]}
        for n in range(9_000)
    ]
    return _drawn([*nodes, *users, _drawn_sampler()], links)


def _groups() -> dict[str, Any]:
    group = {"nodes": [{"type": "x"}] * 20_000, "links": [[0, 0, 1, 0]] * 20_000}
    nodes = [{"id": n, "type": "workflow>g"} for n in range(2_000)]
    return _drawn([*nodes, _drawn_sampler()], [], extra={"groupNodes": {"g": group}})


def _wide_bypass() -> dict[str, Any]:
    wide = {"id": 0, "type": "x", "mode": 4, "inputs": [{}] * 500_000, "outputs": [{"type": "y"}]}
    users = [
        {"id": n, "type": "SaveImage", "inputs": [{"name": "images", "link": 1}]}
        for n in range(1, 9_000)
    ]
    return _drawn([wide, *users, _drawn_sampler()], [[1, 0, 0, 1, 0, "y"]])


def _text(told: dict[str, Any]) -> str:
    text = json.dumps(told, separators=(",", ":"))
    assert len(text) <= _MOST, len(text)
    return text


# Which reader of provenance_targets, and what it is given.
SLOW: dict[str, tuple[str, Callable[[], str]]] = {
    "a chain of conditionings": (
        "read_comfyui",
        lambda: _text(_chain("ConditioningSetArea", "conditioning", 30_000)),
    ),
    "a chain of models": ("read_comfyui", lambda: _text(_chain("ModelPatch", "model", 30_000))),
    "a chain of strings": ("read_comfyui", lambda: _text(_chain("Text", "text", 30_000))),
    "joins of joins": ("read_comfyui", lambda: _text(_doubling())),
    "endings without a sampler": ("read_comfyui", lambda: _text(_endings())),
    "samplers in a row": ("read_comfyui", lambda: _text(_samplers())),
    "subgraphs in themselves": ("read_workflow", lambda: _text(_subgraphs_in_themselves())),
    "reroutes": ("read_workflow", lambda: _text(_reroutes())),
    "groups": ("read_workflow", lambda: _text(_groups())),
    "a wide bypass": ("read_workflow", lambda: _text(_wide_bypass())),
    "a depth of lists": ("read_comfyui", lambda: "[" * _MOST),
    "a depth of objects": ("read_records", lambda: '{"prompt":' * (_MOST // 10)),
    "a number of a million digits": (
        "read_records",
        lambda: '{"prompt": "a", "seed": ' + "9" * 1_000_000 + "}",
    ),
    "quotes that never end": ("read_a1111", lambda: "Steps: 1, " + 'a: "x, ' * (_MOST // 7 - 2)),
    "escapes that never end": ("read_a1111", lambda: 'Steps: 1, a: "' + "\\" * (_MOST - 20)),
    "a line of words": ("read_a1111", lambda: "Steps: " + "a b " * (_MOST // 4 - 2)),
    "a line of colons": ("read_a1111", lambda: "Steps: " + "a:" * (_MOST // 2 - 4)),
    "lists that never end": ("read_a1111", lambda: "Steps: 1, " + "a:[0," * (_MOST // 5 - 2)),
    "lists in lists": ("read_a1111", lambda: "Steps: 1, a:" + "[" * (_MOST - 20)),
    "lines of settings": ("read_a1111", lambda: "Steps: 1\n" * (_MOST // 9)),
    "tags of LoRAs": (
        "read_a1111",
        lambda: "<lora:" * (_MOST // 6 - 20) + "\nSteps: 1, Seed: 1, Size: 1x1",
    ),
    "white space": ("read_a1111", lambda: "Steps:" + " " * (_MOST - 10) + "1"),
    "brackets": ("read_invokeai", lambda: '"' + "[" * (_MOST - 20) + '" -s 50'),
    "flags": ("read_midjourney", lambda: "--a" * (_MOST // 3 - 20) + "Job ID: " + "0" * 36),
    "dashes and space": (
        "read_midjourney",
        lambda: " --" * (_MOST // 3 - 20) + "Job ID: " + "0" * 36,
    ),
    "properties": ("read_services", lambda: "<a:DigitalSourceType " * (_MOST // 21)),
    "entities": (
        "read_services",
        lambda: '<a:DigitalSourceType="' + "&amp" * (_MOST // 4 - 10) + '"',
    ),
}
