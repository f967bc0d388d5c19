"""The door: every verb a person can type. Heavy things are imported inside the verbs."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code: 0 done, 1 failed or found, 2 wrong use, 3 held."""
    from storewarden.cli.door import enter

    return enter(arguments)
