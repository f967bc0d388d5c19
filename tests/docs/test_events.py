"""The guide to events: its receiver takes what a daemon sends, and refuses what is not signed."""

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path

from storewarden.config.schema import EVENTS
from tests.daemon import Daemon
from tests.receiving import SECRET
from tests.system.test_events_redis import free_port

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guide/events.md").read_text()


def test_the_receiver_of_the_guide_hears_of_a_file(tmp_path: Path) -> None:
    found = re.search(r"<!-- receiver -->\n```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None
    program = tmp_path / "receiver.py"
    program.write_text(found[1])
    root = tmp_path / "root"
    root.mkdir()
    port = free_port()
    heard = tmp_path / "heard"
    with heard.open("wb") as out:
        environ = {**os.environ, "SECRET": SECRET, "PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, str(program)], stdout=out, stderr=subprocess.DEVNULL, env=environ
        )
    try:
        with Daemon(
            tmp_path / "daemon",
            {"root": {"path": str(root), "settle": "50ms"}},
            settings={"listeners": {"app": f"http://127.0.0.1:{port}/"}},
            environ={"LISTENER_APP_SECRET": SECRET},
        ) as daemon:
            (root / "a.png").write_text("x")
            line = f"created {root / 'a.png'}\n"
            daemon.until(lambda: line in heard.read_text(), "the receiver says so")
            forged = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            headers = {
                "webhook-id": "x",
                "webhook-timestamp": "1795246200",
                "webhook-signature": "v1,AAAA",
            }
            forged.request("POST", "/", b'{"events": []}', headers)
            assert forged.getresponse().status == 401
            forged.close()
    finally:
        process.kill()
        process.wait()


def test_what_the_guide_names_is_there() -> None:
    listed = re.search(r"events: \[(.*?)\]", GUIDE)
    assert listed is not None
    assert set(listed[1].split(", ")) <= set(EVENTS)
