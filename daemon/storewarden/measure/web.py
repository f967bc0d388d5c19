"""A web configuration file as Prometheus and its exporters read it: TLS, and who may see the pages.

What of that format we do not have is refused: a file that asks for more safety than it gets would
be worse than none.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from storewarden.config.addresses import reached_from_outside
from storewarden.config.problems import Origin, Problems, did_you_mean, joined
from storewarden.config.schema import Listen
from storewarden.config.yamltext import Entry, Items, Mapping, Scalar, read
from storewarden.errors import ConfigError, StorewardenError
from storewarden.measure.passwords import Check, Passwords

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

_TLS, _USERS = "tls_server_config", "basic_auth_users"
_CERT, _KEY, _CLIENT_CA = "cert_file", "key_file", "client_ca_file"
_CLIENT_AUTH, _LEAST, _MOST = "client_auth_type", "min_version", "max_version"
_TLS_KEYS: Final = (_CERT, _KEY, _CLIENT_CA, _CLIENT_AUTH, _LEAST, _MOST)
_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFIED: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_HASH: Final = re.compile(r"\$2[abxy]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
_DEAREST: Final = 14  # a second and more for each try
_EXAMPLE: Final = f'{_USERS}: {{prometheus: $2y$10$…}}; `htpasswd -nBC 10 ""` makes a hash'
_TLS_EXAMPLE: Final = f"{_TLS}: {{{_CERT}: server.pem, {_KEY}: server.key}}"
_EXTRA: Final = "pip install 'storewarden[web]'"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What a web configuration file says; paths are absolute."""

    certificate: str = ""
    key: str = field(default="", repr=False)
    client_ca: str = ""
    clients: ssl.VerifyMode = ssl.CERT_NONE
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """The files it names."""
        return tuple(path for path in (self.certificate, self.key, self.client_ca) if path)


@dataclass(frozen=True, slots=True)
class Gate:
    """What a connection passes: TLS, and a password; each only where there is one."""

    context: ssl.SSLContext | None = None
    passwords: Passwords | None = None


OPEN: Final = Gate()


class Web:
    """A web configuration file that is read again when it, or what it names, was changed."""

    def __init__(self, path: bytes) -> None:
        """Read it.

        Raises:
            ConfigError: what is wrong with it, all at once.
            StorewardenError: it, or what it names, cannot be used.
        """
        self._path = os.fsdecode(path)
        self._seen: tuple[object, ...] = ()
        self.settings = WebSettings()
        self._gate = OPEN
        self._read()

    def gate(self) -> Gate:
        """Return what is in force; a file that was broken since keeps the one before."""
        seen = _stamps((self._path, *self.settings.files))
        if seen != self._seen:
            self._seen = seen  # once for each change, whatever comes of it
            try:
                self._read()
            except StorewardenError as error:
                facts = {"file": self._path, "why": str(error)}
                log.error(  # noqa: TRY400  # a mistake in a file has no traceback
                    "the web configuration is wrong; the one before is used",
                    extra={"facts": facts},
                )
        return self._gate

    def guards(self) -> bool:
        """Whether only who is known is shown anything, and nobody else can read it."""
        known = self._gate.passwords is not None or self.settings.clients is ssl.CERT_REQUIRED
        return self._gate.context is not None and known

    def _read(self) -> None:
        try:
            data = Path(self._path).read_bytes()
        except OSError as error:
            raise _unusable(self._path, error) from error
        settings = read_web(data, self._path)
        self._gate = Gate(_context(settings), _passwords(settings))
        self.settings = settings
        self._seen = _stamps((self._path, *settings.files))


def require_guard(listen: Listen, web: Web | None) -> None:
    """Refuse to show the pages to other machines in the clear, or to everybody.

    Raises:
        StorewardenError: the address is one that others reach, and nothing guards it.
    """
    if reached_from_outside(listen) and not (web is not None and web.guards()):
        raise StorewardenError(
            "metrics cannot be served",
            where=str(listen),
            why="other machines reach it, and TLS and passwords are not both asked for",
            remedy=f"http.web_config: a file with {_TLS} and {_USERS}; or listen on 127.0.0.1",
        )


def read_web(data: bytes, path: str) -> WebSettings:
    """Return what a web configuration file says.

    Raises:
        ConfigError: everything that is wrong with it, with its place.
    """
    problems = Problems()
    origin = Origin(path, Path(path).parent)
    tree = read(data, origin, problems)
    settings = WebSettings()
    if isinstance(tree, Mapping):
        settings = _Reading(problems, origin).settings(tree)
    elif tree is not None:
        problems.add(tree.place, "", "is no web configuration", f"write {_EXAMPLE}")
    if lines := problems.lines():
        raise ConfigError(lines)
    return settings


class _Reading:
    def __init__(self, problems: Problems, origin: Origin) -> None:
        self._problems, self._origin = problems, origin

    def settings(self, tree: Mapping) -> WebSettings:
        self._refuse_unknown(tree, "", (_TLS, _USERS))
        tls = self._mapping(tree, _TLS)
        users = self._mapping(tree, _USERS)
        if tls is None and users is None:
            self._problems.add(
                tree.place, "", "asks for neither TLS nor passwords", f"write {_EXAMPLE}"
            )
        settings = WebSettings() if tls is None else self._tls(tls)
        return replace(settings, users=self._users(users))

    def _tls(self, tls: Mapping) -> WebSettings:
        self._refuse_unknown(tls, _TLS, _TLS_KEYS)
        for name, example in ((_CERT, "server.pem"), (_KEY, "server.key")):
            if tls.entries and name not in tls.entries:
                self._problems.add(
                    tls.place, joined(_TLS, name), "is missing", f"write {name}: {example}"
                )
        clients = self._one_of(tls, _CLIENT_AUTH, _VERIFIED, ssl.CERT_NONE)
        client_ca = self._file(tls, _CLIENT_CA)
        if clients is not ssl.CERT_NONE and not client_ca:
            where = joined(_TLS, _CLIENT_CA)
            self._problems.add(
                tls.place,
                where,
                "is missing: whose certificates count?",
                f"write {_CLIENT_CA}: ca.pem",
            )
        return WebSettings(
            certificate=self._file(tls, _CERT),
            key=self._file(tls, _KEY),
            client_ca=client_ca,
            clients=clients,
            least=self._one_of(tls, _LEAST, _VERSIONS, ssl.TLSVersion.TLSv1_2),
            most=self._one_of(tls, _MOST, _VERSIONS, ssl.TLSVersion.MAXIMUM_SUPPORTED),
        )

    def _users(self, users: Mapping | None) -> tuple[tuple[str, str], ...]:
        return tuple(self._hashes(users)) if users is not None else ()

    def _hashes(self, users: Mapping) -> Iterator[tuple[str, str]]:
        for name, entry in users.entries.items():
            where = joined(_USERS, name)
            node = entry.node
            found = _HASH.fullmatch(node.text) if isinstance(node, Scalar) else None
            if ":" in name or not name:
                self._problems.add(entry.place, where, "is no name", "use one without a colon")
            elif found is None:  # what it is is not repeated: it may be the password itself
                self._problems.add(node.place, where, "is no bcrypt hash", f"write {_EXAMPLE}")
            elif int(found["cost"]) > _DEAREST:
                what = f"costs {found['cost']}: each try would take seconds"
                self._problems.add(node.place, where, what, "take a cost of 10")
            elif isinstance(node, Scalar):
                yield name, node.text

    def _mapping(self, above: Mapping, name: str) -> Mapping | None:
        entry = above.entries.get(name)
        if entry is None:
            return None
        if isinstance(entry.node, Mapping) and entry.node.entries:
            return entry.node
        example = _TLS_EXAMPLE if name == _TLS else _EXAMPLE
        self._problems.add(entry.place, name, "holds nothing", f"write {example}")
        return Mapping(entry.place, {})

    def _file(self, tls: Mapping, name: str) -> str:
        text = self._text(tls.entries.get(name), joined(_TLS, name))
        return os.path.join(self._origin.base, text) if text else ""

    def _one_of(
        self, tls: Mapping, name: str, known: dict[str, _Value], otherwise: _Value
    ) -> _Value:
        entry = tls.entries.get(name)
        where = joined(_TLS, name)
        text = self._text(entry, where)
        if not text or entry is None:
            return otherwise
        if text not in known:
            what = f"{text!r} is not known, or not safe, here"
            self._problems.add(entry.node.place, where, what, f"write one of {', '.join(known)}")
        return known.get(text, otherwise)

    def _text(self, entry: Entry | None, where: str) -> str:
        if entry is None:
            return ""
        if isinstance(entry.node, Scalar) and entry.node.text.strip():
            return entry.node.text
        kind = "a list" if isinstance(entry.node, Items) else "no text"
        self._problems.add(entry.node.place, where, f"is {kind}", "write one value")
        return ""

    def _refuse_unknown(self, mapping: Mapping, path: str, known: tuple[str, ...]) -> None:
        for name, entry in mapping.entries.items():
            if name not in known:
                hint = did_you_mean(name, list(known), f"known here are {', '.join(known)}")
                self._problems.add(entry.place, joined(path, name), "is not known here", hint)


def _context(settings: WebSettings) -> ssl.SSLContext | None:
    if not settings.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = settings.least, settings.most
    where = settings.certificate
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
        if settings.client_ca:
            where = settings.client_ca
            context.load_verify_locations(settings.client_ca)
    except (OSError, ValueError) as error:
        raise _unusable(where, error) from error
    context.verify_mode = settings.clients
    return context


def _no_password() -> str:
    """Refuse a key that is locked: OpenSSL would ask for its password on the terminal."""
    raise ValueError("its key is locked with a password; use one that is not")


def _passwords(settings: WebSettings) -> Passwords | None:
    if not settings.users:
        return None
    return Passwords(dict(settings.users), _bcrypt())


def _bcrypt() -> Check:
    try:
        from bcrypt import checkpw  # noqa: PLC0415  # only who asks for passwords needs it
    except ImportError:
        raise StorewardenError(
            "passwords cannot be checked", why="bcrypt is not installed", remedy=_EXTRA
        ) from None
    return checkpw


def _stamps(paths: tuple[str, ...]) -> tuple[object, ...]:
    """Return what changes with files."""
    return tuple(map(_stamp, paths))


def _stamp(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError as error:
        return error.errno
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _unusable(path: str, error: Exception) -> StorewardenError:
    why = getattr(error, "strerror", None) or str(error)
    return StorewardenError(
        "the web configuration cannot be used",
        where=path,
        why=why,
        remedy="http.web_config in the configuration says where it is",
    )
