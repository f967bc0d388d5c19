"""Where a daemon is found: a unix socket, or a URL."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple
from urllib.parse import urlsplit

from storewarden.errors import UsageError

API = "/api/v1"
_HOW = "write unix:/path/to/api.sock, http://host:port or https://host:port"
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A socket by its path, or a host with its port; ``base`` comes before all paths asked for."""

    path: str = ""
    host: str = ""
    port: int = 0
    tls: bool = False
    base: str = API

    @property
    def shown(self) -> str:
        """Return it as people write it."""
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}"

    @property
    def host_header(self) -> str:
        """Return what the header Host says."""
        return "localhost" if self.path else self.shown.split("//", 1)[1]


def address_of(text: str) -> Address:
    """Return the address that a text means.

    Raises:
        UsageError: it is none.
    """
    if text.startswith("unix:"):
        return _unix(text)
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise UsageError("this is no address of a daemon", where=text, remedy=_HOW)
    if parts.username is not None or parts.password is not None:
        # a URL stands in configurations, logs and lists of processes
        raise UsageError(
            "an address holds no password",
            where=f"{parts.scheme}://…@{parts.hostname}",
            remedy='Warden("https://host:port", token=…), or $STOREWARDEN_TOKEN',
        )
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError("this is no port", where=text, why=str(error), remedy=_HOW) from error
    if not parts.hostname or parts.query or parts.fragment:
        raise UsageError("this is no address of a daemon", where=text, remedy=_HOW)
    base = parts.path.rstrip("/").removesuffix(API) + API
    tls = parts.scheme == "https"
    return Address("", parts.hostname, port or _PORTS[parts.scheme], tls, base)


def _unix(text: str) -> Address:
    path = text.removeprefix("unix:")
    path = path.removeprefix("//")
    if not path.startswith("/"):
        raise UsageError("a socket is named by its whole path", where=text, remedy=_HOW)
    return Address(path)


def configured(config: str | os.PathLike[str] | None) -> Address:
    """Return the socket that the configuration names, by the rules that verbs follow.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageError: it has no socket for applications.
    """
    from pathlib import Path  # noqa: PLC0415  # who names an address pays for none of these

    from storewarden.config.load import load  # noqa: PLC0415

    settings = load(None if config is None else Path(config), os.environ, Path.cwd())
    socket = settings.api.socket
    if socket is None:
        raise UsageError(
            "the configuration has no socket for applications",
            where=settings.source,
            why="api.socket is none",
            remedy='Warden("http://127.0.0.1:9747", token=…), or set api.socket',
        )
    return Address(os.fspath(socket))


def why_not(path: str) -> str:
    """Say what stands in the way of a socket, as far as it can be seen."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "there is no such socket"
    except OSError as error:
        return error.strerror or str(error)
    return "" if stat.S_ISSOCK(mode) else "that is no socket"
