"""What ffprobe tells of a sound or a moving picture, and where we tell something else."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storewarden.model import Facts, Media

Told = dict[str, Any]

ASKED = ("ffprobe", "-v", "quiet", "-print_format", "json", "-show_format", "-show_streams")
SLACK = 0.05  # seconds; a length may differ by a frame as well
_OF_RATE = 1e-3


def probed(path: Path) -> Told:
    """Return what ffprobe tells of a file."""
    done = subprocess.run([*ASKED, str(path)], check=True, capture_output=True)
    found: Told = json.loads(done.stdout)
    return found


def stream(told: Told, kind: str) -> Told:
    """Return the first stream of a kind, ``video`` or ``audio``; {} when there is none."""
    return next((one for one in told["streams"] if one["codec_type"] == kind), {})


def differences(facts: Facts, told: Told, size: int) -> Iterator[str]:
    """Yield in words what both tell and tell differently."""
    media = facts.media
    seen, heard = stream(told, "video"), stream(told, "audio")
    yield from _differ("kind", facts.kind, "video" if seen else "audio")
    yield from _differ("codec", media.codec, (seen or heard).get("codec_name"))
    yield from _differ("width", media.width, seen.get("width"))
    yield from _differ("height", media.height, seen.get("height"))
    if seen:
        yield from _differ("audio codec", media.audio_codec, heard.get("codec_name"))
        rate = _rate(seen)
        if media.fps and rate and abs(media.fps / rate - 1) > _OF_RATE:
            yield f"fps: {media.fps}, not {rate}"
        if media.frames and "nb_frames" in seen:
            yield from _differ("frames", media.frames, int(seen["nb_frames"]))
    if heard:
        yield from _differ("sample rate", media.sample_rate, int(heard["sample_rate"]))
        yield from _differ("channels", media.channels, heard["channels"])
    yield from _length(media, told, size)


def _differ(name: str, ours: object, theirs: object) -> Iterator[str]:
    if ours != theirs:
        yield f"{name}: {ours}, not {theirs}"


def _rate(seen: Told) -> float:
    for name in ("avg_frame_rate", "r_frame_rate"):
        number, _, by = seen.get(name, "0/0").partition("/")
        if int(number) and int(by):
            return int(number) / int(by)
    return 0.0


def _length(media: Media, told: Told, size: int) -> Iterator[str]:
    length = told["format"].get("duration")
    if length is None:
        return
    ours = (media.duration_ns or 0) / 1e9
    if abs(ours - float(length)) > max(SLACK, 1 / media.fps if media.fps else 0):
        yield f"length: {ours} s, not {length} s"
    if not ours or media.bit_rate is None or abs(media.bit_rate - size * 8 / ours) > 1:
        yield f"bit rate: {media.bit_rate}, which is not size by length"
