"""The documents hang together: every link leads somewhere, every decision is in the index."""

import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)")


def documents() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=TOP,
        capture_output=True,
        check=False,
    )
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else ["README.md"]
    return sorted(name for name in names if name and (TOP / name).exists())


@pytest.mark.parametrize("name", documents())
def test_every_link_leads_somewhere(name: str) -> None:
    document = TOP / name
    links = LINK.findall(document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    index = (TOP / "docs/adr/README.md").read_text()
    records = {path.name for path in (TOP / "docs/adr").glob("[0-9]*.md")}

    assert {name for name in records if f"]({name})" not in index} == set()


def test_every_make_target_in_the_documents_exists() -> None:
    makefile = (TOP / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    texts = [(TOP / name).read_text() for name in documents()]
    spoken = {
        target
        for text in texts
        for target in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)
    }

    assert spoken - targets == set()
