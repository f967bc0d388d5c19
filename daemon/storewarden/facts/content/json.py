"""JSON: which of the files that programs leave beside media it is, and what that tells."""

from __future__ import annotations

from typing import Any, Final

from storewarden.facts.bounded import MOST_TEXT, parse_json
from storewarden.facts.content import transcripts
from storewarden.facts.content.decoded import decoded
from storewarden.facts.content.told import clean, tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Reader, TooMuch
from storewarden.model import Transcript

_GRAPH: Final = "application/x-comfyui+json"
_LONGEST: Final = 200
_DOWNLOAD: Final = frozenset({"extractor", "extractor_key", "webpage_url", "_type", "fulltitle"})
_DOWNLOADED: Final = {
    "id": "video.id",
    "title": "title",
    "duration": "video.seconds",
    "uploader": "author",
    "channel": "video.channel",
    "upload_date": "video.upload_date",
    "webpage_url": "video.url",
    "extractor_key": "video.site",
    "view_count": "video.views",
    "language": "language",
}
# How programs call what a picture was made with. Two of these are no accident.
_GENERATION: Final = frozenset(
    (
        *("prompt", "negative_prompt", "negativePrompt", "positive_prompt", "seed", "steps"),
        *("cfg_scale", "cfgScale", "guidance_scale", "guidance", "sampler", "sampler_name"),
        *("scheduler", "model", "model_name", "model_hash", "sd_model_name", "sd_model_hash"),
        *(
            "sampler_index",
            "num_inference_steps",
            "base_model",
            "baseModel",
            "loras",
            "all_prompts",
        ),
        *(
            "Prompt",
            "Negative Prompt",
            "Seed",
            "Steps",
            "Sampler",
            "Base Model",
            "uc",
            "c",
            "strength",
        ),
        *("trainedWords", "modelId", "revised_prompt", "generation_mode", "app_version"),
    )
)
# One of these is enough.
_SURE: Final = frozenset(
    (
        "sui_image_params",
        "invokeai_metadata",
        "sd-metadata",
        "infotexts",
        "parameters",
        "sdxl_style",
    )
)
_ENOUGH: Final = 2
_WORKFLOW: Final = ("workflow_id", "workflow", "workflow_name")
_SCENE: Final = ("scene", "scene_number", "scene_id")


def read(reader: Reader, found: Found) -> None:
    """Read all of it, and tell by its keys what wrote it."""
    if reader.size > MOST_TEXT:
        raise TooMuch(f"is JSON of {reader.size:,} bytes, of which at most {MOST_TEXT:,} are read")
    text = decoded(reader).text
    data = parse_json(text)
    tell(found, "json.entries", len(data) if isinstance(data, dict | list) else None)
    if isinstance(data, dict):
        _belonging(data, found)
        _told(data, text, found)
    elif transcripts.is_transcript(data):
        transcripts.read(data, found)
    elif isinstance(data, list) and data and isinstance(data[0], dict) and _was_generated(data[0]):
        found.text("json", text)


def _told(data: dict[str, Any], text: str, found: Found) -> None:
    """Tell which program wrote an object."""
    nodes = _nodes(data)
    if nodes:
        found.kind, found.mime = "workflow", _GRAPH
        tell(found, "workflow.nodes", nodes)
        found.text("json", text)
    elif transcripts.is_transcript(data):
        transcripts.read(data, found)
    elif len(_DOWNLOAD & data.keys()) >= _ENOUGH:
        _download(data, found)
    elif _was_generated(data):
        found.text("json", text)


def _nodes(data: dict[str, Any]) -> int:
    """Return how many nodes a ComfyUI graph has, as drawn or as run; 0 if it is none."""
    nodes = data.get("nodes")
    if isinstance(nodes, list) and isinstance(data.get("links"), list | dict):
        drawn = [node for node in nodes if isinstance(node, dict) and "type" in node]
        return len(drawn) if len(drawn) == len(nodes) else 0
    graph = data.get("prompt")  # as it is sent to the server
    for told in (data, graph if isinstance(graph, dict) else {}):
        run = [node for node in told.values() if isinstance(node, dict) and "class_type" in node]
        if run and all(isinstance(node.get("inputs"), dict) for node in run):
            return len(run)
    return 0


def _was_generated(data: dict[str, Any]) -> bool:
    nested = (data.get(key) for key in ("metadata", "meta", "image", "params", "parameters"))
    for told in (data, *(value for value in nested if isinstance(value, dict))):
        if _SURE & told.keys() or len(_GENERATION & told.keys()) >= _ENOUGH:
            return True
    return False


def _download(data: dict[str, Any], found: Found) -> None:
    """Keep what yt-dlp knows of a film; its description can be searched."""
    for key, fact in _DOWNLOADED.items():
        tell(found, fact, data.get(key))
    said = [data.get(key) for key in ("title", "description")]
    words = "\n".join(clean(part).strip() for part in said if isinstance(part, str))
    if words:
        found.transcript = Transcript("caption", words)


def _belonging(data: dict[str, Any], found: Found) -> None:
    """Keep the workflow and the scene that an application named, here or among its metadata."""
    metadata = data.get("metadata")
    for told in (data, metadata if isinstance(metadata, dict) else {}):
        found.workflow = found.workflow or _name(told, _WORKFLOW)
        found.scene = found.scene or _name(told, _SCENE)


def _name(told: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = told.get(key)
        if type(value) is int and abs(value) < 2**63:
            return str(value)
        if isinstance(value, str) and (name := clean(value).strip()) and len(name) <= _LONGEST:
            return name
    return None
