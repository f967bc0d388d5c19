"""A real S3 server for tests: OpenStack Swift, as it comes from PyPI.

Taken, in this order: $STOREWARDEN_TEST_S3 (the URL of a server at which `test:tester` may make
buckets with the secret `testing`), the one that `make setup` puts into a virtual environment of
its own.
"""

import http.client
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from storewarden.store.signing import Keys, Unsigned, signed_headers
from tests.missing import missing
from tests.servers.shared import Server, stop

KEYS = Keys("test:tester", "testing")
REGION = "us-east-1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEYS.access_key, "AWS_SECRET_ACCESS_KEY": KEYS.secret_key}
LEAST_PART = 1  # bytes; S3's own 5 MiB would make every test one of large objects
PYTHON = Path(__file__).resolve().parents[2] / ".venv/servers/swift/bin/python"
SERVE = Path(__file__).with_name("swift_serve.py")
READY = 30  # seconds


def start() -> Server:
    """Start a server, or end the test with what to install."""
    if not PYTHON.exists():
        missing("OpenStack Swift", "make setup, or set STOREWARDEN_TEST_S3 to the URL of a server")
    directory = Path(tempfile.mkdtemp(prefix="storewarden-swift-", dir=place()))
    with (directory / "log").open("wb") as log:
        # Isolated: this directory holds a module that is called as Swift's own.
        command = [str(PYTHON), "-I", "-W", "ignore", str(SERVE), str(directory), str(LEAST_PART)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    server = Server("", process.pid, str(directory))
    process.returncode = 0  # whoever ends the run ends it: nobody waits for it here
    deadline = time.monotonic() + READY
    while not (directory / "url").exists():
        if time.monotonic() > deadline or not Path(f"/proc/{process.pid}").exists():
            words = (directory / "log").read_text(errors="replace")
            stop(server)
            raise RuntimeError(f"Swift did not start:\n{words}")
        time.sleep(0.02)
    return Server((directory / "url").read_text(), process.pid, str(directory))


def place() -> str | None:
    """Return where files may have attributes of users, which Swift needs; None is anywhere."""
    for directory in (None, "/var/tmp", str(Path.cwd())):
        with tempfile.NamedTemporaryFile(dir=directory) as file, suppress(OSError):
            os.setxattr(file.name, "user.storewarden", b"x")
            return directory
    return missing(
        "a file system with attributes of users", "set TMPDIR to a directory on ext4 or xfs"
    )


def make_bucket(url: str, name: str) -> None:
    """Make a bucket."""
    address = urlsplit(url)
    body = b""
    unsigned = Unsigned("PUT", address.netloc, f"/{name}", "", {}, sha256(body).hexdigest())
    headers = signed_headers(unsigned, KEYS, REGION, datetime.now(UTC))
    connection = http.client.HTTPConnection(address.netloc, timeout=10)
    connection.request("PUT", f"/{name}", body, headers)
    answer = connection.getresponse()
    words = answer.read()
    connection.close()
    if answer.status not in {200, 409}:
        raise RuntimeError(f"no bucket {name}: {answer.status} {words!r}")
