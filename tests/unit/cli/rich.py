"""What was found out about the files of the little catalogue, and some files more."""

import json
from typing import Any

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import sums
from storewarden.catalogue.told.sums import Called
from storewarden.catalogue.words import Words
from tests.unit.cli.conftest import FILE_COLUMNS, MINUTE, NOW

DAY = 1440 * MINUTE
PROMPT = "a cat asleep in a lighthouse at dusk,\noil on canvas, warm light"
SPOKEN = "The keeper lit the lamp at dusk. The ships saw the lighthouse, and came home."

MORE_FILES = (
    # id, directory, name, size, kind, digest
    (7, 2, b"film.en.srt", 240, "subtitle", 7),
    (8, 3, b"copy of cat.png", 1_499_990, "image", 1),
    (9, 3, b"old.png", 90_000, "image", 9),
)

FACT_COLUMNS = (
    *("file_id", "inspector", "version", "outcome", "reason", "mime", "width", "height", "frames"),
    *("duration_ns", "codec", "audio_codec", "bit_rate", "fps", "sample_rate", "channels"),
    *("colour", "orientation", "pages", "workflow_id", "scene_id", "more"),
)
PNG: dict[str, Any] = {
    "inspector": "png",
    "mime": "image/png",
    "width": 1024,
    "height": 768,
    "colour": "rgb 8 bit",
    "more": json.dumps({"camera.make": "Pinhole", "c2pa.present": True}),
}
FACTS: tuple[dict[str, Any], ...] = (
    {"file_id": 1, **PNG, "workflow_id": 1, "scene_id": 1},
    {
        "file_id": 2,
        "inspector": "png",
        "mime": "image/png",
        "outcome": "refused",
        "reason": "ends at byte 10, before the 25 bytes promised at 8",
    },
    {
        "file_id": 3,
        "inspector": "isobmff",
        "mime": "video/mp4",
        "width": 1920,
        "height": 1080,
        "frames": 2338,
        "duration_ns": 93_500_000_000,
        "codec": "h264",
        "audio_codec": "aac",
        "bit_rate": 275_000_000,
        "fps": 25.0,
        "sample_rate": 48_000,
        "channels": 2,
        "colour": "yuv420p 8 bit",
        "workflow_id": 1,
    },
    {"file_id": 6, "inspector": "none", "outcome": "nothing", "mime": "application/octet-stream"},
    {"file_id": 7, "inspector": "subtitle", "mime": "application/x-subrip"},
    {"file_id": 8, **PNG},
    {
        "file_id": 9,
        "inspector": "png",
        "outcome": "partly",
        "reason": "the chunk at byte 57 does not unpack",
        "mime": "image/png",
        "width": 512,
        "height": 512,
    },
)
EVERY_FACT = {"version": 1, "outcome": "read", "reason": "", "more": "{}"}

PROMPT_COLUMNS = (
    *("file_id", "tool", "understood", "tool_version", "model", "model_hash", "loras", "prompt"),
    *("negative", "seed", "steps", "sampler", "scheduler", "guidance", "width", "height"),
    *("source_type", "raw"),
)
PAINTED: dict[str, Any] = {
    "tool": "comfyui",
    "tool_version": "0.3.44",
    "model": "flux1-dev",
    "model_hash": "875df240c1",
    "loras": json.dumps([{"name": "oil paint", "weight": 0.8}, {"name": "grain", "weight": None}]),
    "prompt": PROMPT,
    "negative": "blurry, storm",
    "seed": str(2**63 + 42),
    "steps": 28,
    "sampler": "euler",
    "scheduler": "simple",
    "guidance": 3.5,
    "width": 512,
    "height": 384,
    "source_type": "trainedAlgorithmicMedia",
}
PROMPTS: tuple[dict[str, Any], ...] = (
    {"file_id": 1, **PAINTED},
    {"file_id": 8, **PAINTED},
    {"file_id": 9, "tool": "fooocus", "understood": 0},
)
EVERY_PROMPT = {"understood": 1, "loras": "[]"}


SECOND = 10**9
CALLS = (
    *[
        Called(
            *(NOW - day * DAY, "openai", "USD", 1, day == 3, "gpt-4o"),
            workflow="story",
            tokens_in=900 + 37 * day,
            tokens_out=200 + 11 * day,
            cost_nano=None if day == 3 else 4_250_000 + 110_000 * day,
            duration_ns=(900 + 130 * day) * 1_000_000,
        )
        for day in range(9)
    ],
    Called(NOW, "runway", "EUR", 2, False, "gen-4", cost_nano=SECOND // 2, duration_ns=41 * SECOND),
    Called(NOW, "ollama", "USD", 3, False, "llama3", tokens_in=3_000, tokens_out=512),
)


def fill_facts(engine: Engine) -> None:
    """A picture with a prompt and its copy, a film with subtitles, a broken and a refused file."""
    roots = {row[0]: row[1] for row in engine.execute("SELECT id, host_id FROM roots")}
    host = next(iter(roots.values()))
    with engine.transaction():
        sums.add(engine, host, CALLS)
        engine.insert("files", FILE_COLUMNS, [_file(*one) for one in MORE_FILES])
        outputs, uploads = sorted(roots)
        more = [(outputs, "subtitle", 1, 240), (uploads, "image", 2, 1_589_990)]
        totals = ("root_id", "kind", "files", "bytes", "state")
        engine.insert("totals", totals, [(*one, "present") for one in more])
        seen = ("name", "first_seen_ns", "last_seen_ns")
        engine.insert("workflows", ("id", "host_id", *seen), [(1, host, "story", NOW - DAY, NOW)])
        scene = ("id", "host_id", "workflow_id", *seen)
        engine.insert("scenes", scene, [(1, host, 1, "3", NOW - DAY, NOW)])
        engine.insert("facts", FACT_COLUMNS, _rows(FACT_COLUMNS, FACTS, EVERY_FACT))
        engine.insert("prompts", PROMPT_COLUMNS, _rows(PROMPT_COLUMNS, PROMPTS, EVERY_PROMPT))
        spoken = [(7, "subtitle", "en", SPOKEN)]
        engine.insert("transcripts", ("file_id", "role", "language", "text"), spoken)
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(7, 3, "subtitle")])
        engine.insert(
            "usage", ("file_id", "last_ns", "opens", "writes"), [(1, NOW - MINUTE, 12, 1)]
        )
        looked = [one["file_id"] for one in FACTS]
        for number in looked:
            engine.execute("UPDATE files SET inspected_ns = ? WHERE id = ?", (NOW, number))
        Words(engine).index([*looked, 4, 5])


def copies(engine: Engine, number: int = 2) -> None:
    """Some more files with the content of the one with the odd name."""
    more = [(10, 2, b"tab\there", 10, "other", 2), (11, 3, b"small", 10, "other", 2)]
    more += [(at, 2, b"small %d" % at, 10, "other", 2) for at in range(12, 10 + number)]
    with engine.transaction():
        engine.insert("files", FILE_COLUMNS, [_file(*one) for one in more])


def _file(
    number: int, directory: int, name: bytes, size: int, kind: str, digest: int
) -> tuple[Any, ...]:
    return (
        *(number, directory, name, 1000 + number, 0o100644, 1, 1000, 1000, size, size // 512 + 1),
        *(NOW, NOW - number * MINUTE, NOW, kind, "present", 0, 1, NOW - 9 * MINUTE, NOW, None),
        *(bytes([digest]) * 32, NOW),
    )


def _rows(
    columns: tuple[str, ...], given: tuple[dict[str, Any], ...], every: dict[str, Any]
) -> list[tuple[Any, ...]]:
    return [tuple({**every, **one}.get(column) for column in columns) for one in given]
