"""Policies are read from files, directories and what is shipped, where nobody else could write."""

import os
from pathlib import Path

import pytest

from storewarden.config.problems import Problems
from storewarden.errors import PolicyError
from storewarden.policy.load import read
from storewarden.policy.sources import _trusted, read_sources, shipped

TEXT = b"version: 1\npolicies: [{id: a, match: {kind: video}, hold: true}]\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def put(path: Path, mode: int = 0o644) -> Path:
    path.write_bytes(TEXT)
    path.chmod(mode)
    return path


def problems(*entries: Path | str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_sources([str(entry) for entry in entries])
    return list(caught.value.problems)


def test_a_file_is_itself_and_a_directory_its_policy_files_by_name(here: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.yaml", ".hidden.yaml", "#c.yaml", "c.yaml~", "notes.txt"):
        put(here / name)
    alone = put(here / "alone")

    found = read_sources([str(alone), str(here)])

    names = [Path(name).name for name, _ in found]
    assert names == ["alone", "a.yml", "b.yaml", "c.yaml"]
    assert {data for _, data in found} == {TEXT}


def test_a_file_that_is_named_twice_is_read_once(here: Path) -> None:
    put(here / "a.yaml")

    assert len(read_sources([str(here / "a.yaml"), str(here)])) == 1


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_is_found_by_its_name(name: str) -> None:
    ((source, data),) = read_sources([f"shipped:{name}"])

    assert source == f"shipped:{name}"
    stores = ("cloud", "cold", "archive")
    assert read([(source, data)], stores=stores, tables=["app.conversations"]).policies


def test_the_policies_without_a_configuration_are_shipped() -> None:
    assert "safe-default" in shipped()


def test_a_shipped_name_that_is_nearly_right_is_meant() -> None:
    (line,) = problems("shipped:safe-defualt")

    assert line.endswith("there are no shipped policies of that name; did you mean safe-default?")


def test_everything_that_cannot_be_read_is_told_at_once(here: Path) -> None:
    empty = here / "empty"
    empty.mkdir(mode=0o755)
    (here / "sub").mkdir(mode=0o755)
    (here / "sub/x.yaml").mkdir(mode=0o755)
    os.mkfifo(here / "pipe")
    (here / "loop").symlink_to("loop")

    told = problems(here / "none.yaml", empty, here / "sub", here / "pipe", here / "loop")

    assert [line.removeprefix(f"{here}/") for line in told] == [
        "empty: holds no *.yaml; put a policy file into it, or leave it out",
        "loop: cannot be read: Too many levels of symbolic links; name a file that can be read",
        "none.yaml: is not there; name a file or directory that exists",
        "pipe: is not a regular file; name a file",
        "sub/x.yaml: is a directory; rename it, or name the files in it",
    ]


def test_what_everybody_can_write_is_refused_with_the_remedy(here: Path) -> None:
    path = put(here / "a.yaml", 0o646)

    assert problems(path) == [f"{path}: can be written by everybody; chmod o-w {path}"]


def test_a_directory_that_everybody_can_write_is_refused(here: Path) -> None:
    put(here / "a.yaml")
    here.chmod(0o777)

    assert problems(here) == [f"{here}: can be written by everybody; chmod o-w {here}"]


def test_a_group_may_write_only_when_it_is_the_owners_own(here: Path) -> None:
    path = put(here / "a.yaml", 0o664)
    status = os.stat(path)
    told: list[Problems] = [Problems(), Problems()]
    fields = list(status[:10])

    trusted = []
    for group, problems_of in zip((1234, 100), told, strict=True):
        fields[4:6] = [1234, group]
        trusted.append(_trusted(str(path), os.stat_result(fields), problems_of))

    assert trusted == [True, False]
    assert told[1].lines() == (f"{path}: can be written by its group (100); chmod g-w {path}",)


def test_a_file_that_may_not_be_read_is_told_with_the_user(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(here / "a.yaml")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # as root the tests may read everything

    (line,) = problems(path)

    assert f"user {os.geteuid()} may not read it" in line
