"""All mistakes in policies, and what can never come to anything, as people and programs see it."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.policy.sources import shipped
from tests.conftest import Golden
from tests.unit.cli.conftest import Run
from tests.unit.cli.policy.conftest import write

BAD = """\
version: 1
classes:
  film: {kind: video}
  nobody: {kind: text}
policies:
  - id: films
    match: film
    phases: [{after: 30d, do: trash}]
  - id: old-films
    match: {class: film, age: "> 60d"}
    phases: [{after: 60d, do: trash}]
  - id: never
    match: {all: [film, {kind: image}]}
    phases: [{after: 1d, do: trash}]
  - id: unused-pictures
    match: {kind: image, root: uploads, idle: "> 90d"}
    phases: [{after: 1d, do: trash}]
"""


def test_for_people(aged: Engine, run: Run, golden: Golden) -> None:
    ran = run("policy", "check", terminal=True)

    golden("cli/policy-check-people.txt", without(ran.out))
    assert (ran.code, ran.err) == (1, "")


def test_for_pipes(aged: Engine, run: Run, golden: Golden) -> None:
    golden("cli/policy-check-programs.txt", without(run("policy", "check").out))


def test_files_on_the_command_line(policies: Path, run: Run, golden: Golden) -> None:
    write(policies.with_name("bad.yaml"), BAD)
    ran = run("policy", "check", "bad.yaml", terminal=True)

    golden("cli/policy-check-bad.txt", ran.out)
    assert ran.code == 1


def test_for_programs(policies: Path, run: Run) -> None:
    write(policies.with_name("bad.yaml"), BAD)
    told = run("policy", "check", "bad.yaml", "--json").json

    assert (told["ok"], told["policies"], told["looked_at"]) == (False, 4, None)
    assert [(one["sort"], one["policy"]) for one in told["problems"]] == [
        ("shadowed", "old-films"),
        ("never", "never"),
        ("unknowable", "unused-pictures"),
    ]
    assert told["problems"][0]["others"] == ["films"]
    assert [one["sort"] for one in told["remarks"]] == ["unused"]


def test_what_cannot_be_read_is_told_with_its_line(policies: Path, run: Run) -> None:
    write(policies, "version: 1\npolicies:\n  - id: a\n    match: {kidn: video}\n    hold: true\n")
    ran = run("policy", "check")
    told = run("policy", "check", "--json")

    assert ran.code == told.code == 2
    assert "policies.yaml:4:13: policies.0.match.kidn: " in ran.err
    assert told.json["ok"] is False
    assert [one["sort"] for one in told.json["problems"]] == ["mistake"]


def test_remarks_alone_are_no_failure_unless_asked(policies: Path, run: Run) -> None:
    text = "version: 1\nclasses: {a: {kind: video}}\npolicies: [{id: a, match: {}, hold: true}]\n"
    write(policies, text.replace("match: {}", "match: {kind: image}"))

    assert run("policy", "check").code == 0
    assert run("policy", "check", "--strict").code == 1
    ran = run("policy", "check", terminal=True)
    assert "class a: no policy uses it; take it out" in ran.out


EVERYTHING = """\
roots: {save_outputs: {path: save_outputs, usage: true}, uploads: {path: uploads, usage: true}}
stores: {cold: {path: /c}, cloud: {path: /d}, archive: {path: /e}}
tables: {app.conversations: {database: a.db, table: t, key: id, clock: updated_at}}
"""


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_has_no_problems(policies: Path, run: Run, name: str) -> None:
    policies.with_name("storewarden.yaml").write_text(EVERYTHING)
    ran = run("policy", "check", f"shipped:{name}", terminal=True)

    assert (ran.code, ran.err) == (0, ""), ran.out


def without(text: str) -> str:
    """Leave out where the test runs."""
    lines = text.splitlines(keepends=True)
    return "".join(line.replace(str(Path.cwd()), ".") for line in lines)
