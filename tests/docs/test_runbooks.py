"""Runbooks, and the guide to acts: each situation is built for real, and each command is run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden import errors
from storewarden.act.refused import Reason
from storewarden.policy import load
from storewarden.policy.run import Limit
from tests.docs import scenes
from tests.docs.playing import SETTLES, alike, house, played
from tests.docs.playing import scenes as scenes_of
from tests.unit.cli.conftest import Run, here, run

__all__ = ["here", "run"]  # fixtures of the verbs' own tests

TOP = Path(__file__).resolve().parents[2]
RUNBOOKS = TOP / "docs/runbooks"
GUIDES = [
    TOP / "docs/guide" / name
    for name in ("acts.md", "databases.md", "health.md", "maintenance.md", "rows.md")
]
PLAYED = [*sorted(RUNBOOKS.glob("*.md")), *GUIDES]
PARTS = [(page, name) for page in PLAYED if page.exists() for name in scenes_of(page)]
ACTING = ("act", "store", "daemon/acting")  # whose warnings are about acts
OF_STORES = re.compile(r"(Store|Object)[A-Z]\w+")


@pytest.mark.timeout(120)  # a page with a daemon takes ten seconds, on a busy machine thirty
@pytest.mark.parametrize(
    ("page", "name"), PARTS, ids=[f"{page.stem}-{name}" for page, name in PARTS]
)
def test_what_a_page_shows_is_what_happens(
    page: Path,
    name: str,
    here: Path,
    run: Run,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    written = scenes_of(page)[name]
    update = bool(request.config.getoption("--update-golden"))

    with house(here, run) as built:
        scenes.SCENES[name](built)
        told = played(written, built, patience=SETTLES if update else 10.0)

    if update and told != written:
        page.write_text(page.read_text().replace(written, told))
    assert alike(told) == alike(written), "--update-golden writes the answers"


def test_every_command_stands_where_it_is_run() -> None:
    """A block that is not played may only show what a test machine must not be asked."""
    spared = re.compile(r"^(sudo (fuser|dmesg|smartctl)|storewarden history --troubles$)")
    blocks = [
        (page.name, line)
        for page in PLAYED
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert [one for one in blocks if not spared.match(one[1])] == []


def test_every_scene_is_on_a_page() -> None:
    assert sorted(name for _, name in PARTS) == sorted(scenes.SCENES)


@pytest.mark.parametrize("page", PLAYED, ids=lambda page: page.stem)
def test_policies_on_a_page_can_be_read(page: Path) -> None:
    blocks = re.findall(
        r"^```yaml policies\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL
    )
    for block in blocks:
        tables = re.findall(r"rows: ([\w.]+)", block)
        assert load.read([(page.name, block.encode())], stores=["nas"], tables=tables).policies


# -- nothing is left out -------------------------------------------------------------------------


def headings(page: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", (RUNBOOKS / page).read_text(), re.MULTILINE))


def test_every_limit_has_its_section() -> None:
    assert {limit.value for limit in Limit} - headings("held-back.md") == set()


def test_every_reason_has_its_section() -> None:
    assert {str(one).replace("_", " ") for one in Reason} - headings("refused.md") == set()


def test_every_error_of_a_store_is_told() -> None:
    names = {name for name in vars(errors) if OF_STORES.fullmatch(name)}
    page = (RUNBOOKS / "stores.md").read_text()

    assert {name for name in names if name not in page} == set()
    assert len(names) >= 6


def test_whatever_the_log_warns_of_leads_to_a_page() -> None:
    index = (RUNBOOKS / "README.md").read_text()
    told = {message for room in ACTING for message in warnings_of(room)}

    assert {message for message in told if f"`{message}`" not in index} == set()
    assert "an act failed" in told


def test_every_figure_that_a_page_names_is_one() -> None:
    there = set(
        re.findall(r"^# TYPE (\S+)", (TOP / "tests/golden/metrics.txt").read_text(), re.MULTILINE)
    )
    texts = [page.read_text() for page in PLAYED]
    spoken = {name for text in texts for name in re.findall(r"`(storewarden_[a-z_]+)", text)}
    table = texts[0][texts[0].index("## A figure") : texts[0].index("## An exit code")]
    spoken |= {f"storewarden_{name}" for name in re.findall(r"`([a-z_]{6,})[`{]", table)} - {
        "storewarden_guard"
    }

    assert spoken - there == set()
    assert len(spoken) > 10


def warnings_of(room: str) -> Iterator[str]:
    """Yield the sentences that a room writes as warnings or errors."""
    for path in (TOP / "daemon/storewarden" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"warning", "error", "critical", "exception"}
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)
