"""Every configuration that the documents show is one: it is loaded, as a reader would load it.

A block counts when its fence says so: ```` ```yaml configuration ```` is a whole file,
```` ```sh configuration ```` holds variables that are laid over the file before it on its page.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.config.load import load
from storewarden.errors import ConfigError

TOP = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(yaml|sh) configuration\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNMARKED = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"^(roots|catalogue|state):", re.MULTILINE)


class Example(NamedTuple):
    name: str
    file: str
    variables: dict[str, str]


def pages() -> list[Path]:
    return [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def examples() -> list[Example]:
    found = []
    for page in pages():
        text, file = page.read_text(), ""
        for block in BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            name = f"{page.relative_to(TOP)}:{line}"
            if block[1] == "yaml":
                file = block[2]
                found.append(Example(name, file, {}))
            else:
                words = shlex.split(block[2], comments=True)
                pairs = [word.partition("=") for word in words if word != "export"]
                found.append(Example(name, file, {key: value for key, _, value in pairs}))
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_a_configuration_in_the_documents_is_one(example: Example, tmp_path: Path) -> None:
    if example.file:
        (tmp_path / "storewarden.yaml").write_text(example.file)

    settings = load(
        None, {"HOME": "/home/me", **example.variables}, tmp_path, system=tmp_path / "x"
    )

    assert settings.roots


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(TOP)))
def test_a_configuration_in_the_documents_is_marked_as_one(page: Path) -> None:
    blocks = UNMARKED.findall(page.read_text())

    assert [block for block in blocks if OURS.search(block)] == []


def test_there_are_examples_at_all() -> None:
    assert len(examples()) > 1


def test_the_page_shows_problems_as_they_are_told(tmp_path: Path) -> None:
    page = (TOP / "docs/reference/configuration.md").read_text()
    wrong = (
        "state: /s\nroots:\n  Uploads: /u\n  renders: {path: /r, settle: 5m}\n"
        "http: {listen: none}\npolices: [./policies]\n"
    )
    (tmp_path / "storewarden.yaml").write_text(wrong)

    with pytest.raises(ConfigError) as caught:
        load(None, {"STOREWARDEN_CATALOG": "sqlite"}, tmp_path, system=tmp_path / "x")

    assert f"```\n{caught.value}\n```" in page
