"""Facts of PNGs with prompts: a folder of them, beside one call of ExifTool over the same."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bench.daemon import Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from storewarden.facts import wire
from tests import exiftool
from tests.makers.images import written
from tests.makers.pictures_by_hand import with_chunk

_SIZE = (512, 512)
_SKETCHES = 16  # different pixels: nothing here reads them, and to pack each file's takes minutes
_OF_EXIFTOOL = 0.2
_SUBJECTS = ("lighthouse", "harbour", "old street", "portrait of a sailor", "storm over the sea")
_LIGHTS = ("at dusk", "in morning fog", "by candle light", "under northern lights")
_MODELS = ("dreamshaper_8", "sd_xl_base_1.0", "juggernautXL_v9", "epicrealism_naturalSin")


def run(ground: Ground) -> list[Figure]:
    """Let both read the same folder, in turns, and compare all they say."""
    files = ground.files // 100
    folder = ground.place("pngs")
    ground.say(f"making {files:,} PNGs with prompts")
    _make(folder, files)
    ours, theirs = ground.directory / "ours.json", ground.directory / "theirs.json"
    look = [sys.executable, "-m", "bench.look", str(folder)]
    ask = [_exiftool(), "-fast", "-json", "-q", str(folder)]
    _timed(look, ours)  # once for nothing: the cache is warm from here on
    taken = in_turns(
        ground,
        f"facts of {files:,} PNGs",
        {"storewarden": lambda: _timed(look, ours), "exiftool": lambda: _timed(ask, theirs)},
    )
    equal = _equal(ours, theirs)
    return [
        Figure(
            f"facts of {files:,} PNGs with prompts",
            Measured(taken["storewarden"], "s"),
            Measured(taken["exiftool"], "s", "exiftool -fast -json"),
            Target(f"≤ {_OF_EXIFTOOL} ×", taken["storewarden"] <= _OF_EXIFTOOL * taken["exiftool"]),
        ),
        Figure(
            "a file, start of the process included",
            Measured(1000 * taken["storewarden"] / files, "ms"),
            Measured(1000 * taken["exiftool"] / files, "ms", "exiftool"),
        ),
        Figure(
            "with all that both tell equal",
            Measured(equal, "files"),
            Measured(files, "files", "read"),
            Target("all", equal == files),
        ),
    ]


def _exiftool() -> str:
    if found := shutil.which("exiftool"):
        return found
    raise Unmeasured(f"exiftool is missing: apt install {exiftool.PACKAGE}")


def _make(folder: Path, files: int) -> None:
    """Write pictures as Automatic1111 does: its words stand before the pixels."""
    chance = random.Random(1)
    sketches = [_sketch() for _ in range(_SKETCHES)]
    for number in range(files):
        text = f"parameters\0{_words(chance, number)}".encode("latin-1")
        data = with_chunk(sketches[number % _SKETCHES], b"tEXt", text)
        (folder / f"{number:05}-{chance.getrandbits(32)}.png").write_bytes(data)


def _sketch() -> bytes:
    """Return a picture that packs as badly as what a model paints: about 120 KB."""
    noise = [Image.effect_noise((64, 64), 30).resize(_SIZE) for _ in "RGB"]
    return written(Image.merge("RGB", noise), "PNG")


def _words(chance: random.Random, number: int) -> str:
    return (
        f"{chance.choice(_SUBJECTS)} {chance.choice(_LIGHTS)}, masterpiece, <lora:sea:0.8>\n"
        "Negative prompt: blurry, text, watermark\n"
        f"Steps: {chance.randint(20, 50)}, Sampler: DPM++ 2M Karras, CFG scale: 7, "
        f"Seed: {chance.getrandbits(32)}, Size: 512x512, Model hash: {number:010x}, "
        f"Model: {chance.choice(_MODELS)}, Version: v1.9.4"
    )


def _timed(words: Sequence[str], into: Path) -> float:
    began = time.monotonic()
    with into.open("wb") as output:
        subprocess.run(words, stdout=output, check=True)
    return time.monotonic() - began


def _equal(ours: Path, theirs: Path) -> int:
    """Return in how many files all that both tell is equal, and that both read a prompt."""
    read = exiftool.by_name(theirs.read_bytes())
    equal = 0
    for line in ours.read_text().splitlines():
        one = json.loads(line)
        facts, other = wire.unpack(one["facts"]), read[one["name"]]
        texts = exiftool.kept(facts)
        same = not any(exiftool.differences(facts, other, texts))
        equal += same and texts["png:parameters"] == other["Parameters"]
    return equal
