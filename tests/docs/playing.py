"""Pages whose commands are run: blocks in their order, in a situation that a scene built for them.

A page says ``<!-- scene: NAME -->`` where one begins. From there on, until the next, its blocks
are played in the same place: ``console`` is what a person types and is answered, ``log`` are lines
that the daemon has written by then, ``metrics`` lines of its page of figures. Between blocks,
``<!-- then: NAME -->`` lets something happen that nobody types. On the pages the place is /srv.
"""

import os
import re
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.daemon import PROGRAM
from tests.unit.cli.conftest import Run

SHOWN = "/srv"
_SCENE = re.compile(r"^<!-- scene: ([a-z0-9-]+) -->\n", re.MULTILINE)
_STEP = re.compile(
    r"^```(?P<sort>console|log|metrics)\n(?P<text>.*?)^```$|^<!-- then: (?P<then>[a-z-]+) -->$",
    re.MULTILINE | re.DOTALL,
)
_LOOKS = ("health", "status", "history", "why", "files", "plan", "store", "show")
_SHELL = re.compile(r"[|&;<>$*`]")
# What is another thing each time, and what stands for it when two texts are compared.
_VOLATILE: Sequence[tuple[str, str]] = (
    # points come back some seconds after what cost them is mended; health.md waits for that
    (r"(?m)^health +\d+ of 100, \w+\n( +−.*\n)*( +→ storewarden health\n)?", "<health>\n"),
    # first: one sum in some dozens could be taken for a time or a mark
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "<uuid>"),
    (r"\b[0-9a-f]{4,}-\d+-[0-9a-f]{8,}\b", "<plan>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "<time>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<day>"),
    (r"\b\d+(\.\d+)? ?(ms|s|min|h|d|y)\b( \d+ ?(ms|s|min|h|d)\b)?( ago)?", "<while>"),
    (r"\b(a moment|just now|now)\b( ago)?", "<while>"),
    (r"seconds=\d+\.\d+", "seconds=<while>"),
    (r"# [a-z2-7]{8}\b", "# <command>"),
    (r"\bundo [a-z2-7]{8}\b", "undo <command>"),
    (r"\b[a-z2-7]{16}\b", "<mark>"),
    (r"~[a-z2-7]{16}", "~<mark>"),
    (r"\b\d{19}\b", "<ns>"),
    (r"\b\d{8}T\d{6}Z", "<time>"),
    (r"pid \d+", "pid <pid>"),
    (r'"(device|inode|mode|uid|gid)": \d+', r'"\1": <number>'),
    (r" on [\w.-]+,", " on <host>,"),
    (r"\b\d+(\.\d+)? [GT]iB\b", "<disk>"),
    (r"\d+(\.\d+)?% of all there is", "<share> of all there is"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    # what holds times packs into more or fewer bytes
    (r"\b\d+(\.\d+)? (B|KiB) in backups", "<size> in backups"),
    (r"for archive (\d+), \d+(\.\d+)? (B|KiB)", r"for archive \1, <size>"),
)


def alike(text: str) -> str:
    """Return a text without what is another thing each time, and without how wide columns are."""
    for pattern, instead in _VOLATILE:
        text = re.sub(pattern, instead, text)
    return re.sub(r" {2,}", "  ", text)


@dataclass
class Daemon:
    """A daemon that writes its log as people read it."""

    here: Path
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0

    @property
    def log(self) -> Path:
        return self.here / f"log-{self.starts}"

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def start(self) -> None:
        self.starts += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "--config", str(self.here / "storewarden.yaml"), "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.here,
                env={**os.environ, "COLUMNS": "120"},
            )
        self.until(lambda: "daemon: ready" in self.said(), "it is ready")

    def until(self, met: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        begun, pause = time.monotonic(), 0.01
        while not met():
            assert time.monotonic() - begun < seconds, f"not met: {what}\n{self.said()}"
            assert self.process is None or self.process.poll() is None, self.said()
            time.sleep(pause)
            pause = min(0.2, pause * 1.5)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(20) == 0, self.said()
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def reload(self) -> None:
        assert self.process is not None
        before = self.said().count("policies are in force")
        self.process.send_signal(1)
        self.until(lambda: self.said().count("policies are in force") > before, "it reloads")

    def metrics(self) -> str:
        url = re.findall(r"url=(http://\S+)", self.said())[-1]
        with urllib.request.urlopen(url, timeout=10) as answer:
            told: str = answer.read().decode()
        return told


Command = Callable[[list[str]], str]


@dataclass
class House:
    """A machine as the pages have it: /srv/media is watched, /srv/nas is a store."""

    here: Path
    run: Run
    daemon: Daemon = field(init=False)
    commands: dict[str, Command] = field(default_factory=dict)  # that a test cannot have for real
    later: dict[str, Callable[[], None]] = field(default_factory=dict)  # see ``then`` above
    over: list[Callable[[], None]] = field(default_factory=list)
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)
    code: int = 0
    wrong: bool = False  # something was not as it is written: less is waited for the rest
    _settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.daemon = Daemon(self.here)
        self.commands |= {"systemctl": self._systemctl}
        for name in ("media", "nas"):
            (self.here / name).mkdir()
        self.configure()

    # -- building ---------------------------------------------------------------------------------

    def configure(self, policies: str | None = None, **more: Any) -> None:
        """Write the configuration; what is given stays from then on."""
        self._settings |= more
        if policies is not None:
            (self.here / "policies.yaml").write_text("version: 1\npolicies:\n" + policies)
            self._settings["policies"] = [str(self.here / "policies.yaml")]
        quick = {"settle": "100ms", "settle_cap": "500ms", "inspect": False}
        document: dict[str, Any] = {
            "state": str(self.here / "state"),
            "roots": {"media": {"path": str(self.here / "media"), **quick}},
            "stores": {"nas": {"path": str(self.here / "nas")}},
            "policies": [],
            "http": {"listen": "127.0.0.1:0"},
            "health": {"disk_full": 0},  # whichever disk the tests run on
        } | self._settings
        for root in document["roots"].values():
            root.update(quick)
        (self.here / "storewarden.yaml").write_text(yaml.safe_dump(document))

    def put(self, name: str, content: bytes | None = None, *, old: bool = True) -> Path:
        """Make a file below the place."""
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(path.name) if content is None else content)
        if old:
            os.utime(path, ns=(OLD_NS, OLD_NS))
        return path

    def does(self, *words: str) -> str:
        """Run a verb that has to succeed."""
        ran = self.run(*words, terminal=True)
        assert ran.code == 0, ran.out + ran.err
        return ran.out

    def scan(self) -> None:
        self.does("scan")

    def prepare(self, name: str = "nas") -> None:
        self.does("store", "prepare", name)

    # -- playing ----------------------------------------------------------------------------------

    def type(self, line: str) -> str:
        """Return what a line that a person types is answered."""
        line = line.replace(SHOWN, str(self.here))
        if line == "echo $?":
            return f"{self.code}\n"
        words = shlex.split(line, comments=True)
        if words[0] == "sudo":
            words = words[1:]
        if words[0] in self.commands:
            return self.commands[words[0]](words[1:])
        if words[0] == "storewarden" and not _SHELL.search(re.sub(r"'[^']*'", "", line)):
            ran = self.run(*words[1:], terminal=True)
            self.code = ran.code
            return ran.out + ran.err
        return self._shell(line)

    def _shell(self, line: str) -> str:
        path = f"{PROGRAM.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.here,
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.code = done.returncode
        return done.stdout.decode()

    def _systemctl(self, words: list[str]) -> str:
        assert words[1:] == ["storewarden"], words
        {"stop": self.daemon.stop, "start": self.daemon.start, "reload": self.daemon.reload}[
            words[0]
        ]()
        return ""

    def replace(self, what: object, name: str, by: object) -> None:
        """Let something of the program be something else, until `heal`."""
        self.patch.setattr(what, name, by)

    def heal(self) -> None:
        self.patch.undo()

    def close(self) -> None:
        self.heal()
        self.daemon.kill()
        for end in reversed(self.over):
            with suppress(OSError):
                end()


OLD_NS = 1_700_000_000_123_456_789
SIZE = 40_000
SETTLES = 2.0  # seconds


def noise(name: str, size: int = SIZE) -> bytes:
    """Return bytes that cannot be packed, the same ones for the same name."""
    import random

    return random.Random(name).randbytes(size)


@contextmanager
def house(here: Path, run: Run) -> Iterator[House]:
    """A machine of its own; its daemon ends with it."""
    built = House(here, run)
    try:
        yield built
    finally:
        built.close()


# -- pages -----------------------------------------------------------------------------------------


def scenes(page: Path) -> Mapping[str, str]:
    """Return the parts of a page that are played, by the names of their scenes."""
    parts = _SCENE.split(page.read_text())
    assert len(set(parts[1::2])) == len(parts[1::2]), f"a scene twice in {page}"
    assert not re.search(r"^```(console|log|metrics)$", parts[0], re.MULTILINE), page
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def played(part: str, house: House, *, patience: float = 10.0) -> str:
    """Return a part of a page as it is when it is played."""

    def step(found: "re.Match[str]") -> str:
        if found["then"]:
            house.later[found["then"]]()
            return found[0]
        if found["sort"] == "console":
            return f"```console\n{_typed(found['text'], house, patience)}```"
        told = house.daemon.said if found["sort"] == "log" else house.daemon.metrics
        return f"```{found['sort']}\n{_lines(found['text'], told, house, patience)}```"

    return _STEP.sub(step, part)


def _typed(block: str, house: House, patience: float) -> str:
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    assert not parts[0], f"a block has to begin with a command: {block}"
    said = []
    for line, written in zip(parts[1::2], parts[2::2], strict=True):
        waits = min(patience, SETTLES) if house.wrong else patience
        until = time.monotonic() + (waits if _only_looks(line) else 0)
        while True:
            answer = house.type(line).replace(str(house.here), SHOWN)
            answer = "".join(f"{each.rstrip()}\n" for each in answer.rstrip().splitlines())
            answer = re.sub(r"^\$ ", r"\\$ ", answer, flags=re.MULTILINE)
            if alike(answer).rstrip() == alike(written).rstrip() or time.monotonic() > until:
                break
            time.sleep(0.2)
        same = alike(answer).rstrip() == alike(written).rstrip()
        house.wrong |= not same
        said.append(f"$ {line}\n{written if same else answer}")
    text = "".join(said)
    return text if text.endswith("\n") else text + "\n"


def _only_looks(line: str) -> bool:
    words = line.split()
    return words[0] in {"grep", "ls", "curl"} or (
        words[0] == "storewarden" and words[1] in _LOOKS and "prepare" not in words
    )


def _lines(block: str, told: Callable[[], str], house: House, patience: float) -> str:
    """Return lines as they were really written; one that was not is left out."""
    until = time.monotonic() + patience
    while True:
        text = told().replace(str(house.here), SHOWN)
        real = {alike(_bare(line)): _bare(line) for line in text.splitlines()}
        lines = block.splitlines()
        found = [_nearest(line, real) for line in lines]
        if all(
            one is not None and alike(one) == alike(line)
            for one, line in zip(found, lines, strict=True)
        ):
            return block
        if time.monotonic() > until:
            return "".join(
                f"{one or 'NOBODY SAID: ' + line}\n" for one, line in zip(found, lines, strict=True)
            )
        time.sleep(0.2)


def _bare(line: str) -> str:
    """Return a line of the log without its time."""
    return re.sub(r"^\S+Z (?=INFO|WARNING|ERROR|CRITICAL)", "", line)


def _nearest(line: str, real: Mapping[str, str]) -> str | None:
    """Return the line that is meant: the same, else one that begins as what stands before ``…``."""
    if alike(line) in real:
        return line
    begins = alike(line.split("…", maxsplit=1)[0])
    return next((whole for like, whole in real.items() if begins and like.startswith(begins)), None)
