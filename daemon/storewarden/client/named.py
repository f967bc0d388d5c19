"""Which file an application means: text, bytes or a path of its own kind, as deeds name it."""

from __future__ import annotations

import os

PathName = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def named(path: PathName) -> str:
    """Return the path as a deed has it: absolute, or ROOT/PATH.

    Bytes that are no UTF-8 travel as Python's surrogateescape has them. What is relative and is no
    text is relative to here; text is so when something of that name is here, else it is ROOT/PATH.
    """
    text = os.fsdecode(path)
    if text.startswith("/"):
        return text
    if isinstance(path, str) and not os.path.lexists(text):
        return text
    return os.path.abspath(text)  # which also is what `normpath` makes of it
