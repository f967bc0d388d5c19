"""Who it is that shows a token: looked up in the catalogue, and known for a few seconds after."""

from __future__ import annotations

import hmac
import os
import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from storewarden.api import tokens
from storewarden.api.scopes import SCOPES, granted
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import tokens as kept
from storewarden.catalogue.told.tokens import TokenRow
from storewarden.clock import Clock
from storewarden.errors import NotKnown, StorewardenError

KNOWN_SECONDS: Final = 5.0  # how long a token that was revoked may still hold
USED_SECONDS: Final = 60.0  # how often it is noted that a token is used
_MOST: Final = 1_000


class _Seen(NamedTuple):
    """A token that held when it was looked up."""

    who: Who
    row: TokenRow
    until: float  # by the clock that never jumps


class Known:
    """Tells who shows a token; any thread may ask.

    What is remembered is known by a keyed hash: memory holds no token either.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Look tokens up in this catalogue; nothing is read before the first is asked for."""
        self._engine = engine
        self._clock = clock
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._noted: dict[int, float] = {}  # tokens, and when their use was last noted
        self._used: dict[int, int] = {}  # tokens, and when they were used: not written yet

    def who(self, text: str) -> Who:
        """Return whose token it is, and what it may be used for.

        Raises:
            NotKnown: it is none, nobody's, expired, revoked, or its user's tokens do not hold.
        """
        key = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        now, now_ns = self._clock.monotonic(), self._clock.wall_ns()
        with self._lock:
            seen = self._seen.get(key)
        if seen is None or now >= seen.until or not seen.row.holds(now_ns):
            seen = self._look_up(key, text, now, now_ns)
        self._note(seen.row.id, now, now_ns)
        return seen.who

    def forget(self) -> None:
        """Look every token up again: one was revoked, or a user disabled."""
        with self._lock:
            self._seen.clear()

    def write_uses(self) -> bool:
        """Write when tokens were last used; True when there was something to write.

        For whoever writes to the catalogue anyway: who asks something never waits for it.
        """
        with self._lock:
            used, self._used = self._used, {}
        if not used:
            return False
        try:
            kept.used(self._engine, list(used.items()))
        except StorewardenError:
            with self._lock:
                self._used = used | self._used
            raise
        return True

    def _look_up(self, key: bytes, text: str, now: float, now_ns: int) -> _Seen:
        with self._lock:
            self._seen.pop(key, None)
        token = tokens.read(text)
        row = kept.by_public_id(self._engine, token.public_id)
        # compared whether or not there is one: time does not tell which ids there are
        right = token.is_of(None if row is None else row.digest)
        if row is None or not right or not row.holds(now_ns):
            raise NotKnown(tokens.UNKNOWN, why=tokens.HOLDS_NOT, remedy=tokens.REMEDY)
        scopes = granted(scope for scope in SCOPES if scope in row.scopes)
        seen = _Seen(Who(row.user_id, row.user, scopes), row, now + KNOWN_SECONDS)
        with self._lock:
            self._seen[key] = seen
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return seen

    def _note(self, token_id: int, now: float, now_ns: int) -> None:
        with self._lock:
            if now - self._noted.get(token_id, float("-inf")) >= USED_SECONDS:
                if len(self._noted) >= _MOST:
                    self._noted.clear()
                self._noted[token_id] = now
                self._used[token_id] = now_ns
