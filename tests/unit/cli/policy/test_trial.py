"""The tests inside policy files, run from the command line."""

from pathlib import Path

from tests.conftest import Golden
from tests.unit.cli.conftest import Run
from tests.unit.cli.policy.conftest import write

WRONG = """\
version: 1
policies:
  - id: films
    match: {kind: video}
    phases: [{after: 30d, do: trash}]
tests:
  - {given: {kind: video, age: 40d}, expect: {do: trash, policy: films}}
  - {given: {kind: video, age: 20d}, expect: {do: trash, policy: films}}
"""


def test_tests_that_pass(policies: Path, run: Run) -> None:
    pipe = run("policy", "test").out.splitlines()
    ran = run("policy", "test", terminal=True)

    assert [line.split("\t")[0] for line in pipe] == ["ok", "ok"]
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "2 passed")


def test_a_test_that_fails_says_what_was_decided_and_why(
    policies: Path, run: Run, golden: Golden
) -> None:
    write(policies.with_name("wrong.yaml"), WRONG)
    ran = run("policy", "test", "wrong.yaml", terminal=True)

    golden("cli/policy-test-people.txt", ran.out)
    assert ran.code == 1
    told = run("policy", "test", "wrong.yaml", "--json").json
    assert (told["ok"], told["passed"], told["failed"]) == (False, 1, 1)
    assert told["tests"][1]["wrong"] == ["do"]


def test_the_clock_can_be_set(policies: Path, run: Run) -> None:
    assert run("policy", "test", "--at", "2028-02-29T12:00Z").code == 0
    ran = run("policy", "test", "--at", "soon")
    assert (ran.code, ran.err.startswith("storewarden: ")) == (2, True)


def test_no_tests_are_told(policies: Path, run: Run) -> None:
    write(policies, "version: 1\npolicies: [{id: a, match: {kind: image}, hold: true}]\n")
    ran = run("policy", "test")

    assert (ran.code, ran.out) == (0, "")
    assert "there are no tests" in ran.err


def test_a_schema_is_written(policies: Path, run: Run) -> None:
    schema = run("policy", "schema").json

    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "policies" in schema["properties"]
