"""The door: every verb a person can type. Heavy things are imported inside the verbs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code: 0 done, 1 failed or found, 2 wrong use, 3 held."""
    soon_over = arguments is None and "run" not in sys.argv
    if soon_over:
        gc.set_threshold(50_000)  # then it need not look for rubbish while it begins
    from storewarden.cli.door import enter

    code = enter(arguments)
    if soon_over:
        gc.freeze()  # nor when it ends: looking through all modules takes longer than many verbs
    return code
