"""Every mistake is told in a line that says where, what and what to do: tests/golden/policies/."""

import difflib
from collections.abc import Iterable
from pathlib import Path

import pytest

from storewarden.errors import PolicyError
from storewarden.policy.load import read
from tests.conftest import GOLDEN

WRONG = sorted((GOLDEN / "policies/wrong").glob("*.yaml"))
STORES = ("cold", "cloud")
TABLES = ("app.conversations",)


def told(path: Path) -> str:
    """Return the problems of a file, a line each."""
    with pytest.raises(PolicyError) as caught:
        read([("policy.yaml", path.read_bytes())], stores=STORES, tables=TABLES)
    return "\n".join(caught.value.problems) + "\n"


def differences(paths: Iterable[Path]) -> list[str]:
    found: list[str] = []
    for path in paths:
        expected = path.with_suffix(".txt")
        before = expected.read_text() if expected.exists() else ""
        found += difflib.unified_diff(
            before.splitlines(), told(path).splitlines(), expected.name, path.name, lineterm="", n=0
        )
    return found


def test_every_mistake_is_told_as_it_is_written_down(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        for path in WRONG:
            path.with_suffix(".txt").write_text(told(path))

    assert "\n".join(differences(WRONG)) == ""


def test_there_are_enough_mistakes_and_none_is_left_over() -> None:
    told_of = {path.stem for path in WRONG[0].parent.glob("*.txt")}

    assert len(WRONG) >= 80
    assert told_of == {path.stem for path in WRONG}


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_line_says_where_and_what_to_do(path: Path) -> None:
    for line in path.with_suffix(".txt").read_text().splitlines():
        assert line.startswith("policy.yaml:")
        assert "; " in line
        assert line.isprintable()
