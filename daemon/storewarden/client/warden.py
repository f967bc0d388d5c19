"""The door for applications: through a daemon, or directly at a catalogue."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from storewarden.client.asking import Asking
from storewarden.client.backend import Backend
from storewarden.client.errors import UsageError
from storewarden.client.named import PathName
from storewarden.client.telling import Telling

TIMEOUT = 30.0
TOKEN_VARIABLE = "STOREWARDEN_TOKEN"  # noqa: S105  # its name


class Warden(Telling, Asking):
    """What an application tells Storewarden, and asks of it; for any number of threads.

    ``Warden()`` finds the daemon's socket as verbs find their configuration;
    ``Warden("unix:/run/storewarden/api.sock")`` and ``Warden("https://host:9747")`` name it.
    ``Warden(catalogue=…)`` needs no daemon: it takes ``sqlite:///PATH``, ``postgresql://…``, or the
    path of a configuration. Nothing is connected before the first call.

    A user is known by a token: given, in a file, or in ``$STOREWARDEN_TOKEN``.

    A call that no daemon answers is tried again, for ``timeout`` seconds at most, with pauses that
    grow. Whatever is tried again counts once.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        token_file: PathName | None = None,
        config: str | os.PathLike[str] | None = None,
        catalogue: str | os.PathLike[str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Choose the way.

        Raises:
            UsageError: two ways are named, or what names one is none.
            ConfigError: the configuration that names the socket cannot be used.
        """
        if catalogue is not None:
            _refuse_both(address, token, token_file, config)
            self._backend: Backend = _directly(os.fspath(catalogue), timeout)
        else:
            self._backend = _by_daemon(address, _token(token, token_file), config, timeout)

    def close(self) -> None:
        """Give back connections; nothing is lost that was answered."""
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._backend})"


def _refuse_both(address: object, token: object, token_file: object, config: object) -> None:
    if not (address is token is token_file is config is None):
        raise UsageError(
            "a catalogue is opened directly",
            why="an address, a token and config are for a daemon",
            remedy="say catalogue alone: it may be the path of a configuration",
        )


def _directly(catalogue: str, timeout: float) -> Backend:
    from storewarden.client.direct import Direct  # noqa: PLC0415  # it opens databases

    return Direct(catalogue, timeout)


def _by_daemon(
    address: str | None,
    token: str | None,
    config: str | os.PathLike[str] | None,
    timeout: float,
) -> Backend:
    from storewarden.client.address import address_of, configured  # noqa: PLC0415
    from storewarden.client.remote import Remote  # noqa: PLC0415  # sockets, for who uses them

    if address is not None and config is not None:
        raise UsageError(
            "an address and a configuration are two ways to one daemon", remedy="say one of them"
        )
    at = configured(config) if address is None else address_of(address)
    return Remote(at, token, timeout)


def _token(token: str | None, token_file: PathName | None) -> str | None:
    """Return the token; without one, whoever may use a socket is the machine itself.

    Raises:
        UsageError: its file cannot be read, or there are two.
    """
    if token is not None and token_file is not None:
        raise UsageError("a token and a file of one are two", remedy="say one of them")
    if token_file is None:
        return token or os.environ.get(TOKEN_VARIABLE) or None
    try:
        with open(token_file, encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, ValueError) as error:
        raise UsageError(
            "the token cannot be read", where=os.fsdecode(token_file), why=str(error)
        ) from error
