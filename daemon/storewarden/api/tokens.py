"""Tokens: what an application shows to be known as a user.

``sw_`` + a public id + ``_`` + 32 random bytes. The public id finds the row and may be shown; the
rest is a secret that is told once. What is kept is a digest of the whole: as the secret is random,
no slow hash is needed to keep it from being guessed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from storewarden.errors import NotKnown

PREFIX: Final = "sw_"
PUBLIC_CHARACTERS: Final = 12  # 60 bits: no two by chance
SECRET_BYTES: Final = 32
DIGEST_BYTES: Final = 32

_FORM: Final = re.compile(r"sw_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_NOBODYS: Final = bytes(DIGEST_BYTES)  # of ids that there are not, so that time does not tell ids
UNKNOWN: Final = "the token is not known here"
HOLDS_NOT: Final = "it is nobody's, or holds no longer"
REMEDY: Final = "ask whoever looks after Storewarden for a new one: storewarden user token NAME"

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its text is only ever had by asking for it."""

    public_id: str
    _secret: str

    def reveal(self) -> str:
        """Return the whole text, to be shown once or to be sent."""
        return f"{PREFIX}{self.public_id}_{self._secret}"

    def digest(self) -> bytes:
        """Return what is kept of it."""
        return hashlib.sha256(self.reveal().encode()).digest()

    def is_of(self, digest: bytes | None) -> bool:
        """Tell whether a digest is of this token, in a time that tells nothing; None is of none."""
        same = hmac.compare_digest(self.digest(), _NOBODYS if digest is None else digest)
        return same and digest is not None

    def __repr__(self) -> str:
        return f"<token {self.public_id}>"

    __str__ = __repr__


def make(random: Random) -> Token:
    """Return a new token; ``random`` is ``os.urandom``."""
    public = base64.b32encode(random(8)).decode().lower()[:PUBLIC_CHARACTERS]
    secret = base64.urlsafe_b64encode(random(SECRET_BYTES)).decode().rstrip("=")
    return Token(public, secret)


def read(text: str) -> Token:
    """Return the token that a text is.

    Raises:
        NotKnown: it is none; the error does not repeat it.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise NotKnown(UNKNOWN, why="it is no token of Storewarden", remedy=REMEDY)
    return Token(*match.groups())
