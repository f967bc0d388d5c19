"""The dashboards are what Grafana takes, ask only of what is there, and say what to do."""

import json
import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from grafana.board import SELECTOR, WIDTH, Board, as_json, laid_out
from grafana.boards import BOARDS
from grafana.make import file_name, files
from storewarden.cli.door import door
from storewarden.measure.table import TABLE
from tests.missing import program

TOP = Path(__file__).resolve().parents[3]
OURS = re.compile(r"storewarden_[a-z_]+")
SELECTORS = re.compile(r"((?:storewarden|process)_[a-z_]+|\bup)(\{[^}]*\})?")
RANGES = re.compile(r"\[([^\]]*)\]|offset (\w+)")
SHORT = {"$__rate_interval", "1h", "1d"}
# What Grafana calls the units that are used here.
UNITS = {"none", "short", "bytes", "Bps", "s", "d", "cps", "eps", "percentunit"}
each_board = pytest.mark.parametrize("board", BOARDS, ids=file_name)


def names(metric: str) -> str:
    """The name in the table of what an expression asks for."""
    return re.sub(r"_(bucket|count|sum)$", "", metric) if "seconds_" in metric else metric


def test_the_files_are_those_that_the_generator_writes() -> None:
    old = [str(path) for path, text in files() if not path.exists() or path.read_text() != text]

    assert old == [], "python -m grafana.make"


def test_there_is_no_file_that_the_generator_does_not_write() -> None:
    written = {path for path, _ in files()}

    assert set((TOP / "grafana/dashboards").iterdir()) <= written


@each_board
def test_panels_ask_for_metrics_that_there_are(board: Board) -> None:
    known = {row.full_name for row in TABLE}
    for panel in board.panels:
        asked = {names(one) for query in panel.queries for one in OURS.findall(query.expression)}

        assert asked <= known, panel.title


@each_board
def test_panels_ask_of_the_chosen_daemons_and_not_without_bounds(board: Board) -> None:
    for panel in board.panels:
        for query in panel.queries:
            asked = query.expression
            for _, matchers in SELECTORS.findall(asked):
                assert matchers.startswith("{" + SELECTOR), asked
            spans = {one or other for one, other in RANGES.findall(asked)}
            assert spans <= SHORT, asked
            many = re.search("{{(database|model|table)}}", query.legend)
            assert not many or asked.startswith("topk("), asked


@each_board
def test_panels_say_what_they_tell_and_what_to_do(board: Board) -> None:
    for panel in board.panels:
        assert panel.description.endswith((".", "?", "?)")), panel.title
        assert len(panel.description) >= 60, panel.title
        assert panel.unit in UNITS, panel.title
        assert all(query.legend for query in panel.queries) or panel.kind == "stat", panel.title
        starts = [start for start, _ in panel.steps]
        assert starts[0] is None, panel.title
        assert starts[1:] == sorted(start for start in starts if start is not None), panel.title


@each_board
def test_commands_that_panels_name_are_there(board: Board) -> None:
    for panel in board.panels:
        for words in re.findall(r"`storewarden ([a-z -]+)", panel.description):
            found: click.Command = door
            for word in words.split():
                if isinstance(found, click.Group):
                    inner = found.get_command(click.Context(found), word)
                    assert inner is not None, f"{panel.title}: {words}"
                    found = inner
                elif word.startswith("--"):
                    options = {option for one in found.params for option in one.opts}
                    assert word in options, f"{panel.title}: {words}"


@each_board
def test_numbers_and_places_are_given_once(board: Board) -> None:
    made = as_json(board)
    ids = [panel["id"] for panel in made["panels"]]
    cells: set[tuple[int, int]] = set()

    assert len(set(ids)) == len(ids)
    for panel in made["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        cells |= own
    assert sum(len(placed) for _, placed in laid_out(board)) == len(board.panels)


def test_every_dashboard_has_a_name_of_its_own() -> None:
    assert len({board.uid for board in BOARDS}) == len(BOARDS)
    assert len({board.title for board in BOARDS}) == len(BOARDS)
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", board.uid) for board in BOARDS)


@each_board
def test_a_dashboard_names_no_data_source_and_no_machine(board: Board) -> None:
    made = as_json(board)
    variables = {one["name"]: one for one in made["templating"]["list"]}

    assert made["id"] is None
    assert {"datasource", "job", "instance"} <= set(variables)
    sources = {
        json.dumps(one["datasource"])
        for panel in made["panels"]
        for one in (panel, *panel.get("targets", []))
        if "datasource" in one
    }
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}
    used = set(
        re.findall(r"\$(\w+)", " ".join(q.expression for p in board.panels for q in p.queries))
    )
    assert used - {"__rate_interval"} == set(variables) - {"datasource"}


@each_board
def test_dashboards_lead_to_each_other(board: Board) -> None:
    (link,) = as_json(board)["links"]

    assert link["tags"] == as_json(board)["tags"]
    assert link["includeVars"]
    assert link["keepTime"]


def test_every_query_is_one_that_prometheus_understands(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": filled(query.expression)}
        for number, query in enumerate(q for b in BOARDS for p in b.panels for q in p.queries)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "rules", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def filled(expression: str) -> str:
    return re.sub(r"\$(job|instance|root|database)", ".+", expression).replace(
        "$__rate_interval", "1m"
    )


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-tls.yml"])
def test_the_examples_for_prometheus_are_right(name: str, tmp_path: Path) -> None:
    text = (TOP / "grafana" / name).read_text()
    for rules in ("rules.yaml", "alerts.yaml"):
        (tmp_path / rules).write_text((TOP / "grafana" / rules).read_text())
    for secret in ("storewarden-ca.pem", "storewarden-password"):
        (tmp_path / secret).write_text("secret")
    (tmp_path / name).write_text(text.replace("/etc/prometheus", str(tmp_path)))
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "config", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    jobs = [one["job_name"] for one in yaml.safe_load(text)["scrape_configs"]]
    assert jobs == ["storewarden"]


def test_grafana_is_told_where_dashboards_and_prometheus_are() -> None:
    (source,) = yaml.safe_load(
        (TOP / "grafana/provisioning/datasources/storewarden.yaml").read_text()
    )["datasources"]
    (provider,) = yaml.safe_load(
        (TOP / "grafana/provisioning/dashboards/storewarden.yaml").read_text()
    )["providers"]

    assert source["type"] == "prometheus"
    assert provider["type"] == "file"
    assert provider["options"]["path"]
