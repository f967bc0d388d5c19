"""What a bucket said of objects as it took them: the checksum of all that it then had.

S3 answers a small object with the MD5 of what it stored, unless it encrypts it with a key of its
own kind. Who is content with that need not have it all sent back to be sure that it is there.
"""

from __future__ import annotations

import threading
from hashlib import md5
from typing import Final

from storewarden.store.contract import Stored

_KEPT: Final = 1_000  # those that nobody asks for are forgotten, the oldest first


class Receipts:
    """Kept in memory, each until it is asked for; any thread may."""

    def __init__(self) -> None:
        self._told: dict[Stored, bytes] = {}
        self._lock = threading.Lock()

    def keep(self, stored: Stored, etag: str, content: bytes, told: bytes) -> None:
        """Keep what an object tells, if what the bucket says of it is the checksum of ``content``.

        MD5 is no guard against somebody who makes two contents alike; but both ends of this way
        are ours, and the way itself is guarded by SHA-256.
        """
        if etag.strip('"').lower() != md5(content, usedforsecurity=False).hexdigest():
            return
        with self._lock:
            while len(self._told) >= _KEPT:
                del self._told[next(iter(self._told))]
            self._told[stored] = told

    def give(self, stored: Stored) -> bytes | None:
        """Return what an object tells, once."""
        with self._lock:
            return self._told.pop(stored, None)
