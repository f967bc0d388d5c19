"""The guides' examples are run: each ``$ storewarden …`` answers what stands below it."""

import re
import shlex
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.unit.cli.conftest import Run, catalogue, here, rich, run

__all__ = ["catalogue", "here", "rich", "run"]  # fixtures of the verbs' own tests

GUIDES = Path(__file__).resolve().parents[2] / "docs/guide"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ storewarden "


# What has scenes is played as a whole, on a machine of its own.
SCENE = "<!-- scene: "


def pages() -> list[Path]:
    return [page for page in sorted(GUIDES.glob("*.md")) if SCENE not in page.read_text()]


def played(block: str, run: Run, place: Path) -> str:
    """The block as it is when its commands are run again."""
    lines = [line for line in block.splitlines() if line.startswith(PROMPT)]
    said = []
    for line in lines:
        ran = run(*shlex.split(line.removeprefix(PROMPT)), terminal=True)
        assert ran.code == 0, ran.err
        answer = ran.out + ran.err
        said.append(f"{line}\n{answer.replace(str(place), '/srv').rstrip()}\n")
    return "\n".join(said)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_a_guide_shows_is_what_is_answered(
    rich: Engine, run: Run, here: Path, page: Path, request: pytest.FixtureRequest
) -> None:
    written = page.read_text()

    told = BLOCK.sub(lambda found: f"```console\n{played(found[1], run, here)}```", written)

    if request.config.getoption("--update-golden"):
        page.write_text(told)
    assert written == told, "--update-golden writes the answers"


def test_there_are_examples_at_all() -> None:
    assert sum(page.read_text().count(PROMPT) for page in pages()) > 3
