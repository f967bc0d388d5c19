"""A real receiver of webhooks, over HTTP on this machine: it judges each delivery as a user would.

It verifies signatures by the words of Standard Webhooks, with nothing of what is tested.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()

Judge = Callable[[list[dict[str, Any]]], int]


@dataclass
class Received:
    """What came with one request, in the order in which it was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = json.loads(self.body)["events"]
        return events


@dataclass
class Receiver:
    """A receiver that answers as it is told: a status, or "hang up", or nothing for seconds."""

    requests: list[Received] = field(default_factory=list)
    judge: Judge = lambda _events: 204
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    server: ThreadingHTTPServer | None = None
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=test"

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The events that were taken."""
        return [
            event
            for request in list(self.requests)
            if request.status < 300
            for event in request.events
        ]

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.judge(json.loads(body)["events"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(status or 999, headers, body))
                if status == 0:  # it took the request, and died before it answered
                    self.close_connection = True
                    return
                said = b"no" if status >= 300 else b""
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_words: object) -> None:
                pass  # the other side went away

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@contextlib.contextmanager
def receiving(judge: Judge | None = None) -> Iterator[Receiver]:
    """Lend a receiver that runs."""
    receiver = Receiver()
    if judge is not None:
        receiver.judge = judge
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        receiver.stop()


def signed(request: Received, secret: str = SECRET) -> bool:
    """Tell whether a delivery was signed with the secret, as a receiver finds it out."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = request.headers
    words = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    right = base64.b64encode(hmac.new(key, words, hashlib.sha256).digest()).decode()
    return any(
        hmac.compare_digest(one, f"v1,{right}") for one in headers["webhook-signature"].split()
    )
