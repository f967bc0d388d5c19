"""What systemd is told: the shipped unit for this program, and drop-ins from the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import storewarden
from storewarden.config.schema import LOCAL, Settings

UNIT: Final = "storewarden.service"
SOCKET: Final = "storewarden.socket"
USER: Final = "storewarden"
STATE: Final = "/var/lib/storewarden"
CONFIGURATION: Final = "/etc/storewarden/storewarden.yaml"
CREDENTIALS: Final = "/etc/storewarden/credentials"
PROGRAM: Final = "/usr/bin/storewarden"  # in the shipped unit
RUNTIME: Final = b"/run/storewarden"

# Where a service with ProtectHome= and PrivateTmp= finds others' files hidden.
HOMES: Final = (b"/home", b"/root", b"/run/user")
OWN: Final = (*HOMES, b"/tmp", b"/var/tmp")

# The drop-ins that we write and remove, in the order in which they are read.
CONFIGURED, LEASES, OTHER_USERS, HOME = "configured", "leases", "other-users", "home"
DROP_INS: Final = (CONFIGURED, HOME, LEASES, OTHER_USERS)


_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-f]{2}|.)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration asks of the service beyond its own state."""

    writes: tuple[bytes, ...]
    granted: tuple[bytes, ...]  # what is opened for it: these, or what their mounts lie in
    reads: tuple[bytes, ...]  # hidden unless they are bound in
    config: str = CONFIGURATION
    credentials: tuple[str, ...] = ()  # names of files in CREDENTIALS
    leases: bool = False  # files of other users lie in a root
    other_users: bool = False  # and may be read and moved whatever their rights say

    @property
    def homes(self) -> bool:
        """Whether something lies in a home."""
        return any(below(path, HOMES) for path in (*self.writes, *self.reads))


def wanted(
    settings: Settings,
    config: str,
    credentials: Sequence[str] = (),
    mounts: Sequence[bytes] = (),
    *,
    leases: bool = False,
    other_users: bool = False,
) -> Wanted:
    """Return what the service needs for a configuration."""
    stores = [store for store in settings.stores if store.path is not None and store.name != LOCAL]
    databases = [one.path for one in settings.databases if one.path is not None]
    databases += [table.database for table in settings.tables]
    writes = [root.path for root in settings.roots]
    writes += [store.path for store in stores if store.path and not store.read_only]
    # SQLite makes files beside a database while it writes
    writes += [os.path.dirname(path) for path in databases]
    state = os.fsencode(settings.state)
    if state != STATE.encode():
        writes.append(state)
    sqlite = settings.catalogue.removeprefix("sqlite://")
    if sqlite.startswith("/"):
        writes.append(os.path.dirname(os.fsencode(sqlite)))
    if socket := settings.http.listen.socket:
        writes.append(os.path.dirname(socket))
    reads = [store.path for store in stores if store.path and store.read_only]
    reads += [os.fsencode(one) for one in settings.policies if not one.startswith("shipped:")]
    reads += [os.fsencode(config)]
    if settings.http.web_config is not None:
        reads.append(settings.http.web_config)
    paths = _outermost(path for path in writes if not below(path, (RUNTIME, STATE.encode())))
    return Wanted(
        paths,
        _outermost(granted(path, mounts) for path in paths),
        tuple(sorted({path for path in reads if below(path, OWN)})),
        config,
        tuple(sorted(credentials)),
        leases,
        other_users,
    )


def granted(path: bytes, mounts: Sequence[bytes]) -> bytes:
    """Return what has to be opened so that a path can be written to, also after a new mount of it.

    What is opened becomes a mount of its own in the service. On a disk, it would hold that disk
    when it is unmounted, and lie above it when it is mounted again: the service would look at the
    old one for ever. So it is the directory in which the disk is mounted.
    """
    points = [point for point in mounts if point != b"/" and below(path, (point,))]
    if not points or below(path, OWN):
        return path
    point = max(points, key=len)
    above = os.path.dirname(point)
    return point if above == b"/" else above


def drop_ins(what: Wanted) -> Mapping[str, str]:
    """Return the drop-ins that a configuration needs, by name."""
    made = {CONFIGURED: _configured(what)}
    if what.homes:
        made[HOME] = shipped(f"{HOME}.conf")
    if what.leases:
        made[LEASES] = shipped(f"{LEASES}.conf")
    if what.other_users:
        made[OTHER_USERS] = shipped(f"{OTHER_USERS}.conf")
    return made


def unit(command: Sequence[str]) -> str:
    """Return the unit for a program that lies elsewhere than a package puts it."""
    words = " ".join(escaped(os.fsencode(word)) for word in command)
    return shipped(UNIT).replace(f"ExecStart={PROGRAM} run", f"ExecStart={words} run")


def shipped(name: str) -> str:
    """Return a file that comes with the program: of a wheel, or of a checkout."""
    here = Path(storewarden.__file__).parent
    found = here / "shipped_service" / name
    return (found if found.exists() else here.parents[1] / "systemd" / name).read_text("utf-8")


def escaped(path: bytes) -> str:
    r"""Return a word as systemd reads it back: quoted, its odd bytes as ``\xff``."""
    odd = {ord('"'): '\\"', ord("\\"): "\\\\", ord("%"): "%%", ord("$"): "$$"}
    text = "".join(
        odd.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")  # noqa: PLR2004  # what ASCII prints
        for byte in path
    )
    plain = all(c.isalnum() or c in "/._-+=:@,%" for c in text)
    return text if plain else f'"{text}"'


def below(path: bytes, places: Sequence[bytes]) -> bool:
    """Tell whether a path is, or lies in, one of these."""
    return any(path == place or path.startswith(place + b"/") for place in places)


def _configured(what: Wanted) -> str:
    lines = [
        f"# Written by `storewarden service install` from {what.config}: do so again when",
        "# roots, stores, databases or credentials were added. A path that is not there is left",
        "# out (-): a disk that comes later shows with the next start.",
        "",
        "[Service]",
    ]
    if what.config != CONFIGURATION:
        lines.append(f"Environment={escaped(f'STOREWARDEN_CONFIG={what.config}'.encode())}")
    lines += [f"ReadWritePaths={escaped(b'-' + path)}".replace("$$", "$") for path in what.granted]
    lines += [_bound("BindPaths", path) for path in what.writes if below(path, OWN)]
    lines += [_bound("BindReadOnlyPaths", path) for path in what.reads]
    for name in what.credentials:
        lines.append(f"LoadCredential={name}:{CREDENTIALS}/{name}")
        if name == "pgpass":
            lines.append("Environment=PGPASSFILE=%d/pgpass")
    return "\n".join([*lines, ""])


def _bound(setting: str, path: bytes) -> str:
    word = escaped(b"-" + path).replace("$$", "$").replace(":", "\\\\:")
    return f"{setting}={word}"


def _outermost(paths: object) -> tuple[bytes, ...]:
    """Return the paths without those that lie in another of them."""
    found: list[bytes] = []
    for path in sorted(set(paths)):  # type: ignore[call-overload]
        if not below(path, found):
            found.append(path)
    return tuple(found)


def words(line: str) -> tuple[bytes, ...]:
    r"""Return the paths of a setting as `systemctl show` prints it: ``-/a "-/b c" /d\xff``."""
    found = []
    for quoted, plain in _WORD.findall(line):
        text = (quoted or plain).encode("utf-8", "surrogateescape")
        found.append(_ESCAPE.sub(_meant, text).lstrip(b"-+"))
    return tuple(found)


def _meant(match: re.Match[bytes]) -> bytes:
    told = match[1]
    return bytes([int(told[1:], 16)]) if told.startswith(b"x") else told
