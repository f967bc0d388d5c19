"""Where the service's files go, and the steps that put them there or take them away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import storewarden
from storewarden.cli.service import machine, units
from storewarden.cli.service.units import CONFIGURED, DROP_INS, UNIT, USER, Wanted
from storewarden.errors import UsageError

PACKAGED: Final = ("/usr/lib/systemd/system", "/lib/systemd/system")
OURS: Final = "/etc/systemd/system"
SYSUSERS: Final = "sysusers.conf", "/usr/lib/sysusers.d", "/etc/sysusers.d", "systemd-sysusers"
TMPFILES: Final = "tmpfiles.conf", "/usr/lib/tmpfiles.d", "/etc/tmpfiles.d", "systemd-tmpfiles"
_CONF: Final = "storewarden.conf"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a file to write or to remove, or a command to run."""

    told: str
    file: Path | None = None
    content: str | None = None  # of the file; None removes it
    command: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether it is not as it should be; commands are wanted where they are planned."""
        if self.file is None:
            return True
        if self.content is None:
            return self.file.exists()
        return not machine.same_in(self.file, self.content)

    def do(self) -> None:
        """Do it.

        Raises:
            PermanentError: it cannot be done.
        """
        if self.file is None:
            machine.tell(*self.command)
        elif self.content is None:
            machine.without([self.file])
        else:
            machine.write(self.file, self.content)


@dataclass(frozen=True, slots=True)
class Place:
    """A machine's directories; another top is for tests, and for roots that are being made."""

    top: Path = field(default=Path("/"))

    def at(self, path: str) -> Path:
        """Return where a path of the machine is."""
        return self.top / path.lstrip("/")

    @property
    def packaged(self) -> Path | None:
        """The unit that a package has put here, if one has."""
        files = (self.at(place) / UNIT for place in PACKAGED)
        return next((file for file in files if file.exists()), None)

    @property
    def unit(self) -> Path:
        """The unit as we write it."""
        return self.at(OURS) / UNIT

    @property
    def socket(self) -> Path:
        """The socket unit, which nobody starts who does not want it."""
        return self.at(OURS) / units.SOCKET

    def drop_in(self, name: str) -> Path:
        """Return a drop-in of ours."""
        return self.at(OURS) / f"{UNIT}.d" / f"{name}.conf"


def installing(place: Place, what: Wanted, command: Sequence[str]) -> Iterator[Step]:
    """Yield what makes the service, each when it is its turn: what is so already is left out."""
    for shipped, package, ours, program in (SYSUSERS, TMPFILES):
        if place.at(f"{package}/{_CONF}").exists():
            continue
        file = place.at(f"{ours}/{_CONF}")
        yield Step(f"write {file}", file, units.shipped(shipped))
        if program == TMPFILES[3]:
            run: tuple[str, ...] = (program, "--create")
            made = machine.is_private(units.CREDENTIALS)
        else:
            run, made = (program,), machine.user(USER) is not None
        if not made:
            words = (*run, str(file))
            yield Step(f"run {' '.join(words)}", command=words)
    if place.packaged is None:
        yield Step(f"write {place.unit}", place.unit, units.unit(command))
        yield Step(f"write {place.socket}", place.socket, units.shipped(units.SOCKET))
    elif place.unit.exists():
        yield Step(f"remove {place.unit}: the package brings its own", place.unit)
    wanted = units.drop_ins(what)
    for name in DROP_INS:
        file = place.drop_in(name)
        if name in wanted:
            yield Step(f"write {file}", file, wanted[name])
        else:
            yield Step(f"remove {file}: nothing needs it any more", file)


def removing(place: Place) -> Iterator[Step]:
    """Yield what takes the service away; state, configuration, user and credentials stay."""
    for name in DROP_INS:
        yield Step(f"remove {place.drop_in(name)}", place.drop_in(name))
    yield Step(f"remove {place.unit}", place.unit)
    yield Step(f"remove {place.socket}", place.socket)
    for _, _, ours, _ in (SYSUSERS, TMPFILES):
        file = place.at(f"{ours}/{_CONF}")
        yield Step(f"remove {file}", file)


def is_ours(place: Place) -> bool:
    """Tell whether the verb installed the service, beside a package or alone."""
    return place.unit.exists() or place.drop_in(CONFIGURED).exists()


def command() -> tuple[str, ...]:
    """Return how this very program is started.

    Raises:
        UsageError: the service could not see it there.
    """
    words, used = _started()
    for path in used:
        if units.below(os.fsencode(path), units.OWN):
            raise UsageError(
                "the service could not see the program",
                where=str(path),
                why="homes and /tmp are hidden from it",
                remedy="install it where all may read it, such as /opt/storewarden or a package",
            )
    return words


def _started() -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Return the words that start this program, and what has to be there for it."""
    python = Path(sys.executable).resolve()
    if archive := os.environ.get("_STOREWARDEN_PYZ"):
        # a single file says which it is: what it was unpacked to may be swept
        return (str(python), archive), (Path(archive), python)
    script = Path(sys.argv[0]).absolute()
    words: tuple[str, ...] = (str(script),)
    if script.name == "__main__.py":
        words = (sys.executable, "-m", "storewarden")
    return words, (script, Path(sys.executable), python, Path(storewarden.__file__))
