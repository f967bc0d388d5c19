"""The house itself: what the build files say agrees with what is there."""

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import storewarden

TOP = Path(__file__).resolve().parents[2]
ROOMS = TOP / "daemon" / "storewarden"


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

    assert [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)] == []
