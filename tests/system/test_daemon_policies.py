"""A running daemon decides: what lands, what is renamed, and by which policies; nothing is done."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import Daemon

RENDERS = """\
version: 1
policies:
  - id: old-renders
    match: {name: "*.mp4", path: "renders/"}
    phases: [{after: 30d, do: trash}]
    observe: false
"""
TEXTS = (
    RENDERS
    + """\
  - id: keep-texts
    match: {name: "*.txt"}
    hold: true
"""
)
BROKEN = RENDERS.replace("after: 30d", "after: 30")


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    file = tmp_path / "policies.yaml"
    file.write_text(RENDERS)
    return file


@pytest.fixture
def daemon(tmp_path: Path, policies: Path) -> Iterator[Daemon]:
    root = tmp_path / "uploads"
    root.mkdir()
    daemon = Daemon(tmp_path / "d", {"uploads": root}, settings={"policies": [str(policies)]})
    with daemon:
        yield daemon


def land(daemon: Daemon, name: str) -> None:
    path = Path(os.fsdecode(daemon.root())) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def scheduled(daemon: Daemon) -> dict[str, tuple[Any, ...]]:
    """Return what is to be done with files, by name, and which policies win."""
    rows = daemon.query(
        "SELECT f.name, p.name, s.action, s.due_ns - f.first_seen_ns, s.phases, s.hold"
        " FROM schedule s JOIN files f ON f.id = s.file_id"
        " LEFT JOIN policies p ON p.id = s.policy_id"
    )
    return {os.fsdecode(bytes(name)): tuple(rest) for name, *rest in rows}


def test_what_lands_is_decided_at_once(daemon: Daemon) -> None:
    land(daemon, "renders/a.mp4")
    land(daemon, "b.mp4")
    daemon.until(lambda: "a.mp4" in scheduled(daemon), "it is decided")

    policy, action, after, phases, hold = scheduled(daemon)["a.mp4"]
    assert (policy, action, after) == ("old-renders", 4, 30 * 86_400 * 10**9)
    assert (phases > 0, hold) == (True, 0)
    assert "b.mp4" not in scheduled(daemon)


def test_a_renamed_directory_changes_what_is_decided(daemon: Daemon) -> None:
    for number in range(50):
        land(daemon, f"other/{number}.mp4")
    land(daemon, "renders/last.mp4")
    daemon.until(lambda: "last.mp4" in scheduled(daemon), "it is decided")
    root = Path(os.fsdecode(daemon.root()))
    (root / "other").rename(root / "renders" / "more")
    daemon.until(lambda: len(scheduled(daemon)) == 51, "all are decided anew")
    (root / "renders" / "more").rename(root / "other")

    daemon.until(lambda: list(scheduled(daemon)) == ["last.mp4"], "and anew")


def test_new_policies_are_in_force_after_a_reload_and_wrong_ones_are_not(
    daemon: Daemon, policies: Path
) -> None:
    land(daemon, "renders/a.mp4")
    land(daemon, "notes.txt")
    daemon.until(lambda: "a.mp4" in scheduled(daemon), "it is decided")
    assert "notes.txt" not in scheduled(daemon)

    policies.write_text(TEXTS)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: "notes.txt" in scheduled(daemon), "all is decided anew")
    before = scheduled(daemon)

    policies.write_text(BROKEN)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: daemon.told("the policies are wrong"), "it says so")
    daemon.until(lambda: daemon.metric("policies_reload_success") == 0, "and shows it")
    (told,) = [line for line in daemon.log() if line["message"] == "the policies are wrong"]
    assert f"{policies}:5:" in told["why"]
    shown = daemon.status()["policies"]
    assert (shown["in_force"], shown["problems"]) == (2, [told["why"]])
    land(daemon, "renders/later.mp4")
    daemon.until(lambda: "later.mp4" in scheduled(daemon), "the old ones are still in force")
    assert before.items() <= scheduled(daemon).items()


def test_wrong_policies_at_the_start_leave_those_in_force_that_were(
    daemon: Daemon, policies: Path
) -> None:
    land(daemon, "renders/a.mp4")
    daemon.until(lambda: "a.mp4" in scheduled(daemon), "it is decided")
    daemon.stop()
    policies.write_text(BROKEN)
    daemon.start()
    assert daemon.told("the policies that were in force before stay so")
    land(daemon, "renders/b.mp4")

    daemon.until(lambda: "b.mp4" in scheduled(daemon), "it is decided by them")


def test_wrong_policies_at_the_very_first_start_keep_nothing_from_being_recorded(
    tmp_path: Path, policies: Path
) -> None:
    policies.write_text(BROKEN)
    root = tmp_path / "uploads"
    root.mkdir()
    settings = {"policies": [str(policies)]}
    with Daemon(tmp_path / "d", {"uploads": root}, settings=settings) as daemon:
        assert daemon.told("no policies are in force; files are recorded as ever")
        land(daemon, "renders/a.mp4")
        daemon.until(lambda: len(daemon.query("SELECT 1 FROM files")) == 1, "it is recorded")
        assert daemon.query("SELECT 1 FROM schedule") == []


def test_what_was_decided_is_not_decided_again_by_the_next_daemon(daemon: Daemon) -> None:
    land(daemon, "renders/a.mp4")
    daemon.until(lambda: "a.mp4" in scheduled(daemon), "it is decided")
    (through,) = daemon.query("SELECT id, decided_through FROM policy_sets")
    daemon.stop()
    daemon.start()

    assert daemon.query("SELECT id, decided_through FROM policy_sets") == [through]


def test_what_is_due_is_shown(daemon: Daemon, policies: Path) -> None:
    rarely = "old-texts\n    match: {name: '*.log'}\n    observe: false\n"
    rarely += "    phases: [{after: 0s, do: trash}]\n    trigger: [{every: 3000d}]\n"
    policies.write_text(RENDERS.replace("30d", "0s") + f"  - id: {rarely}")
    daemon.signal(signal.SIGHUP)
    land(daemon, "late.log")
    land(daemon, "notes.txt")
    land(daemon, "renders/a.mp4")
    land(daemon, "renders/b.mp4")
    due = 'due_files{action="trash",policy="old-renders"}'
    timed = 'due_files{action="trash",policy="old-texts"}'
    daemon.until(
        lambda: (daemon.metric(due), daemon.metric(timed)) == (2, 1), "they are due", seconds=40.0
    )

    figures = daemon.metrics()
    assert figures['policy_files{policy="old-renders"}'] == 2
    assert figures['uncovered_files{kind="text"}'] == 1
    assert figures["undecided_files"] == 0
    assert figures["clock_jump_seconds"] == 0
    assert 0 <= figures['overdue_seconds{policy="old-renders"}'] < 60
    assert 0 <= figures['late_seconds{policy="old-renders"}'] < 60
    assert figures['overdue_seconds{policy="old-texts"}'] > 0
    assert figures['late_seconds{policy="old-texts"}'] == 0  # its timer comes in years
    assert time.time() - figures["policies_last_reload_success_timestamp_seconds"] < 60
