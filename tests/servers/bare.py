"""Bare machines for tests: a fresh root of the distribution the tests run on, to install into.

debootstrap makes a root once and it is kept in the cache (`python -m tests.servers.bare` makes all
that tests ask for; `make test` runs it). What a test changes lies in an overlay above that, in a
mount namespace of its own: it is gone with the process that holds it, however that ended.

    with bare.machine("python3") as machine:      # a root with that package
        machine.run("python3", "--version")       # a command in it, not booted, with the network
        booted = machine.boot()                   # systemd, the journal and watchdogs are real
        booted.run("systemctl", "is-system-running")

`machine.path("/etc/hosts")` is where the test finds the root's file.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.missing import missing

ALWAYS = ("systemd", "systemd-sysv", "dbus", "ca-certificates")
"""What every root holds beside the least that is a system."""
LAYERS: tuple[tuple[str, ...], ...] = (
    (),  # as it is first met: no Python, nothing
    ("python3-systemd", "python3-venv"),  # what the program runs on, as a service
    ("acl", "python3-systemd", "python3-venv"),  # and what the guide to it has one install
    (  # and what figures are read and shown with
        *("apache2-utils", "curl", "openssl", "prometheus", "prometheus-alertmanager"),
        *("python3-systemd", "python3-venv", "sudo"),
    ),
)
"""What tests ask for. A set that is not named here is installed within the test that wants it."""
OURS = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
PASSED_ON = ("PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "SSL_CERT_FILE", "CI")
"""What this machine's own set-up may need to reach its registries, inside as well."""
SETTINGS = (
    "/etc/apt/apt.conf.d",
    "/etc/apt/auth.conf.d",
    "/etc/apt/keyrings",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/etc/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
)
NETWORK = ("/etc/resolv.conf",)
TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
BOOT = 30  # seconds
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Booted:
    """A machine that systemd runs: `pid` is its first process, seen from here."""

    pid: int
    spawn: int
    """The process that holds it; SIGKILL ends the machine, SIGTERM has it shut down."""

    def run(self, *command: str | Path, check: bool = True, within: float | None = None) -> Done:
        """Run a command in it as root."""
        words = ["nsenter", "-t", str(self.pid), "-a", "env", "-i", *_words(OURS), *command]
        return _run(words, check=check, within=within)

    def path(self, inside: str | Path) -> Path:
        """Where a file of the machine is found from outside; links in it lead astray."""
        return Path(f"/proc/{self.pid}/root") / str(inside).lstrip("/")

    def power_off(self) -> None:
        """End it as pulling the plug would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.spawn, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.spawn, 0)


@dataclass
class Machine:
    """A root of one's own, lying above one that is kept."""

    holder: int
    directory: Path
    """Holds the overlay; the mount is seen in the holder's mount namespace alone."""
    _booted: list[Booted] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Where the root is mounted, in the holder's mount namespace."""
        return self.directory / "root"

    def path(self, inside: str | Path) -> Path:
        """Where a file of the root is found from outside; links in it lead astray."""
        return Path(f"/proc/{self.holder}/root{self.root}") / str(inside).lstrip("/")

    def run(
        self,
        *command: str | Path,
        check: bool = True,
        within: float | None = None,
        bind: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """Run a command in it as root, with this machine's network; `bind` as --bind-ro= has it."""
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        words = _words({**OURS, **passed, **(environment or {})})
        nspawn = [*self._nspawn(bind), "--console=pipe", "env", "-i", *words, *command]
        return _run(nspawn, check=check, within=within)

    def boot(self, *, bind: Sequence[str] = (), network: bool = False) -> Booted:
        """Boot it and wait until it is up; without `network` it has a loopback of its own alone."""
        arguments = [] if network else ["--private-network"]
        with (self.directory / "boot.log").open("wb") as log:
            spawn = subprocess.Popen(
                [*self._nspawn(bind), *arguments, "--console=pipe", "-b"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        spawn.returncode = 0  # ended by power_off: nobody waits for it here
        booted = Booted(self._first_process(spawn.pid), spawn.pid)
        self._booted.append(booted)
        deadline = time.monotonic() + BOOT
        while True:
            state = booted.run("systemctl", "is-system-running", check=False).stdout.strip()
            if state in {"running", "degraded"}:
                return booted
            if time.monotonic() > deadline:
                raise RuntimeError(f"the machine is {state}:\n{self._log()}")
            time.sleep(0.1)

    def close(self) -> None:
        """Power it off and forget what was changed in it."""
        for booted in self._booted:
            booted.power_off()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.holder, signal.SIGKILL)
            os.waitpid(self.holder, 0)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _first_process(self, spawn: int) -> int:
        children = Path(f"/proc/{spawn}/task/{spawn}/children")
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline and children.exists():
            # the last one: where nspawn helps itself with a child of its own, it does so first
            if found := children.read_text().split():
                first = int(found[-1])
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{first}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                        return first
            time.sleep(0.05)
        raise RuntimeError(f"systemd did not come up:\n{self._log()}")

    def _nspawn(self, bind: Sequence[str]) -> list[str]:
        held = ["nsenter", "-t", str(self.holder), "-m", "systemd-nspawn", "--quiet"]
        own = ["--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off"]
        return [*held, *own, "-D", str(self.root), *(f"--bind-ro={place}" for place in bind)]

    def _log(self) -> str:
        return (self.directory / "boot.log").read_text(errors="replace")


@contextlib.contextmanager
def machine(*packages: str) -> Iterator[Machine]:
    """Lend a bare machine that holds these packages of the distribution."""
    lent = make(*packages)
    try:
        yield lent
    finally:
        lent.close()


def make(*packages: str) -> Machine:
    """Make a machine that the caller closes; the test ends here where that cannot be done."""
    needs()
    lower = [layer for layer in (_layer(packages), base()) if layer is not None]
    directory = Path(tempfile.mkdtemp(prefix="run.", dir=cache()))
    try:
        made = Machine(_hold(directory, lower), directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    try:
        _settle(made)
    except BaseException:
        made.close()
        raise
    return made


def needs() -> None:
    """End the test where no bare machine can be had, and say what is missing."""
    if os.geteuid() != 0:
        missing("root, which makes and boots a bare machine", "run the tests as root (sudo -E)")
    if why := refused():
        missing(f"the right to mount ({why})", "run the tests outside of a container")
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            missing(tool, f"apt install {package}")
    if not (base() / ".complete").exists():
        missing("the root of a bare machine", f"{sys.executable} -m tests.servers.bare makes it")


@functools.cache
def refused() -> str:
    """Say why this kernel or container grants no mounts of one's own; nothing where it does."""
    words = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr.strip()


@functools.cache
def suite() -> str:
    """Name the distribution's release that the tests run on."""
    lines = Path("/etc/os-release").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return told.get("VERSION_CODENAME", "").strip('"') or missing(
        "Debian or Ubuntu", "run these tests there: bare machines are made by debootstrap"
    )


def cache() -> Path:
    """Where roots are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    place = Path(home) / "storewarden-tests"
    place.mkdir(parents=True, exist_ok=True)
    return place


def base() -> Path:
    """Name the root that all others lie above."""
    return cache() / suite()


def _layer(packages: Sequence[str]) -> Path | None:
    """Return what installing these packages adds to the base, made now if it never was."""
    if not packages:
        return None
    names = "+".join(sorted(packages))
    short = hashlib.sha256(names.encode()).hexdigest()[:8]
    layer = cache() / f"{suite()}.{short}"
    with _locked(cache() / f"{layer.name}.lock"):
        if (layer / ".complete").exists():
            return layer
        shutil.rmtree(layer, ignore_errors=True)
        directory = Path(tempfile.mkdtemp(prefix="run.", dir=cache()))
        made = Machine(_hold(directory, [base()]), directory)
        try:
            _settle(made)
            install = "apt-get update -q && apt-get install -qy --no-install-recommends"
            made.run("sh", "-c", f"({install} {' '.join(packages)}) >&2")
            made.run("apt-get", "clean")
            made.path("/.complete").touch()
            (directory / "upper").rename(layer)
        finally:
            made.close()
    return layer


def _hold(directory: Path, lower: Sequence[Path]) -> int:
    """Mount a root in a mount namespace of its own; return the process that holds it."""
    for name in ("upper", "work", "root"):
        (directory / name).mkdir()
    # relative: names in the cache may hold a colon, which the kernel takes for the next directory
    places = ":".join(f"../{layer.name}" for layer in lower)
    options = f"lowerdir={places},upperdir=upper,workdir=work"
    mount = f'mount -t overlay overlay -o "{options}" root && echo held && read _'
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert holder.stdout is not None and holder.stderr is not None  # noqa: PT018  # asked for
    if holder.stdout.readline() != b"held\n":
        why = holder.stderr.read().decode(errors="replace").strip()
        holder.wait()
        missing(f"an overlay file system ({why})", "set XDG_CACHE_HOME to a directory on ext4")
    holder.returncode = 0  # it waits for its input: until this process, which has it, is gone
    _HELD.append(holder)
    return holder.pid


_HELD: list["subprocess.Popen[bytes]"] = []
"""Keeps the pipes open that the holders wait at."""


def _settle(made: Machine) -> None:
    """Give the root this machine's way to its packages and names."""
    for name in (*SETTINGS, *NETWORK):
        here, there = Path(name), made.path(name)
        if not here.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.copytree(here, there, dirs_exist_ok=True)
            continue
        with contextlib.suppress(FileNotFoundError):
            there.unlink()  # it may be a link to nowhere
        shutil.copyfile(here, there)
    # every machine says who it is, and no two say the same
    made.path("/etc/machine-id").write_text("")
    made.path("/etc/hostname").write_text("bare\n")
    if not Path("/etc/apt/sources.list").exists():
        made.path("/etc/apt/sources.list").unlink(missing_ok=True)  # ours stand beside it


def _words(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]


def _run(words: Sequence[str | Path], *, check: bool, within: float | None) -> Done:
    """Run a command; its own words are the error when it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=within,
        check=False,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def prepare() -> None:
    """Make every root that tests ask for."""
    with _locked(cache() / f"{suite()}.lock"):
        if not (base() / ".complete").exists():
            shutil.rmtree(base(), ignore_errors=True)
            names = ",".join(ALWAYS)
            made: list[str | Path] = ["debootstrap", "--variant=minbase", f"--include={names}"]
            _run([*made, suite(), base()], check=True, within=None)
            (base() / ".complete").touch()
    for packages in LAYERS:
        _layer(packages)


if __name__ == "__main__":
    prepare()
