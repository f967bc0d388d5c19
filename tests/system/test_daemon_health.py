"""A real daemon loses points within seconds, gives them back, and can say afterwards why."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.applications import made
from tests.daemon import Daemon

# whichever disk the tests run on
SETTINGS = {"policies": [], "health": {"disk_full": 0}}
SOON = 20.0  # a look every five seconds, and one after ten on a machine that is busy


def health(daemon: Daemon, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(daemon.verb("health", "--json", *options).stdout)
    return told


@pytest.mark.timeout(150)  # what comes back is waited for on purpose
def test_what_goes_wrong_costs_points_until_it_is_mended(tmp_path: Path) -> None:
    """A root goes, a database is damaged: each is named, mended as told, and explained later."""
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    path, sound = made(root / "app.db", "delete"), tmp_path / "sound.db"
    shutil.copy(path, sound)
    roots = {"root": root, "other": other}
    with Daemon(tmp_path, roots, settings=SETTINGS) as daemon:
        daemon.until(lambda: daemon.metric("health_score") == 100, "all is well", SOON)
        assert daemon.verb("health").returncode == 0

        other.rename(tmp_path / "elsewhere")
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(2000))
        daemon.until(lambda: b"app.db" in daemon.verb("db", "list").stdout.encode(), "it is known")
        assert daemon.verb("db", "check", "app.db").returncode == 1
        daemon.until(lambda: daemon.metric("health_score") == 20, "both are seen", SOON)
        lost = 'health_deduction_points{{reason="{}"}}'.format
        assert [daemon.metric(lost(reason)) for reason in ("integrity", "blind", "drill")] == [
            *(50, 30, 0)
        ]

        told = health(daemon)
        assert (told["score"], told["status"], told["daemon"]) == (20, "critical", True)
        damaged, blind = told["deductions"]
        assert (damaged["reason"], damaged["object"]) == ("integrity", "app.db")
        assert damaged["remedy"] == "storewarden db restore app.db"
        assert (blind["reason"], blind["object"]) == ("blind", "other")
        assert "root-not-there" in blind["detail"]
        assert daemon.verb("health").returncode == 1
        assert daemon.status()["health"] == {"score": 20, "status": "critical"}

        (tmp_path / "elsewhere").rename(other)
        shutil.copy(sound, path)
        daemon.until(lambda: daemon.verb("db", "check", "app.db").returncode == 0, "it is whole")
        daemon.until(lambda: daemon.metric("health_score") == 100, "both are mended", 2 * SOON)
        assert daemon.metric(lost("integrity")) == daemon.metric(lost("blind")) == 0
        assert daemon.stop() == 0

    past = health(daemon, "--since", "1h")
    assert past["daemon"] is False
    met = {one["reason"] for row in past["history"] for one in row["deductions"]}
    assert met == {"integrity", "blind"}
    assert [past["history"][0]["score"], past["history"][-1]["score"]] == [100, 100]
    assert min(row["score"] for row in past["history"]) == 20
    assert daemon.told("health is worse")[0]["remedy"]
    assert daemon.told("health is better")
