"""What names say about files."""

import re
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.facts import kinds
from storewarden.facts.kinds import KINDS, UNKNOWN, kind_of, mime_of
from storewarden.measure import table


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        (b"ComfyUI_00001_.png", "image", "image/png"),
        (b"IMG_0001.JPG", "image", "image/jpeg"),
        (b"shot.0001.exr", "image", "image/x-exr"),
        (b"render final.Mp4", "video", "video/mp4"),
        (b"cam.ts", "video", "video/mp2t"),
        (b"voice.opus", "audio", "audio/opus"),
        (b"prompt.txt", "text", "text/plain"),
        (b"workflow.json", "text", "application/json"),
        (b"talk.en.srt", "subtitle", "application/x-subrip"),
        (b"talk.vtt", "subtitle", "text/vtt"),
        (b"paper.pdf", "document", "application/pdf"),
        (b"backup.tar.gz", "archive", "application/gzip"),
        (b"sd_xl_base_1.0.safetensors", "model", "application/x-safetensors"),
        (b"llama.Q4_K_M.gguf", "model", "application/x-gguf"),
        (b"v1-5.ckpt", "model", "application/x-checkpoint"),
        (b"yolo.pt", "model", "application/x-pytorch"),
        (b"net.onnx", "model", "application/x-onnx"),
        (b"runtime.db", "database", "application/vnd.sqlite3"),
        (b"app.sqlite", "database", "application/vnd.sqlite3"),
        (b"app.SQLITE3", "database", "application/vnd.sqlite3"),
        (b"align.cwl", "workflow", "application/x-cwl+yaml"),
        (b"chair.glb", "other", "model/gltf-binary"),
    ],
)
def test_a_name_tells_kind_and_type(name: bytes, kind: str, mime: str) -> None:
    assert (kind_of(name), mime_of(name)) == (kind, mime)


@pytest.mark.parametrize(
    "name",
    [
        b"README",
        b".png",
        b"..",
        b"",
        b"png",
        b"movie.mp4.part",
        b"runtime.db-wal",
        b"runtime.db-shm",
        b"odd.\xff\xfe",
        b"name.",
        b"new\nline.x",
    ],
)
def test_a_name_that_tells_nothing_is_other(name: bytes) -> None:
    assert (kind_of(name), mime_of(name)) == ("other", UNKNOWN)


@given(some.binary(max_size=255))
def test_every_name_has_a_kind_and_a_type(name: bytes) -> None:
    assert kind_of(name) in KINDS
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", mime_of(name))


def test_every_extension_has_a_kind_and_a_type() -> None:
    assert len(kinds._KINDS) >= 300
    assert kinds._KINDS.keys() == kinds._TYPES.keys()
    assert [word for word in kinds._KINDS if word != word.lower() or b"." in word] == []


def test_metrics_know_the_same_kinds() -> None:
    assert table.KINDS == KINDS


def test_a_name_is_judged_at_once() -> None:
    # 0.1 µs here, and up to twenty times that on a machine busy with other tests.
    seconds = min(timeit.repeat(lambda: kind_of(b"ComfyUI_00001_.png"), number=10_000, repeat=5))

    assert seconds / 10_000 < 2e-6
