"""What is told of a sound or a moving picture is what ffprobe tells of it."""

import struct
import subprocess
from pathlib import Path

import pytest

from storewarden.facts.found import Found, Text
from storewarden.facts.inspect import inspect
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Reader
from storewarden.model import Facts, Outcome
from tests.ffprobe import differences, probed, stream
from tests.makers.media import NAMES, PROMPT, RECIPES, WORKFLOW, made

SEEN = ("isobmff/", "matroska/", "mpegts/", "mpegps/", "flv/", "y4m/")
# Samples beside pictures in AVI: ffprobe leaves them out of the length.
LEFT_OUT = {"riff/mjpeg-s16.avi"}


def facts(path: Path) -> Facts:
    data = path.read_bytes()
    return inspect(Reader.of_bytes(data), path.name.encode())


def texts(name: str) -> list[Text]:
    found = Found()
    INSPECTORS[name.partition("/")[0]].read(Reader.of_bytes(made(name).read_bytes()), found)
    return found.texts


@pytest.mark.parametrize("name", NAMES)
def test_every_container_tells_what_ffprobe_tells(name: str) -> None:
    path = made(name)
    found = facts(path)
    wrong = [
        one
        for one in differences(found, probed(path), path.stat().st_size)
        if not (name in LEFT_OUT and one.startswith("length"))
    ]

    assert (found.outcome, found.reason, wrong) == (Outcome.READ, "", [])
    assert found.inspector == name.partition("/")[0]


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
    told = stream(probed(path), "video")["pix_fmt"]

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


@pytest.mark.parametrize(
    ("turned", "corners"),
    [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))],
)
def test_a_turned_movie_tells_by_how_much(
    tmp_path: Path, turned: int, corners: tuple[int, int, int, int]
) -> None:
    data = bytearray(made("isobmff/h264-aac.mp4").read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    across, down = corners[:2], corners[2:]
    data[matrix : matrix + 8] = struct.pack(">ii", *(one << 16 for one in across))
    data[matrix + 12 : matrix + 20] = struct.pack(">ii", *(one << 16 for one in down))
    path = tmp_path / "turned.mp4"
    path.write_bytes(data)
    (told,) = [
        side["rotation"]
        for side in stream(probed(path), "video")["side_data_list"]
        if "rotation" in side
    ]

    assert facts(path).media.orientation == turned == -told % 360


def test_a_recording_whose_writer_could_not_go_back_tells_how_long_it_is() -> None:
    live = made("matroska/live.mkv")
    length = facts(live).media.duration_ns

    assert "duration" not in probed(live)["format"]
    assert length is not None
    assert length / 1e9 == pytest.approx(0.48, abs=0.06)


@pytest.mark.parametrize(
    "name", ["isobmff/two-sounds.mp4", "matroska/two-sounds.mkv", "riff/two-sounds.avi"]
)
def test_further_sounds_are_counted_and_leave_the_first_alone(name: str) -> None:
    found = facts(made(name))

    assert found.more["tracks.audio"] == 2
    assert found.media.codec == "mpeg4"


def test_words_that_many_containers_have_become_facts() -> None:
    for name in ("isobmff/h264-aac.mp4", "matroska/h264-aac.mkv", "ogg/vorbis.ogg", "riff/s16.wav"):
        assert str(facts(made(name)).more["title"]).startswith("A")


def test_who_wrote_a_file_becomes_a_fact(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    source = str(made("isobmff/h264-aac.mp4"))
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c", "copy", str(path)], check=True)

    assert str(facts(path).more["software"]).startswith("Lavf")


def test_primaries_are_told_beside_the_pixels() -> None:
    assert facts(made("isobmff/ten-bits.mp4")).media.colour == "yuv422p 10 bit bt2020"


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv"])
def test_when_a_movie_was_made_becomes_a_fact(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    source = str(made("isobmff/h264-aac.mp4"))
    command = ["ffmpeg", "-v", "error", "-i", source, "-c", "copy"]
    when = "creation_time=2024-05-01T10:00:00Z"
    subprocess.run([*command, "-metadata", when, str(path)], check=True)

    assert facts(path).more["created"] == "2024-05-01T10:00:00+00:00"


def test_an_encrypted_movie_tells_what_it_is_made_of(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    source = str(made("isobmff/h264-aac.mp4"))
    command = ["ffmpeg", "-v", "error", "-i", source, "-c", "copy", "-an"]
    command += ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 32]
    subprocess.run([*command, "-encryption_kid", "1" * 32, str(path)], check=True)

    assert facts(path).media.codec == "h264"
