"""What was last proven of a database that goes to an object store is kept here, too.

The next increment is laid over it to see what would come back: otherwise the whole chain would have
to be fetched for each. It is never restored from, and whatever is wrong with it shows in the digest
of what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from storewarden.daemon.tending.bench import Bench

DIRECTORY: Final = "images"


class Proven:
    """Images of databases by their digests, in the state directory."""

    def __init__(self, state: Path) -> None:
        """Touch nothing."""
        self._path = state / DIRECTORY

    def lend(self, digest: bytes, place: Bench, name: bytes) -> bool:
        """Move an image into a place of ours; false where there is none."""
        try:
            os.rename(self._of(digest), name, dst_dir_fd=place.descriptor)
        except OSError:
            return False
        return True

    def keep(self, digest: bytes, place: Bench, name: bytes) -> None:
        """Move an image here; where that cannot be, the next one is fetched."""
        with suppress(OSError):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(name, self._of(digest), src_dir_fd=place.descriptor)

    def prune(self, keep: Collection[bytes]) -> None:
        """Remove all images but some, by their digests."""
        wanted = {digest.hex() for digest in keep}
        with suppress(OSError):
            for name in os.listdir(self._path):
                if name not in wanted:
                    (self._path / name).unlink()

    def _of(self, digest: bytes) -> Path:
        return self._path / digest.hex()
