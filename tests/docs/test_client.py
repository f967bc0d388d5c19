"""The client's pages: the reference is made of the code, and the guide's examples are run."""

import contextlib
import functools
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.client import Warden, reference
from storewarden.client.asking import Asking
from storewarden.client.telling import Telling
from tests.daemon import Daemon

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = DOCS / "reference/client.md"
GUIDE = DOCS / "guide/client.md"
STEP = re.compile(
    r"^```python\n(?P<code>.*?)^```$|^<!-- then: (?P<then>.*?) -->$", re.MULTILINE | re.DOTALL
)
TOLD = re.compile(r"(?:^# .*\n)+", re.MULTILINE)


def test_the_reference_is_what_the_code_says(request: pytest.FixtureRequest) -> None:
    page = "\n".join(part for part in reference.page() if part)

    if request.config.getoption("--update-golden"):
        REFERENCE.write_text(page)
    assert REFERENCE.read_text() == page, "--update-golden writes it"


@pytest.mark.parametrize("part", [Telling, Asking])
def test_the_reference_knows_every_method(part: type) -> None:
    headings = set(re.findall(r"^### (\S+)$", REFERENCE.read_text(), re.MULTILINE))

    assert {name for name in vars(part) if not name.startswith("_")} <= headings


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    (tmp_path / "media").mkdir()
    with Daemon(tmp_path, {"media": tmp_path / "media"}) as daemon:
        monkeypatch.setenv("STOREWARDEN_CONFIG", str(daemon.config))
        yield daemon


def seen(warden: Warden) -> bool:
    """Whether the one file of the guide was looked into."""
    return any(warden.files("workflow=story-18", "kind=text"))


def test_the_examples_of_the_guide_say_what_stands_below_them(
    media: Daemon, request: pytest.FixtureRequest
) -> None:
    known: dict[str, Any] = {"__name__": "guide"}
    page = GUIDE.read_text()
    shown = page

    for step in STEP.finditer(page):
        if step["then"]:
            media.until(functools.partial(seen, known["warden"]), step["then"])
            continue
        code = step["code"].replace("/srv/media", str(media.base / "media"))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, f"{GUIDE.name}, {step.start()}", "exec"), known)
        expected = "".join(TOLD.findall(step["code"]))
        told = "".join(f"# {line}\n" for line in said.getvalue().splitlines())
        shown = shown.replace(expected, told) if expected else shown
        if not request.config.getoption("--update-golden"):
            assert told == expected, step["code"]

    if request.config.getoption("--update-golden"):
        GUIDE.write_text(shown)
    assert len(STEP.findall(page)) > 10
