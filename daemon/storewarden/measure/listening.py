"""Sockets that are listened on: an address, a name in the file system, or one from systemd."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator, MutableMapping
from typing import Final

from storewarden.config.schema import Listen
from storewarden.errors import StorewardenError

_FIRST: Final = 3  # the descriptor that systemd begins with
_BACKLOG: Final = 64
_MODE: Final = 0o660
_PATIENCE: Final = 1.0
_LONGEST_NAME: Final = 107  # bytes of a socket's name that the kernel takes


def handed_over(environ: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """Return the socket that systemd listens on for us, if there is one; it is told once.

    Raises:
        StorewardenError: there is more than one, or it is none to listen on.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or count == "0":
        return None
    if count != "1":
        raise _no_socket(f"{count} sockets were handed over", "leave one ListenStream= in its unit")
    os.set_inheritable(_FIRST, False)  # noqa: FBT003  # the library's
    try:
        taken = socket.socket(fileno=_FIRST)
        listens = taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise _no_socket(error.strerror or str(error)) from error
    if taken.type != socket.SOCK_STREAM or not listens:
        raise _no_socket("it is none that connections come to", "write ListenStream= in its unit")
    return taken


def opened(
    listen: Listen, key: str = "http.listen", backlog: int = _BACKLOG, *, ours: bool = False
) -> socket.socket:
    """Return a socket that listens, or raise what to do about it; ``key`` says where it is named.

    The name of one in the file system may be as long as any path. ``ours``: nobody but us has a
    right to that name, so whoever still listens there loses it.
    """
    try:
        if listen.socket is not None:
            made = _at_path(listen.socket, ours=ours)
        else:
            made = _at_address(listen)
    except (OSError, OverflowError) as error:
        raise _cannot_listen(listen, error, key) from error
    made.listen(backlog)
    return made


def address(listening: socket.socket) -> Listen:
    """Return where a socket listens, as the configuration would say it."""
    told = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return Listen("", None, os.fsencode(told))
    return Listen(told[0], told[1])


def shown(listening: socket.socket, *, tls: bool) -> str:
    """Return the address of a socket as a URL: ``http://127.0.0.1:9747``, ``unix:/run/x.sock``."""
    address = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return f"unix:{address}"
    host, port = address[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _at_address(listen: Listen) -> socket.socket:
    found = socket.getaddrinfo(
        listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    made = socket.socket(found[0][0], socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(found[0][4])
    except BaseException:
        made.close()
        raise
    return made


def _at_path(path: bytes, *, ours: bool) -> socket.socket:
    """Listen at a name; a socket that nobody listens on any more is replaced, and nothing else.

    But where the name is ours: then any socket is.
    """
    with _short(path) as name:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if (ours and _is_socket(name)) or _is_abandoned(name):
                os.unlink(name)
            before = os.umask(0o177)  # nobody connects before its mode is what it shall be
            try:
                made.bind(name)
            finally:
                os.umask(before)
            os.chmod(name, _MODE)
        except BaseException:
            made.close()
            raise
    return made


@contextlib.contextmanager
def _short(path: bytes) -> Iterator[bytes]:
    """Lend a name of the same place that the kernel takes."""
    if len(path) <= _LONGEST_NAME:
        yield path
        return
    above, name = os.path.split(path)
    directory = os.open(above, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield b"/proc/self/fd/%d/%b" % (directory, name)
    finally:
        os.close(directory)


def _is_socket(path: bytes) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _is_abandoned(path: bytes) -> bool:
    if not _is_socket(path):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(_PATIENCE)
        try:
            attempt.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def left(listening: socket.socket, path: bytes | None = None) -> None:
    """Take the name of a socket away that we made and close; ``path`` where it has a longer one."""
    if listening.family == socket.AF_UNIX:
        with contextlib.suppress(OSError):
            os.unlink(path or listening.getsockname())


def _no_socket(why: str, remedy: str = "see systemctl status of its unit") -> StorewardenError:
    return StorewardenError(
        "the socket that systemd hands over cannot be used", why=why, remedy=remedy
    )


def _cannot_listen(listen: Listen, error: Exception, key: str) -> StorewardenError:
    why = getattr(error, "strerror", None) or str(error)
    elsewhere = f"{key} in the configuration says where"
    remedies = {
        errno.EADDRINUSE: f"`ss -ltnp 'sport = :{listen.port}'` names who has it; "
        f"{key} in the configuration takes another",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address",
        errno.EACCES: "ports below 1024 need privileges: take a higher one",
    }
    if listen.socket is not None:
        remedies = {
            errno.EADDRINUSE: f"`ss -lxp src {listen.socket.decode(errors='replace')}` names who "
            f"has it; {key} in the configuration takes another",
            errno.ENOENT: "make the directory it lies in",
            errno.EACCES: "let the user that Storewarden runs as write into its directory",
        }
    return StorewardenError(
        "applications cannot be served" if key.startswith("api") else "metrics cannot be served",
        where=str(listen),
        why=why,
        remedy=remedies.get(getattr(error, "errno", None) or 0, elsewhere),
    )
