"""Sounds and moving pictures as ffmpeg writes them: small, short, each made once per session."""

import functools
import re
import shutil
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

from tests.missing import missing

PROMPT = '{"3": {"class_type": "KSampler", "inputs": {"seed": 42, "steps": 20}}}'
WORKFLOW = '{"nodes": [], "links": []}'

# What goes into every file, unless its recipe says -an, -vn or another rate.
PICTURES = "testsrc2=s=64x48:r=25:d=0.48"
SOUND = "sine=f=440:d=0.48:r=44100"

# Names with options; the extension decides on the container, the inspector is before the slash.
RECIPES = {
    "isobmff/h264-aac.mp4": (
        "-c:v libx264 -c:a aac -metadata comment=hello -metadata title=A\N{SNOWMAN}"
    ),
    "isobmff/comfyui.mp4": "-c:v libx264 -c:a aac -movflags use_metadata_tags+faststart",
    "isobmff/fragmented.mp4": "-c:v libx264 -g 5 -c:a aac -movflags frag_keyframe+empty_moov",
    "isobmff/dash.mp4": "-c:v libx264 -g 5 -c:a aac -movflags dash",
    "isobmff/unindexed.mp4": (
        "-c:v libx264 -g 5 -an -movflags frag_keyframe+empty_moov+skip_trailer"
    ),
    # A filter says it: ffmpeg 7 asks the pictures, and what -color_primaries says is lost.
    "isobmff/ten-bits.mp4": (
        "-vf setparams=color_primaries=bt2020 -c:v libx264 -pix_fmt yuv422p10le -c:a ac3"
    ),
    "isobmff/hevc-alac.mov": "-c:v libx265 -x265-params log-level=none -c:a alac",
    "isobmff/hevc-eac3.mp4": "-c:v libx265 -x265-params log-level=none -c:a eac3 -ac 2",
    "isobmff/av1-opus.mp4": "-c:v libaom-av1 -cpu-used 8 -c:a libopus",
    "isobmff/vp9-flac.mp4": "-c:v libvpx-vp9 -c:a flac -strict -2",
    "isobmff/mpeg4-mp3.mp4": "-c:v mpeg4 -c:a libmp3lame",
    "isobmff/prores-s16.mov": "-c:v prores_ks -c:a pcm_s16le -metadata comment=hello",
    "isobmff/prores-4444.mov": "-c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le -c:a pcm_s24le",
    "isobmff/mjpeg-f32.mov": "-c:v mjpeg -c:a pcm_f32be",
    "isobmff/dnxhd-s16be.mov": "-s 1280x720 -pix_fmt yuv422p -c:v dnxhd -b:v 90M -c:a pcm_s16be",
    "isobmff/raw-u8.mov": "-pix_fmt uyvy422 -c:v rawvideo -c:a pcm_u8",
    "isobmff/png-alaw.mov": "-c:v png -c:a pcm_alaw",
    "isobmff/qtrle-mulaw.mov": "-c:v qtrle -c:a pcm_mulaw",
    "isobmff/mpeg2.mp4": "-c:v mpeg2video -an",
    "isobmff/h263-amr.3gp": "-s 176x144 -c:v h263 -an",
    "isobmff/ntsc.mp4": "-r 30000/1001 -c:v libx264 -c:a aac -ar 48000 -ac 2",
    "isobmff/two-sounds.mp4": "-map 0 -map 1 -map 1 -c:v mpeg4 -c:a aac",
    "isobmff/aac.m4a": "-vn -c:a aac -metadata artist=Nobody",
    "isobmff/alac.m4a": "-vn -c:a alac",
    "matroska/h264-aac.mkv": "-c:v libx264 -c:a aac -metadata comment=hello -metadata title=A",
    "matroska/hevc-flac.mkv": "-c:v libx265 -x265-params log-level=none -c:a flac",
    "matroska/mjpeg-ac3.mkv": "-c:v mjpeg -c:a ac3",
    "matroska/ffv1-s24.mkv": "-c:v ffv1 -c:a pcm_s24le",
    "matroska/mpeg4-mp3.mkv": "-c:v mpeg4 -c:a libmp3lame",
    "matroska/msmpeg4-u8.mkv": "-c:v msmpeg4v2 -c:a pcm_u8",
    "matroska/mpeg2-mp2.mkv": "-c:v mpeg2video -c:a mp2",
    "matroska/theora-f32.mkv": "-c:v libtheora -c:a pcm_f32le",
    "matroska/prores-wavpack.mkv": "-c:v prores_ks -c:a wavpack",
    "matroska/raw-adpcm.mkv": "-c:v rawvideo -c:a adpcm_ms",
    "matroska/vp9-opus.webm": "-c:v libvpx-vp9 -c:a libopus -metadata prompt=sea",
    "matroska/vp8-vorbis.webm": "-c:v libvpx -c:a libvorbis",
    "matroska/av1.webm": "-c:v libaom-av1 -cpu-used 8 -an",
    "matroska/opus.webm": "-vn -c:a libopus",
    "matroska/flac.mka": "-vn -c:a flac",
    "matroska/two-sounds.mkv": "-map 1 -map 0 -map 1 -c:v mpeg4 -c:a flac",
    "matroska/live.mkv": "-c:v libx264 -c:a aac -live 1 -cluster_time_limit 100",
    "riff/mpeg4-mp3.avi": "-c:v mpeg4 -c:a libmp3lame -metadata comment=hello",
    "riff/h264-ac3.avi": "-c:v libx264 -c:a ac3",
    "riff/mjpeg-s16.avi": "-c:v mjpeg -c:a pcm_s16le",
    "riff/raw.avi": "-c:v rawvideo -an",
    "riff/huffyuv.avi": "-c:v huffyuv -an",
    "riff/two-sounds.avi": "-map 1 -map 0 -map 1 -c:v mpeg4 -c:a ac3",
    "riff/s16.wav": "-vn -c:a pcm_s16le -metadata title=A -metadata comment=hello",
    "riff/u8.wav": "-vn -c:a pcm_u8",
    "riff/s24.wav": "-vn -c:a pcm_s24le -ac 6",
    "riff/s32.wav": "-vn -c:a pcm_s32le -ar 96000",
    "riff/f32.wav": "-vn -c:a pcm_f32le",
    "riff/f64.wav": "-vn -c:a pcm_f64le",
    "riff/alaw.wav": "-vn -c:a pcm_alaw",
    "riff/adpcm.wav": "-vn -c:a adpcm_ima_wav",
    "riff/mp3.wav": "-vn -c:a libmp3lame",
    "riff/broadcast.wav": "-vn -write_bext 1 -metadata description=harbour",
    "riff/large.wav": "-vn -rf64 always",
    "flac/sound.flac": "-vn -metadata TITLE=A -metadata PROMPT=sea",
    "flac/six.flac": "-vn -ac 6 -ar 96000 -sample_fmt s32",
    "ogg/vorbis.ogg": "-vn -c:a libvorbis -metadata title=A -metadata comment=hello",
    "ogg/opus.opus": "-vn -c:a libopus -ac 2",
    "ogg/flac.oga": "-vn -c:a flac",
    "ogg/speex.spx": "-vn -c:a libspeex -ar 16000",
    "ogg/theora.ogv": "-c:v libtheora -c:a libvorbis",
    "mpegaudio/variable.mp3": (
        "-vn -q:a 4 -ac 2 -metadata title=A\N{SNOWMAN} -metadata comment=hello"
    ),
    "mpegaudio/constant.mp3": "-vn -b:a 64k -write_xing 0 -id3v2_version 0",
    "mpegaudio/slow.mp3": "-vn -ar 22050 -id3v2_version 3 -metadata title=A",
    "mpegaudio/slower.mp3": "-vn -ar 11025 -b:a 16k",
    "mpegaudio/sound.mp2": "-vn -c:a mp2",
    "aac/sound.aac": "-vn -c:a aac",
    "aiff/s16.aiff": "-vn -metadata title=A",
    "aiff/f32.aiff": "-vn -c:a pcm_f32be",
    "aiff/ima.aiff": "-vn -c:a adpcm_ima_qt",
    "aiff/little.aiff": "-vn -c:a pcm_s16le",
    "mpegts/mpeg2-mp2.ts": "",
    "mpegts/h264-aac.ts": "-c:v libx264 -c:a aac",
    "mpegts/hevc-ac3.ts": "-c:v libx265 -x265-params log-level=none -c:a ac3",
    "mpegts/mpeg4-mp3.ts": "-c:v mpeg4 -c:a libmp3lame",
    "mpegts/h264-opus.m2ts": "-c:v libx264 -c:a libopus",
    "mpegts/h264-eac3.ts": "-c:v libx264 -c:a eac3 -ac 2",
    "mpegts/aac.ts": "-vn -c:a aac",
    "mpegps/mpeg2-mp2.mpg": "-c:v mpeg2video -c:a mp2 -f vob",
    "mpegps/mpeg1-mp2.mpg": "-c:v mpeg1video -c:a mp2",
    "mpegps/mpeg2-ac3.vob": "-c:v mpeg2video -c:a ac3",
    "flv/flv1-mp3.flv": "-metadata comment=hello",
    "flv/h264-aac.flv": "-c:v libx264 -c:a aac",
    "flv/mp3.flv": "-vn",
    "flv/mulaw.flv": "-vn -c:a pcm_mulaw -ar 8000",
    "flv/speex.flv": "-c:a libspeex -ar 16000",
    "flv/nellymoser.flv": "-vn -c:a nellymoser -ar 22050",
    "asf/msmpeg4-wmav2.wmv": "-metadata title=A -metadata comment=hello",
    "asf/wmv1-wmav1.asf": "-c:v wmv1 -c:a wmav1",
    "asf/wmav2.wma": "-vn",
    "caf/s16.caf": "-vn -metadata title=A",
    "caf/f32.caf": "-vn -c:a pcm_f32le",
    "caf/alac.caf": "-vn -c:a alac",
    "au/mulaw.au": "-vn -c:a pcm_mulaw",
    "au/s16.au": "-vn -c:a pcm_s16be -metadata title=A",
    "ac3/plain.ac3": "-vn -c:a ac3",
    "ac3/enhanced.eac3": "-vn -c:a eac3 -ac 2",
    "ivf/vp9.ivf": "-an -c:v libvpx-vp9",
    "ivf/vp8.ivf": "-an -c:v libvpx",
    "y4m/plain.y4m": "-an",
    "y4m/ten-bits.y4m": "-an -pix_fmt yuv422p10le -strict -1",
}
_TAGGED = {
    "isobmff/comfyui.mp4": ("-metadata", f"prompt={PROMPT}", "-metadata", f"workflow={WORKFLOW}")
}
# The encoder of telephones is in few builds of ffmpeg: silence, written by hand.
_TELEPHONE = {
    "amr/narrow.amr": b"#!AMR\n" + (b"\x3c" + bytes(31)) * 24,
    "amr/wide.awb": b"#!AMR-WB\n" + (b"\x44" + bytes(60)) * 24,
}
NAMES = (*RECIPES, *_TELEPHONE)
INSPECTORS = tuple(dict.fromkeys(name.partition("/")[0] for name in NAMES))


def need_ffmpeg() -> None:
    """Skip the test where there is no ffmpeg."""
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        missing("ffmpeg", "apt install ffmpeg")


@functools.cache
def _encoders() -> frozenset[str]:
    listed = subprocess.run(["ffmpeg", "-v", "quiet", "-encoders"], capture_output=True, check=True)
    return frozenset(re.findall(r"^ [VA]\S+ (\S+)", listed.stdout.decode(), re.MULTILINE))


def _need_encoders(options: list[str]) -> None:
    """Skip the test where this build of ffmpeg cannot write what is asked for."""
    for option, value in pairwise(options):
        if option in {"-c:v", "-c:a"} and value not in _encoders():
            missing(f"ffmpeg's encoder {value}", "apt install ffmpeg")


def make(path: Path, *options: str, pictures: str = PICTURES, sound: str = SOUND) -> None:
    """Write a file of test pictures and a tone with these options of ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1"]
    command += ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", sound]
    command += ["-fflags", "+bitexact", *options, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="storewarden-media-")


@functools.cache
def made(name: str) -> Path:
    """Return the file of a recipe."""
    need_ffmpeg()
    path = Path(_directory().name) / name
    path.parent.mkdir(exist_ok=True)
    if name in _TELEPHONE:
        path.write_bytes(_TELEPHONE[name])
    else:
        options = RECIPES[name].split()
        _need_encoders(options)
        make(path, *options, *_TAGGED.get(name, ()))
    return path
