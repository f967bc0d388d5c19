"""A real Prometheus reads what a real daemon says of itself, and keeps it."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.daemon import Daemon
from tests.servers.prometheus import Prometheus, scraping


def test_a_real_prometheus_scrapes_a_real_daemon(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": tmp_path / "uploads"}) as daemon:
        (tmp_path / "uploads" / "one.txt").write_text("one")
        daemon.settled()
        address = urlsplit(str(daemon.told("metrics are served")[-1]["url"])).netloc
        with Prometheus(tmp_path / "prometheus", scraping(address, every="200ms")) as prometheus:
            files = 'storewarden_files{root="uploads",kind="text",state="present"}'
            prometheus.until(lambda: prometheus.value(files) == 1, "it knows of the file")
            (series,) = prometheus.query(files)

            assert series.labels["instance"] == address
            assert prometheus.value('up{job="storewarden"}') == 1
            (target,) = prometheus.get("targets")["activeTargets"]
            assert target["lastError"] == ""

            prometheus.reload(scraping())
            assert prometheus.get("targets")["activeTargets"] == []
            with pytest.raises(ValueError, match="field scrape not found"):
                prometheus.reload({"scrape": []})
