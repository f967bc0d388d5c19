"""Which machine this is, and which row it has."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

MACHINE_ID = Path("/etc/machine-id")


class Machine(NamedTuple):
    """What a host is known by; the name may change, the id may not."""

    name: str
    machine_id: str


def this_machine() -> Machine:
    """Return who we are; a machine without an id of its own is known by its name."""
    name = platform.node() or "localhost"
    try:
        machine_id = MACHINE_ID.read_text().strip()
    except OSError:
        machine_id = ""
    return Machine(name, machine_id or f"name:{name}")


def host_id(engine: Engine, machine: Machine) -> int | None:
    """Return the host's row if it has one."""
    rows = engine.execute("SELECT id FROM hosts WHERE machine_id = ?", (machine.machine_id,))
    return int(rows[0][0]) if rows else None
