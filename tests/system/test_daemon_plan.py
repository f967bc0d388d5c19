"""People ask for reasons and plans while a real daemon runs, and after it is gone."""

import json
import os
import time
from pathlib import Path
from typing import Any

from tests import trees
from tests.daemon import Daemon

POLICIES = """
version: 1
policies:
  - id: keep
    match: {name: "keep*"}
    hold: true
  - id: logs
    match: {ext: log}
    clock: modified
    phases: [{after: 30d, do: trash}, {after_previous: 7d, do: purge}]
"""
ODD = b"two\nlines \xff.log"
DAY = 86_400


def asked(daemon: Daemon, *verb: str) -> Any:
    done = daemon.verb(*verb, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_reasons_and_plans_with_a_daemon_and_without(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    old = time.time() - 40 * DAY
    for name in (b"a.log", b"keep.log", b"young.log", b"a.png", ODD):
        path = os.fsencode(root) + b"/" + name
        trees.write(path, b"12345")
        if b"young" not in name:
            os.utime(path, (old, old))
    before = trees.walk(os.fsencode(root))
    settings = {"policies": [str(policies)]}

    with Daemon(tmp_path / "daemon", {"r": root}, settings=settings) as daemon:
        daemon.settled()
        running = asked(daemon, "plan")
        blocked = {item["path"]: item["blocked"] for item in running["items"]}
        assert blocked == {"a.log": None, "keep.log": "held", r"two\nlines \xff.log": None}
        assert running["totals"]["bytes"] == 10

        why = asked(daemon, "why", "r/" + os.fsdecode(ODD), "--not", "purge")
        assert (why["next"]["action"], why["next"]["observed"]) == ("trash", True)
        assert why["not"]["because"][0]["what"] == "trash comes before it"
        assert why["path_hex"] == ODD.hex()

        policies.write_text(POLICIES.replace("30d", "60d"))
        changed = daemon.verb("plan", "--json")
        assert json.loads(changed.stdout)["items"] == []
        assert "in force are others" in changed.stderr
        policies.write_text("version: 1\npolicies: [{id: x}]\n")
        broken = daemon.verb("why", "r/a.log")
        assert (broken.returncode, broken.stdout) == (2, "")
        assert f"{policies}:2:" in broken.stderr

        policies.write_text(POLICIES)
        os.unlink(root / "a.log")
        daemon.settled()
        gone = asked(daemon, "why", "r/a.log")
        assert (gone["state"], gone["next"]) == ("missing", None)
        assert "not Storewarden" in gone["reason"]
        assert daemon.stop() == 0

        alone = asked(daemon, "plan", "--at", "+31d")
        done = [(item["path"], item["action"]) for item in alone["items"] if not item["blocked"]]
        assert sorted(done) == [
            (r"two\nlines \xff.log", "purge"),
            (r"two\nlines \xff.log", "trash"),
            ("young.log", "trash"),
        ]
    (root / "a.log").write_bytes(b"12345")
    assert trees.walk(os.fsencode(root)).keys() == before.keys()
