"""The catalogue's own verbs, over a real one."""

import os
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.catalogue.migrate import newest
from tests.unit.cli.conftest import Run


def test_status(catalogue: Engine, run: Run, here: Path) -> None:
    ran = run("catalogue", "status", "--json")

    assert ran.code == 0
    assert ran.json["version"] == ran.json["newest"] == newest()
    assert (ran.json["dialect"], ran.json["holders"], ran.json["backups"]) == ("sqlite", [], [])
    assert ran.json["migrations"][0]["name"] == "recording"
    assert ran.json["bytes"] > 10_000


def test_status_names_who_holds_it(catalogue: Engine, daemon: Lease, run: Run) -> None:
    (holder,) = run("catalogue", "status", "--json").json["holders"]

    assert holder.startswith(f"storewarden run, pid {os.getpid()} on ")


def test_status_with_a_look_at_all_of_it(catalogue: Engine, run: Run) -> None:
    assert "damage\tnone\n" in run("catalogue", "status", "--check").out


def test_a_damaged_one_is_found(catalogue: Engine, run: Run, here: Path) -> None:
    catalogue.close()
    file = here / "state" / "catalogue.db"
    content = bytearray(file.read_bytes())
    content[20_000:30_000] = b"\x55" * 10_000
    file.write_bytes(content)

    assert run("catalogue", "status", "--check").code == 1


def test_migrations_go_back_after_a_backup_and_up_again(
    catalogue: Engine, run: Run, here: Path
) -> None:
    catalogue.close()
    back = run("catalogue", "rollback", "--json")
    behind = run("catalogue", "status")
    refused = run("files")
    up = run("catalogue", "migrate")

    assert (back.code, back.json["version"]) == (0, newest() - 1)
    assert Path(back.json["backup"]["path"]).exists()
    assert behind.code == 1
    assert (refused.code, "storewarden catalogue migrate" in refused.err) == (1, True)
    assert (up.code, up.out.splitlines()[-1]) == (0, f"version\t{newest()}")


def test_nothing_to_migrate(catalogue: Engine, run: Run) -> None:
    ran = run("catalogue", "migrate", terminal=True)

    assert ran.out == f"The catalogue has version {newest()}; there was nothing to do\n"


@pytest.mark.parametrize("verb", ["migrate", "rollback", "restore"])
def test_nothing_is_changed_under_a_running_daemon(
    catalogue: Engine, daemon: Lease, run: Run, verb: str
) -> None:
    run("catalogue", "backup")
    ran = run("catalogue", verb)

    assert (ran.code, ran.out) == (3, "")
    assert f"kill {os.getpid()}" in ran.err


def test_a_backup_is_listed_and_brings_back_what_was(
    catalogue: Engine, run: Run, here: Path
) -> None:
    made = run("catalogue", "backup", "--json")
    with catalogue.transaction():
        catalogue.execute("DELETE FROM files")
    catalogue.close()
    there = run("catalogue", "backups", "--json").json["backups"]
    restored = run("catalogue", "restore", "--json")

    assert (made.code, made.json["deleted"]) == (0, [])
    assert [one["name"] for one in there] == [made.json["name"]]
    assert restored.json["restored"]["name"] == made.json["name"]
    assert Path(restored.json["aside"]).exists()
    assert len(run("files", "state=any").out.splitlines()) == 6


def test_old_backups_go(catalogue: Engine, run: Run) -> None:
    run("catalogue", "backup")
    ran = run("catalogue", "backup", "--keep", "1", "--json")

    assert len(ran.json["deleted"]) == 1
    assert len(run("catalogue", "backups").out.splitlines()) == 1


def test_no_such_backup(catalogue: Engine, run: Run) -> None:
    ran = run("catalogue", "restore", "other.db")

    assert (ran.code, ran.out) == (2, "")
    assert "no such backup" in ran.err


def test_migrations_are_rehearsed(catalogue: Engine, run: Run) -> None:
    assert run("catalogue", "test").code == 0
    assert len(run("files", "state=any").out.splitlines()) == 6


@pytest.mark.parametrize("verb", ["status", "migrate", "test", "backup", "backups", "restore"])
def test_every_verb_speaks_to_people(catalogue: Engine, run: Run, verb: str) -> None:
    catalogue.close()
    run("catalogue", "backup")

    ran = run("catalogue", verb, terminal=True)

    assert (ran.code, ran.err) == (0, "")
    assert "\t" not in ran.out
    assert "{" not in ran.out
