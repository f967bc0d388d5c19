"""``storewarden run``: the daemon in the foreground."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from storewarden.cli.output import note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.config.schema import RootSettings, Settings


@verb
def run(session: Session) -> int:
    """Watch the roots and record every file, until stopped by Ctrl-C or SIGTERM.

    SIGHUP reads the configuration again; a wrong one is refused and the present one kept.
    --json writes the log as one JSON object a line.
    """
    settings = session.settings
    from storewarden.daemon.run import run as serve

    if sys.stderr.isatty() and not session.json:
        note(greeting(settings))
    return serve(settings, json_log=session.json, reload=session.read_settings)


def greeting(settings: Settings) -> str:
    """Return what a person at a terminal is told at the start."""
    from storewarden.measure.shown import shown

    widest = max(len(root.name) for root in settings.roots)
    lines = ["Storewarden watches"]
    lines += [f"  {root.name:<{widest}}  {shown(root.path)}" for root in settings.roots]
    lines += [f"catalogue  {_catalogue(settings)}", f"metrics    {_metrics(settings)}", ""]
    lines += [_hint(settings.roots[0]), "Ctrl-C stops it.", ""]
    return "\n".join(lines)


def _catalogue(settings: Settings) -> str:
    if settings.catalogue != "sqlite":
        return settings.catalogue_shown
    from storewarden.catalogue.connect import sqlite_path
    from storewarden.measure.shown import shown

    return shown(os.fsencode(sqlite_path(settings.catalogue, settings.state)))


def _metrics(settings: Settings) -> str:
    listen = settings.http.listen
    if not listen.served:
        return "not served, as configured"
    if listen.socket is not None:
        return f"/metrics at {listen}"
    if listen.port == 0:
        return "on a free port, see the log"
    scheme = "http" if settings.http.web_config is None else "https"
    return f"{scheme}://{listen}/metrics"


def _hint(root: RootSettings) -> str:
    from storewarden.measure.shown import shown

    where = os.path.relpath(root.path) if root.path.startswith(os.getcwdb() + b"/") else root.path
    inside = shown(where if where.startswith(b"/") else b"./" + where)
    return f"Save something into {inside} and look: storewarden files"
