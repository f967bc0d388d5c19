"""What an object tells of itself: all that is needed to have the file again without a catalogue.

It comes back from stores that others can write to, so that nothing in it is believed unread: it
has a bounded size, every field has its type and its limits, and what is unknown is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from storewarden.act.attributes import Attributes, Extended
from storewarden.act.codec import ENDINGS, Codec
from storewarden.errors import ObjectDamaged, PermanentError
from storewarden.store.contract import LARGEST_ABOUT

VERSION: Final = 1

_LONGEST_NAME: Final = 255  # bytes of an attribute's name, letters of a root's
_LONGEST_PART: Final = 1024  # bytes of one name in a path; most file systems take 255
_LARGEST: Final = 2**63 - 1
_LARGEST_OWNER: Final = 2**32 - 2  # one more means "leave it" to chown
_FARTHEST: Final = 2**93  # nanoseconds either way: all that 64 bits of seconds can say
_MARK: Final = re.compile(r"[a-z2-7]{16}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset(
    {
        *("version", "host", "root", "root_uuid", "path", "mark", "made_ns"),
        *("size", "allocated", "mode", "uid", "gid", "modified_ns", "accessed_ns"),
        *("xattrs", "xattrs_left_out", "blake3", "codec", "stored_bytes", "stored_blake3"),
    }
)


@dataclass(frozen=True, slots=True)
class About:
    """One object: which file it was made from, how, and when."""

    host: str
    root: str
    root_uuid: str  # "" for a root that bears none
    path: bytes
    attributes: Attributes
    digest: bytes  # BLAKE3 of the content
    codec: Codec
    stored_bytes: int
    stored_digest: bytes  # BLAKE3 of the object as it lies in the store
    mark: str  # the act that made it
    made_ns: int

    @property
    def size(self) -> int:
        return self.attributes.size


def to_bytes(about: About) -> bytes:
    """Return it as the store keeps it, small enough for that: attributes that are too much go.

    Raises:
        PermanentError: even without them it is too long, which only a path can be.
    """
    written = _written(about)
    if len(written) > LARGEST_ABOUT and about.attributes.extended:
        written = _written(replace(about, attributes=_smallest(about)))
    if len(written) > LARGEST_ABOUT:
        raise PermanentError(
            "a file cannot be archived",
            where=about.path[:_LONGEST_NAME].decode(errors="backslashreplace") + "…",
            why=f"its path has {len(about.path):,} bytes",
            remedy="shorten it",
        )
    return written


def from_bytes(written: bytes, where: str) -> About:
    """Return what an object at ``where`` tells of itself.

    Raises:
        ObjectDamaged: it is not what `to_bytes` makes, and what is wrong with it.
    """
    try:
        return _read(written)
    except _Wrong as wrong:
        raise ObjectDamaged(
            "what an object tells of itself cannot be used", where=where, why=str(wrong)
        ) from None


def _smallest(about: About) -> Attributes:
    """Return the attributes with as many of the extended ones as there is room for."""
    attributes = about.attributes
    none = replace(attributes, extended=(), left_out=attributes.left_out + _LARGEST)
    room = LARGEST_ABOUT - len(_written(replace(about, attributes=none)))
    kept = set()
    for one in sorted(attributes.extended, key=lambda one: len(one.name) + len(one.value)):
        room -= len(json.dumps(_pair(one))) + 1  # the comma
        if room < 0:
            break
        kept.add(one)
    left_out = attributes.left_out + len(attributes.extended) - len(kept)
    extended = tuple(one for one in attributes.extended if one in kept)
    return replace(attributes, extended=extended, left_out=left_out)


def _pair(one: Extended) -> list[str]:
    return [_base64(one.name), _base64(one.value)]


def _written(about: About) -> bytes:
    attributes = about.attributes
    told = {
        "version": VERSION,
        "host": about.host,
        "root": about.root,
        "root_uuid": about.root_uuid,
        "path": _base64(about.path),
        "size": attributes.size,
        "allocated": attributes.allocated,
        "mode": attributes.mode,
        "uid": attributes.uid,
        "gid": attributes.gid,
        "modified_ns": attributes.modified_ns,
        "accessed_ns": attributes.accessed_ns,
        "xattrs": [_pair(one) for one in attributes.extended],
        "xattrs_left_out": attributes.left_out,
        "blake3": about.digest.hex(),
        "codec": about.codec,
        "stored_bytes": about.stored_bytes,
        "stored_blake3": about.stored_digest.hex(),
        "mark": about.mark,
        "made_ns": about.made_ns,
    }
    return json.dumps(told, separators=(",", ":")).encode("ascii")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


# -- reading what anybody may have written ------------------------------------------------------


class _Wrong(Exception):
    """What is wrong, in words for a person."""


def _read(written: bytes) -> About:
    told = _object(written)
    version = told.get("version")
    if type(version) is int and version > VERSION:
        raise _Wrong(f"version {version} is of a newer program")
    if version != VERSION or type(version) is not int:
        raise _Wrong("no version that was ever written")
    missing, unknown = _FIELDS - told.keys(), told.keys() - _FIELDS
    if missing or unknown:
        raise _Wrong(f"fields missing: {sorted(missing)}, unknown: {sorted(unknown)[:5]}"[:200])
    about = About(
        host=_text(told, "host"),
        root=_name(told, "root"),
        root_uuid=_text(told, "root_uuid"),
        path=_path(told),
        attributes=_attributes(told),
        digest=_digest(told, "blake3"),
        codec=_codec(told),
        stored_bytes=_number(told, "stored_bytes"),
        stored_digest=_digest(told, "stored_blake3"),
        mark=_matching(told, "mark", _MARK),
        made_ns=_number(told, "made_ns", least=-_FARTHEST, most=_FARTHEST),
    )
    if about.codec == "none" and (about.stored_bytes, about.stored_digest) != (
        about.size,
        about.digest,
    ):
        raise _Wrong("stored as it was, yet not the same bytes")
    return about


def _object(written: bytes) -> Mapping[str, Any]:
    if len(written) > LARGEST_ABOUT:
        raise _Wrong(f"{len(written):,} bytes, more than any has")
    try:
        told = json.loads(
            written.decode("ascii"), object_pairs_hook=_unique, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise _Wrong("no JSON") from None
    if not isinstance(told, dict):
        raise _Wrong("no object of JSON")
    return told


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise _Wrong("a field twice")
    return told


def _no_number(_word: str) -> None:
    raise _Wrong("a number that is none")


def _number(told: Mapping[str, Any], name: str, *, least: int = 0, most: int = _LARGEST) -> int:
    value = told[name]
    if type(value) is not int or not least <= value <= most:
        raise _Wrong(f"{name} is not a whole number from {least} to {most}")
    return value


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or not _clean(value):
        raise _Wrong(f"{name} is not a short text")
    return value


def _clean(value: str) -> bool:
    return not value or value.isprintable()


def _name(told: Mapping[str, Any], name: str) -> str:
    value = _text(told, name)
    if not value or "/" in value or value in {".", ".."}:
        raise _Wrong(f"{name} is not a name")
    return value


def _matching(told: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = told[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _Wrong(f"{name} is not written as it is always written")
    return value


def _digest(told: Mapping[str, Any], name: str) -> bytes:
    return bytes.fromhex(_matching(told, name, _DIGEST))


def _codec(told: Mapping[str, Any]) -> Codec:
    value = told["codec"]
    if not isinstance(value, str) or value not in ENDINGS:
        raise _Wrong("codec is not one that we know")
    return value


def _binary(value: object, name: str) -> bytes:
    if not isinstance(value, str):
        raise _Wrong(f"{name} is not a text")
    try:
        binary = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _Wrong(f"{name} is not base 64") from None
    if _base64(binary) != value:
        raise _Wrong(f"{name} is not base 64 as it is always written")
    return binary


def _path(told: Mapping[str, Any]) -> bytes:
    path = _binary(told["path"], "path")
    for part in path.split(b"/"):
        if part in {b"", b".", b".."} or b"\0" in part or len(part) > _LONGEST_PART:
            raise _Wrong("path is not one below a root")
    return path


def _attributes(told: Mapping[str, Any]) -> Attributes:
    return Attributes(
        size=_number(told, "size"),
        allocated=_number(told, "allocated"),
        mode=_number(told, "mode", most=0o7777),
        uid=_number(told, "uid", most=_LARGEST_OWNER),
        gid=_number(told, "gid", most=_LARGEST_OWNER),
        modified_ns=_number(told, "modified_ns", least=-_FARTHEST, most=_FARTHEST),
        accessed_ns=_number(told, "accessed_ns", least=-_FARTHEST, most=_FARTHEST),
        extended=_extended(told["xattrs"]),
        left_out=_number(told, "xattrs_left_out"),
    )


def _extended(listed: object) -> tuple[Extended, ...]:
    if not isinstance(listed, list):
        raise _Wrong("xattrs is not a list")
    found = []
    for pair in listed:
        if not isinstance(pair, list) or len(pair) != len(Extended._fields):
            raise _Wrong("xattrs holds more than names with their values")
        name, value = (_binary(part, "xattrs") for part in pair)
        if not name or b"\0" in name or len(name) > _LONGEST_NAME:
            raise _Wrong("xattrs holds a name that is none")
        found.append(Extended(name, value))
    if len({one.name for one in found}) != len(found):
        raise _Wrong("xattrs holds a name twice")
    return tuple(found)
