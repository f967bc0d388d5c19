"""The services: the catalogue as it is now, and the address where metrics will be served."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from storewarden.catalogue.connect import is_there, open_catalogue, sqlite_path
from storewarden.cli.checks.finding import Finding, fail, ok, warn
from storewarden.config.schema import HttpSettings, Listen, Settings
from storewarden.errors import CatalogueUnavailable, ConfigError, StorewardenError
from storewarden.measure import listening as sockets
from storewarden.measure.shown import shown
from storewarden.measure.web import Web, require_guard
from storewarden.units import format_size

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine

CHECKED_BYTES = 256 << 20  # reading a larger catalogue whole takes longer than a doctor should
SECONDS = 2.0


def catalogue(settings: Settings) -> Iterator[Finding]:
    """Check that the catalogue can be opened, fits this program, and is not damaged."""
    where = settings.catalogue_shown
    path = None if "postgresql" in where else sqlite_path(settings.catalogue, settings.state)
    try:
        if path is not None and not is_there(path):
            told = f"{shown(os.fsencode(path))} is not there yet; the daemon makes it"
            yield ok("catalogue", told)
            return
        engine = open_catalogue(
            settings.catalogue, settings.state, readonly=True, role="storewarden-doctor"
        )
        try:
            yield versions(engine, where)
            if path is not None:
                yield integrity(path)
        finally:
            engine.close()
    except StorewardenError as error:
        yield fail("catalogue", shown(error), error.remedy or _remedy(error))


def versions(engine: Engine, where: str) -> Finding:
    """Compare the catalogue's version with the program's."""
    from storewarden.catalogue.migrate import newest, version
    from storewarden.catalogue.version import UNFINISHED

    at, ours = version(engine), newest()
    if at == UNFINISHED:
        what = f"{where} is an unfinished copy of another catalogue"
        return fail("catalogue", what, "begin it anew: storewarden catalogue copy")
    told = f"{where}, version {at}"
    if at > ours:
        return fail("catalogue", f"{told} is newer than {ours}", "update storewarden")
    if at < ours:
        return warn("catalogue", f"{told} is older than {ours}", "storewarden catalogue migrate")
    return ok("catalogue", told)


def integrity(path: Path) -> Finding:
    """Have SQLite read its whole file, unless that takes too long."""
    from storewarden.catalogue.keep_file import damage

    size = path.stat().st_size
    told = format_size(size)
    if size > CHECKED_BYTES:
        return ok("catalogue", f"{told}: `storewarden catalogue status --check` reads all of it")
    if problem := damage(path):
        remedy = "storewarden catalogue restore, or a start of the daemon, which rebuilds it"
        return fail("catalogue", f"damaged: {shown(problem)}", remedy)
    return ok("catalogue", f"{told}, undamaged")


def listening(settings: HttpSettings, *, served: Callable[[Listen], bool]) -> Finding:
    """Check that what metrics are served at is free, or that it is our own daemon who has it."""
    listen = settings.listen
    if not listen.served:
        return ok("http", "not served, as configured")
    try:
        web = None if settings.web_config is None else Web(settings.web_config)
        require_guard(listen, web)
        with sockets.opened(listen) as made:
            sockets.left(made)
    except ConfigError as error:
        return fail("http", error.problems[0], "see docs/reference/configuration.md#httpweb_config")
    except StorewardenError as error:
        if error.why == os.strerror(errno.EADDRINUSE) and served(listen):
            return ok("http", f"{listen} is served by a running daemon")
        return fail("http", f"{error.where}: {error.why}", error.remedy)
    return ok("http", f"{listen} is free")


def served_by_us(listen: Listen) -> bool:
    """Whether a Storewarden answers there, with TLS or without."""
    return any(_answers(listen, tls=tls) for tls in (False, True))


def _answers(listen: Listen, *, tls: bool) -> bool:
    try:
        plain = _connected(listen)
        with _anyone().wrap_socket(plain) if tls else plain as connection:
            connection.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: storewarden\r\n\r\n")
            return b"\nserver: storewarden\r" in connection.recv(4096).lower()
    except OSError:
        return False


def _connected(listen: Listen) -> socket.socket:
    if listen.socket is None:
        return socket.create_connection((listen.host, listen.port or 0), timeout=SECONDS)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(SECONDS)
    made.connect(listen.socket)
    return made


def _anyone() -> ssl.SSLContext:
    """Return what believes any certificate: it is only asked who is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _remedy(error: StorewardenError) -> str:
    return "see catalogue: in the configuration" if isinstance(error, CatalogueUnavailable) else ""
