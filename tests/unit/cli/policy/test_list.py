"""Each policy as a sentence, in force or not."""

from pathlib import Path

from storewarden.catalogue import policy_sets, roots
from storewarden.catalogue.engine import Engine
from storewarden.policy import load
from storewarden.policy.fingerprints import fingerprint
from tests.conftest import Golden
from tests.unit.cli.conftest import NOW, Run
from tests.unit.cli.policy.conftest import POLICIES, write


def in_force(engine: Engine, text: str) -> None:
    """Put policies in force, as a daemon does."""
    host = roots.host_id(engine, roots.this_machine())
    assert host is not None
    policy_set = load.read([("policies.yaml", text.encode())], stores=("cold",))
    marks = {policy.id: fingerprint(policy) for policy in policy_set.policies}
    with engine.transaction():
        policy_sets.put_in_force(
            engine, host, policy_set.fingerprint, policy_set.sources, marks, NOW
        )


def test_for_people(aged: Engine, policies: Path, run: Run, golden: Golden) -> None:
    in_force(aged, POLICIES)
    text = POLICIES.replace("after: 90d", "after: 80d", 1)
    write(policies, text)
    ran = run("policy", "list", terminal=True)

    golden("cli/policy-list-people.txt", ran.out)
    assert (ran.code, ran.err) == (0, "")


def test_for_programs(aged: Engine, run: Run) -> None:
    in_force(aged, POLICIES)
    told = run("policy", "list", "--json").json["policies"]

    assert [(one["id"], one["state"], one["files"]) for one in told] == [
        ("renders", "observed", 2),
        ("pictures", "observed", 2),
        ("large-pictures", "observed", 1),
        ("uploads", "observed", 2),
        ("hot-databases", "in force", 1),
    ]
    assert told[0]["kinds"] == ["phases"]
    assert told[0]["reason"] == "Nobody looks at them after a month"
    assert told[2]["decides_of"] == 0


def test_for_pipes_and_without_a_catalogue(policies: Path, run: Run) -> None:
    lines = [line.split("\t") for line in run("policy", "list").out.splitlines()]

    assert next(line[:5] for line in lines) == ["renders", "", "", "", ""]
    assert lines[0][5].endswith("policies.yaml:6:5")
    assert lines[0][6].startswith("Files of class render")
