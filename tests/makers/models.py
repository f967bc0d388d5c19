"""Trained models as their writers make them, and a few bytes small."""

import ctypes
import io
import json
import math
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import safetensors

METADATA = {
    "modelspec.title": "Dusk",
    "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
    "ss_sd_model_name": "sd_xl_base_1.0.safetensors",
    "ss_tag_frequency": json.dumps({"1_dusk": {"lighthouse": 12}}),
}
WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "F8_E4M3": 1}

STRING, ARRAY, UINT32, FLOAT32, BOOL, UINT64, INT32 = 8, 9, 4, 6, 7, 10, 5
_LAYOUTS = {UINT32: "I", FLOAT32: "f", BOOL: "?", UINT64: "Q", INT32: "i"}


def tensors(
    shapes: Mapping[str, tuple[str, Sequence[int]]], metadata: dict[str, str] | None = None
) -> bytes:
    """Return a safetensors file of zeros, by the library itself."""
    told, kept = {}, []
    for name, (dtype, shape) in shapes.items():
        size = math.prod(shape) * WIDTHS[dtype]
        kept.append(ctypes.create_string_buffer(size))
        told[name] = safetensors.TensorSpec(
            dtype=_DTYPES[dtype],
            shape=list(shape),
            data_ptr=ctypes.addressof(kept[-1]),
            data_len=size,
        )
    return safetensors.serialize(told, metadata)


_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64"} | {
    "F8_E4M3": "float8_e4m3fn"
}


def header(told: Any, room: int = 0) -> bytes:
    """Return a safetensors file with any header."""
    text = json.dumps(told).encode()
    return struct.pack("<Q", len(text)) + text + bytes(room)


def gguf(
    values: Sequence[tuple[str, int, Any]],
    shapes: Mapping[str, Sequence[int]] | None = None,
    *,
    version: int = 3,
    order: str = "<",
) -> bytes:
    """Return a GGUF model without the tensors themselves; an array is (type, values)."""
    shapes = shapes or {}
    count = "Q" if version > 1 else "I"

    def text(said: str) -> bytes:
        return struct.pack(order + count, len(said.encode())) + said.encode()

    def value(form: int, told: Any) -> bytes:
        if form == STRING:
            return text(told)
        if form == ARRAY:
            inner, items = told
            head = struct.pack(order + "I" + count, inner, len(items))
            return head + b"".join(value(inner, item) for item in items)
        return struct.pack(order + _LAYOUTS[form], told)

    body = b"GGUF" + struct.pack(order + "I" + count * 2, version, len(shapes), len(values))
    for key, form, told in values:
        body += text(key) + struct.pack(order + "I", form) + value(form, told)
    for name, shape in shapes.items():
        body += text(name) + struct.pack(order + "I", len(shape))
        body += struct.pack(order + count * len(shape), *shape) + struct.pack(order + "IQ", 1, 0)
    return body + bytes(-len(body) % 32)


LLAMA = (
    ("general.architecture", STRING, "llama"),
    ("general.name", STRING, "Dusk 7B Instruct"),
    ("general.file_type", UINT32, 15),
    ("general.license", STRING, "apache-2.0"),
    ("llama.context_length", UINT32, 8192),
    ("llama.block_count", UINT32, 32),
    ("llama.rope.freq_base", FLOAT32, 10000.0),
    ("tokenizer.ggml.tokens", ARRAY, (STRING, ["<s>", "dusk", "日"])),
    ("tokenizer.ggml.scores", ARRAY, (FLOAT32, [0.0, 1.0, 2.0])),
    ("tokenizer.ggml.add_bos_token", BOOL, True),
    ("general.quantization_version", UINT32, 2),
)
LLAMA_SHAPES = {"token_embd.weight": (4096, 32000), "output_norm.weight": (4096,)}


def checkpoint(name: str = "archive") -> bytes:
    """Return what torch.save writes since 1.6, with two storages."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as zipped:
        zipped.writestr(f"{name}/data.pkl", pickle.dumps({"state_dict": {}}, protocol=2))
        zipped.writestr(f"{name}/byteorder", "little")
        zipped.writestr(f"{name}/data/0", bytes(64))
        zipped.writestr(f"{name}/data/1", bytes(16))
        zipped.writestr(f"{name}/version", "3\n")
    return into.getvalue()


def old_checkpoint() -> bytes:
    """Return what torch.save wrote before: pickles behind one another."""
    magic, protocol, machine = 0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}
    told: tuple[object, ...] = (magic, protocol, machine, {"state_dict": {}})
    return b"".join(pickle.dumps(part, protocol=2) for part in told)
