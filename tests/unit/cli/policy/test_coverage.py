"""What policies come to here, and what they leave out, as people, pipes and programs see it."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.policy.sources import shipped
from tests.conftest import Golden
from tests.unit.cli.conftest import FILE_COLUMNS, Run
from tests.unit.cli.policy.conftest import database, write


def test_for_people(aged: Engine, run: Run, golden: Golden) -> None:
    ran = run("policy", "coverage", terminal=True)

    golden("cli/policy-coverage-people.txt", ran.out)
    assert (ran.code, ran.err) == (1, "")


def test_for_pipes(aged: Engine, run: Run, golden: Golden) -> None:
    golden("cli/policy-coverage-programs.txt", run("policy", "coverage").out)


def test_for_programs(aged: Engine, run: Run) -> None:
    told = run("policy", "coverage", "--json").json

    assert (told["files"], told["policies"][0]["id"]) == (8, "renders")
    assert told["policies"][0]["wins"] == {"phases": {"files": 2, "bytes": (3 << 30) + 100}}
    assert told["matching_nothing"] == []
    (overlap,) = told["overlaps"]
    assert (overlap["wins"], overlap["other"]) == ("pictures", "large-pictures")
    assert told["databases"]["all"] == 3
    assert told["databases"]["uncovered"] == [
        {
            "root": "save_outputs",
            "path": "renders/a b/intelligence.db",
            "bytes": 8192,
            "cared": False,
        }
    ]
    assert told["names_in_vain"] == [
        {"policy": "hot-databases", "name": "ollama_cache.db", "kinds": []}
    ]


def test_when_all_is_named_the_code_is_zero(aged: Engine, policies: Path, run: Run) -> None:
    write(policies, "version: 1\npolicies: [{id: all, match: {size: '>= 0B'}, hold: true}]\n")
    ran = run("policy", "coverage", terminal=True)

    assert ran.code == 0
    assert "policies decide of all" in ran.out


@pytest.mark.parametrize("verb", [("coverage",), ("diff", "policies.yaml"), ("backtest",)])
def test_without_a_catalogue_it_says_so(policies: Path, run: Run, verb: tuple[str, ...]) -> None:
    ran, files = run("policy", *verb), run("files")

    assert (ran.code, ran.err) == (files.code, files.err)
    assert ran.code != 0


def test_a_machine_that_recorded_nothing_is_told_what_to_do(
    aged: Engine, policies: Path, run: Run
) -> None:
    with aged.transaction():
        aged.execute("UPDATE hosts SET machine_id = 'another'")
    ran = run("policy", "coverage")

    assert ran.code == 2
    assert "nothing was recorded on this machine yet" in ran.err
    assert "storewarden scan" in ran.err
    assert "nothing was recorded here yet" in run("policy", "check", terminal=True).out


def test_the_strategy_names_forty_databases_and_others_lie_there(
    catalogue: Engine, policies: Path, run: Run
) -> None:
    """A strategy that claims 78 databases and names 40: both lists are told."""
    (policies.parent / "storewarden.yaml").write_text(
        "roots: {save_outputs: save_outputs, uploads: uploads}\n"
        "stores: {cloud: {path: /mnt/cloud}}\npolicies: ['shipped:trae']\n"
    )
    text = shipped()["trae"].read_text()
    listed = [word.strip() for word in text.split("policies:")[0].replace("- ", "\n").splitlines()]
    names = [word for word in listed if word.endswith((".db", ".sqlite"))]
    assert len(names) == 40
    there = [name.encode() for name in names if not name.startswith("test")]
    others = [b"other_%02d.db" % number for number in range(38)]
    rows = [
        database(100 + number, 1, name, 1000 + number)
        for number, name in enumerate((*there, *others))
    ]
    with catalogue.transaction():
        catalogue.insert("files", FILE_COLUMNS, rows)

    told = run("policy", "coverage", "--json").json

    assert told["databases"]["all"] == len(there) + 38
    assert [one["path"] for one in told["databases"]["uncovered"]] == [
        name.decode() for name in others
    ]
    assert all(one["cared"] for one in told["databases"]["uncovered"])
    assert sorted(one["name"] for one in told["names_in_vain"]) == sorted(
        name for name in names if name.startswith("test")
    )
    people = run("policy", "coverage", terminal=True)
    assert "Databases that no policy names: 38 of 72\n" in people.out
    assert "Names that no file of their policy bears: 6\n" in people.out


@pytest.mark.parametrize("verb", ["check", "coverage", "list"])
def test_a_name_that_is_borne_by_another_kind_is_told(aged: Engine, run: Run, verb: str) -> None:
    with aged.transaction():
        aged.execute("UPDATE files SET kind = 'other' WHERE name = ?", (b"runtime.db",))
    ran = run("policy", verb, terminal=True)

    told = {
        "check": "hot-databases: it matches none of the 8 files here",
        "coverage": "  hot-databases: runtime.db (there is one of kind other)\n",
        "list": "hot-databases  no files\n",
    }
    assert told[verb] in ran.out
