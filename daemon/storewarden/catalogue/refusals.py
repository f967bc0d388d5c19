"""What a server's error means for us."""

from __future__ import annotations

import re

import psycopg

from storewarden.catalogue.rules import explain
from storewarden.config.secret import redacted
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueRefused,
    CatalogueUnavailable,
    StorewardenError,
)

_BUSY = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "53300": "the server has no more connections",
    "55P03": "a lock was not to be had in time",
    "57014": "the statement took too long",
}
_FULL = {"53100", "53400"}  # disk full, configuration limit exceeded
_CORRUPT = {"XX001", "XX002"}
_REMEDIES = {
    "28P01": "check the password: ~/.pgpass, or PGPASSFILE",
    "28000": "let this user in: pg_hba.conf",
    "3D000": "make the database: createdb",
    "25006": "this server is a standby: name the primary in 'catalogue'",
}


# A refused connection brings no code, only the server's words; in another language than these
# nothing is lost but the remedy.
_CODES = {
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "too many clients": "53300",
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "is not permitted to log in": "28000",
}
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')


def translate(error: BaseException, where: str) -> StorewardenError:
    """Return our error for one of psycopg's, by the code that the server gave."""
    why = _first_lines(error)
    code = getattr(error, "sqlstate", None) or _spoken(why)
    if code in _BUSY:
        return CatalogueBusy("the catalogue is held", where=where, why=f"{_BUSY[code]}: {why}")
    if code in _FULL:
        return CatalogueFull(
            "no space for the catalogue",
            where=where,
            why=why,
            remedy="free some space on the server",
        )
    if code in _CORRUPT:
        return CatalogueCorrupt(
            "the catalogue is damaged",
            where=where,
            why=why,
            remedy="restore a backup: storewarden catalogue restore",
        )
    if code.startswith("23"):
        return CatalogueRefused("the catalogue refused a row", where=where, why=_explained(error))
    if _is_away(error, code):
        remedy = _REMEDIES.get(code, "is the server up, and does it let us in? psql shows more")
        return CatalogueUnavailable(
            "the catalogue cannot be reached", where=where, why=why, remedy=remedy
        )
    return CatalogueRefused("the catalogue refused a statement", where=where, why=why)


def _spoken(words: str) -> str:
    """Return the code that the words of a refused connection stand for, if it is known."""
    if _NO_DATABASE.search(words):
        return "3D000"
    return next((code for phrase, code in _CODES.items() if phrase in words), "")


def _is_away(error: BaseException, code: str) -> bool:
    """Tell whether the server, or the way to it, is at fault and not the statement."""
    if code:
        # connection, authorization, catalogue name, read-only, resources, operator, system, idle
        return code.startswith(("08", "28", "3D", "25", "53", "57", "58", "XX"))
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _explained(error: BaseException) -> str:
    why = _first_lines(error)
    diagnosis = error.diag if isinstance(error, psycopg.Error) else None
    words = explain(diagnosis.constraint_name or "") if diagnosis else ""
    return f"{why} ({words})" if words else why


def _first_lines(error: BaseException) -> str:
    """Return the message in one line, without what it says about rows' contents."""
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    text = primary or " ".join(str(error).split())
    return redacted(text)
