"""Alerts: each is tried by Prometheus' own tool, has its page, and asks for figures that exist."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from storewarden.cli.door import door
from storewarden.measure.table import TABLE
from tests.missing import program

TOP = Path(__file__).resolve().parents[2]
GRAFANA = TOP / "grafana"
PAGES = TOP / "docs/runbooks/alerts"
CASES = sorted((GRAFANA / "tests").glob("*.yaml"))
SEVERITIES = {"critical", "warning", "info"}
BASE = "https://docs.example.org/storewarden/runbooks/alerts/"
OTHERS = {"systemctl", "journalctl", "curl", "findmnt", "df", "sysctl", "timedatectl", "promtool"}
OTHERS |= {"lsof"}
STANDS_FOR = {"NAME": "app.db", "SIZE": "10GiB", "PATH": "uploads/cat.png"}
NAME = re.compile(r"\bstorewarden_[a-z0-9_]+")

_OF_USERS = "which users there are, and how much each may have, is an installation's own"
UNSEEN: dict[str, str] = dict.fromkeys(
    ("user_bytes", "user_files", "user_quota_bytes", "user_quota_files"), _OF_USERS
)
UNSEEN["listener_events_total"] = "whom events are sent to, and how many, is an installation's own"
"""Metrics that no dashboard shows and no rule asks for, and why they are there nevertheless."""


def alerts() -> list[dict[str, Any]]:
    read = yaml.safe_load((GRAFANA / "alerts.yaml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def recorded() -> list[dict[str, Any]]:
    read = yaml.safe_load((GRAFANA / "rules.yaml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


ALERTS = sorted({rule["alert"] for rule in alerts()})


def promtool(*words: str | Path) -> str:
    done = subprocess.run(
        [program("promtool", "prometheus"), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- the rules -----------------------------------------------------------------------------------


def test_prometheus_has_nothing_to_remark() -> None:
    told = promtool("check", "rules", GRAFANA / "rules.yaml", GRAFANA / "alerts.yaml")

    assert f"{len(alerts())} rules found" in told


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_each_alert_fires_when_it_should_and_only_then(cases: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", cases)


def test_each_alert_is_tried_before_while_and_after_it_fires() -> None:
    """What is checked, by alert: silent and firing, in the order of time."""
    tried: dict[str, set[str]] = {}
    for path in CASES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            told = [bool(one["exp_alerts"]) for one in test["alert_rule_test"]]
            order = re.sub(r"(.)\1+", r"\1", "".join("!" if fires else "." for fires in told))
            tried.setdefault(test["alert_rule_test"][0]["alertname"], set()).add(order)

    assert {name: tried.get(name) for name in ALERTS} == {name: {".!."} for name in ALERTS}


def test_each_alert_says_how_bad_what_and_where_to_read_on() -> None:
    for rule in alerts():
        told = rule["annotations"]
        assert rule["labels"]["severity"] in SEVERITIES, rule["alert"]
        assert sorted(told) == ["description", "runbook_url", "summary"], rule["alert"]
        assert told["runbook_url"] == f"{BASE}{rule['alert']}.md"
        assert (PAGES / f"{rule['alert']}.md").is_file(), rule["alert"]


def test_rules_bear_our_name_and_each_is_used() -> None:
    names = [rule["record"] for rule in recorded()]
    asked = json.dumps(alerts()) + "".join(
        path.read_text() for path in (GRAFANA / "dashboards").glob("*.json")
    )

    assert [name for name in names if not name.startswith("storewarden:")] == []
    assert [name for name in names if name not in asked] == []


# -- the pages -----------------------------------------------------------------------------------


def test_every_page_is_of_an_alert_and_in_the_index() -> None:
    index = (PAGES / "README.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| ([\w ]+) \|", index, re.MULTILINE)

    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README") == ALERTS
    assert sorted(rows) == sorted(
        (one["alert"], one["alert"], one["labels"]["severity"], one.get("for", "at once"))
        for one in alerts()
    )


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_says_what_it_means_what_to_look_at_and_what_to_do(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()

    assert re.findall(r"^#+ (.*)$", page, re.MULTILINE) == [
        name,
        "What it means",
        "What to look at",
        "What to do",
    ]
    commands = list(typed(page))
    assert commands
    for line in commands:
        words = shlex.split(line)
        assert words[0] in OTHERS | {"storewarden"}, line
        if words[0] == "storewarden":
            parsed(words[1:])


def typed(page: str) -> Iterator[str]:
    """Yield the commands of a page: its block, and those that stand in sentences."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    sentences = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"`((?:storewarden|systemctl) [^`]+)`", sentences):
        yield " ".join(STANDS_FOR.get(word, word) for word in line.split())


def parsed(words: list[str]) -> None:
    """Hold that the command exists, with these options and arguments; nothing is done."""
    command: click.Command = door
    # as it is typed: what a verb answers to --help is remembered with it
    context = click.Context(door, **door.context_settings)
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, name
        command, context = found, click.Context(found, context, info_name=name)
    try:
        command.make_context(context.info_name, words, parent=context.parent)
    except click.exceptions.Exit:  # --help
        return
    except click.UsageError as error:
        raise AssertionError(f"{context.command_path} {words}: {error.format_message()}") from None


# -- figures that exist --------------------------------------------------------------------------


def known() -> set[str]:
    """Return every name that a scrape can hold."""
    names = {row.full_name for row in TABLE}
    for row in TABLE:
        if row.type == "histogram":
            names |= {f"{row.full_name}_{part}" for part in ("bucket", "sum", "count")}
    return names


def spoken(*paths: Path) -> dict[str, str]:
    """Return the names of metrics in some files, and a file in which each stands."""
    return {name: path.name for path in paths for name in NAME.findall(path.read_text())}


def shown() -> dict[str, str]:
    dashboards = sorted((GRAFANA / "dashboards").glob("*.json"))
    assert len(dashboards) >= 5
    return spoken(*dashboards, GRAFANA / "rules.yaml", GRAFANA / "alerts.yaml")


def test_every_figure_that_is_asked_for_exists() -> None:
    assert {name: where for name, where in shown().items() if name not in known()} == {}
    assert {name: where for name, where in spoken(*CASES).items() if name not in known()} == {}


def test_every_figure_that_the_documents_speak_of_exists() -> None:
    pages = sorted({*(TOP / "docs").rglob("*.md"), TOP / "README.md"})
    pages = [page for page in pages if page.parent.name != "adr"]  # they speak of tables, too

    told = {name: where for name, where in spoken(*pages).items() if name not in known()}
    assert told == {}


def test_every_figure_is_shown_or_asked_for() -> None:
    asked = shown()
    unseen = {
        row.name
        for row in TABLE
        if not any(name.startswith(row.full_name) and name in known() for name in asked)
    }

    assert unseen - UNSEEN.keys() == set()
    assert UNSEEN.keys() - unseen == set(), "these are asked for by now"
