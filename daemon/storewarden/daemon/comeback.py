"""A catalogue that was away may have lost what it acknowledged: then all roots are scanned.

A server that answers before its disk does (``synchronous_commit=off``) forgets the last moments
when it crashes, and a restored one more. It does not say so, and neither does a connection that is
simply made again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueUnavailable, StorewardenError

log = logging.getLogger(__name__)

REASON = "the catalogue was away"


class Comeback:
    """Notices that the catalogue went away and is back. Any thread may report."""

    def __init__(self, engine: Engine, scan_all: Callable[[str], None]) -> None:
        """Call ``scan_all`` with the reason once the catalogue is back."""
        self._engine = engine
        self._scan_all = scan_all
        self._lock = threading.Lock()
        self._away = False
        self._incarnation = engine.incarnation()

    def failed(self, error: StorewardenError) -> None:
        """Hear that a transaction came to nothing."""
        if isinstance(error, CatalogueUnavailable):
            self._away = True

    def works(self) -> None:
        """Hear that a transaction was committed."""
        with self._lock:
            was_away, self._away = self._away, False
        if was_away:
            log.info("the catalogue is back: all roots are scanned, as it may have lost rows")
            self._scan_all(REASON)

    def look(self) -> None:
        """Ask whether it is the same as before, or was started anew unnoticed."""
        incarnation = self._engine.incarnation()
        with self._lock:
            if incarnation != self._incarnation:
                self._away = True
            self._incarnation = incarnation
        self.works()
