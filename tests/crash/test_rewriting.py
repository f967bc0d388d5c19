"""Whoever is killed while a database is rewritten leaves one that is whole, with every row."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HOW = ("kill", "io", "full")
JOURNALS = ("delete", "wal")


def strike(directory: Path, journal: str, how: str, first: int, step: int) -> int:
    """Strike at some calls that write; return at how many, when all went well."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rewriting", directory, journal, how, str(first), str(step)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["left"] == ["app.db"]  # after the one that nobody struck
    assert told["gained"] > 0
    return int(told["points"])


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("how", HOW)
def test_every_row_is_there_whichever_call_was_the_last(
    tmp_path: Path, how: str, journal: str
) -> None:
    first = HOW.index(how) * 2 + JOURNALS.index(journal)
    assert strike(tmp_path, journal, how, first, 16) > 15


@pytest.mark.soak
@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("how", HOW)
def test_at_every_call(tmp_path: Path, how: str, journal: str) -> None:
    assert strike(tmp_path, journal, how, 0, 1) > 300
