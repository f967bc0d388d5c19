"""Files with the same content, as people, pipes and programs see them."""

import pytest

from storewarden.catalogue.engine import Engine
from tests.conftest import Golden
from tests.unit.cli.conftest import Run
from tests.unit.cli.rich import copies


def test_a_list_for_people(rich: Engine, run: Run, golden: Golden) -> None:
    copies(rich)
    ran = run("same", terminal=True)

    golden("cli/same-people.txt", ran.out)
    assert (ran.code, ran.err) == (0, "")


def test_a_list_for_pipes(rich: Engine, run: Run, golden: Golden) -> None:
    copies(rich)
    golden("cli/same-programs.txt", run("same").out)


def test_a_list_for_programs(rich: Engine, run: Run) -> None:
    copies(rich)
    first, second = run("same", "--json").lines

    assert list(first) == ["digest", "size", "wasted", "files"]
    assert (first["size"], first["wasted"]) == (1_499_990, 1_499_990)
    assert [one["path"] for one in first["files"]] == ["cat.png", "copy of cat.png"]
    assert list(second["files"][0]) == ["root", "path", "path_hex", "inode"]
    assert (second["wasted"], len(second["files"])) == (20, 3)


def test_a_limit_leaves_the_sum_as_it_is(rich: Engine, run: Run) -> None:
    copies(rich)
    ran = run("same", "--limit", "1", terminal=True)

    assert ran.out.endswith("1.4 MiB wasted: 5 files of 2 contents\n")
    assert ran.err == "the 1 that waste most are shown; --limit 0 shows all\n"
    assert len(run("same", "--limit", "1", "--json").lines) == 1


def test_a_long_group_is_shortened_on_a_terminal(rich: Engine, run: Run) -> None:
    copies(rich, 30)
    short, whole = (run("same", *more, terminal=True) for more in ((), ("--limit", "0")))

    assert "  … and 21 more\n" in short.out
    assert "uploads/small" in whole.out
    assert len(whole.out.splitlines()) == len(short.out.splitlines()) + 20
    assert len(run("same", "--json", "size<100B").lines[0]["files"]) == 31


@pytest.mark.parametrize(
    ("terms", "groups"), [(["root=uploads"], 0), (["kind=image"], 1), (["size<100B"], 1)]
)
def test_only_what_meets_the_terms_is_compared(
    rich: Engine, run: Run, terms: list[str], groups: int
) -> None:
    if groups and terms == ["size<100B"]:
        copies(rich)
    assert len(run("same", "--json", *terms).lines) == groups


def test_nothing_is_the_same(catalogue: Engine, run: Run) -> None:
    ran = run("same", terminal=True)

    assert (ran.code, ran.out, ran.err) == (0, "", "no files with the same content\n")


def test_a_wrong_term_is_wrong_use(catalogue: Engine, run: Run) -> None:
    ran = run("same", "knd=video")

    assert (ran.code, ran.out) == (2, "")
    assert "did you mean kind?" in ran.err
