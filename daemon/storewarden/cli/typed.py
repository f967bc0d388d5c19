"""A command as a person typed it: the reason that histories tell, and what undo asks for."""

from __future__ import annotations

import base64
import secrets
import shlex
from collections.abc import Sequence

LONGEST = 300  # characters of a reason; a shell writes out a thousand names for one star


def command(verb: str, words: Sequence[str], **options: str | bool | None) -> str:
    """Return a command line that says the same again."""
    from storewarden.measure.shown import shown

    parts = verb.split()
    for name, value in options.items():
        if value is True:
            parts.append(f"--{name.replace('_', '-')}")
        elif value:
            parts += [f"--{name.replace('_', '-')}", str(value)]
    line = shown(shlex.join(["storewarden", *parts, *words]))
    if len(line) <= LONGEST:
        return line
    return f"{line[:LONGEST]}… ({len(words):,} words)"


def numbered(line: str) -> str:
    """Return a command with what tells it from the same one at another time, as a remark."""
    token = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    return f"{line}  # {token}"


def token(reason: str) -> str:
    """Return what tells the command of a reason from others; empty where nothing does."""
    _, mark, told = reason.rpartition("  # ")
    return told if mark else ""
