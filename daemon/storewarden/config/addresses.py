"""Addresses: where the catalogue is, and where the daemon listens. No message shows a password."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import SplitResult, urlsplit

from storewarden.config.problems import did_you_mean, printable, shown
from storewarden.config.schema import Listen

_LISTEN = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:]*)):(?P<port>[^:]*)")
_OFF = {"never", "off", "no", "false", "disabled", "nothing"}
_MOST = 65_535
_UNIX = "unix:/run/storewarden/http.sock"
_LONGEST_SOCKET = 107  # what the kernel holds of a name, and the byte that ends it
_ENDPOINT = re.compile(
    r"https?://(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::(?P<port>[0-9]{1,5}))?/?"
)
_RECEIVER = re.compile(
    r"(?P<scheme>https?|rediss?)://(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?][!-~]*)?)",
    re.ASCII,
)
_OBJECT_STORES = {"s3", "gs", "az"}
_BUCKET = "s3://bucket/prefix"
# A key has 1,024 bytes, of which an object's own takes 900 and the name of what it tells 46 more.
_LONGEST_PREFIX = 70
_POSTGRES = "write postgresql://user@host/database"


class AddressError(ValueError):
    """An address that cannot be used."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}; {hint}")
        self.what, self.hint = what, hint


def catalogue_address(text: str) -> str:
    """Return ``sqlite``, ``sqlite:///absolute/path`` or a PostgreSQL URL, checked in its form."""
    if text == "sqlite":
        return text
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise AddressError(*_no_address(text))
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme in {"postgresql", "postgres"}:
        return _postgres(f"postgresql://{rest}")
    near = did_you_mean(scheme, ["sqlite", "postgresql"])
    hint = f"write sqlite, or {_POSTGRES.removeprefix('write ')}"
    raise AddressError(f"{shown(scheme)} is no kind of catalogue", near or hint)


def server_address(text: str) -> str:
    """Return the PostgreSQL URL of a database, checked in its form."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme in {"postgresql", "postgres"}:
        return _postgres(f"postgresql://{rest}")
    if separator:
        hint = "write path: for a file" if scheme in {"sqlite", "file"} else _POSTGRES
        raise AddressError(f"{shown(scheme)} is no kind of server", hint)
    what, hint = _no_address(text)
    raise AddressError(
        what, "write path: for a file" if what.startswith("is a path") else _POSTGRES
    )


def listen_address(text: str) -> Listen:
    """Read ``127.0.0.1:9747``, ``[::1]:9747``, ``unix:/run/x.sock`` or ``none``."""
    if text == "none":
        return Listen("127.0.0.1", None)
    if text.startswith("unix:"):
        return Listen("", None, _socket(text.removeprefix("unix:")))
    if text.lower() in _OFF:
        raise AddressError(f"{shown(text)} is no address", "write none for no server")
    found = _LISTEN.fullmatch(text)
    if found is None:
        raise AddressError(f"{shown(text)} is not address:port", "write 127.0.0.1:9747")
    port = found["port"]
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > _MOST:
        raise AddressError(f"{shown(port)} is no port", "write a number up to 65535")
    return Listen(_host(found["six"] or found["host"] or ""), int(port))


def reached_from_outside(listen: Listen) -> bool:
    """Whether other machines may reach an address that was read."""
    if listen.socket is not None or listen.port is None:
        return False
    return not ipaddress.ip_address(listen.host).is_loopback


def store_address(text: str) -> str:
    """Return ``s3://bucket/prefix``, checked in its form; ``gs`` is Google, ``az`` Azure."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _OBJECT_STORES:
        what = f"{shown(text)} is no address of an object store"
        raise AddressError(what, f"write {_BUCKET} (or gs://, az://), or path: for a directory")
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or "?" in rest:
        raise AddressError("keys do not belong here", "leave them to the environment, as AWS does")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", bucket):
        raise AddressError(f"{shown(bucket)} is no bucket", f"write {_BUCKET}")
    prefix = prefix.strip("/")
    if re.search(r"[\x00-\x20\x7f]", prefix) or printable(prefix) != prefix:
        raise AddressError("contains a sign that no address holds", "use a plain prefix")
    if not {"", ".", ".."}.isdisjoint(prefix.split("/")) and prefix:
        raise AddressError(f"{shown(prefix)} has a part that is no name", "use a plain prefix")
    if len(prefix) > _LONGEST_PREFIX:
        what = f"a prefix of {len(prefix)} characters leaves no room for keys"
        raise AddressError(what, f"use {_LONGEST_PREFIX} at most")
    return f"{scheme}://{bucket}/{prefix}".rstrip("/")


def endpoint_address(text: str) -> str:
    """Return ``http://host:port`` or ``https://host``, checked in its form."""
    if "@" in text:
        raise AddressError("keys do not belong here", "leave them to the environment, as AWS does")
    found = _ENDPOINT.fullmatch(text)
    if found is None:
        raise AddressError(f"{shown(text)} is no http address", "write http://127.0.0.1:8333")
    if found["port"] and not 0 < int(found["port"]) <= _MOST:
        what = f"{shown(found['port'])} is no port"
        raise AddressError(what, "write a number up to 65535")
    return text.rstrip("/")


def receiver_address(text: str) -> str:
    """Return ``https://host/path`` or ``redis://host:port/database``, checked in its form."""
    if "@" in text:
        hint = "give them as a credential: docs/guide/events.md"
        raise AddressError("names and passwords do not belong here", hint)
    found = _RECEIVER.fullmatch(text)
    if found is None or printable(text) != text:
        what = f"{shown(text)} is no address that events can be sent to"
        raise AddressError(what, "write https://app.example.org/hook or redis://127.0.0.1:6379/0")
    if found["port"] and not 0 < int(found["port"]) <= _MOST:
        what = f"{shown(found['port'])} is no port"
        raise AddressError(what, "write a number up to 65535")
    if found["scheme"].startswith("redis") and not re.fullmatch("(/[0-9]{0,4})?", found["rest"]):
        raise AddressError(f"{shown(found['rest'])} is no database of Redis", "write /0")
    return text


def _socket(path: str) -> bytes:
    name = os.fsencode(path)
    if not path.startswith("/") or path.endswith("/") or printable(path) != path:
        raise AddressError(f"{shown(path)} is no absolute path", f"write {_UNIX}")
    if len(name) > _LONGEST_SOCKET:
        what = f"a socket's path has {_LONGEST_SOCKET} bytes at most"
        raise AddressError(what, f"write a shorter one, such as {_UNIX}")
    return name


def _host(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        what = f"{shown(host)} is no IP address" if host else "names no address"
        raise AddressError(what, "write 127.0.0.1:9747 or [::1]:9747") from None
    return str(address)


def _no_address(text: str) -> tuple[str, str]:
    if re.search(r"\b(host|dbname|user|password|port)\s*=", text):
        return "is a list of options, not an address", _POSTGRES
    if "/" in text or text.endswith((".db", ".sqlite", ".sqlite3")):
        return "is a path, not an address", "write sqlite:///absolute/path"
    near = did_you_mean(text.lower(), ["sqlite", "postgresql"])
    if near == "did you mean postgresql?":
        return f"{shown(text)} names no database", _POSTGRES
    return f"{shown(text)} is no address", near or f"write sqlite, or {_POSTGRES[6:]}"


def _sqlite(rest: str) -> str:
    if not rest.startswith("/"):
        raise AddressError("names no absolute path", "write sqlite:///absolute/path")
    if "?" in rest or "#" in rest or "\0" in rest or printable(rest) != rest:
        raise AddressError("contains a sign that no address holds", "use a plain path")
    if rest.endswith("/"):
        raise AddressError("names a directory", "write the file's name as well")
    return f"sqlite:///{rest.lstrip('/')}"


def _postgres(url: str) -> str:
    """Check what can be checked without connecting; names and passwords stay untold."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise AddressError(
            "contains a space or a control character", "write it as %20 and the like"
        )
    address = url.partition("?")[0].removeprefix("postgresql://").partition("/")[0]
    if address.count("@") > 1:
        raise AddressError("contains more than one @", "write an @ in a password as %40")
    parts = _split(url)
    if parts.fragment:
        raise AddressError("contains a #", "write a # in a password as %23")
    if not parts.path.strip("/") and "dbname=" not in parts.query:
        raise AddressError("names no database", _POSTGRES)
    if parts.path.count("/") > 1:
        raise AddressError("contains one / too many", "write a / in a password as %2F")
    for host in address.rpartition("@")[2].split(","):
        _check_port(host)
    return url


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise AddressError("is not a well-formed address", _POSTGRES) from None


def _check_port(host: str) -> None:
    """Check the port of ``host:port`` or ``[address]:port``, when there is one."""
    port = host.rpartition("]")[2].partition(":")[2]
    if port and (not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= _MOST):
        # It may be half a password with an unescaped sign in it: not shown.
        raise AddressError("its port is not a number from 1 to 65535", _POSTGRES)
