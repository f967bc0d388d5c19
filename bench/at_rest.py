"""The daemon at rest with a million files recorded: how soon it is ready, what it takes."""

from __future__ import annotations

import time

from bench.daemon import Daemon
from bench.ground import Ground
from bench.process import children, memory, processor_share
from bench.report import Figure, Measured, Target

_READY = 1.0  # seconds
_RESIDENT = 60.0  # MB
_SHARE = 0.2  # per cent of a core
_REST, _OVER = 10.0, 20.0  # seconds


def run(ground: Ground) -> list[Figure]:
    """Start over a catalogue that holds the tree, let the start scan pass, and look."""
    tree, house = ground.tree, ground.recorded
    ground.say(f"at rest with {tree.files:,} files")
    ground.settle()
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        time.sleep(_REST)
        ours = memory(daemon.pid)
        others = sum(memory(pid).resident for pid in children(daemon.pid))
        share = processor_share(daemon.pid, _OVER)
    resident = ours.resident + others
    return [
        Figure(
            f"start to ready, {tree.files:,} files",
            Measured(daemon.ready_seconds, "s"),
            target=Target(f"≤ {_READY:.0f} s", daemon.ready_seconds <= _READY),
        ),
        Figure(
            "resident memory",
            Measured(resident, "MB"),
            f"{ours.proportional:.1f} MB with shared pages shared out",
            Target(f"≤ {_RESIDENT:.0f} MB", resident <= _RESIDENT),
        ),
        Figure(
            "processor",
            Measured(share, "% of a core"),
            target=Target(f"≤ {_SHARE} %", share <= _SHARE),
        ),
    ]
