"""An application that speaks HTTP by the standard library: it takes nothing of ours for granted."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode

SECONDS = 15.0


class Told(NamedTuple):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The last word of the type of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        return str(self.json["type"].rpartition("#")[2])

    @property
    def pointers(self) -> list[str]:
        return [one["pointer"] for one in self.json["errors"]]


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        above = os.open(
            self._path.parent, os.O_PATH
        )  # its name may be longer than the kernel takes
        try:
            self.sock.connect(f"/proc/self/fd/{above}/{self._path.name}")
        finally:
            os.close(above)


class Api:
    """One connection, kept, to a socket or to ``host:port``."""

    def __init__(self, at: Path | str, token: str = "") -> None:
        self.token = token
        self.connection = (
            _Unix(at) if isinstance(at, Path) else http.client.HTTPConnection(at, timeout=SECONDS)
        )

    def __call__(self, method: str, path: str, said: Any = None, /, **headers: str) -> Told:
        """Ask, with a body of JSON where something is said."""
        body = None if said is None else json.dumps(said).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        return self.raw(method, f"/api/v1{path}", body, sent)

    def raw(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Told:
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Told(answer.status, found, answer.read())

    def file(self, path: str | Path, of: str = "", **query: Any) -> Told:
        """Ask about a file by its path."""
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return self("GET", f"/files/{quote(str(path), safe='')}{of}{asked}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
