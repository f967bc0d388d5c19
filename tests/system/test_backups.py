"""Databases are backed up while they are used, restored to any time there is, and drilled."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import clocks
from storewarden.catalogue.clocks import Clocks
from storewarden.daemon.ground import prepared
from storewarden.daemon.tending import backing_up
from storewarden.daemon.tending.assembling import assemble
from storewarden.daemon.tending.backing_up import _BackingUp
from storewarden.store.configured import Configured
from storewarden.store.contract import Space
from tests.backing_up import OFTEN, Vault, database, said, say
from tests.objects import Bench as ObjectBench
from tests.servers import swift

RUNBOOK = "docs/runbooks/failed-drill.md"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path)
    database(vault.roots["r"] / "chat.db")
    vault.know()
    return vault


def chat(vault: Vault) -> Path:
    return vault.roots["r"] / "chat.db"


def test_a_database_in_use_is_backed_up_and_its_file_is_left_alone(vault: Vault) -> None:
    path = chat(vault)
    with closing(sqlite3.connect(path)) as application:
        application.execute("INSERT INTO messages (text) VALUES ('said, and in the log alone')")
        application.commit()
        before = path.stat()
        facts = vault.done("backup", "chat.db")
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    assert (facts["kind"], facts["store"], facts["rows"]) == ("full", "backups", 101)
    (one,) = vault.backups("chat.db")
    assert one.good
    assert one.counted == {"messages": 101, 'odd "name': 0}
    assert said(vault.objects()[one.key]) == 101, "it is a plain file that sqlite3 opens"


def test_what_changed_is_enough_and_every_time_comes_back(vault: Vault) -> None:
    taken = [vault.done("backup", "chat.db")]
    for rows in (3, 0, 40):
        say(chat(vault), rows)
        taken.append(vault.done("backup", "chat.db"))

    assert [one["kind"] for one in taken] == ["full", "increment", "increment", "increment"]
    assert taken[1]["stored_bytes"] < taken[0]["stored_bytes"] / 2
    assert taken[2]["changed_pages"] == 0
    for one, count in zip(taken, (100, 103, 103, 143), strict=True):
        back = vault.base / f"{count}-{one['kind']}.db"
        back.unlink(missing_ok=True)
        facts = vault.done("restore", "chat.db", at_ns=one["taken_ns"], to=str(back))
        assert facts["taken_ns"] == one["taken_ns"]
        assert said(back) == count
    (item,) = vault.tend("restore", "chat.db", at_ns=taken[0]["taken_ns"] - 1)
    assert item.outcome == "failed"
    assert "or before" in item.why


def test_a_database_that_is_gone_comes_back_to_its_place_as_it_was(vault: Vault) -> None:
    path = chat(vault)
    path.chmod(0o640)
    os.utime(path, ns=(1, 1_700_000_000_000_000_000))
    vault.done("backup", "chat.db")
    path.unlink()

    facts = vault.done("restore", "chat.db")

    assert facts["to"] == str(path)
    assert said(path) == 100
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.stat().st_mtime_ns == 1_700_000_000_000_000_000


def test_nothing_is_ever_restored_over_anything(vault: Vault) -> None:
    path = chat(vault)
    vault.done("backup", "chat.db")
    say(path, 5)

    facts = vault.done("restore", "chat.db")

    beside = Path(facts["to"])
    assert beside.parent == path.parent
    assert beside.name.startswith("chat.restored-")
    assert beside.suffix == ".db"
    assert (said(beside), said(path)) == (100, 105)
    (again,) = vault.tend("restore", "chat.db")
    assert (again.outcome, "something is there" in again.why) == ("failed", True)
    (named,) = vault.tend("restore", "chat.db", to=str(path))
    assert named.outcome == "failed"
    lonely = vault.base / "other.db"
    Path(f"{lonely}-wal").write_bytes(b"a log of another")
    (log,) = vault.tend("restore", "chat.db", to=str(lonely))
    assert "a log of another database" in log.why
    assert not lonely.exists()


def test_a_database_that_was_moved_comes_back_from_there_and_not_from_a_backup(
    vault: Vault,
) -> None:
    vault.done("backup", "chat.db")
    say(chat(vault), 4)
    vault.know()
    assert not vault.act("move", "chat.db", store="cold").troubles
    assert not chat(vault).exists()

    facts = vault.done("restore", "chat.db")

    assert (facts["store"], facts["rows"]) == ("cold", 104)
    assert said(chat(vault)) == 104


def test_a_store_alone_brings_a_database_back(vault: Vault) -> None:
    vault.done("backup", "chat.db", to="cold")
    say(chat(vault), 7)
    vault.done("backup", "chat.db", to="cold")
    for each in (vault.settings.state).glob("catalogue.db*"):
        each.unlink()
    back = vault.base / "back.db"

    facts = vault.done("restore", "chat.db", store="cold", to=str(back))

    assert facts["parts"] == 2
    assert said(back) == 107


def test_what_the_policy_does_not_keep_goes_after_each_backup(vault: Vault) -> None:
    vault.policies(OFTEN % ", full: {every: 1min}")
    vault.know()
    for _ in range(2):
        vault.done("backup", "chat.db", full=True)
    assert vault.done("backup", "chat.db", full=True)["removed"] == 1

    assert len(vault.objects()) == 2
    told = vault.done("forget", "chat.db", dry_run=True)
    assert (told["kept"], told["going"]) == (2, 0)


def test_while_the_clock_is_in_doubt_no_backup_is_removed(vault: Vault) -> None:
    vault.policies(OFTEN % ", full: {every: 1min}")
    vault.know()
    with prepared(vault.settings, vault.clock, "test") as ground:
        noted = Clocks(vault.clock.wall_ns(), 1, "boot", 400 * 86_400 * 10**9, 1)
        clocks.note(ground.engine, ground.host_id, noted)
    for _ in range(3):
        vault.done("backup", "chat.db", full=True)

    (item,) = vault.tend("forget", "chat.db")
    assert item.outcome == "put_off"
    assert len(vault.objects()) == 3


def test_without_a_policy_nothing_is_forgotten(vault: Vault) -> None:
    for _ in range(3):
        vault.done("backup", "chat.db", full=True)

    assert vault.done("forget", "chat.db")["kept"] == 3


def test_a_drill_proves_what_comes_back(vault: Vault) -> None:
    vault.done("backup", "chat.db")
    say(chat(vault), 9)
    vault.done("backup", "chat.db")

    vault.done("drill", "chat.db")

    newest, whole = vault.backups("chat.db")
    assert newest.proven_ns is not None
    assert whole.proven_ns is None
    assert list(vault.settings.state.joinpath("scratch").iterdir()) == []


def test_a_failed_drill_is_loud_and_its_backup_counts_no_more(
    vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    vault.done("backup", "chat.db")
    earlier, newest = *vault.backups("chat.db"), vault.done("backup", "chat.db", full=True)
    file = vault.objects()[str(newest["key"])]
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)

    (item,) = vault.tend("drill", "chat.db")

    assert item.outcome == "found"
    assert item.remedy == RUNBOOK
    assert "a backup does not come back as it was" in caplog.text
    assert [one.state for one in vault.backups("chat.db")] == ["bad", "good"]
    assert vault.done("drill", "chat.db")["backup"] == earlier.id
    back = vault.base / "back.db"
    assert vault.done("restore", "chat.db", to=str(back))["key"] == earlier.key


def test_a_backup_that_lost_what_it_is_built_on_is_followed_by_a_whole_one(vault: Vault) -> None:
    first = vault.done("backup", "chat.db")
    say(chat(vault), 2)
    vault.done("backup", "chat.db")
    vault.objects()[str(first["key"])].unlink()
    say(chat(vault), 2)

    again = vault.done("backup", "chat.db")

    assert again["kind"] == "full"
    assert [one.state for one in vault.backups("chat.db")] == ["good", "bad", "bad"]


def test_a_damaged_base_is_noticed_and_followed_by_a_whole_one(vault: Vault) -> None:
    first = vault.done("backup", "chat.db")
    file = vault.objects()[str(first["key"])]
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    say(chat(vault), 2)

    assert vault.done("backup", "chat.db")["kind"] == "full"
    assert [one.state for one in vault.backups("chat.db")] == ["good", "bad"]


def test_a_damaged_database_makes_no_backup_and_the_good_one_stays(vault: Vault) -> None:
    vault.done("backup", "chat.db")
    path = chat(vault)
    for each in path.parent.glob("chat.db-*"):
        each.unlink()
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)

    (item,) = vault.tend("backup", "chat.db")

    assert item.outcome == "failed"
    assert "damaged" in item.why
    assert [one.state for one in vault.backups("chat.db")] == ["good"]


def test_what_cannot_be_backed_up_is_said_and_keeps_nothing_else_from_it(vault: Vault) -> None:
    vault.write("broken.db", b"this is no database, whatever it is called")
    vault.know()

    items = {item.database: item for item in vault.tend("backup", "chat.db", "nobody")}

    assert items["nobody"].outcome == "refused"
    assert items["chat.db"].outcome == "done"


def test_where_there_is_no_room_nothing_is_begun(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewarden.daemon.tending.bench._SPARE", 2**60)

    (item,) = vault.tend("backup", "chat.db")

    assert item.outcome == "put_off"
    assert "no room for a backup" in item.why
    assert vault.backups("chat.db") == []


def test_what_was_proven_is_kept_for_a_far_store_so_that_nothing_is_fetched_for_an_increment(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_BackingUp, "_is_far", lambda *_: True)
    kept = vault.settings.state / "images"
    vault.done("backup", "chat.db", to="cold")
    fetched = 0

    def counted(*given: Any) -> None:
        nonlocal fetched
        fetched += 1
        assemble(*given)

    monkeypatch.setattr(backing_up, "assemble", counted)

    for rows, count in ((2, 102), (3, 105)):
        say(chat(vault), rows)
        assert vault.done("backup", "chat.db", to="cold")["kind"] == "increment"
        assert [said(image) for image in kept.iterdir()] == [count]
    assert fetched == 0

    (image,) = kept.iterdir()
    content = bytearray(image.read_bytes())
    content[16_500] ^= 1
    image.write_bytes(content)
    say(chat(vault), 1)
    assert vault.done("backup", "chat.db", to="cold")["rows"] == 106
    assert fetched == 1, "what was kept is not what it was"
    assert [one.state for one in vault.backups("chat.db")] == ["good"] * 4


def test_an_object_store_keeps_backups_packed_and_brings_them_back(
    vault: Vault, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in swift.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    cloud = ObjectBench.at(s3_url).settings()
    vault.settings = replace(vault.settings, stores=(*vault.settings.stores, cloud))

    whole = vault.done("backup", "chat.db", to="cloud")
    say(chat(vault), 30)
    changed = vault.done("backup", "chat.db", to="cloud")
    back = vault.base / "back.db"
    vault.done("restore", "chat.db", store="cloud", to=str(back))
    then = vault.base / "then.db"
    vault.done("restore", "chat.db", at_ns=whole["taken_ns"], to=str(then))

    assert whole["stored_bytes"] < whole["bytes"] / 2
    assert str(whole["key"]).endswith(".sqlite.zst")
    assert (changed["kind"], said(back), said(then)) == ("increment", 130, 100)
    vault.done("drill", "chat.db")


def test_where_a_store_has_no_room_for_a_whole_one_what_changed_still_goes_there(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Configured, "space", lambda _: Space(9_000, 10**9))
    (item,) = vault.tend("backup", "chat.db")
    assert item.outcome == "put_off"
    assert "no room for a backup" in item.why

    monkeypatch.undo()
    vault.done("backup", "chat.db")
    monkeypatch.setattr(Configured, "space", lambda _: Space(9_000, 10**9))
    say(chat(vault), 3)
    assert vault.done("backup", "chat.db")["kind"] == "increment"
