"""What is answered: /metrics for Prometheus, /healthz and /readyz for whoever asks."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from storewarden.measure.listener import HTML, JSON, TEXT, Answer, Guest, Listener
from storewarden.measure.listening import left, shown
from storewarden.measure.metrics import Metrics, compressed
from storewarden.measure.web import Web

log = logging.getLogger(__name__)

INDEX = """\
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Storewarden</title>
<h1>Storewarden</h1>
<ul>
<li><a href="/metrics">/metrics</a> figures for Prometheus
<li><a href="/healthz">/healthz</a> does every part get on?
<li><a href="/readyz">/readyz</a> is every root watched?
<li><a href="/api/v1/">/api/v1/</a> what applications may tell and ask
</ul>
<p>What each figure tells: docs/reference/metrics.md. On a terminal: <code>storewarden status</code>
"""

Stuck = Callable[[], Mapping[str, float]]
Waiting = Callable[[], Sequence[str]]


class Server:
    """Serves the faces of one daemon until it is stopped.

    Args:
        metrics: what /metrics shows.
        stuck: names of workers that do not get on, with the seconds since they last did.
        waiting: what the daemon still waits for before it is ready; empty when it is.

    ``guest`` is who serves what is below /api; to be set before it starts.
    """

    def __init__(self, metrics: Metrics, *, stuck: Stuck, waiting: Waiting) -> None:
        self._metrics = metrics
        self._stuck = stuck
        self._waiting = waiting
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._ours = True
        self.guest: Guest | None = None

    def start(self, listening: socket.socket, web: Web | None = None, *, ours: bool = True) -> None:
        """Answer what comes to a socket; ``web`` says to whom, ``ours`` that we made it."""
        self._ours = ours
        self._listener = Listener(listening, self.answer, web, self.guest)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(3600.0,), name="http", daemon=True
        )
        self._thread.start()
        log.info("metrics are served", extra={"facts": {"url": f"{self.url}/metrics"}})

    @property
    def url(self) -> str:
        """``http://127.0.0.1:9747`` or ``unix:/run/x.sock``; "" when not listening."""
        if self._listener is None:
            return ""
        return shown(self._listener.socket, tls=self._listener.gate().context is not None)

    def stop(self) -> None:
        """Listen no more; requests under way end by themselves, within ten seconds or with us."""
        if self._listener is None or self._thread is None:
            return
        if self._ours:
            left(self._listener.socket)
        self._listener.stop(ours=self._ours)
        self._thread.join()
        self._listener = self._thread = None

    def answer(self, target: str, accept: str = "", encodings: str = "") -> Answer:
        """Return the answer to GET ``target`` with these Accept headers; no I/O."""
        url = urlsplit(target)
        if url.path == "/metrics":
            return self._figures(parse_qs(url.query), accept, encodings)
        if url.path == "/healthz":
            return self._health()
        if url.path == "/readyz":
            return self._readiness()
        if url.path == "/":
            return Answer(HTTPStatus.OK, HTML, INDEX.encode())
        return Answer(HTTPStatus.NOT_FOUND, TEXT, b"not here; try /metrics /healthz /readyz\n")

    def _figures(self, query: Mapping[str, list[str]], accept: str, encodings: str) -> Answer:
        content_type, body = self._metrics.expose(accept, query.get("name[]", ()))
        if not accepts_gzip(encodings):
            return Answer(HTTPStatus.OK, content_type, body, Vary="Accept-Encoding")
        return Answer(
            HTTPStatus.OK,
            content_type,
            compressed(body),
            Content_Encoding="gzip",
            Vary="Accept-Encoding",
        )

    def _health(self) -> Answer:
        stuck = {name: round(seconds, 1) for name, seconds in sorted(self._stuck().items())}
        return _verdict(not stuck, "stuck" if stuck else "ok", stuck_seconds=stuck)

    def _readiness(self) -> Answer:
        waiting = list(self._waiting())
        return _verdict(not waiting, "waiting" if waiting else "ready", waiting=waiting)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it."""
    for part in header.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _verdict(good: bool, status: str, **details: object) -> Answer:  # noqa: FBT001  # it is the subject
    code = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps({"status": status, **details}) + "\n"
    return Answer(code, JSON, body.encode())
