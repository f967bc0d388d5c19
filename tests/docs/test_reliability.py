"""Every command on the page of reliability can be typed: what it names is there, and is run."""

import ast
import re
import shlex
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGE = (TOP / "docs/reliability.md").read_text()
COMMANDS = re.findall(r"`(make [^`]+)`", PAGE)
TARGETS = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))


def run_by(path: Path, *, soak: bool) -> set[str]:
    """Return the tests of a file, those that `make soak` runs or all."""
    module = ast.parse(path.read_text())
    marked = {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign) and "soak" in ast.unparse(node)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [ast.unparse(one) for one in node.decorator_list]
            if not soak or any("soak" in mark or mark in marked for mark in marks):
                found.add(node.name)
    return found


def test_there_are_commands_at_all() -> None:
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_what_a_command_names_is_there(command: str) -> None:
    make, target, *settings = shlex.split(command)
    assert (make, target in TARGETS) == ("make", True)
    for setting in settings:
        name, _, value = setting.partition("=")
        assert name == "ARGS"
        file, *more = shlex.split(value)
        path, _, test = file.partition("::")
        tests = run_by(TOP / path, soak=target == "soak")
        assert tests, "it would run nothing"
        assert not test or test in tests
        if more:
            option, words = more
            assert option == "-k"
            assert any(words in one for one in tests)


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:tests|daemon)/[\w/.]+)`", PAGE))

    assert [one for one in sorted(named) if not (TOP / one).exists()] == []
