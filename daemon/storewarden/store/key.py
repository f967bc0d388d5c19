"""What an object is called: readable where that is possible, and sure to survive any name."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from storewarden.errors import StoreRefused
from storewarden.store.contract import LARGEST_ABOUT, LONGEST_KEY

# Everything else is written %XX: all stores and file systems take these as they are. "~" is ours.
_PLAIN: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+=,@()"
)
_LONGEST_NAME: Final = 180  # of 255 that a file system takes: a mark and an ending come after it
_CUT: Final = 140
_BROKEN: Final = re.compile(r"%.?\Z")  # a byte that a cut took a part of
_HASH: Final = 8  # bytes
_NO_NAMES: Final = frozenset({"", ".", ".."})
_MARK: Final = re.compile(r"[a-z2-7]{16}")

# Begins the key of what is no file of a root: no root is called so.
NO_ROOT: Final = "~"

# Ends the name of what an object tells of itself, where that lies beside it.
ABOUT: Final = ".about"
_PART: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._+=,@()%~-]{1,240}")


def key_of(root: str, path: bytes, mark: str, ending: str = "") -> str:
    """Return the key of what is stored of a file.

    Args:
        root: its name.
        path: of the file, relative to its root.
        mark: 16 letters or digits (base 32, in small letters) by chance: they make the key the
            only one of its kind, whatever else is cut or stored of the same path.
        ending: tells people what is in it, as ``.zst`` does.
    """
    if not _MARK.fullmatch(mark):
        raise ValueError(f"no mark: {mark!r}")
    *directories, name = [_written(part) for part in path.split(b"/")]
    last = f"{name}~{mark}{ending}"
    key = "/".join([root, *directories, last])
    if len(key) <= LONGEST_KEY:
        return key
    return f"{root}/~{_hash(path)}/{last}"


def _written(part: bytes) -> str:
    """Return a part of a path as a part of a key; cut, with a hash of all of it, if too long."""
    text = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in part)
    if len(text) > _LONGEST_NAME:
        return f"{_BROKEN.sub('', text[:_CUT])}~{_hash(part)}"
    if text in _NO_NAMES:
        return text.replace(".", "%2E") or "~"
    return text


def _hash(value: bytes) -> str:
    return blake2b(value, digest_size=_HASH).hexdigest()


def is_proper(key: str) -> bool:
    """Tell whether every store takes a key: all that `key_of` makes are such."""
    return (
        len(key) <= LONGEST_KEY
        and not key.endswith(ABOUT)
        and not key.startswith((".", "lost+found/"))  # a directory store has others' things there
        and all(map(_PART.fullmatch, key.split("/")))
    )


def refuse_improper(key: str, store: str) -> None:
    """Raise StoreRefused for a key that not every store takes."""
    if not is_proper(key):
        raise StoreRefused(
            "no object can have this key",
            where=f"{store}: {key!a}",
            why=f"up to {LONGEST_KEY} of A-Z a-z 0-9 . _ - + = , @ ( ) % ~ between slashes, "
            f"no part . or .., none longer than 240, no . first, {ABOUT} not last",
        )


def refuse_large(about: bytes, key: str, store: str) -> None:
    """Raise StoreRefused for more than an object may tell of itself."""
    if len(about) > LARGEST_ABOUT:
        raise StoreRefused(
            "an object tells too much of itself",
            where=f"{store}: {key}",
            why=f"{len(about)} bytes, {LARGEST_ABOUT} are taken",
        )
