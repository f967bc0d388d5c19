"""How a daemon starts, is told to reload, loses a part of itself, is asked, and ends."""

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.missing import program
from tests.trees import burst, write

ROOT = "uploads"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    burst(tmp_path / "root" / "before", 40)
    return tmp_path / "root"


class Manager:
    """What a service manager is to a daemon: a socket that hears."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(15)

    def hear(self, word: str) -> list[str]:
        """Wait for a message with this line; return it and all that came before."""
        heard: list[str] = []
        while True:
            lines = self._socket.recv(4096).decode().splitlines()
            heard += lines
            if word in lines:
                return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    # Not below tmp_path, which may be longer than a socket's address
    with contextlib.closing(Manager(Path(f"/tmp/storewarden-{id(tmp_path):x}"))) as lent:
        yield lent
    lent.path.unlink()


def kernel_watches(daemon: Daemon) -> int:
    """Count the watches that the kernel holds for it."""
    watches = 0
    for file in Path(f"/proc/{daemon.pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            watches += file.read_text().count("inotify wd:")
    return watches


def test_a_service_manager_hears_of_its_life(tmp_path: Path, root: Path, manager: Manager) -> None:
    for number in range(1000):
        (root / f"d{number}").mkdir()
    environ = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "600000"}
    with Daemon(tmp_path / "daemon", {ROOT: root}, environ=environ) as daemon:
        daemon.kill()
        manager.hear("READY=1")
        daemon.start(ready=False)
        heard = manager.hear("READY=1")
        assert kernel_watches(daemon) == 1002, "the watches stand when it says that it is ready"
        assert "STATUS=watching 1 of 1 roots" in heard
        manager.hear("WATCHDOG=1")
        daemon.signal(signal.SIGHUP)
        reload = manager.hear("RELOADING=1")
        assert any(line.startswith("MONOTONIC_USEC=") for line in reload)
        manager.hear("READY=1")
        daemon.signal(signal.SIGTERM)
        manager.hear("STOPPING=1")
        assert daemon.ended() == 0


def shown(daemon: Daemon, root: str) -> float:
    """Return how many files of a root are present, of whatever kind they turned out to be."""
    here = f'root="{root}",state="present"}}'
    return sum(n for name, n in daemon.metrics().items() if name[:6] == "files{" and here in name)


def test_a_reload_adds_and_removes_and_changes_roots(tmp_path: Path, root: Path) -> None:
    other, third = tmp_path / "other", tmp_path / "third"
    burst(other, 10)
    burst(third, 10)
    with Daemon(tmp_path / "daemon", {ROOT: root, "third": third}) as daemon:
        daemon.settled()
        daemon.roots = {ROOT: {"path": str(root), "exclude": ["*.tmp"]}, "other": other}
        daemon.configure()
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.told("the configuration changed"), "it is reloaded")
        daemon.settled("other")
        assert daemon.metric("config_reload_success") == 1
        write(third / "unseen.png")
        write(root / "excluded.tmp")
        write(root / "seen.png")
        write(other / "seen.png")
        daemon.settled("other")
        daemon.until(lambda: b"seen.png" in daemon.rows(), "the changed root is watched")
        assert b"excluded.tmp" not in daemon.rows()
        assert b"unseen.png" not in daemon.rows("third")
        daemon.until(
            lambda: not any('root="third"' in name for name in daemon.metrics()),
            "its metrics are gone",
        )
        daemon.until(
            lambda: shown(daemon, "other") == 11,
            "those of the new one are there",
        )
        states = {one["name"]: one["state"] for one in daemon.status()["roots"]}
        assert states == {ROOT: "watching", "other": "watching", "third": "not-configured"}


def test_a_wrong_configuration_changes_nothing(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        right = daemon.config.read_text()
        wrong = right.replace("300ms", "300m") + "colour: blue\n"
        daemon.config.write_text(wrong)
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.metric("config_reload_success") == 0, "it is refused")
        told = " ".join(line["why"] for line in daemon.told("the new configuration is wrong"))
        assert "settle" in told
        assert "colour" in told
        write(root / "recorded.png")
        daemon.settled()
        daemon.config.write_text(right)
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.metric("config_reload_success") == 1, "it is in use again")
        write(root / "again.png")
        daemon.settled()


def test_its_faces_for_machines(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        assert daemon.get("/healthz")[0] == 200
        assert daemon.get("/readyz")[0] == 200
        code, figures = daemon.get("/metrics")
        assert code == 200
        checked = subprocess.run(
            [program("promtool", "prometheus"), "check", "metrics"],
            input=figures,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        status = daemon.status()
        assert status["ready"] is True
        assert status["daemon"]["pid"] == daemon.pid
        assert status["roots"][0]["files"] == 40


def test_a_scan_is_carried_out_by_the_daemon(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        asked = daemon.verb("scan", ROOT, "--json")
        assert asked.returncode == 0, asked.stderr
        answer = json.loads(asked.stdout)
        assert answer["files"] == 40
        assert {answer[what] for what in ("added", "changed", "gone", "errors", "held")} == {0}
        assert len(daemon.told("a root was scanned", why="asked")) == 1


def test_a_scan_without_a_daemon(tmp_path: Path, root: Path) -> None:
    daemon = Daemon(tmp_path / "daemon", {ROOT: root})

    def scan(*options: str) -> dict[str, int]:
        done = daemon.verb("scan", "--json", *options)
        assert done.returncode == (1 if json.loads(done.stdout)["held"] else 0), done.stderr
        assert daemon.rows() == daemon.tree() or json.loads(done.stdout)["held"]
        daemon.assert_totals()
        answer: dict[str, int] = json.loads(done.stdout)
        return answer

    assert scan()["added"] == 40
    assert scan()["added"] == 0
    burst(root / "new", 60)
    write(root / "before" / "f000001.png", b"changed")
    (root / "before" / "f000002.png").unlink()
    done = scan()
    assert (done["files"], done["added"], done["changed"], done["gone"]) == (99, 60, 1, 1)
    for number in range(40):
        (root / "new" / f"f{number:06d}.png").unlink()
    assert scan()["held"] == 40
    assert scan("--accept-missing")["gone"] == 40
    with daemon:
        daemon.settled()
        assert daemon.told("a root was scanned")[0].keys().isdisjoint({"added", "changed", "gone"})


def test_a_mass_deletion_that_nobody_saw_waits_for_a_person(tmp_path: Path, root: Path) -> None:
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        burst(root / "more", 160)
        daemon.settled()
        assert daemon.stop() == 0
        for number in range(80):
            (root / "more" / f"f{number:06d}.png").unlink()
        daemon.start()
        held = f'missing_held_files{{root="{ROOT}"}}'
        daemon.until(lambda: daemon.metric(held) == 80, "they are held")
        assert daemon.count() == 200
        assert daemon.status_of()["missing_held"] == 80
        refused = daemon.verb("scan", "--json")
        assert refused.returncode == 1
        assert json.loads(refused.stdout)["held"] == 80
        accepted = daemon.verb("scan", "--accept-missing", "--json")
        assert accepted.returncode == 0, accepted.stderr
        assert json.loads(accepted.stdout)["gone"] == 80
        daemon.settled()
        assert daemon.metric(held) == 0
        assert daemon.states()[b"more/f000000.png"] == ["missing"], "its row and history stay"


def test_a_jumping_clock_declares_nothing_missing(tmp_path: Path, root: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("0")
    jumping = f"""
import storewarden.clock
whole = storewarden.clock.SystemClock.wall_ns
def wall_ns(self):
    return whole(self) + int(open({str(offset)!r}).read() or 0)
storewarden.clock.SystemClock.wall_ns = wall_ns
"""
    roots = {ROOT: {"path": str(root), "rescan": "1s"}}
    decade = 10 * 365 * 86_400 * 10**9
    with Daemon(tmp_path / "daemon", roots, preamble=jumping) as daemon:
        daemon.settled()
        for turn, jump in enumerate((decade, -5 * decade, 0)):
            offset.write_text(str(jump))
            burst(root / f"turn{turn}", 20)
            (root / "before" / f"f{turn:06d}.png").unlink()
            daemon.settled()
            scans = daemon.scans()
            daemon.until(lambda seen=scans: daemon.scans() > seen, "it scans")  # type: ignore[misc]  # a lambda's default
            daemon.settled()
        missing = {path for path, states in daemon.states().items() if "missing" in states}
        assert missing <= {b"before/f%06d.png" % turn for turn in range(3)}
        assert daemon.get("/healthz")[0] == 200


WORKERS = ("sentinel", "scanner", "digester", "recorder", "clerk", "figures", "lease")


def test_a_worker_that_dies_is_replaced(tmp_path: Path, root: Path) -> None:
    poison = f"""
import os
from storewarden.supervise import Worker
whole = Worker.__init__
def made(self, name, step, **more):
    trigger = os.path.join({str(tmp_path)!r}, "kill-" + name)
    def poisoned():
        wait = step()
        if os.path.exists(trigger):
            os.unlink(trigger)
            raise RuntimeError("poisoned")
        return wait
    whole(self, name, poisoned, **more)
Worker.__init__ = made
"""
    with Daemon(tmp_path / "daemon", {ROOT: root}, preamble=poison) as daemon:
        daemon.settled()
        for name in WORKERS:
            write(tmp_path / f"kill-{name}")
        burst(root / "during", 100)
        daemon.verb("scan")  # wakes the scanner, which would sleep for long
        for name in WORKERS:
            restarts = f'worker_restarts_total{{worker="{name}"}}'
            daemon.until(lambda of=restarts: daemon.metric(of) == 1, f"{name} is replaced")  # type: ignore[misc]  # a lambda's default
        daemon.settled()
        burst(root / "after", 100)
        (root / "before" / "f000001.png").unlink()
        daemon.settled()
        assert daemon.verb("scan").returncode == 0
        assert daemon.get("/healthz")[0] == 200
        assert len(daemon.told("a worker died and will be started again")) == len(WORKERS)


@pytest.mark.parametrize("where", ["Recorder.names", "Recorder.listings", "Departures.names"])
def test_a_mistake_in_the_middle_of_a_round_loses_nothing(
    tmp_path: Path, root: Path, where: str
) -> None:
    """A round that ends by an unexpected error is done again, whatever it had begun."""
    trigger = tmp_path / "die"
    kind, method = where.split(".")
    module = {"Recorder": "record", "Departures": "depart"}[kind]
    poison = f"""
import os
from storewarden.catalogue import drivers
drivers.choose("sqlite")
from storewarden.catalogue.{module} import {kind}
whole = {kind}.{method}
def poisoned(self, *given, **named):
    answer = whole(self, *given, **named)
    if os.path.exists({str(trigger)!r}):
        os.unlink({str(trigger)!r})
        raise RuntimeError("poisoned")
    return answer
{kind}.{method} = poisoned
"""
    with Daemon(tmp_path / "daemon", {ROOT: root}, preamble=poison) as daemon:
        daemon.settled()
        write(trigger)
        burst(root / "before", 200, stem="more")
        burst(root / "new" / "directory", 50)
        for number in range(20):
            (root / "before" / f"f{number:06d}.png").unlink()
        daemon.until(lambda: not trigger.exists(), "the mistake is made")
        daemon.settled()
        assert daemon.metric('worker_restarts_total{worker="recorder"}') == 1
