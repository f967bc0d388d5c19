"""What serves applications, made when the first comes: a daemon that nobody speaks to pays none.

The socket is open from the start; what answers it is imported with the first connection.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

from storewarden.api.events.bell import Bell
from storewarden.config.schema import API_SOCKET, Settings
from storewarden.daemon.ground import Ground
from storewarden.daemon.telling.door import Door
from storewarden.daemon.telling.listening import Listening
from storewarden.measure.metrics import Metrics

if TYPE_CHECKING:  # see above
    from storewarden.api.http.serving import Serving
    from storewarden.api.known import Known
    from storewarden.api.teller import Teller

log = logging.getLogger(__name__)

_END_SECONDS = 2.0


class Telling:
    """The part of the daemon that applications speak to."""

    def __init__(self, ground: Ground, settings: Settings, metrics: Metrics) -> None:
        self._ground, self._settings, self._metrics = ground, settings, metrics
        self.bell = Bell()  # rung after each commit that has something to tell
        if ground.rounds is not None:
            ground.rounds.ring = self.bell.ring
        self.listening = Listening(ground, self.bell, metrics)
        self._making = threading.Lock()
        self._serving: Serving | None = None
        self._teller: Teller | None = None
        self._known: Known | None = None
        self._door: Door | None = None

    def open(self) -> None:
        """Listen at the configured socket.

        Raises:
            StorewardenError: nobody can.
        """
        path = self._settings.api.socket
        if path is not None:
            # In the state directory it can only be one that was paused, and lost the lease to us.
            ours = path == self._settings.state / API_SOCKET
            self._door = Door(path, self._came, ours=ours)
            self._door.open()
        self.listening.follow(self._settings)

    def follow(self, settings: Settings) -> None:
        """Take over a new configuration: what may be done without a token."""
        self._settings = settings
        self.listening.follow(settings)

    def close(self) -> None:
        """Let nobody come any more; answer what is under way, and cut what takes too long."""
        if self._door is not None:
            self._door.close()
        self.listening.close()
        self.bell.end()
        with self._making:
            serving, teller = self._serving, self._teller
        if serving is not None and not serving.places.end(_END_SECONDS):
            serving.places.end_all()
        if teller is not None:
            teller.close()

    def write_uses(self) -> None:
        """Write when tokens were last used, if anybody showed one."""
        with self._making:
            known = self._known
        if known is not None:
            known.write_uses()

    def guest(self, connection: socket.socket, ahead: bytes) -> None:
        """Serve a connection that came to the daemon's other address."""
        self._made().serve(connection, ahead)

    def _came(self, connection: socket.socket) -> None:
        try:
            self._made().begin(connection)
        except Exception:
            log.exception("an application could not be served")
            connection.close()

    def _made(self) -> Serving:
        with self._making:
            if self._serving is None:
                self._serving = self._make()
            return self._serving

    def _make(self) -> Serving:
        from storewarden.api.events.streams import Streams  # noqa: PLC0415  # see above
        from storewarden.api.http.application import Application  # noqa: PLC0415
        from storewarden.api.http.interface import ROUTES  # noqa: PLC0415
        from storewarden.api.http.parts import READERS, Parts  # noqa: PLC0415
        from storewarden.api.http.serving import Serving  # noqa: PLC0415
        from storewarden.api.known import Known  # noqa: PLC0415
        from storewarden.api.teller import Teller  # noqa: PLC0415

        ground = self._ground
        reading = threading.BoundedSemaphore(READERS)
        self._known = Known(ground.engine, ground.clock)
        self._teller = Teller(ground.engine, ground.host_id, ground.clock)
        parts = Parts(
            engine=ground.engine,
            host_id=ground.host_id,
            clock=ground.clock,
            teller=self._teller,
            known=self._known,
            streams=Streams(ground.engine, self.bell, ground.clock, reading),
            settings=lambda: self._settings,
            reading=reading,
        )
        serving = Serving(Application(ROUTES, parts, self._seen))
        self._metrics.http_connections.set_function(serving.places.count)
        return serving

    def _seen(self, about: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._metrics.http_requests_total.labels(about=about, status=f"{status // 100}xx").inc()
        self._metrics.http_request_duration_seconds.observe(seconds)
