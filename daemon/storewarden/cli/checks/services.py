"""The services: the catalogue as it is now, and the address where metrics will be served."""

from __future__ import annotations

import errno
import http.client
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from storewarden.catalogue.connect import open_catalogue, sqlite_path
from storewarden.cli.checks.finding import Finding, fail, ok, warn
from storewarden.config.schema import HttpSettings, Settings
from storewarden.errors import CatalogueUnavailable, StorewardenError
from storewarden.measure.shown import shown
from storewarden.units import format_size

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine

CHECKED_BYTES = 256 << 20  # reading a larger catalogue whole takes longer than a doctor should
SECONDS = 2.0


def catalogue(settings: Settings) -> Iterator[Finding]:
    """Check that the catalogue can be opened, fits this program, and is not damaged."""
    where = settings.catalogue_shown
    path = None if "postgresql" in where else sqlite_path(settings.catalogue, settings.state)
    if path is not None and not path.exists():
        yield ok("catalogue", f"{shown(os.fsencode(path))} is not there yet; the daemon makes it")
        return
    try:
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

    at, ours = version(engine), newest()
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


def listening(settings: HttpSettings, *, served: Callable[[str, int], bool]) -> Finding:
    """Check that the port for metrics is free, or that it is our own daemon who has it."""
    if settings.port is None:
        return ok("http", "not served, as configured")
    where = str(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((settings.host, settings.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and served(settings.host, settings.port):
            return ok("http", f"{where} is served by a running daemon")
        why = error.strerror or str(error)
        mend = f"ss -ltnp 'sport = :{settings.port}' names who has it; http.listen: takes another"
        return fail("http", f"{where}: {why}", mend)
    return ok("http", f"{where} is free")


def served_by_us(host: str, port: int) -> bool:
    """Whether a Storewarden answers at that address."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("HEAD", "/healthz")
        return connection.getresponse().getheader("Server") == "storewarden"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _remedy(error: StorewardenError) -> str:
    return "see catalogue: in the configuration" if isinstance(error, CatalogueUnavailable) else ""
