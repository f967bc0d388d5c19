"""The little catalogue with years behind it, a clock that stands, and policies about it."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.clock import SystemClock
from tests.unit.cli.conftest import FILE_COLUMNS, NOW

DAY = 86_400 * 10**9

POLICIES = """\
version: 1
classes:
  render: {kind: video, root: save_outputs}
  keeper: {any: [{pinned: true}, {rating: ">= 4"}]}
policies:
  - id: renders
    match: {class: render, not: keeper}
    phases:
      - {after: 30d, do: archive, to: cold}
      - {after: 1y, do: trash}
    reason: Nobody looks at them after a month
  - id: pictures
    match: {kind: image}
    phases: [{after: 1y, do: trash}]
  - id: large-pictures
    match: {kind: image, size: "> 1MiB"}
    phases: [{after: 90d, do: trash}]
  - id: uploads
    match: {root: uploads}
    phases: [{after: 90d, do: trash}]
  - id: hot-databases
    match: {kind: database, name: [runtime.db, ollama_cache.db]}
    place: {required: [local]}
tests:
  - {given: {class: render, age: 40d}, expect: {do: archive, policy: renders}}
  - {given: {class: render, age: 40d, pinned: true}, expect: {do: nothing}}
"""
CONFIGURATION = """\
roots: {save_outputs: {path: save_outputs, usage: true}, uploads: uploads}
stores: {cold: {path: /mnt/cold}}
policies: [policies.yaml]
"""


@pytest.fixture
def policies(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with policies in the current directory, and a clock that stands."""
    monkeypatch.setattr(SystemClock, "wall_ns", lambda _self: NOW)
    (here / "storewarden.yaml").write_text(CONFIGURATION)
    return write(here / "policies.yaml", POLICIES)


def write(path: Path, text: str) -> Path:
    """Write a file that nobody else can have written."""
    path.write_text(text)
    path.chmod(0o644)
    return path


@pytest.fixture
def aged(catalogue: Engine, policies: Path) -> Engine:
    """The little catalogue, of which the files are of last year; some databases more."""
    with catalogue.transaction():
        year_ago = NOW - 400 * DAY
        catalogue.execute("UPDATE files SET first_seen_ns = ?, modified_ns = ?", (year_ago,) * 2)
        catalogue.execute("UPDATE files SET first_seen_ns = ? WHERE id = 1", (NOW - 100 * DAY,))
        catalogue.execute(
            "UPDATE roots SET usage_since_ns = ? WHERE name = 'save_outputs'", (NOW - 60 * DAY,)
        )
        rows = [
            database(10, 1, b"runtime.db", 4096),
            database(11, 2, b"intelligence.db", 8192),
            database(12, 3, b"notes \xff.db", 100),
        ]
        catalogue.insert("files", FILE_COLUMNS, rows)
    return catalogue


def database(number: int, directory: int, name: bytes, size: int) -> tuple[object, ...]:
    """Return the row of a database of last year."""
    year_ago = NOW - 400 * DAY
    return (
        *(number, directory, name, number, 0o100644, 1, 1000, 1000, size, 8, NOW, year_ago),
        *(NOW, "database", "present", 0, 1, year_ago, NOW, None, None, None),
    )
