"""Each package is installed on a bare machine as its page says, and does there what it is for.

The commands are those of docs/guide/install.md, word for word; only who types them differs: on a
bare machine there is no sudo, and root is at the keyboard.
"""

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.playing import scenes
from tests.packages import TOP, built, wheels
from tests.servers import bare
from tests.servers.bare import Booted
from tests.servers.shared import RUN, Run

PAGE = TOP / "docs/guide/install.md"
AS_USER = "setpriv --reuid={0} --regid={0} --init-groups --reset-env env HOME={1} "
LONG = pytest.mark.timeout(240)  # dpkg writes 3,000 files, three times, beside seven other workers


def commands(scene: str) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```$", scenes(PAGE)[scene], re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines), lines
    return [line[2:] for line in lines]


def without_sudo(line: str) -> str:
    """The line as root types it where there is no sudo."""
    line = re.sub(r"\bsudo -u storewarden ", AS_USER.format("storewarden", "/"), line)
    return re.sub(r"\bsudo ", "", line).replace("apt ", "apt-get -qy ")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    return request.config.stash[RUN]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Booted]:
    """A machine that sees what the test puts into its own directory at /given."""
    with bare.machine(*bare.LAYERS[1]) as lent:
        # what a test installs need not outlive a power cut
        lent.path("/etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\n")
        yield lent.boot(bind=[f"{tmp_path}:/given"])


def typed(machine: Booted, line: str, inside: str = "/root") -> str:
    return machine.run("sh", "-c", f"cd {inside} && {without_sudo(line)}").stdout


def put(path: Path, text: str = "seen\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def listed(machine: Booted, line: str, name: str, inside: str = "/root") -> str:
    """What `files` says, as soon as it knows a file."""
    told = ""

    def known() -> bool:
        nonlocal told
        told = typed(machine, line, inside)
        return name in told

    until(known, lambda: told)
    return told


# -- .deb ----------------------------------------------------------------------------------------


@LONG
def test_a_deb_is_installed_configured_upgraded_and_purged(run: Run, machine: Booted) -> None:
    package = built(run, "deb")
    shutil.copy(package, machine.path("/root") / package.name)

    install, *configure, start, look = commands("deb")
    typed(machine, install)
    assert state(machine) == ("enabled", "inactive")
    typed(machine, start)  # too early
    assert state(machine) == ("enabled", "inactive"), "nobody said what to watch"
    assert machine.run("systemctl", "is-failed", "storewarden", check=False).returncode != 0

    for line in (*configure, start):
        typed(machine, line)
    assert state(machine) == ("enabled", "active")
    put(machine.path("/srv/media/first"))
    assert "present" in listed(machine, look, "first")
    refused = typed(machine, AS_USER.format("www-data", "/") + "storewarden files 2>&1 || true")
    assert "sudo -u storewarden storewarden" in refused
    first = machine.run("systemctl", "show", "-P", "MainPID", "storewarden").stdout

    (upgrade,) = commands("deb-upgrade")
    typed(machine, upgrade)
    assert state(machine) == ("enabled", "active")
    assert machine.run("systemctl", "show", "-P", "MainPID", "storewarden").stdout != first
    put(machine.path("/srv/media/second"))
    assert "first" in listed(machine, look, "second")

    *before, purge = commands("deb-remove")
    for line in before:
        typed(machine, line)
    told = typed(machine, purge)
    assert "rm -r /var/lib/storewarden" in told
    assert machine.path("/srv/media/first").exists()
    assert machine.path("/var/lib/storewarden/catalogue.db").exists()
    assert not machine.path("/etc/storewarden").exists()
    assert not machine.path("/usr/lib/storewarden").exists()
    assert machine.run("systemctl", "--failed", "--quiet").stdout == ""


def state(machine: Booted) -> tuple[str, str]:
    asked = ("is-enabled", "is-active")
    said = [machine.run("systemctl", word, "storewarden", check=False).stdout for word in asked]
    return said[0].strip(), said[1].strip()


# -- .pyz ----------------------------------------------------------------------------------------


def test_one_file_runs_for_a_user_whose_home_is_read_only(run: Run, machine: Booted) -> None:
    typed(machine, "useradd --create-home somebody && install -d -o somebody /srv/work")
    shutil.copy(built(run, "pyz"), machine.path("/srv/work/storewarden.pyz"))
    typed(machine, "chown somebody /srv/work/storewarden.pyz")
    # without a home no state directory either: it is named
    prefix = AS_USER.format("somebody", "/nonexistent") + "STOREWARDEN_STATE=/srv/work/state "

    does_its_main_job(machine, commands("pyz"), "/srv/work", prefix)

    (place,) = machine.path("/tmp").glob("storewarden-*")
    assert place.stat().st_mode & 0o777 == 0o755
    assert len(list(place.iterdir())) == 1, "unpacked once"


# -- wheel ---------------------------------------------------------------------------------------


@LONG
def test_a_wheel_is_installed_by_pip(run: Run, machine: Booted, tmp_path: Path) -> None:
    wheel = built(run, "wheel")
    wheels(wheel, tmp_path)
    shutil.copy(wheel, machine.path("/root") / wheel.name)
    machine.path("/etc/pip.conf").write_text(
        "[global]\nno-index = true\nfind-links = /given\nno-compile = true\n"
    )
    lines = commands("wheel")
    for line in lines[:4]:
        typed(machine, line)

    does_its_main_job(machine, lines[4:], "/root", "env STOREWARDEN_STATE=/root/state ")
    assert typed(machine, "storewarden --version").startswith("storewarden ")


def does_its_main_job(machine: Booted, lines: list[str], inside: str, prefix: str) -> None:
    """What the page says is typed; files made before and while the daemon runs are known."""
    *before, daemon, look = lines
    program = daemon.split()[0]
    for line in before:
        typed(machine, f"{prefix}{line}", inside)
    put(machine.path(inside) / "save_outputs/before")
    typed(machine, f"{prefix}{program} scan", inside)
    assert "before" in typed(machine, f"{prefix}{look}", inside)

    with running(machine, f"{prefix}{daemon}", inside):
        put(machine.path(inside) / "uploads/while")
        assert "before" in listed(machine, f"{prefix}{look}", "while", inside)


@contextlib.contextmanager
def running(machine: Booted, line: str, inside: str) -> Iterator[None]:
    """A daemon that somebody started; it ends well when it is told to."""
    script = f"cd {inside}; {line} >/tmp/log 2>&1 & echo $! >/tmp/pid; wait $!; echo $? >/tmp/code"
    machine.run("sh", "-c", f"({script}) >/dev/null 2>&1 &")
    until(lambda: "daemon: ready" in read(machine, "/tmp/log"), lambda: read(machine, "/tmp/log"))
    yield
    machine.run("sh", "-c", "kill -TERM $(cat /tmp/pid)")
    until(lambda: read(machine, "/tmp/code") != "", lambda: read(machine, "/tmp/log"))
    assert read(machine, "/tmp/code") == "0\n", read(machine, "/tmp/log")


def read(machine: Booted, name: str) -> str:
    path = machine.path(name)
    return path.read_text() if path.exists() else ""


def until(met: Callable[[], bool], told: Callable[[], str]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, told()
        time.sleep(0.1)
