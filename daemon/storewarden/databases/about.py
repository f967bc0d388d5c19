"""What the object of a backup tells of itself: all that is needed to have the database again.

So backups can be listed, and restored, from a store alone. It comes back from stores that others
can write to: nothing in it is believed unread.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from storewarden.act.codec import ENDINGS, Codec
from storewarden.catalogue.backups import Kind
from storewarden.errors import ObjectDamaged
from storewarden.store.contract import LARGEST_ABOUT
from storewarden.store.key import NO_ROOT, key_of

WHAT: Final = "backup of a database"
VERSION: Final = 1
FOLDER: Final = f"{NO_ROOT}databases"

_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 4096
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MARK: Final = re.compile(r"[a-z2-7]{16}")
_KINDS: Final = ("full", "increment")


@dataclass(frozen=True, slots=True)
class Base:
    """The backup that an increment is built on."""

    key: str
    digest: bytes  # of the database that it brings back


@dataclass(frozen=True, slots=True)
class About:
    """One backup: of which database, as it was when, and what comes back of it."""

    host: str
    name: str
    place: bytes
    kind: Kind
    base: Base | None
    taken_ns: int
    page_size: int
    pages: int
    digest: bytes  # BLAKE3 of the database that comes back
    schema_digest: bytes
    codec: Codec
    packed_bytes: int  # of the object
    content_digest: bytes  # BLAKE3 of what is packed in it: the database, or what changed
    content_bytes: int
    mode: int
    uid: int
    gid: int
    modified_ns: int
    mark: str
    rows: Mapping[str, int] | None = field(default_factory=dict)  # None: too many tables to tell

    @property
    def size(self) -> int:
        """Bytes of the database that comes back."""
        return self.page_size * self.pages


def key_for(about: About) -> str:
    """Return the key of a backup's object: readable, the only one of its kind."""
    when = datetime.fromtimestamp(about.taken_ns // 10**9, UTC)
    path = f"{about.host}/{about.name}/{when:%Y%m%dT%H%M%SZ}-{about.kind}"
    ending = ".sqlite" if about.kind == "full" else ".pages"
    return key_of(FOLDER, path.encode(), about.mark, f"{ending}{ENDINGS[about.codec]}")


def to_bytes(about: About) -> bytes:
    """Return it as a store keeps it; rows of more tables than there is room for are left out."""
    written = _written(about)
    return written if len(written) <= LARGEST_ABOUT else _written(replace(about, rows=None))


def from_bytes(written: bytes, where: str) -> About:
    """Return what an object at ``where`` tells of itself.

    Raises:
        ObjectDamaged: it is not what `to_bytes` makes.
    """
    try:
        return _read(json.loads(written.decode("ascii")))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise ObjectDamaged(
            "what a backup tells of itself cannot be used", where=where, why=str(error)
        ) from None


def _written(about: About) -> bytes:
    told = {
        "what": WHAT,
        "version": VERSION,
        "host": about.host,
        "name": about.name,
        "place": base64.b64encode(about.place).decode("ascii"),
        "kind": about.kind,
        "base": about.base and {"key": about.base.key, "blake3": about.base.digest.hex()},
        "taken_ns": about.taken_ns,
        "page_size": about.page_size,
        "pages": about.pages,
        "blake3": about.digest.hex(),
        "schema": about.schema_digest.hex(),
        "codec": about.codec,
        "packed_bytes": about.packed_bytes,
        "content_blake3": about.content_digest.hex(),
        "content_bytes": about.content_bytes,
        "mode": about.mode,
        "uid": about.uid,
        "gid": about.gid,
        "modified_ns": about.modified_ns,
        "mark": about.mark,
        "rows": None if about.rows is None else dict(about.rows),
    }
    return json.dumps(told, separators=(",", ":")).encode("ascii")


# -- reading what anybody may have written ------------------------------------------------------


def _read(told: Any) -> About:
    if not isinstance(told, dict) or told.get("what") != WHAT:
        raise ValueError("it is no backup of a database")
    version = told.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version {version!r:.20} is none that we write")
    kind: Kind = _of(told, "kind", _KINDS)
    base = None if told["base"] is None else _base(told["base"])
    if (base is None) != (kind == "full"):
        raise ValueError("a whole one is built on nothing, and nothing else is")
    return About(
        host=_text(told, "host"),
        name=_text(told, "name"),
        place=base64.b64decode(_text(told, "place", 2 * _LONGEST), validate=True),
        kind=kind,
        base=base,
        taken_ns=_number(told, "taken_ns"),
        page_size=_number(told, "page_size", 1 << 16),
        pages=_number(told, "pages", 2**32),
        digest=_digest(told, "blake3"),
        schema_digest=_digest(told, "schema"),
        codec=_of(told, "codec", tuple(ENDINGS)),
        packed_bytes=_number(told, "packed_bytes"),
        content_digest=_digest(told, "content_blake3"),
        content_bytes=_number(told, "content_bytes"),
        mode=_number(told, "mode", 0o7777),
        uid=_number(told, "uid", 2**32 - 2),
        gid=_number(told, "gid", 2**32 - 2),
        modified_ns=_number(told, "modified_ns", least=-_LARGEST),
        mark=_matching(told, "mark", _MARK),
        rows=None if told["rows"] is None else _rows(told["rows"]),
    )


def _base(told: Any) -> Base:
    if not isinstance(told, dict):
        raise TypeError("base is no object")
    return Base(_text(told, "key"), _digest(told, "blake3"))


def _rows(told: Any) -> dict[str, int]:
    if not isinstance(told, dict):
        raise TypeError("rows is no object")
    return {name: _number(told, name) for name in told}


def _of(told: Mapping[str, Any], name: str, words: tuple[str, ...]) -> Any:
    if told[name] not in words:
        raise ValueError(f"{name} is none of {', '.join(words)}")
    return told[name]


def _number(told: Mapping[str, Any], name: str, most: int = _LARGEST, *, least: int = 0) -> int:
    value = told[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is not a whole number from {least} to {most}")
    return value


def _text(told: Mapping[str, Any], name: str, most: int = _LONGEST) -> str:
    value = told[name]
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError(f"{name} is not a short text")
    return value


def _matching(told: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(told, name)
    if not pattern.fullmatch(value):
        raise ValueError(f"{name} is not written as it is always written")
    return value


def _digest(told: Mapping[str, Any], name: str) -> bytes:
    return bytes.fromhex(_matching(told, name, _DIGEST))
