"""Events into a stream of Redis, each an entry of its own with its id, kind and JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from storewarden.api.events.credentials import Credentials
from storewarden.api.events.sink import Message
from storewarden.errors import ListenerAway, PermanentError
from storewarden.measure.shown import shown

if TYPE_CHECKING:  # an extra, and only for who has such a listener
    from redis import Redis

LENGTH: Final = 100_000
"""About so many entries a stream keeps; Redis drops the oldest."""


class RedisStream:
    """Adds events to a stream: all of a call, or none."""

    def __init__(
        self,
        url: str,
        stream: str,
        timeout: float,
        credentials: Callable[[], Credentials],
    ) -> None:
        """Add to ``stream`` of the server at ``url``.

        Raises:
            PermanentError: the library that speaks to Redis is not installed.
        """
        require_library()
        self._url, self._stream, self._timeout = url, stream, timeout
        self._credentials = credentials
        self._client: Redis | None = None

    def send(self, messages: Sequence[Message]) -> None:
        """Add all of these."""
        from redis.exceptions import RedisError  # noqa: PLC0415  # see above

        try:
            self._client = client = self._client or self._opened()
            with client.pipeline(transaction=True) as adding:
                for one in messages:
                    adding.xadd(
                        self._stream,
                        {"id": one.id, "event": one.kind, "data": one.text},
                        maxlen=LENGTH,
                        approximate=True,
                    )
                adding.execute()
        except (RedisError, OSError) as error:
            self.close()
            raise ListenerAway(
                "a listener cannot be told",
                where=f"{self._url} {self._stream}",
                why=shown(str(error) or type(error).__name__),
            ) from None

    def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError):
                client.connection_pool.disconnect()

    def _opened(self) -> Redis:
        from redis import Redis  # noqa: PLC0415  # see above

        known = self._credentials()
        return Redis.from_url(
            self._url,
            username=known.user or None,
            password=known.password or None,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
        )


def require_library() -> None:
    """Raise unless the library that speaks to Redis is installed."""
    try:
        import redis  # noqa: F401, PLC0415  # see above
    except ImportError as error:
        raise PermanentError(
            "a listener cannot be told",
            why=f"Redis needs a library that is not installed ({error})",
            remedy="pip install 'storewarden[redis]'",
        ) from None
