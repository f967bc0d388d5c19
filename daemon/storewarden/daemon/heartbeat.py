"""The lease is kept alive, and whether the catalogue can be used is noticed with every beat."""

from __future__ import annotations

from typing import Protocol

from storewarden.catalogue.lease import BEAT_SECONDS
from storewarden.daemon.comeback import Comeback
from storewarden.daemon.ground import Ground
from storewarden.errors import StorewardenError


class Recording(Protocol):
    """Hears of the catalogue being away, and of its being back."""

    def failed(self, error: StorewardenError) -> None:
        """Hear that it could not be written."""
        ...

    def works_again(self) -> None:
        """Hear that it can be written again."""
        ...


class Heartbeat:
    """Shows that we live. ``step`` is a worker's."""

    def __init__(self, ground: Ground, comeback: Comeback, recording: Recording) -> None:
        self._ground, self._comeback, self._recording = ground, comeback, recording
        self._failed = False

    def step(self) -> float:
        """Beat. A catalogue that fails is told once; the beat goes on at its pace."""
        try:
            self._ground.lease.beat(self._ground.clock)
            self._comeback.look()
        except StorewardenError as error:
            if not error.transient:
                raise
            self._failed = True
            self._recording.failed(error)
        else:
            if self._failed:
                self._recording.works_again()
            self._failed = False
        return BEAT_SECONDS
