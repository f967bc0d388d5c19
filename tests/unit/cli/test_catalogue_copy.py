"""What ``catalogue copy`` says, and when it refuses; what it copies is tried in the contract."""

import os
import re
from pathlib import Path

import pytest

from storewarden.catalogue import carry
from storewarden.catalogue.carry import Carried, Copied
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.catalogue.tally import Tally
from tests.conftest import Golden
from tests.unit.cli.conftest import Run


def plain(text: str, here: Path) -> str:
    """Return a text without what differs between machines."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST-OF-ALL-ROWS", text)
    return re.sub(r"\b[0-9a-f]{16}\b", "DIGEST-OF-ROWS..", text).replace(str(here), "/here")


@pytest.mark.parametrize("form", ["people", "programs"])
def test_a_copy_is_told(catalogue: Engine, run: Run, here: Path, golden: Golden, form: str) -> None:
    catalogue.close()
    ran = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db", terminal=form == "people")

    assert (ran.code, ran.err) == (0, "")
    golden(f"cli/catalogue-copy-{form}.txt", plain(ran.out, here))


def test_a_copy_can_be_used_in_the_place_of_the_first(
    catalogue: Engine, run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.close()
    files = run("files", "state=any").out
    told = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db", "--json").json
    again = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db")
    monkeypatch.setenv("STOREWARDEN_CATALOGUE", told["to"])

    assert told["same"] is True
    assert told["rows"] == sum(table["rows"] for table in told["tables"])
    assert all(table["digest"] == table["digest_there"] for table in told["tables"])
    assert run("files", "state=any").out == files != ""
    assert (again.code, again.out, "not empty" in again.err) == (2, "", True)


def test_a_copy_that_differs_is_told_and_no_success(
    catalogue: Engine, run: Run, here: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.close()
    there = Carried("files", Tally(3, 5 << 250), Tally(2, 3 << 250))
    copied = Copied((Carried("hosts", Tally(1, 7 << 240), Tally(1, 7 << 240)), there), 2)
    monkeypatch.setattr(carry, "copy", lambda *_, **__: copied)
    ran = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db", terminal=True)

    assert ran.code == 1
    golden("cli/catalogue-copy-differs.txt", ran.out + ran.err)


def test_an_unfinished_copy_is_used_by_no_verb(
    catalogue: Engine, run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.close()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(carry._Copying, "proof", killed)
    run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db")
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setenv("STOREWARDEN_STATE", str(here / "state"))
    monkeypatch.setenv("STOREWARDEN_CATALOGUE", f"sqlite://{here}/copy.db")
    for verb in (["files"], ["scan"], ["run"], ["catalogue", "migrate"], ["catalogue", "backup"]):
        ran = run(*verb)
        assert ran.code == 1, verb
        assert "unfinished copy" in ran.err, verb
    status = run("catalogue", "status")
    assert status.code == 1
    assert "unfinished copy of" in status.out
    (told,) = [line for line in run("doctor").out.splitlines() if "unfinished copy" in line]
    assert told.startswith("fail\tcatalogue\t")


def test_a_catalogue_that_is_held_is_not_copied(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    ran = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db")

    assert (ran.code, ran.out) == (3, "")
    assert f"kill {os.getpid()}" in ran.err


def test_without_a_catalogue_nothing_is_made(run: Run, here: Path) -> None:
    ran = run("catalogue", "copy", "--to", f"sqlite://{here}/copy.db")

    assert ran.code == 1
    assert "no catalogue yet" in ran.err
    assert not (here / "copy.db").exists()
