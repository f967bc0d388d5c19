"""Prometheus and Grafana are connected as the guide says: word for word, on a bare machine.

Prometheus and Alertmanager are the distribution's packages, started by a real systemd; Storewarden
is its own package. Nothing here stands for anything else, but that the packages were fetched before
the machine was booted: it has no network.
"""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages import built
from tests.servers import bare
from tests.servers.bare import Booted
from tests.servers.shared import RUN

TOP = Path(__file__).resolve().parents[2]
GUIDE = TOP / "docs/guide/prometheus-and-grafana.md"
CONFIGURATION = "/etc/storewarden/storewarden.yaml"
PATIENCE = 45.0  # a scrape comes within a quarter of a minute


def blocks(kind: str = "sh") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Booted]:
    """A machine on which the package was installed and runs, as docs/guide/install.md has it."""
    package = built(request.config.stash[RUN], "deb")
    with bare.machine(*bare.LAYERS[3]) as lent:
        # what a test installs need not outlive a power cut
        lent.path("/etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\n")
        booted = lent.boot()
        shutil.copy(package, booted.path("/root") / package.name)
        booted.run("dpkg", "-i", f"/root/{package.name}")
        booted.run("install", "-d", "-o", "storewarden", "/srv/uploads")
        booted.path(CONFIGURATION).write_text("roots: {uploads: /srv/uploads}\n")
        booted.run("systemctl", "start", "storewarden")
        yield booted


def typed(machine: Booted, block: str) -> str:
    """Run a block; each of its commands has to succeed, those that ask within a while."""
    deadline = time.monotonic() + (PATIENCE if "http" in block else 0)
    while True:
        words = ("bash", "-e", "-o", "pipefail", "-c", f"cd /root\n{block}")
        done = machine.run(*words, check=False, within=50)
        if done.returncode == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    log = machine.run("journalctl", "-n", "60", "--no-pager", check=False).stdout
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}\n{log}"
    return done.stdout


@pytest.mark.timeout(240)  # dpkg writes 3,000 files beside other workers
def test_the_guide_is_followed_word_for_word(machine: Booted) -> None:
    *before, restart, over_the_network = blocks()
    assert restart == "sudo systemctl restart storewarden\n"
    for block in before:
        typed(machine, block)

    shown = machine.path("/var/lib/grafana/dashboards/storewarden")
    assert len(list(shown.glob("*.json"))) >= 5
    rules = machine.path("/etc/prometheus/alerts.yaml").read_text().partition("groups:")[2]
    assert "docs.example.org" not in rules
    page = re.findall(r"runbook_url: file://(\S+?)(?:#\S+)?$", rules, re.MULTILINE)
    assert page
    missing = {one for one in page if not machine.path(one).exists()}
    assert not missing, "the page of an alert is on the machine"

    (asked,) = blocks("yaml")
    with machine.path(CONFIGURATION).open("a") as configuration:
        configuration.write(asked)
    typed(machine, restart)
    assert '"ready"' in typed(machine, over_the_network)


def test_every_command_of_the_guide_is_run() -> None:
    """All that is to be typed stands in blocks; what a sentence names is not a step."""
    assert len(blocks()) >= 11
    assert not re.search(r"^```(console|bash|shell)$", GUIDE.read_text(), re.MULTILINE)
