"""A real daemon knows the databases of its roots, and what each is, without being told."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.applications import application, made
from tests.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    (tmp_path / "root").mkdir()
    made(tmp_path / "else.db", "delete", rows=7)
    settings = {"databases": {"other": str(tmp_path / "else.db")}, "policies": []}
    return Daemon(tmp_path, {"root": tmp_path / "root"}, settings=settings)


def listed(daemon: Daemon, *options: str) -> dict[str, dict[str, Any]]:
    told = json.loads(daemon.verb("db", "list", "--json", *options).stdout)
    return {one["name"]: one for one in told["databases"]}


def test_databases_become_known_by_themselves(daemon: Daemon, tmp_path: Path) -> None:
    """Those of the configuration, those that come, those of another configuration."""
    root = Path(os.fsdecode(daemon.root()))
    made(root / "app.db", "wal")
    with (
        application(root / "app.db", "INSERT INTO t (text) VALUES ('more')") as app,
        daemon,
    ):
        daemon.until(
            lambda: (
                {name: one["rows"] for name, one in listed(daemon).items()}
                == {"other": 7, "app.db": 101}
            ),
            "both are known",
        )
        app.tell("INSERT INTO t (text) VALUES ('and more')")
        known = listed(daemon, "--look")["app.db"]
        assert (known["rows"], known["connections"]) == (102, 1)
        assert known["users"][0][0] == app._popen.pid
        app.close()
        assert sorted(os.listdir(root)) == [".storewarden", "app.db"]

        made(tmp_path / "more.db", "delete", rows=3)
        daemon.configure(databases={"more": str(tmp_path / "more.db")})
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: listed(daemon).get("more", {}).get("rows") == 3, "it is known")
        assert sorted(listed(daemon)) == ["app.db", "more"]
