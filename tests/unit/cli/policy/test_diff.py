"""Which files other policies would treat differently."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.conftest import Golden
from tests.unit.cli.conftest import Run
from tests.unit.cli.policy.conftest import POLICIES, write

NEW = (
    POLICIES.replace("after: 30d, do: archive", "after: 60d, do: archive")
    .replace("id: pictures\n    match: {kind: image}", "id: drawings\n    match: {ext: svg}")
    .replace("after: 1y, do: trash}\n    reason", "after: 2y, do: trash}\n    reason")
)


@pytest.fixture
def new(aged: Engine, policies: Path) -> Path:
    return write(policies.with_name("new.yaml"), NEW)


def test_for_people(new: Path, run: Run, golden: Golden) -> None:
    ran = run("policy", "diff", "new.yaml", terminal=True)

    golden("cli/policy-diff-people.txt", ran.out)
    assert (ran.code, ran.err) == (1, "")


def test_for_pipes(new: Path, run: Run, golden: Golden) -> None:
    golden("cli/policy-diff-programs.txt", run("policy", "diff", "new.yaml").out)


def test_for_programs(new: Path, run: Run) -> None:
    told = run("policy", "diff", "new.yaml", "--json").json

    assert told["policies"] == ["renders", "pictures", "drawings"]
    assert told["files"] == sum(change["files"] for change in told["changes"])
    change = next(one for one in told["changes"] if one["after"].startswith("trash by large"))
    assert change["examples"] == [{"root": "save_outputs", "path": "cat.png", "bytes": 1_499_990}]
    assert told["due_now"]["after"]["files"] > 0


def test_every_file_by_itself(new: Path, run: Run) -> None:
    lines = run("policy", "diff", "new.yaml", "--files", "--json").lines
    pipe = run("policy", "diff", "new.yaml", "--files").out.splitlines()
    people = run("policy", "diff", "new.yaml", "--files", terminal=True).out.splitlines()

    assert len(lines) == len(pipe) == len(people) == 2
    assert lines[0]["path"] == "cat.png"
    assert people[0].startswith("save_outputs/cat.png: ")


def test_policies_that_say_the_same(aged: Engine, policies: Path, run: Run) -> None:
    write(policies.with_name("same.yaml"), "# the same\n" + POLICIES)
    ran = run("policy", "diff", "same.yaml", terminal=True)

    assert (ran.code, ran.out) == (0, "The policies say the same\n")


def test_two_sets_that_are_not_configured(aged: Engine, policies: Path, run: Run) -> None:
    write(policies.with_name("new.yaml"), NEW)
    ran = run("policy", "diff", "policies.yaml", "--old", "new.yaml", "--json")

    assert ran.json["policies"] == ["renders", "drawings", "pictures"]
    assert run("policy", "diff", "nowhere.yaml").code == 2
    assert run("policy", "diff").code == 2
