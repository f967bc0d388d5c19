"""The program as a service of a booted machine, put there from this checkout."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.missing import missing
from tests.servers import bare
from tests.servers.bare import Booted, Done

TOP = Path(__file__).resolve().parents[1]
HOME = "/opt/storewarden"
PACKAGES = ("python3-systemd", "python3-venv")
PATH = f"{HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DROP_INS = "/etc/systemd/system/storewarden.service.d"
SCRIPT = f"""#!{HOME}/bin/python3
import sys
from storewarden.cli import main
sys.exit(main())
"""
# Of who is root already; `-u NAME` as sudo has it.
SUDO = """#!/bin/sh
if [ "$1" = -u ]; then user=$2; shift 2; exec runuser -u "$user" -- "$@"; fi
exec "$@"
"""
PATIENCE = 20.0


@dataclass
class Box:
    """A booted machine on which the program can be run."""

    booted: Booted

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a shell's commands as root; what they said, stderr behind stdout."""
        done = self.run(script)
        assert not check or done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def run(self, script: str) -> Done:
        """Run a shell's commands as root."""
        words = ("env", f"PATH={PATH}", "sh", "-c", script)
        return self.booted.run(*words, check=False, within=50)

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a file of the machine's."""
        file = self.booted.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)

    def told(self, name: str) -> str:
        """Return what systemd says of the service."""
        return self.sh(f"systemctl show -p {name} --value storewarden").strip()

    def pid(self) -> int:
        """Return the daemon's number, as it is inside."""
        return int(self.told("MainPID"))

    def until(self, true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"not {what}: {self.sh(LOG, check=False)}"
            time.sleep(0.1)

    @contextmanager
    def set(self, *lines: str, restarted: bool = True) -> Iterator[None]:
        """Have the service run with other settings for a while."""
        again = "systemctl daemon-reload" + (" && systemctl restart storewarden" * restarted)
        self.write(f"{DROP_INS}/zz-test.conf", "\n".join(["[Service]", *lines, ""]))
        try:
            self.sh(again)
            yield
        finally:
            self.booted.path(f"{DROP_INS}/zz-test.conf").unlink()
            self.sh(again)


LOG = "journalctl -u storewarden -n 40 -o cat --no-pager"


@contextmanager
def box(*packages: str) -> Iterator[Box]:
    """Lend a booted machine with the program in /opt/storewarden, `sudo`, and more packages."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with bare.machine(*PACKAGES, *packages) as machine:
        if version not in machine.run("python3", "--version").stdout:
            missing(f"a bare machine with Python {version}", "make .venv with the system's Python")
        # not at their own places: those may lie in a home, which a service does not see
        modules = next(path for path in map(Path, sys.path) if path.name == "site-packages")
        binds = [f"{TOP}:/opt/checkout", f"{modules}:/opt/packages"]
        made = Box(machine.boot(bind=binds))
        made.sh(f"python3 -m venv --without-pip {HOME}")
        site = f"{HOME}/lib/python{version}/site-packages"
        made.write(f"{site}/checkout.pth", "/opt/checkout/daemon\n/opt/packages\n")
        made.write(f"{HOME}/bin/storewarden", SCRIPT, 0o755)
        made.write("/usr/local/bin/sudo", SUDO, 0o755)
        made.sh(f"ln -s {shlex.quote(HOME)}/bin/storewarden /usr/local/bin/storewarden")
        yield made
