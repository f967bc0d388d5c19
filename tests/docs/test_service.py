"""The pages about the service are followed word for word on a machine that was just made."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servicing import Box, box

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE, RUNBOOK = DOCS / "guide/service.md", DOCS / "runbooks/service.md"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def machine() -> Iterator[Box]:
    with box("acl") as made:
        yield made


def expected(line: str) -> str:
    """A line of an answer as a pattern: … stands for what differs from day to day."""
    return "^" + ".*".join(re.escape(part) for part in line.split("…"))


def follow(page: Path, machine: Box) -> int:
    """Run the commands of a page; return how many answers stood there."""
    said, answers = "", 0
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "bash":
            done = machine.run(f"set -e\n{block}")
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{block}: {said}"
            continue
        for line in block.splitlines():
            assert re.search(expected(line), said, re.MULTILINE), f"{line} is not in: {said}"
            answers += 1
    return answers


def test_the_guide_leads_to_a_service(machine: Box) -> None:
    assert follow(GUIDE, machine) > 8

    # and back: what a person would look for afterwards
    assert "could not be found" in machine.run("systemctl status storewarden").stderr
    assert machine.booted.path("/srv/media/uploads/first.txt").exists()


def test_every_command_of_the_runbook_can_be_given(machine: Box) -> None:
    machine.write("/etc/storewarden/storewarden.yaml", "roots: {uploads: /srv/uploads}\n")
    machine.sh("mkdir /srv/uploads && storewarden service install --now", check=False)

    for kind, block in BLOCK.findall(RUNBOOK.read_text()):
        for line in block.splitlines() if kind == "bash" else []:
            done = machine.run(line)
            assert done.returncode in {0, 1}, f"{line}: {done.stderr}"
            assert done.stdout, line


def test_what_the_runbook_speaks_of_is_what_is_said() -> None:
    told = re.findall(r"^\| (`[^|]*`[^|]*) \|", RUNBOOK.read_text(), re.MULTILINE)
    said = "\n".join(
        (DOCS.parent / "daemon/storewarden" / path).read_text()
        for path in ("cli/service/stands.py", "act/leases.py", "catalogue/sqlite.py", "errors.py")
    )
    said = re.sub(r"\{(USER|who\.pw_name)\}", "storewarden", said)
    phrases = [
        phrase for cell in told for phrase in re.findall("`([^`]+)`", cell) if " status" not in cell
    ]

    assert len(phrases) > 15
    assert [one for one in phrases if one not in said and "no space" not in one] == []
