"""PyTorch checkpoints: that they are one, and how large. They are programs: none is ever run."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.content.told import tell
from storewarden.facts.content.zips import directory
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_TENSOR: Final = re.compile(rb"(?:.*/)?data/\d+", re.DOTALL)
# The number that torch.save wrote first, before 2020, as a pickle of protocol 2.
_OLD: Final = b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read(reader: Reader, found: Found) -> None:
    """Look at the outside."""
    head = reader.some(0, len(_OLD))
    if head.startswith(b"PK"):
        _zipped(reader, found)
    elif head == _OLD:
        tell(found, "model.format", "pytorch, before 1.6")
    elif head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        tell(found, "model.format", f"pickle {head[1]}")
    else:
        raise Malformed("does not begin like a checkpoint")


def _zipped(reader: Reader, found: Found) -> None:
    members = directory(reader)
    names = [member.name for member in members]
    if not any(name.endswith((b"/data.pkl", b"data.pkl")) for name in names):
        raise Malformed("is a zip without the parts of a checkpoint")
    script = any(b"/code/" in name for name in names)
    tell(found, "model.format", "torchscript" if script else "pytorch")
    tensors = [member for member in members if _TENSOR.fullmatch(member.name)]
    tell(found, "model.storages", len(tensors))
    tell(found, "model.storage_bytes", sum(member.size for member in tensors))
