"""Tell the service manager how we are: readiness, reloading, stopping, watchdog (sd_notify)."""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Mapping

MICROSECONDS = 1_000_000


def ready(status: str = "") -> bool:
    """Say that the start, or a reload, is over; True when somebody was told."""
    return notify("READY=1", *([f"STATUS={status}"] if status else []))


def reloading(monotonic: float) -> bool:
    """Say that the configuration is being read again; ``ready`` ends it."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={int(monotonic * MICROSECONDS)}")


def stopping(status: str = "") -> bool:
    """Say that the daemon is about to end."""
    return notify("STOPPING=1", *([f"STATUS={status}"] if status else []))


def status(text: str) -> bool:
    """Show one line in ``systemctl status``."""
    return notify(f"STATUS={text}")


def watchdog() -> bool:
    """Say that the main loop still turns; only the loop that does the work may call this."""
    return notify("WATCHDOG=1")


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two pings (half of what the manager allows), or None when none are wanted."""
    asked = environ.get("WATCHDOG_USEC", "")
    for_us = environ.get("WATCHDOG_PID") in {None, "", str(os.getpid())}
    if not for_us or not asked.isdecimal() or int(asked) == 0:
        return None
    return int(asked) / MICROSECONDS / 2


def notify(*lines: str) -> bool:
    """Send lines to the service manager; False when there is none or it cannot be reached."""
    if not os.environ.get("NOTIFY_SOCKET"):
        return False  # not a service: not worth importing anything
    state = "\n".join(line.replace("\n", " ") for line in lines)
    try:
        # optional, and needed only under systemd; by its name, for a checkout has a folder of it
        daemon = importlib.import_module("systemd.daemon")
    except ImportError:
        return send(os.environ["NOTIFY_SOCKET"], state)
    try:
        return bool(daemon.notify(state))
    except OSError:
        return False


def send(address: str, state: str) -> bool:
    """Send one datagram to a notify socket: a path, or ``@name`` in the abstract namespace."""
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.connect(target)
            to.sendall(state.encode("utf-8", "backslashreplace"))
    except OSError:
        return False
    return True
