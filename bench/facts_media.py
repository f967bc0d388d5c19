"""Facts of sounds and moving pictures: a folder of them, beside a call of ffprobe for each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.daemon import Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from storewarden.facts import wire
from tests.ffprobe import ASKED, differences
from tests.makers.media import PROMPT, make

_OF_FFPROBE = 0.2
_SECONDS = 4
_PICTURES = f"testsrc2=s=640x360:r=24:d={_SECONDS}"
_SOUND = f"sine=f=440:d={_SECONDS}:r=48000"
# What tools that make media write most. Each is encoded once, then copied with words of its own.
_FORMS = {
    "movie.mp4": "-c:v libx264 -preset veryfast -c:a aac -movflags use_metadata_tags",
    "late.mp4": "-c:v libx264 -preset veryfast -an",
    "quick.mp4": "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a aac",
    "parts.mp4": "-c:v libx264 -preset veryfast -c:a aac -movflags frag_keyframe+empty_moov",
    "clip.webm": "-c:v libvpx -deadline realtime -c:a libvorbis",
    "short.webm": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
    "mute.webm": "-c:v libvpx -deadline realtime -an",
    "voice.wav": "-vn -c:a pcm_s16le",
    "wide.wav": "-vn -c:a pcm_s24le -ac 2",
    "loud.wav": "-vn -c:a pcm_f32le",
}


def run(ground: Ground) -> list[Figure]:
    """Let both read the same files, in turns, and compare all they say."""
    for program in ("ffmpeg", "ffprobe"):
        if not shutil.which(program):
            raise Unmeasured(f"{program} is missing: apt install ffmpeg")
    files = max(len(_FORMS), ground.files // 2000)
    folder = ground.place("media")
    ground.say(f"making {files:,} movies and sounds")
    _make(ground.place("forms"), folder, files)
    ours = ground.directory / "ours.json"
    told: dict[str, bytes] = {}
    _look(folder, ours)  # once for nothing: the cache is warm from here on
    taken = in_turns(
        ground,
        f"facts of {files:,} movies and sounds",
        {"storewarden": lambda: _look(folder, ours), "ffprobe": lambda: _ask(folder, told)},
    )
    wrong = list(_wrong(folder, ours, told))
    for line in wrong:
        ground.say(line)
    return _figures(files, taken, files - len(wrong))


def _figures(files: int, taken: dict[str, float], equal: int) -> list[Figure]:
    return [
        Figure(
            f"facts of {files:,} MP4, WebM, WAV",
            Measured(taken["storewarden"], "s"),
            Measured(taken["ffprobe"], "s", "ffprobe, a call for each"),
            Target(f"≤ {_OF_FFPROBE} ×", taken["storewarden"] <= _OF_FFPROBE * taken["ffprobe"]),
        ),
        Figure(
            "a file, start of the process included",
            Measured(1000 * taken["storewarden"] / files, "ms"),
            Measured(1000 * taken["ffprobe"] / files, "ms", "ffprobe"),
        ),
        Figure(
            "with all that both tell equal",
            Measured(equal, "files"),
            Measured(files, "files", "read"),
            Target("all", equal == files),
        ),
    ]


def _make(forms: Path, folder: Path, files: int) -> None:
    """Encode each form once; give each file a prompt and a number of its own."""
    for name, options in _FORMS.items():
        make(forms / name, *options.split(), pictures=_PICTURES, sound=_SOUND)
    for number in range(files):
        form = list(_FORMS)[number % len(_FORMS)]
        stem, _, extension = form.partition(".")
        tags = ("-metadata", f"comment={number}", "-metadata", f"prompt={PROMPT}")
        command = ["ffmpeg", "-v", "error", "-i", str(forms / form), "-c", "copy", *tags]
        if "movflags" in _FORMS[form]:
            command += ["-movflags", _FORMS[form].rpartition(" ")[2]]
        subprocess.run([*command, str(folder / f"{stem}-{number:04}.{extension}")], check=True)


def _look(folder: Path, into: Path) -> float:
    began = time.monotonic()
    with into.open("wb") as output:
        command = [sys.executable, "-m", "bench.look", str(folder)]
        subprocess.run(command, stdout=output, check=True)
    return time.monotonic() - began


def _ask(folder: Path, told: dict[str, bytes]) -> float:
    """Let ffprobe tell of each file; only its own time counts."""
    paths = sorted(folder.iterdir())
    began = time.monotonic()
    for path in paths:
        told[path.name] = subprocess.run(
            [*ASKED, str(path)], check=True, capture_output=True
        ).stdout
    return time.monotonic() - began


def _wrong(folder: Path, ours: Path, told: dict[str, bytes]) -> Iterator[str]:
    """Yield the files of which both tell something different."""
    for line in ours.read_text().splitlines():
        one = json.loads(line)
        name = one["name"]
        size = (folder / name).stat().st_size
        found = list(differences(wire.unpack(one["facts"]), json.loads(told[name]), size))
        if found:
            yield f"{name}: {'; '.join(found)}"
