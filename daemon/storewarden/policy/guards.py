"""Which limit a run would meet, so that a person is asked before it goes on; pure."""

from __future__ import annotations

from collections.abc import Iterator

from storewarden.policy.rules import Guard
from storewarden.units import format_share, format_size


def over(
    guard: Guard, files: int, size: int, of_files: int, of_bytes: int
) -> Iterator[tuple[str, str]]:
    """Yield each limit that a run over so many files and bytes would meet, and how, in words.

    A share is of files or of bytes, whichever is larger.
    """
    if guard.max_objects is not None and files > guard.max_objects:
        yield "max_objects", f"{files:,} files, at most {guard.max_objects:,} in one run"
    if guard.max_bytes is not None and size > guard.max_bytes:
        yield "max_bytes", f"{format_size(size)}, at most {format_size(guard.max_bytes)} in one run"
    shares = [part / whole for part, whole in ((files, of_files), (size, of_bytes)) if whole > 0]
    share = max(shares, default=0.0)
    if guard.max_share is not None and share > guard.max_share:
        most = format_share(guard.max_share)
        told = f"{format_share(min(share, 1.0))} of all there is"
        yield "max_share", f"{told}, at most {most} in one run"
