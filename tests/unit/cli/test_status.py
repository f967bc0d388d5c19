"""One screen: for people, for pipes, as JSON."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.catalogue.policy_sets import policies, put_in_force
from storewarden.catalogue.process import Process
from storewarden.catalogue.roots import host_id, this_machine
from storewarden.catalogue.sweep import Sweeping
from storewarden.cli import status
from storewarden.cli.decided import Decided
from storewarden.cli.output import Output
from storewarden.cli.overview import Overview, Root, read
from storewarden.clock import SystemClock
from storewarden.config.schema import RootSettings
from storewarden.policy.load import read as load
from storewarden.policy.sources import shipped
from tests.conftest import Golden
from tests.unit.cli.conftest import MINUTE, NOW, Run

HOLDER = Process("studio", 4242, 1, 1, "boot", "storewarden run", NOW - 75 * MINUTE)
FIELDS = {"name", "path", "mode", "state", "files", "bytes", "pending", "overflows", "blind"}


def overview(engine: Engine) -> Overview:
    """What the catalogue of the fixture tells, with paths that are the same everywhere."""
    names = ("save_outputs", "uploads", "later")
    configured = [RootSettings(name, b"/srv/" + name.encode()) for name in names]
    return read(engine, this_machine(), configured, SystemClock())


def shown(
    what: Overview,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    terminal: bool,
) -> str:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    status.show(Output(json=False), what, "sqlite", NOW)
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["people", "programs"])
def test_the_screen(
    catalogue: Engine,
    daemon: Lease,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
    form: str,
) -> None:
    what = replace(overview(catalogue), daemon=HOLDER)
    text = shown(what, capsys, monkeypatch, terminal=form == "people")
    golden(f"cli/status-{form}.txt", text)


def test_the_screen_without_a_daemon(
    catalogue: Engine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
) -> None:
    text = shown(overview(catalogue), capsys, monkeypatch, terminal=True)
    golden("cli/status-no-daemon.txt", text)


def test_the_screen_says_how_far_inspection_is(
    rich: Engine,
    daemon: Lease,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
) -> None:
    with rich.transaction():
        rich.execute("UPDATE files SET inspected_ns = NULL WHERE id IN (1, 3, 9)")
    what = replace(overview(rich), daemon=HOLDER, sweep=Sweeping(("png",), 0.255))
    golden("cli/status-inspecting.txt", shown(what, capsys, monkeypatch, terminal=True))


def test_json_says_how_far_inspection_is(rich: Engine, daemon: Lease, run: Run) -> None:
    with rich.transaction():
        rich.execute("UPDATE files SET inspected_ns = NULL WHERE id IN (1, 3, 9)")
    told = run("status", "--json").json

    assert [(one["uninspected"], one["refused"]) for one in told["roots"]] == [(2, 1), (1, 0)]
    assert told["sweep"] is None


def test_where_nobody_wants_files_to_be_looked_into_none_waits(
    catalogue: Engine, daemon: Lease
) -> None:
    wanted, not_wanted = (
        read(
            catalogue,
            this_machine(),
            [RootSettings("save_outputs", b"/s", inspect=inspect)],
            SystemClock(),
        ).roots[0]
        for inspect in (True, False)
    )

    assert (wanted.uninspected, not_wanted.uninspected) == (3, 0)


def test_json_has_the_fields_of_the_design(catalogue: Engine, daemon: Lease, run: Run) -> None:
    ran = run("status", "--json")

    outputs, uploads = ran.json["roots"]
    assert ran.code == 1  # uploads is blind
    assert outputs.keys() >= FIELDS
    assert (outputs["files"], outputs["bytes"], outputs["missing"]) == (4, 1_500_000 + (3 << 30), 1)
    assert (outputs["state"], outputs["mode"], outputs["blind"]) == ("watching", "inotify", [])
    assert (uploads["state"], uploads["overflows"]) == ("frozen", 2)
    assert uploads["blind"][0] == {
        "reason": "root-not-mounted",
        "path": "",
        "since_ns": NOW - 5 * MINUTE,
        "detail": "no disk",
        "remedy": "sudo mount /mnt/up",
    }
    assert ran.json["ready"] is True
    assert ran.json["daemon"]["pid"] == daemon.holder.pid


def test_without_a_daemon_nothing_is_ready_and_nothing_old_is_shown(
    catalogue: Engine, run: Run
) -> None:
    ran = run("status", "--json")

    assert (ran.code, ran.json["ready"], ran.json["daemon"]) == (0, False, None)
    assert {root["state"] for root in ran.json["roots"]} == {"stopped"}
    assert all(root["blind"] == [] for root in ran.json["roots"])


def test_a_root_that_left_the_configuration_is_still_told(catalogue: Engine, daemon: Lease) -> None:
    what = read(catalogue, this_machine(), [RootSettings("uploads", b"/u")], SystemClock())

    assert [(root.name, root.state) for root in what.roots] == [
        ("uploads", "frozen"),
        ("save_outputs", "not-configured"),
    ]


def test_a_root_that_was_never_started_keeps_it_from_being_ready(
    catalogue: Engine, daemon: Lease
) -> None:
    what = overview(catalogue)

    assert what.roots[-1] == Root("later", b"/srv/later", "new")
    assert not what.ready


def test_a_machine_without_roots(catalogue: Engine) -> None:
    other = this_machine()._replace(machine_id="another")
    what = read(catalogue, other, [RootSettings("uploads", b"/u")], SystemClock())

    assert what == Overview(None, (Root("uploads", b"/u"),))


def test_before_the_first_start_it_says_how_to_start(run: Run, tmp_path: Path) -> None:
    ran = run("status")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"storewarden: no catalogue yet at {tmp_path}/state/catalogue.db; ")
    assert "storewarden run" in ran.err


DECIDED = Decided(
    in_force=3,
    sources=("/etc/storewarden/policies/renders.yaml",),
    loaded_ns=NOW - 60 * MINUTE,
    problems=("renders.yaml:5:22: policies[0].phases[0].after: is a bare number", "another"),
    undecided=1,
    due={"trash": 1_200, "archive": 3},
    blocked={"pinned": 2},
    oldest_due_ns=NOW - 90 * MINUTE,
    clock="the clock jumped ahead by 3h",
)


@pytest.mark.parametrize("form", ["people", "programs"])
def test_the_screen_says_what_policies_have_due_and_what_is_wrong_with_them(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
    form: str,
) -> None:
    what = Overview(HOLDER, (Root("uploads", b"/srv/uploads", "watching"),), decided=DECIDED)
    text = shown(what, capsys, monkeypatch, terminal=form == "people")
    golden(f"cli/status-decided-{form}.txt", text)


def test_json_says_which_policies_are_in_force_and_what_is_due(
    catalogue: Engine, daemon: Lease, run: Run, tmp_path: Path
) -> None:
    told = run("status", "--json").json["policies"]
    assert (told["in_force"], told["problems"], told["loaded_ns"]) == (0, [], None)

    host = host_id(catalogue, this_machine())
    assert host is not None
    text = (shipped()["safe-default"]).read_text()
    sources = [("safe-default.yaml", text)]
    policy_set = load([(name, text.encode()) for name, text in sources])
    prints = {policy.id: "f" for policy in policy_set.policies}
    put_in_force(catalogue, host, "another", sources, prints, NOW)
    (policy,) = policies(catalogue, host).values()
    with catalogue.transaction():
        columns = ("file_id", "policy_id", "action", "due_ns", "blocked", "phases")
        rows = [(1, policy.id, 4, 5, 0, policy.id), (2, policy.id, 4, 7, 2, policy.id)]
        catalogue.insert("schedule", columns, rows)
    told = run("status", "--json").json["policies"]

    assert (told["in_force"], told["sources"]) == (1, ["safe-default.yaml"])
    assert told["changed"] is True
    assert (told["due"], told["blocked"], told["oldest_due_ns"]) == ({"trash": 1}, {"pinned": 1}, 5)
    assert told["undecided"] > 0
