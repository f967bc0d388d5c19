"""Malformed databases, looked at as the daemon looks: each ends in time, and is what it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
KINDS = {"check": 100, "look": 50, "image": 50}  # of each so many are a fair sample


def endure(directory: Path, kind: str, count: int, seed: int) -> int:
    """Work on so many; return how many there were, when none ended wrongly."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile", directory, kind, str(count), str(seed)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["wrong"] == [], done.stderr[-3000:]
    assert told["ends"].keys() <= {"answered", "refused"}
    return sum(told["ends"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fair_sample_of_malformed_databases_changes_nothing(tmp_path: Path, kind: str) -> None:
    assert endure(tmp_path, kind, KINDS[kind], 1) > KINDS[kind]  # and each schema that lies


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_thousand_malformed_databases(tmp_path: Path, kind: str, seed: int) -> None:
    assert endure(tmp_path, kind, 2_500, seed) == 2_500
