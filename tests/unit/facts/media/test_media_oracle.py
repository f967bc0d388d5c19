"""What is told of a sound or a moving picture is what ffprobe tells of it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from storewarden.facts.found import Found, Text
from storewarden.facts.inspect import inspect
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Reader
from storewarden.model import Facts, Outcome
from tests.makers.media import NAMES, PROMPT, RECIPES, WORKFLOW, made, probed

SEEN = ("isobmff/", "matroska/", "mpegts/", "mpegps/", "flv/", "y4m/")
SLACK = 0.05  # seconds; of a length nobody knows better than that
# Samples beside pictures in AVI: ffprobe leaves them out of the length.
LEFT_OUT = {"riff/mjpeg-s16.avi"}


def facts(path: Path) -> Facts:
    data = path.read_bytes()
    return inspect(Reader.of_bytes(data), path.name.encode())


def texts(name: str) -> list[Text]:
    found = Found()
    INSPECTORS[name.partition("/")[0]].read(Reader.of_bytes(made(name).read_bytes()), found)
    return found.texts


def streams(probe: dict[str, Any], kind: str) -> dict[str, Any]:
    found = [one for one in probe["streams"] if one["codec_type"] == kind]
    return found[0] if found else {}


def rate(stream: dict[str, Any]) -> float:
    for name in ("avg_frame_rate", "r_frame_rate"):
        number, _, by = stream.get(name, "0/0").partition("/")
        if int(number) and int(by):
            return int(number) / int(by)
    return 0.0


@pytest.mark.parametrize("name", NAMES)
def test_every_container_tells_what_ffprobe_tells(name: str) -> None:
    path = made(name)
    found, probe = facts(path), probed(path)
    seen, heard = streams(probe, "video"), streams(probe, "audio")
    media = found.media

    assert (found.outcome, found.reason) == (Outcome.READ, "")
    assert found.inspector == name.partition("/")[0]
    assert found.kind == ("video" if seen else "audio")
    assert (media.width, media.height) == (seen.get("width"), seen.get("height"))
    assert media.codec == (seen or heard)["codec_name"]
    assert media.audio_codec == (heard.get("codec_name") if seen else None)
    if heard:
        assert (media.sample_rate, media.channels) == (
            int(heard["sample_rate"]),
            heard["channels"],
        )
    if media.fps:
        assert media.fps == pytest.approx(rate(seen), rel=1e-3)
    if media.frames and "nb_frames" in seen:
        assert media.frames == int(seen["nb_frames"])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LEFT_OUT])
def test_every_container_tells_how_long_it_is_and_its_bit_rate(name: str) -> None:
    path = made(name)
    media, probe = facts(path).media, probed(path)
    length = float(probe["format"]["duration"])
    slack = max(SLACK, 1 / media.fps if media.fps else 0)

    assert media.duration_ns is not None
    assert media.duration_ns / 1e9 == pytest.approx(length, abs=slack)
    assert media.bit_rate == pytest.approx(path.stat().st_size * 8e9 / media.duration_ns, abs=1)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in RECIPES
        if name.startswith(("isobmff/", "mpegts/")) and "-vn" not in RECIPES[name]
    ],
)
def test_colour_is_told_as_ffprobe_names_it_where_headers_tell_it(name: str) -> None:
    path = made(name)
    colour = facts(path).media.colour
    told = streams(probed(path), "video")["pix_fmt"]

    if colour:
        layout, depth = colour.split()[:2]
        plain = told.removesuffix("le").replace("yuvj", "yuv").replace("yuva", "yuv")
        assert plain == layout + (depth if int(depth) > 8 else "")


def test_what_comfyui_writes_into_a_movie_is_found_under_its_names() -> None:
    found = texts("isobmff/comfyui.mp4")

    assert ("mp4:prompt", PROMPT) in found
    assert ("mp4:workflow", WORKFLOW) in found


@pytest.mark.parametrize(
    ("name", "where", "text"),
    [
        ("isobmff/h264-aac.mp4", "mp4:comment", "hello"),
        ("isobmff/h264-aac.mp4", "mp4:title", "A\N{SNOWMAN}"),
        ("isobmff/prores-s16.mov", "mp4:comment", "hello"),
        ("isobmff/aac.m4a", "mp4:artist", "Nobody"),
        ("matroska/h264-aac.mkv", "mkv:COMMENT", "hello"),
        ("matroska/h264-aac.mkv", "mkv:TITLE", "A"),
        ("matroska/vp9-opus.webm", "mkv:PROMPT", "sea"),
        ("riff/mpeg4-mp3.avi", "riff:ICMT", "hello"),
        ("riff/s16.wav", "riff:ICMT", "hello"),
        ("riff/broadcast.wav", "bext:DESCRIPTION", "harbour"),
        ("flac/sound.flac", "vorbis:PROMPT", "sea"),
        ("ogg/vorbis.ogg", "vorbis:TITLE", "A"),
        ("mpegaudio/variable.mp3", "id3:TIT2", "A\N{SNOWMAN}"),
        ("mpegaudio/variable.mp3", "id3:TXXX:comment", "hello"),
        ("mpegaudio/slow.mp3", "id3:TIT2", "A"),
        ("flv/flv1-mp3.flv", "flv:comment", "hello"),
        ("asf/msmpeg4-wmav2.wmv", "asf:Title", "A"),
        ("caf/s16.caf", "caf:title", "A"),
        ("aiff/s16.aiff", "aiff:title", "A"),
        ("au/s16.au", "au:title", "A"),
    ],
)
def test_texts_are_found_where_ffmpeg_wrote_them(name: str, where: str, text: str) -> None:
    assert (where, text) in texts(name)


def test_a_turned_movie_tells_by_how_much(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    source = str(made("isobmff/h264-aac.mp4"))
    command = ["ffmpeg", "-v", "error", "-i", source, "-c", "copy"]
    subprocess.run([*command, "-metadata:s:v", "rotate=90", str(path)], check=True)
    (told,) = [
        side["rotation"]
        for side in streams(probed(path), "video")["side_data_list"]
        if "rotation" in side
    ]

    assert facts(path).media.orientation == -told % 360
