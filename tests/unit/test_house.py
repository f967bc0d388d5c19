"""The house itself: what the build files say agrees with what is there."""

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import storewarden

TOP = Path(__file__).resolve().parents[2]
ROOMS = TOP / "daemon" / "storewarden"
TOOLS = TOP / "setup" / "test-servers"


def rules() -> list[str]:
    pyproject = tomllib.loads((TOP / "pyproject.toml").read_text())
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    (direction,) = [contract for contract in contracts if contract["type"] == "layers"]
    return [*direction["layers"], *direction["exhaustive_ignores"]]


def test_the_installed_version_is_the_one_in_the_source() -> None:
    assert importlib.metadata.version("storewarden") == storewarden.__version__


def test_every_room_has_its_place_in_the_import_rules() -> None:
    named = set(re.findall(r"\w+", " ".join(rules())))
    rooms = {
        path.stem
        for path in ROOMS.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert rooms - named - {"__init__"} == set()


def test_the_package_itself_imports_nothing_so_that_every_verb_starts_at_once() -> None:
    tree = ast.parse((ROOMS / "__init__.py").read_text())

    assert [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] == []
    conditions = [node.test for node in tree.body if isinstance(node, ast.If)]
    assert [ast.unparse(one) for one in conditions] == ["TYPE_CHECKING"]


def test_set_up_installs_every_package_that_a_test_asks_for() -> None:
    asked = {"git", "tar"}  # there before anything is set up
    listed = re.search(r"for tool in (.+?); do", TOOLS.read_text(), re.DOTALL)
    assert listed
    installed = set(re.findall(r":([\w-]+)", listed[1])) | {
        *("postgresql", "prometheus", "prometheus-alertmanager"),
        "systemd",  # systemd-container needs it
        "redis-tools",
    }

    for path in (TOP / "tests").rglob("*.py"):
        source = path.read_text()
        asked.update(re.findall(r"apt install ([\w-]+)", source))
        asked.update(re.findall(r'program\("(?:[\w.-]+", ")?([\w-]+)"\)', source))

    assert asked - installed == {"git", "tar"}
