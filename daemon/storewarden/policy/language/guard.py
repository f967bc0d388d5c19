"""How much one run may do: what is said here is tighter than what it replaces, or says so."""

from __future__ import annotations

from typing import Any

from storewarden.config.problems import joined
from storewarden.config.yamltext import Broken, Entry, Node, Scalar
from storewarden.policy.language.keys import GUARD, GUARDS, LOOSEN, Form, Key
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Guard
from storewarden.units import write_share, write_size

NEVER = "never"


def read_guard(reader: Reader, node: Node, path: str, inherited: Guard) -> Guard:
    """Return the limits that hold: those that are said, and for the others the inherited ones."""
    mapping = reader.mapping(node, path, str(GUARD))
    if mapping is None:
        return inherited
    reader.known(mapping, path, GUARDS)
    loosen = bool(reader.single(mapping, LOOSEN, path))
    limits: dict[str, Any] = {}
    for key in GUARDS[:-1]:
        entry = mapping.entries.get(key.name)
        before = getattr(inherited, key.name)
        limits[key.name] = before
        if entry is not None and not isinstance(entry.node, Broken):
            limits[key.name] = _limit(reader, key, entry, joined(path, key.name), before, loosen)
    return Guard(**limits)


def _limit(  # a limit, where it stands, and what it replaces
    reader: Reader,
    key: Key,
    entry: Entry,
    path: str,
    before: float | None,
    loosen: bool,  # noqa: FBT001
) -> Any:
    node = entry.node
    if isinstance(node, Scalar) and node.text == NEVER:
        limit = None
    else:
        limit = reader.value(key, node, path)
        if limit is None:
            return before
    looser = before is not None and (limit is None or limit > before)
    if looser and not loosen:
        what = f"is looser than {_text(key, before)}"
        hint = f"write {LOOSEN} beside it if that is meant"
        reader.problems.add(node.place, path, what, hint)
        return before
    return limit


def _text(key: Key, limit: Any) -> str:
    if key.form is Form.SHARE:
        return write_share(limit)
    return write_size(limit) if key.form is Form.SIZE else str(limit)
