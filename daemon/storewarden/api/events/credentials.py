"""What a listener is known by: from a credential of the service, or the environment.

Never from the configuration: that is read by people, printed by ``config`` and kept in git.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from typing import NamedTuple

from storewarden.errors import ListenerAway
from storewarden.store.credentials import DIRECTORY

_WORDS = ("SECRET", "TOKEN", "USER", "PASSWORD")
_LARGEST = 64 << 10
_PREFIX = "whsec_"  # what the secrets of Standard Webhooks begin with


class Credentials(NamedTuple):
    """What was given for one listener; nothing of it is ever shown."""

    secrets: tuple[bytes, ...] = ()  # to sign with, the newest first
    token: str = ""
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Credentials(***)"


def variable(name: str, what: str) -> str:
    """Return the name of the variable that gives a listener one of its credentials."""
    return f"LISTENER_{name.upper().replace('-', '_')}_{what}"


def given(name: str, environ: Mapping[str, str]) -> Credentials:
    """Return what is given for a listener.

    A credential of the service is a file ``listener.NAME`` with lines ``SECRET=…``, ``TOKEN=…``,
    ``USER=…``, ``PASSWORD=…``; else each is a variable ``LISTENER_NAME_SECRET`` and so on. Several
    secrets stand beside each other with spaces between: all sign, so that one can be changed.

    Raises:
        ListenerAway: the file cannot be read.
    """
    said = _of_service(name, environ.get(DIRECTORY, ""))
    if said is None:
        said = {what: environ.get(variable(name, what), "") for what in _WORDS}
    return Credentials(
        tuple(_secret(name, text) for text in said.get("SECRET", "").split()),
        said.get("TOKEN", ""),
        said.get("USER", ""),
        said.get("PASSWORD", ""),
    )


def _of_service(name: str, directory: str) -> dict[str, str] | None:
    """Return what the service manager hands over for a listener; None where that is nothing."""
    path = os.path.join(directory, f"listener.{name}")
    try:
        if not directory:
            return None
        with open(path, encoding="utf-8") as file:
            lines = file.read(_LARGEST).splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or "it is no text") from None
    pairs = (line.strip().partition("=") for line in lines)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _secret(name: str, text: str) -> bytes:
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise _unreadable(f"listener {name}", "what follows whsec_ is no base64") from None


def _unreadable(where: str, why: str) -> ListenerAway:
    return ListenerAway("the credential of a listener cannot be read", where=where, why=why)
