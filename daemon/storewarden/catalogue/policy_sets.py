"""The policies in force: kept in the catalogue, so that a broken file changes nothing.

The newest set of a host is in force. What it says is kept as it was written, for whoever reads it
next; the catalogue itself understands none of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

Sources = tuple[tuple[str, str], ...]

_KEPT = 10  # sets of a host that are remembered: what was in force before, for whoever asks


class StoredSet(NamedTuple):
    """A set of policies as it was stored."""

    id: int
    fingerprint: str
    sources: Sources  # the name and the text of each file
    loaded_ns: int
    decided_through: int  # files beyond this id were not decided by it yet
    program: str = ""  # the version that read it: another one may understand it otherwise


class StoredPolicy(NamedTuple):
    """A policy that some set of a host has or had."""

    id: int
    name: str
    fingerprint: str
    first_seen_ns: int  # as it is now
    approved_ns: int | None


def in_force(engine: Engine, host_id: int) -> StoredSet | None:
    """Return the set that is in force on a host; None when it never had one."""
    rows = engine.execute(
        "SELECT id, fingerprint, sources, loaded_ns, decided_through FROM policy_sets"
        " WHERE host_id = ? ORDER BY id DESC LIMIT 1",
        (host_id,),
    )
    if not rows:
        return None
    id_, fingerprint, told, loaded_ns, through = rows[0]
    whole = json.loads(told)
    texts = tuple((name, text) for name, text in whole["files"])
    return StoredSet(id_, fingerprint, texts, loaded_ns, through, whole["program"])


def put_in_force(
    engine: Engine,
    host_id: int,
    fingerprint: str,
    sources: Sequence[tuple[str, str]],
    policies: Mapping[str, str],
    now_ns: int,
    program: str = "",
) -> StoredSet:
    """Store a set, with the fingerprint of each of its policies by name, and return it.

    One that says the same as the set in force takes its place, and nothing is decided anew unless
    another version of the program read it. A policy that is new, or says something else than it
    did, was approved by nobody.
    """
    told = json.dumps({"program": program, "files": [list(source) for source in sources]})
    with engine.joined():
        now = in_force(engine, host_id)
        if now is not None and now.fingerprint == fingerprint:
            engine.execute(
                "UPDATE policy_sets SET sources = ?, loaded_ns = ? WHERE id = ?",
                (told, now_ns, now.id),
            )
            if now.program != program:
                decide_all_anew(engine, host_id)
        else:
            engine.insert(
                "policy_sets",
                ("host_id", "fingerprint", "sources", "loaded_ns"),
                [(host_id, fingerprint, told, now_ns)],
            )
            _forget_old(engine, host_id)
        engine.executemany(
            "INSERT INTO policies (host_id, name, fingerprint, first_seen_ns) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (host_id, name) DO UPDATE SET fingerprint = excluded.fingerprint,"
            " first_seen_ns = excluded.first_seen_ns, approved_ns = NULL"
            " WHERE policies.fingerprint <> excluded.fingerprint",
            [(host_id, name, mark, now_ns) for name, mark in policies.items()],
        )
        stored = in_force(engine, host_id)
        assert stored is not None  # noqa: S101  # it was stored just now
    return stored


def _forget_old(engine: Engine, host_id: int) -> None:
    engine.execute(
        "DELETE FROM policy_sets WHERE host_id = ? AND id NOT IN (SELECT id FROM policy_sets"
        " WHERE host_id = ? ORDER BY id DESC LIMIT ?)",
        (host_id, host_id, _KEPT),
    )


def policies(engine: Engine, host_id: int) -> dict[str, StoredPolicy]:
    """Return all policies that a host has or had, by name."""
    rows = engine.execute(
        "SELECT id, name, fingerprint, first_seen_ns, approved_ns FROM policies WHERE host_id = ?",
        (host_id,),
    )
    return {row[1]: StoredPolicy(*row) for row in rows}


def decide_all_anew(engine: Engine, host_id: int) -> None:
    """Have every file of a host decided anew by the set in force."""
    with engine.joined():
        engine.execute("UPDATE policy_sets SET decided_through = 0 WHERE host_id = ?", (host_id,))
