"""What goes wrong in a real daemon is told by a real Alertmanager, and that it is mended as well.

The daemon's page is behind TLS and a password. The rules are those that users load, but for time:
every duration in them, of windows and of `for`, is a three hundredth of what it is.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.applications import made
from tests.daemon import Daemon
from tests.servers.alertmanager import Alertmanager, Told
from tests.servers.prometheus import Prometheus, scraping
from tests.web import NAME, PASSWORD, web_file

GRAFANA = Path(__file__).resolve().parents[2] / "grafana"
SHORTER = 300
SECONDS = {"m": 60, "h": 3600, "d": 86_400}
PATIENCE = 60.0
FIRED = ("StorewardenRootBlind", "StorewardenIntegrityFailure", "StorewardenHealthDropped")


def hurried(name: str, directory: Path) -> Path:
    """Write the rules of a file with all durations shortened; return where."""

    def shorter(found: re.Match[str]) -> str:
        thousandths = int(found[1]) * SECONDS[found[2]] * 1000 // SHORTER
        return f"{thousandths}ms"

    document = yaml.safe_load((GRAFANA / name).read_text())
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule["expr"] = re.sub(
            r"\[(\d+)([mhd])\]", lambda found: f"[{shorter(found)}]", rule["expr"]
        )
        for key in {"for", "keep_firing_for"} & rule.keys():
            rule[key] = re.sub(r"(\d+)([mhd])", shorter, rule[key])
    path = directory / name
    path.write_text(yaml.safe_dump(document))
    return path


def watching(daemon: Daemon, place: Path, manager: Alertmanager) -> dict[str, Any]:
    """Return how Prometheus scrapes the daemon, judges what it reads, and whom it tells."""
    served = urlsplit(str(daemon.told("metrics are served")[-1]["url"]))
    assert served.scheme == "https"
    document = scraping(served.netloc, every="500ms")
    (scrape,) = document["scrape_configs"]
    scrape |= {
        "scheme": "https",
        "tls_config": {"ca_file": str(place / "server.pem")},
        "basic_auth": {"username": NAME, "password": PASSWORD},
    }
    rules = [str(hurried(name, place)) for name in ("rules.yaml", "alerts.yaml")]
    managers = [{"static_configs": [{"targets": [manager.address]}]}]
    return document | {"rule_files": rules, "alerting": {"alertmanagers": managers}}


@pytest.mark.timeout(240)  # on a machine that does nothing else it takes half a minute
def test_three_troubles_are_told_and_that_they_are_over(tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    root.mkdir()
    web_file(tmp_path)
    database = made(root / "app.db", "delete", rows=2000)
    sound = tmp_path / "sound.db"
    shutil.copyfile(database, sound)
    late = tmp_path / "late"  # which is not there yet: blind
    settings = {"http": {"listen": "127.0.0.1:0", "web_config": str(tmp_path / "web.yml")}}
    roots = {"uploads": root, "late": late}
    daemon = Daemon(tmp_path / "daemon", roots, settings=settings)
    with Told() as told, daemon, Alertmanager(tmp_path / "manager", told.url) as manager:
        daemon.until(lambda: checked(daemon).returncode == 0, "it is known, and found whole")
        setup = watching(daemon, tmp_path, manager)
        with Prometheus(tmp_path / "prometheus", setup) as prometheus:
            score = "max(storewarden_health_score)"
            prometheus.until(lambda: prometheus.value(score), "it is scraped, behind its password")
            told.until("firing", "StorewardenRootBlind", PATIENCE)
            assert told.of("StorewardenIntegrityFailure") == []

            with database.open("r+b") as file:
                file.seek(5 * 4096)
                file.write(b"\xff" * 8192)
            assert checked(daemon).returncode == 1
            firing = [told.until("firing", name, PATIENCE) for name in FIRED]
            shutil.copyfile(sound, database)
            late.mkdir()
            daemon.until(lambda: checked(daemon).returncode == 0, "it is whole again")
            for name in FIRED:
                told.until("resolved", name, PATIENCE)
    blind, integrity, health = firing
    assert blind["labels"]["root"] == "late"
    assert integrity["labels"]["database"] == "app.db"
    assert [one["labels"]["severity"] for one in firing] == ["critical", "critical", "warning"]
    assert "fell by" in health["annotations"]["summary"]
    for name, one in zip(FIRED, firing, strict=True):
        assert one["annotations"]["runbook_url"].endswith(f"/runbooks/alerts/{name}.md")


def checked(daemon: Daemon) -> Any:
    return daemon.verb("db", "check", "app.db")
