"""Where events are delivered to: a webhook, or a stream of Redis; each by the same contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """An event as it is sent."""

    id: str
    kind: str
    text: str  # JSON of one line, ASCII


class Sink(Protocol):
    """Takes events in their order; used by one thread, ended by another."""

    def send(self, messages: Sequence[Message]) -> None:
        """Hand over all of these; when it returns, they arrived.

        Raises:
            ListenerAway: nobody knows whether they arrived; the same is to be sent again.
            ListenerRefused: they arrived, and are not taken: one of them at least is why.
        """
        ...

    def close(self) -> None:
        """Let go of a connection that is open; what is being sent fails."""
        ...
