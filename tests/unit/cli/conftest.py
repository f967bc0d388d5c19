"""A catalogue with a little of everything in it, and the command run over it."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import lease, roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.migrate import migrate
from storewarden.cli import main
from storewarden.clock import SystemClock
from storewarden.model import Blind, Blindness

NOW = 1_795_246_201_000_000_000
MINUTE = 60 * 10**9

FILE_COLUMNS = (
    *("id", "directory_id", "name", "inode", "mode", "links", "uid", "gid", "size", "blocks"),
    *("accessed_ns", "modified_ns", "changed_ns", "kind", "state", "growing", "generation"),
    *("first_seen_ns", "recorded_ns", "gone_ns", "digest", "digested_ns"),
)


@dataclass
class Ran:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of its own to be in, with the state directory in it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("STOREWARDEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STOREWARDEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def data_in(here: Path, policies: str, *, store: bool = False) -> Path:
    """Make a folder of data, configure it with policies and perhaps a store; return the folder."""
    data, nas = here / "data", here / "nas"
    data.mkdir()
    stores = ""
    if store:
        nas.mkdir()
        stores = "stores: {nas: {path: ./nas}}\n"
    told = {
        "policies.yaml": policies,
        "storewarden.yaml": (
            "roots: {data: {path: ./data, settle: 10ms, inspect: false, digest: false}}\n"
            f"{stores}policies: [./policies.yaml]\n"
        ),
    }
    for name, text in told.items():
        (here / name).write_text(text)
        (here / name).chmod(0o644)
    return data


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line there: `run("status", "--json")`."""

    def command(*arguments: str, terminal: bool = False) -> Ran:
        if terminal:
            # As on a terminal without rich and without colours, so that golden files are readable
            monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
            monkeypatch.setitem(sys.modules, "rich.console", None)
        code = main([*arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return command


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Engine]:
    """The catalogue of two roots; it may be written to."""
    (tmp_path / "state").mkdir(mode=0o700)
    engine = open_catalogue("sqlite", tmp_path / "state", role="test")
    migrate(engine, SystemClock())
    fill(engine, tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def rich(catalogue: Engine) -> Engine:
    """The same catalogue, after its files were looked into."""
    from tests.unit.cli.rich import fill_facts

    fill_facts(catalogue)
    return catalogue


@pytest.fixture
def daemon(catalogue: Engine) -> Iterator[lease.Lease]:
    """A live holder of the lease: ourselves."""
    host = roots.host_id(catalogue, roots.this_machine())
    assert host is not None
    held = lease.take(catalogue, host, "storewarden run", SystemClock(), lambda _s: None)
    yield held
    held.release()


def fill(engine: Engine, place: Path) -> None:
    """Two roots, one of them blind; files with names of every sort."""
    host = roots.register_host(engine, roots.this_machine(), NOW)
    outputs = roots.register_root(engine, host, "save_outputs", os.fsencode(place / "save_outputs"))
    uploads = roots.register_root(engine, host, "uploads", os.fsencode(place / "uploads"))
    figures = {
        outputs.id: roots.Figures("inotify", "watching", 12, 3, NOW - 2 * 10**9, 0),
        uploads.id: roots.Figures("none", "frozen", 0, 0, None, 2),
    }
    roots.write_figures(engine, figures, NOW)
    roots.write_scan(engine, outputs.id, roots.LastScan(NOW - 3 * MINUTE, 2.1, 5, 0))
    roots.write_scan(engine, uploads.id, roots.LastScan(NOW - 90 * MINUTE, 0.2, 1, 40))
    blind = Blind("uploads", Blindness.NOT_MOUNTED, b"", "no disk", "sudo mount /mnt/up")
    roots.write_blindness(engine, uploads.id, [blind], NOW - 5 * MINUTE)
    with engine.transaction():
        engine.insert(
            "directories",
            ("id", "root_id", "path", "device", "inode", "digest"),
            [
                (1, outputs.id, b"", 66306, 2, None),
                (2, outputs.id, b"renders/a b", 66306, 3, None),
                (3, uploads.id, b"", 66307, 2, None),
            ],
        )
        engine.insert("files", FILE_COLUMNS, [_file(*one) for one in FILES])
        engine.insert(
            "totals",
            ("root_id", "kind", "state", "files", "bytes"),
            [
                (outputs.id, "image", "present", 2, 1_500_000),
                (outputs.id, "video", "present", 2, 3 << 30),
                (outputs.id, "image", "missing", 1, 10),
                (uploads.id, "other", "present", 1, 1234),
            ],
        )
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [
                (1, NOW - 9 * MINUTE, "renamed", json.dumps({"from": "draft.png"})),
                (5, NOW - 8 * MINUTE, "missing", "{}"),
            ],
        )


FILES: tuple[tuple[Any, ...], ...] = (
    # id, directory, name, size, kind, state, growing
    (1, 1, b"cat.png", 1_499_990, "image", "present", 0),
    (2, 1, b"two\nlines \xff.png", 10, "image", "present", 0),
    (3, 2, b"film.mp4", 3 << 30, "video", "present", 0),
    (4, 2, b"still rendering.mp4", 100, "video", "present", 1),
    (5, 1, b"gone.png", 10, "image", "missing", 0),
    (6, 3, "漢字.bin".encode(), 1234, "other", "present", 0),
)


def _file(
    number: int, directory: int, name: bytes, size: int, kind: str, state: str, growing: int
) -> tuple[Any, ...]:
    gone = NOW - 8 * MINUTE if state == "missing" else None
    digest = bytes([number]) * 32 if not growing else None
    return (
        *(number, directory, name, 1000 + number, 0o100644, 1, 1000, 1000, size, size // 512 + 1),
        *(NOW, NOW - number * MINUTE, NOW, kind, state, growing, 1, NOW - 9 * MINUTE, NOW, gone),
        *(digest, NOW if digest else None),
    )
