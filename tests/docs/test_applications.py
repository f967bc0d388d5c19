"""The guide for applications: what it shows of the examples is there, and moving in is played."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storewarden.api.adopting.kinds import KINDS, fields
from storewarden.api.adopting.language import UNITS, read
from tests.adopting import workflow_app
from tests.docs.playing import House, alike, house, played, scenes
from tests.sqlites import rest
from tests.unit.cli.conftest import Run, here, run

__all__ = ["here", "run"]  # fixtures of the verbs' own tests

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/guide/applications.md"
SNIPPET = re.compile(r"^```python (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAP = re.compile(r"^```yaml map\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_of_an_example_stands_in_it() -> None:
    found = SNIPPET.findall(PAGE.read_text())

    assert {name for name, _ in found} == {"storyboard", "video_questions"}
    for name, text in found:
        assert bare(text) in bare((TOP / f"examples/{name}.py").read_text())


def bare(code: str) -> str:
    """The code without its spaces: on the page it does not stand within a function."""
    return "".join(code.split())


def test_every_field_of_a_map_is_told() -> None:
    page = PAGE.read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", page, re.MULTILINE))

    for kind in KINDS:
        assert {name for name in fields(kind) if f"`{name}`" not in rows[kind]} == set()
    assert {unit for unit in UNITS if f"`{unit}`" not in page} == set()


def applications(built: House) -> None:
    """Two applications that moved here: their databases, and the files that they made."""
    files = built.here / "media/save_outputs"
    files.mkdir(parents=True)
    for name in ("fox.mp4", "scene_1.png", "scene_2.png"):
        built.put(f"media/save_outputs/{name}")
    workflow_app(built.here / "app.db", files)
    built.prepare()
    built.scan()
    (text,) = MAP.findall(PAGE.read_text())
    (built.here / "clips.yaml").write_text(text)
    read("clips.yaml", text.encode())
    with closing(sqlite3.connect(built.here / "clips.db")) as connection, connection:
        connection.executescript(
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, prompt, state, created, style);"
            "CREATE TABLE clips (id INTEGER PRIMARY KEY, file, job_id, name, extra, user_id,"
            " subtitle);"
            "CREATE TABLE people (id INTEGER PRIMARY KEY, login);"
        )
    rest(built.here / "clips.db")


@pytest.mark.timeout(120)
def test_moving_in_is_as_the_page_shows_it(
    here: Path, run: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    (written,) = scenes(PAGE).values()

    with house(here, run) as built:
        applications(built)
        told = played(written, built)

    if request.config.getoption("--update-golden") and told != written:
        PAGE.write_text(PAGE.read_text().replace(written, told))
    assert alike(told) == alike(written), "--update-golden writes the answers"
