"""What an object bears in its headers: its mark, and what it tells of itself if that is small.

One text, cut into as many headers as it needs, which are numbered from the second on. Their names
are one word each, because names of more differ between stores. The parts of the text are joined by
dots: the form, the mark, and unless they lie in a companion the size, a hash of what is told, and
that. A companion says as well from which upload its object comes.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b32encode, b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

HEADER: Final = "storewarden"
OURS: Final = ".storewarden/"
"""What keys of ours begin with that are no objects."""

_COMPANIONS: Final = f"{OURS}about/"
_FORM: Final = "1"
_HASH: Final = 16  # bytes
_MARK: Final = 10  # bytes
# All headers together may have 2,048 bytes in S3, names included; base 64 makes a third more of it.
SMALL: Final = 1250
# Swift takes 256 bytes of one header unless its operator set more.
_WIDE: Final = 250
_BARE, _WHOLE, _OF_UPLOAD = 2, 5, 6  # parts


class Label(NamedTuple):
    """What its headers say; without a size the rest is in a companion."""

    mark: str
    size: int | None = None  # of the object
    told: bytes | None = None  # None: not here
    hashed: str = ""  # of what is told
    upload: str = ""  # a hash of the upload that its object was made by

    @property
    def genuine(self) -> bool:
        """Whether what is told is what was."""
        return self.told is not None and hash_of(self.told) == self.hashed

    def written(self) -> dict[str, str]:
        """Return the headers."""
        parts = [_FORM, self.mark]
        if self.size is not None:
            parts += [str(self.size), self.hashed, b64encode(self.told or b"").decode()]
        if self.upload:
            parts.append(self.upload)
        text = ".".join(parts)
        return {
            f"{HEADER}{number or ''}": text[start : start + _WIDE]
            for number, start in enumerate(range(0, len(text), _WIDE))
        }


def whole_label(mark: str, size: int, told: bytes) -> Label:
    """Return the label of an object that bears all that it tells."""
    return Label(mark, size, told, hash_of(told))


def companion_label(mark: str, size: int, told: bytes, upload: str) -> Label:
    """Return the label of the companion that holds what an object tells."""
    return Label(mark, size, b"", hash_of(told), upload)


def read_label(headers: Mapping[str, str]) -> Label | None:
    """Return what headers say; None when they are none of ours, or cannot be read any more."""
    text = "".join(_pieces({name.lower(): value for name, value in headers.items()}))
    parts = text.split(".")
    if parts[0] != _FORM or len(parts) not in {_BARE, _WHOLE, _OF_UPLOAD} or not parts[1].isalnum():
        return None
    if len(parts) == _BARE:
        return Label(parts[1])
    try:
        told = b64decode(parts[4], validate=True)
        return Label(parts[1], int(parts[2]), told, parts[3], "".join(parts[_WHOLE:]))
    except (ValueError, binascii.Error):
        return Label(parts[1], None, b"", "")


def _pieces(headers: Mapping[str, str]) -> Iterator[str]:
    number = 0
    while (piece := headers.get(f"{HEADER}{number or ''}")) is not None:
        yield piece
        number += 1


def hash_of(told: bytes) -> str:
    """Return the hash that is kept beside what is told."""
    return blake2b(told, digest_size=_HASH).hexdigest()


def hash_of_upload(upload: str) -> str:
    """Return what tells an upload from others, in a form that a label can hold."""
    return blake2b(upload.encode(), digest_size=_HASH).hexdigest()


def new_mark() -> str:
    """Return letters and digits by chance, 80 bits of them."""
    return b32encode(secrets.token_bytes(_MARK)).decode().lower()


def companion_of(key: str, mark: str) -> str:
    """Return what the companion of an object is called."""
    return f"{_COMPANIONS}{key}/{mark}"


def is_ours(key: str) -> bool:
    """Tell whether a key is no object of anybody's."""
    return key.startswith(OURS)


def object_of(companion: str) -> tuple[str, str]:
    """Return the key and the mark of the object that a companion tells of."""
    key, _, mark = companion.removeprefix(_COMPANIONS).rpartition("/")
    return key, mark
