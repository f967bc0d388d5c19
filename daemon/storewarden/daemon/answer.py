"""How a thread that was asked for something says what came of it."""

from __future__ import annotations

from typing import Protocol

from storewarden.catalogue.requests import Facts


class Answer(Protocol):
    """Ends requests."""

    def __call__(self, job: int, outcome: Facts, *, failed: bool = False) -> None:
        """Say what came of one."""
        ...


def to_nobody(job: int, outcome: Facts, *, failed: bool = False) -> None:
    """Answer before anybody asks."""
