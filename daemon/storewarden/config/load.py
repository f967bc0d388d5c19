"""The configuration from its file and the environment; every problem is told at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping as Environ
from pathlib import Path

from storewarden.config.build import BUILT_IN, build
from storewarden.config.cross import check
from storewarden.config.environment import (
    FILE_VARIABLE,
    check_alone,
    given,
    names_other_roots,
    overlay,
)
from storewarden.config.problems import Origin, Place, Problem, Problems, printable
from storewarden.config.schema import Settings
from storewarden.config.yamltext import LARGEST, Entry, Mapping, Scalar, read
from storewarden.errors import ConfigError

LOCAL_FILE = "storewarden.yaml"
SYSTEM_FILE = Path("/etc/storewarden/storewarden.yaml")
BUILT_IN_ROOTS = ("save_outputs", "uploads")  # each in the directory of its name


def load(
    path: Path | None, environ: Environ[str, str], cwd: Path, *, system: Path = SYSTEM_FILE
) -> Settings:
    """Return the settings; raises ConfigError with every problem, a line each.

    ``path`` is what ``--config`` named. The answer depends on the arguments and on the file
    alone: nothing else is looked at, so a reload compares like with like.
    """
    problems = Problems()
    file = find(path, environ, cwd, system=system)
    if file is None:
        tree: Mapping | None = _built_in(environ, cwd)
    else:
        tree = _read(file, cwd, problems)
    if tree is None:
        check_alone(environ, cwd, problems)
        raise ConfigError(problems.lines())
    overlay(tree, environ, cwd, problems)
    built = build(tree, environ, problems, _source(file, environ))
    check(built, problems)
    if problems.found or built.settings is None:
        raise ConfigError(problems.lines())
    return built.settings


def find(
    path: Path | None, environ: Environ[str, str], cwd: Path, *, system: Path = SYSTEM_FILE
) -> Path | None:
    """Return the file that counts, None when there is none.

    It is named by ``--config`` or by $STOREWARDEN_CONFIG; else it is ./storewarden.yaml or
    /etc/storewarden/storewarden.yaml, whichever is there first.
    """
    if path is not None:
        return cwd / path
    named = environ.get(FILE_VARIABLE)
    if named is not None:
        if not named.strip():
            raise ConfigError((f"${FILE_VARIABLE}: is empty; unset it, or name a file",))
        return cwd / named
    # A directory that is closed to us holds nothing that we were meant to read: it is somebody's
    # home, where a verb was typed as the user of the service.
    looked = [cwd / LOCAL_FILE, system] if os.access(cwd, os.X_OK) else [system]
    return next((file for file in looked if _there(file)), None)


def _there(file: Path) -> bool:
    """Tell whether there is such a file; one that may not be looked at is: reading says why."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _read(file: Path, cwd: Path, problems: Problems) -> Mapping | None:
    """Return the tree of a file; None when there is nothing to go on with."""
    origin = _origin(file, cwd)
    node = read(_bytes(file, origin), origin, problems)
    if node is None or isinstance(node, Mapping):
        return node
    what = "is a list, not keys with values" if not isinstance(node, Scalar) else "holds no keys"
    problems.add(node.place, "", what, "write key: value")
    return None


def _origin(file: Path, cwd: Path) -> Origin:
    """Return how a file is named to people: from here, when it is below here."""
    near = file.is_relative_to(cwd) and cwd != cwd.parent
    return Origin(os.fspath(file.relative_to(cwd) if near else file), file.parent)


def _bytes(file: Path, origin: Origin) -> bytes:
    """Return the content of a regular file, not much more than may be in it."""
    try:
        # Not blocking: a pipe in the place of the file must not hold the daemon.
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise _unreadable(origin, "is a directory", "name the file in it")
            if not stat.S_ISREG(mode):
                raise _unreadable(origin, "is not a regular file", "name a file")
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read(LARGEST + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise _unreadable(origin, "is not there", "name a file that exists") from None
    except PermissionError:
        who = f"user {os.geteuid()} may not read it"
        raise _unreadable(origin, f"cannot be read: {who}", "chown or chmod it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise _unreadable(
            origin, f"cannot be read: {reason}", "name a file that can be read"
        ) from error


def _unreadable(origin: Origin, what: str, hint: str) -> ConfigError:
    return ConfigError((str(Problem(Place(origin), "", what, hint)),))


def _built_in(environ: Environ[str, str], cwd: Path) -> Mapping:
    """Return the tree without any file: two roots, unless the environment names others."""
    place = Place(Origin(BUILT_IN, cwd))
    tree = Mapping(place)
    if not names_other_roots(environ, set(BUILT_IN_ROOTS)):
        roots = {name: Entry(place, Scalar(place, name)) for name in BUILT_IN_ROOTS}
        tree.entries["roots"] = Entry(place, Mapping(place, roots))
    return tree


def _source(file: Path | None, environ: Environ[str, str]) -> str:
    """Say to people what the settings come from; values are not shown."""
    source = BUILT_IN if file is None else printable(os.fspath(file))
    names = given(environ)
    return f"{source} and {', '.join(names)}" if names else source
