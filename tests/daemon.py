"""A real daemon in a process of its own, and a plain walk to hold its catalogue against.

What is asserted is what a user is promised: the rows of the present files are what `find` shows.
The rows are read by drivers of our own and the tree by `os.scandir`: nothing of what is tested
takes part. Waiting is asking again until a deadline; nothing sleeps for a fixed time.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw
import yaml

from tests.mounts import Namespace
from tests.trees import Rows, difference, walk

PROGRAM = Path(sys.executable).parent / "storewarden"
SECONDS = 15.0  # a deadline is only met by what is broken; a busy machine gets the time it needs
SEEN = 8.0  # 5 are promised; a machine that does six things at once is forgiven three
HEALS = 12.0
STAYS = 0.3  # seconds: what is right by chance, between two mistakes, is right for less

Log = dict[str, Any]

_PRESENT = """
    SELECT d.path, f.name, f.inode, f.size, f.modified_ns, f.mode, f.links
    FROM files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id
    WHERE f.state = 'present' AND r.name = {mark}
"""
_TOTALS = """
    SELECT r.name, f.kind, f.state, count(*), CAST(sum(f.size) AS bigint)
    FROM files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id
    GROUP BY 1, 2, 3
"""


@dataclass
class Daemon:
    """One daemon: its configuration, its process, what it says. A context that kills it."""

    base: Path
    roots: Mapping[str, Mapping[str, Any] | Path | str]
    catalogue: str = "sqlite"
    settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()  # what the command line begins with: setpriv
    preamble: str = ""  # Python that runs in the process before the program does
    inside: Namespace | None = None  # the mount namespace that it lives in
    state: Path = field(init=False)
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    starts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.base.mkdir(parents=True, exist_ok=True)
        self.state = Path(self.settings.get("state", self.base / "state"))
        self.configure()

    # -- configuration ------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        return self.base / "storewarden.yaml"

    def configure(self, **changes: Any) -> None:
        """Write the configuration: quick to settle, any free port, and what the test wants."""
        roots = {
            name: {"settle": "300ms", "settle_cap": "1s"}
            | (dict(given) if isinstance(given, Mapping) else {"path": str(given)})
            for name, given in self.roots.items()
        }
        document: dict[str, Any] = {
            "state": str(self.state),
            "catalogue": self.catalogue,
            "roots": roots,
            "http": {"listen": "127.0.0.1:0"},
        }
        self.config.write_text(yaml.safe_dump(document | self.settings | changes))

    def root(self, name: str | None = None) -> bytes:
        """Return the path of a root, as the test sees it."""
        given = self.roots[name or next(iter(self.roots))]
        path = given["path"] if isinstance(given, Mapping) else given
        return os.fsencode(self.seen(Path(path)))

    def seen(self, path: Path) -> Path:
        """Return where the test finds what the daemon knows by this path."""
        return path if self.inside is None else self.inside.view / path.relative_to("/")

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if error is not None:
            error.add_note(f"the daemon said:\n{self.said()}")
        elif not self.preamble:  # nothing was broken on purpose inside of it
            assert [line for line in self.log() if "traceback" in line] == []

    def command(self, *verb: str) -> list[str]:
        program = [str(PROGRAM)]
        if self.preamble:
            main = "import sys; from storewarden.cli import main; sys.exit(main(sys.argv[1:]))"
            program = [sys.executable, "-c", f"{self.preamble}\n{main}"]
        enter = self.inside.enter if self.inside is not None else ()
        return [*enter, *self.before, *program, "--config", str(self.config), *verb]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STOREWARDEN_")}
        kept.pop("NOTIFY_SOCKET", None)
        return kept | self.environ

    def start(self, *, ready: bool = True) -> Self:
        """Start it, and wait until it is ready and has scanned (unless told not to)."""
        self.starts += 1
        with self.log_file().open("wb") as log:
            self.process = subprocess.Popen(
                self.command("run", "--json"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.base,
            )
        if ready:
            self.until(lambda: self.told("ready"), "it is ready")
            self.until(lambda: self.scanned() >= set(self.roots), "its first scans are over")
        return self

    def scanned(self) -> set[str]:
        """Return the roots that it scanned since its last start, or says it cannot see."""
        blind = {line["root"] for line in self.told("a root cannot be seen")}
        return blind | {line["root"] for line in self.told("a root was scanned")}

    def scans(self) -> int:
        """Return how many scans it finished since its last start."""
        return len(self.told("a root was scanned"))

    def log_file(self) -> Path:
        return self.base / f"log-{self.starts}"

    @property
    def pid(self) -> int:
        """Of the program itself; a namespace or another user is entered by exec."""
        assert self.process is not None
        return self.process.pid

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float = SECONDS) -> int:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.ended(seconds)

    def ended(self, seconds: float = SECONDS) -> int:
        """Wait for its end; return its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds} s; {self.said()}") from None

    def verb(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another verb with the same configuration."""
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.base,
            timeout=40,
            check=False,
        )

    # -- what it says -------------------------------------------------------------------------

    def log(self) -> list[Log]:
        """Return its log lines since its last start."""
        lines = []
        for line in self.log_file().read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"message": line, "level": "raw"})
        return lines

    def told(self, message: str, **facts: object) -> list[Log]:
        """Return the log lines with this message and these facts."""
        return [
            line
            for line in self.log()
            if line["message"] == message
            and all(line.get(key) == value for key, value in facts.items())
        ]

    def said(self) -> str:
        """Return the end of its log, for people."""
        text = self.log_file().read_text(errors="replace") if self.log_file().exists() else ""
        code = self.process.poll() if self.process is not None else None
        return f"{text[-6000:]}\n(exit code {code})"

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP server; 0 when it does not answer."""
        served = self.told("metrics are served")
        if not served:
            return 0, ""
        url = str(served[-1]["url"]).removesuffix("/metrics") + path
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> dict[str, float]:
        """Return every figure by its name and labels, as they stand in /metrics."""
        figures = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                figures[name.removeprefix("storewarden_")] = float(value)
        return figures

    def metric(self, name: str) -> float:
        """Return one figure; -1 when there is none of that name and labels."""
        return self.metrics().get(name, -1.0)

    def status(self) -> dict[str, Any]:
        """Return what `storewarden status --json` tells."""
        done = self.verb("status", "--json")
        assert done.returncode in {0, 1}, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def status_of(self, root: str | None = None) -> dict[str, Any]:
        """Return one root of the status."""
        name = root or next(iter(self.roots))
        found: dict[str, Any] = next(r for r in self.status()["roots"] if r["name"] == name)
        return found

    # -- waiting ------------------------------------------------------------------------------

    def until(
        self, met: Callable[[], object], what: str, seconds: float = SECONDS, *, ended: bool = False
    ) -> float:
        """Ask until it is true, a little more seldom each time; return the seconds it took."""
        begun = time.monotonic()
        pause = 0.01
        while not met():
            took = time.monotonic() - begun
            if took > seconds:
                raise AssertionError(f"not within {seconds:g} s: {what}\n{self.said()}")
            if not ended and not self.alive():
                raise AssertionError(f"ended before: {what}\n{self.said()}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        return time.monotonic() - begun

    def settled(self, root: str | None = None, seconds: float = SECONDS) -> float:
        """Wait until the catalogue equals the tree and stays so; return the seconds it took."""
        equal_since = 0.0

        def equal() -> bool:
            nonlocal equal_since
            if self.rows(root) != self.tree(root):
                equal_since = 0.0
                return False
            equal_since = equal_since or time.monotonic()
            return time.monotonic() - equal_since >= STAYS

        try:
            took = self.until(equal, "catalogue = tree", seconds)
        except AssertionError as error:
            error.add_note(difference(self.rows(root), self.tree(root)))
            raise
        self.assert_totals()
        return took - STAYS

    def blinded(self, reason: str, *, root: str | None = None, state: str = "frozen") -> None:
        """Hold that soon every face tells what cannot be seen: metric, status, and the log once."""
        name = root or next(iter(self.roots))
        self.until(
            lambda: self.metric(f'root_blind{{root="{name}"}}') >= 1, f"blind: {reason}", SEEN
        )
        self.until(lambda: self.told("a root cannot be seen", root=name, reason=reason), reason)
        told: dict[str, Any] = {}

        def shown() -> bool:
            told.update(self.status_of(name))
            return reason in [one["reason"] for one in told["blind"]] and told["state"] == state

        self.until(shown, f"status tells of {reason}")
        assert all(one["remedy"] and one["detail"] for one in told["blind"]), told["blind"]
        assert self.metric(f'root_frozen{{root="{name}"}}') == (state == "frozen")
        assert len(self.told("a root cannot be seen", root=name, reason=reason)) == 1

    def healed(self, reason: str, *, root: str | None = None, seconds: float = HEALS) -> None:
        """Hold that soon nothing is blind, without anybody's help, and that nothing was lost."""
        name = root or next(iter(self.roots))
        self.until(lambda: self.metric(f'root_blind{{root="{name}"}}') == 0, "healed", seconds)
        self.until(
            lambda: (
                self.status_of(name)["blind"] == [] and self.status_of(name)["state"] == "watching"
            ),
            "status says healed",
        )
        self.settled(name)
        assert len(self.told("a root cannot be seen", root=name, reason=reason)) == 1
        assert len(self.told("a root can be seen again", root=name, reason=reason)) == 1
        assert self.metric(f'root_frozen{{root="{name}"}}') == 0

    # -- the catalogue and the tree -----------------------------------------------------------

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Read the catalogue by a connection of the test's own; ``?`` stands for values."""
        if self.catalogue.startswith("postgresql://"):
            import psycopg

            with psycopg.connect(self.catalogue) as server:
                return server.execute(sql.replace("?", "%s").encode(), parameters).fetchall()
        if self.inside is not None:
            return self.inside.query(self.state / "catalogue.db", sql, parameters)
        with self.opened() as connection:
            return connection.execute(sql, tuple(parameters)).fetchall()

    @contextlib.contextmanager
    def opened(self) -> Iterator[apsw.Connection]:
        """Lend a connection to the SQLite catalogue that only reads."""
        path = str(self.state / "catalogue.db")
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(5000)
        connection.pragma("query_only", True)
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, root: str | None = None) -> Rows:
        """Return the present files of a root as the catalogue has them."""
        name = root or next(iter(self.roots))
        rows: Rows = {}
        for path, file, *facts in self.query(_PRESENT.format(mark="?"), (name,)):
            whole = bytes(path) + b"/" + bytes(file) if path else bytes(file)
            assert whole not in rows, f"two rows of {whole!r}"
            inode, size, modified, mode, links = facts
            rows[whole] = (inode, size, modified, mode, links)
        return rows

    def tree(self, root: str | None = None) -> Rows:
        """Return the regular files of a root as they are."""
        return walk(self.root(root))

    def states(self, root: str | None = None) -> dict[bytes, list[str]]:
        """Return the states of all rows of each path, the oldest first."""
        states: dict[bytes, list[str]] = {}
        for path, file, state in self.query(
            "SELECT d.path, f.name, f.state FROM files f JOIN directories d"
            " ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id WHERE r.name = ?"
            " ORDER BY f.id",
            (root or next(iter(self.roots)),),
        ):
            whole = bytes(path) + b"/" + bytes(file) if path else bytes(file)
            states.setdefault(whole, []).append(state)
        return states

    def assert_totals(self) -> None:
        """Hold that the figures that are kept are those that counting gives.

        They are read one after the other: kinds may change in between, as files are inspected.
        """

        def agree() -> bool:
            counted = {row[:3]: row[3:] for row in self.query(_TOTALS)}
            kept = {
                row[:3]: row[3:]
                for row in self.query(
                    "SELECT r.name, t.kind, t.state, t.files, t.bytes FROM totals t"
                    " JOIN roots r ON r.id = t.root_id WHERE t.files <> 0 OR t.bytes <> 0"
                )
            }
            return kept == counted

        self.until(agree, "totals = a count", ended=True)

    def assert_sound(self) -> None:
        """Hold that the catalogue's file is whole and breaks none of its own rules."""
        assert self.query("PRAGMA integrity_check") == [("ok",)]
        assert self.query("PRAGMA foreign_key_check") == []

    def count(self, root: str | None = None) -> int:
        """Return how many files of a root are present."""
        sql = f"SELECT count(*) FROM ({_PRESENT.format(mark='?')}) AS present"
        return int(self.query(sql, (root or next(iter(self.roots)),))[0][0])


def pause(daemon: Daemon) -> None:
    """Stop a process in its tracks, and wait until it stands."""
    daemon.signal(signal.SIGSTOP)
    stat_file = Path(f"/proc/{daemon.pid}/stat")
    daemon.until(lambda: stat_file.read_text().rpartition(")")[2].split()[0] == "T", "it stands")
