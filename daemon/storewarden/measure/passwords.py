"""Who may see the pages: names with passwords hashed by bcrypt, as web servers keep them.

bcrypt is slow on purpose, and a scrape comes every few seconds: who was let in once is known again
by a keyed hash that never leaves the memory. Tries that fail are made one after the other, so that
guessing takes one core at the most.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import threading
from collections.abc import Callable, Mapping
from typing import Final

Check = Callable[[bytes, bytes], bool]
"""Tells whether a password belongs to a hash."""

# Of nobody: asked for names that there are not, so that time does not tell names.
_NOBODY: Final = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8tQ9x7T5Wl1uJr8sJ0zZkqNqk9mG3u"
_LONGEST: Final = 72  # bytes of a password that bcrypt looks at; newer ones refuse more
_KEPT: Final = 100


class Passwords:
    """The names of one web configuration."""

    def __init__(self, users: Mapping[str, str], check: Check) -> None:
        self._users = dict(users)
        self._check = check
        self._key = os.urandom(32)
        self._known: dict[bytes, None] = {}
        self._one_by_one = threading.Lock()

    def allow(self, header: str) -> bool:
        """Tell whether the ``Authorization`` of a request is that of one of them."""
        name, password = _read(header)
        if name is None:
            return False
        seen = hmac.digest(self._key, b"%s\0%s" % (name.encode(), password), "sha256")
        if seen in self._known:
            return True
        hashed = self._users.get(name, _NOBODY)
        with self._one_by_one:
            right = self._check(password[:_LONGEST], hashed.encode()) and name in self._users
            if right and len(self._known) < _KEPT:
                self._known[seen] = None
        return right


def _read(header: str) -> tuple[str | None, bytes]:
    """Return name and password of a header, no name when it holds none."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else (None, b"")
    except (binascii.Error, ValueError):
        return None, b""
