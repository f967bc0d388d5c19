"""``db backup · backups · restore · drill · forget`` as people, pipes and programs see them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storewarden.catalogue.roots import this_machine
from storewarden.cli.past import past
from storewarden.errors import UsageError
from tests.backing_up import database, said, say
from tests.conftest import Golden
from tests.unit.cli.conftest import Run, data_in

POLICIES = """
version: 1
policies:
  - id: care
    match: {kind: database, name: [chat.db]}
    care: {backup: {every: 1d, keep_last: 1, full: {every: 30d}}}
"""
NOW = 1_795_246_201 * 10**9  # 2026-11-21 07:30:01Z


@pytest.fixture
def root(here: Path, run: Run) -> Path:
    """A folder with two databases that is scanned, and a store."""
    root = data_in(here, POLICIES, store=True)
    database(root / "chat.db")
    database(root / "notes.db", rows=3)
    assert run("store", "prepare", "nas").code == 0
    assert run("scan").code == 0
    return root


def plain(text: str, here: Path) -> str:
    """Return an answer without what is another each time."""
    text = text.replace(str(here), "/srv")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-11-21 07:30:01Z", text)
    text = re.sub(r"\d{8}T\d{6}Z", "20261121T073001Z", text)
    text = re.sub(r"\b(\d+(\.\d+)?(ms|s|min)|just now)( ago)?\b", "<while>", text)
    text = re.sub(r"~[a-z2-7]{16}", "~<mark>", text)
    text = re.sub(r"\b\d{19}\b", "<ns>", text)
    text = re.sub(r"\d+(\.\d+)? KiB of \d", "<size> of 4", text)
    text = re.sub(r"~databases/[^/]+/", "~databases/rack/", text)
    text = text.replace(f"{this_machine().name}: ", "rack: ")
    return re.sub(r" {2,}", "  ", text)


def test_a_life_of_backups_for_people(root: Path, here: Path, run: Run, golden: Golden) -> None:
    told = []

    def ask(*words: str, code: int = 0) -> None:
        ran = run("db", *words, terminal=True)
        assert ran.code == code, ran.out + ran.err
        told.append(f"$ storewarden db {' '.join(words)}\n{ran.out}{ran.err}")

    ask("backups")
    ask("backup")
    say(root / "chat.db", 20)
    ask("backup", "chat.db")
    ask("backups", "chat.db")
    say(root / "chat.db", 1)
    ask("backup", "chat.db", "--full")
    ask("drill")
    ask("backups")
    ask("restore", "chat.db")
    ask("restore", "notes.db", "--to", "then.db")
    ask("restore", "notes.db", "--to", "then.db", code=1)
    ask("forget", "--dry-run")
    ask("forget", "chat.db")
    ask("backup", "nobody.db", code=1)
    ask("backups", "nobody.db", code=1)
    ask("backup", "notes.db", "--to", "nas")
    ask("backups", "--store", "nas")

    golden("cli/db-backups.txt", plain("\n".join(told), here))


def test_for_pipes(root: Path, here: Path, run: Run, golden: Golden) -> None:
    told = [run("db", "backup").out]
    say(root / "chat.db", 20)
    told += [
        run("db", *words).out
        for words in (("backup", "chat.db"), ("drill",), ("backups",), ("forget",))
    ]
    told.append(run("db", "restore", "chat.db", "--to", str(here / "back.db")).out)

    golden(
        "cli/db-backups-plain.txt",
        re.sub(r"\t\d\.\d+\t", "\t<while>\t", plain("".join(told), here)),
    )
    assert said(here / "back.db") == 120


@pytest.mark.usefixtures("root")
def test_for_programs(run: Run) -> None:
    (item,) = run("db", "backup", "chat.db", "--json").json["items"]
    (one,) = run("db", "backups", "chat.db", "--json").json["backups"]
    (stored,) = run("db", "backups", "--store", "backups", "--json").json["backups"]

    assert (item["database"], item["outcome"], item["why"]) == ("chat.db", "done", None)
    assert one["reasons"] == ["last", "newest good one"]
    for key in ("key", "taken_ns", "bytes", "stored_bytes", "rows", "kind", "store"):
        assert item[key] == one[key] == stored[key], key
    assert (one["state"], stored["state"], one["trouble"]) == ("good", "stored", None)


def test_a_time_that_was_is_the_one_that_is_restored(root: Path, here: Path, run: Run) -> None:
    first = run("db", "backup", "chat.db", "--json").json["items"][0]["taken_ns"]
    say(root / "chat.db", 5)
    second = run("db", "backup", "chat.db", "--json").json["items"][0]["taken_ns"]

    assert first < second
    back = run("db", "restore", "chat.db", "--at", "0s", "--to", str(here / "now.db"), "--json")
    assert back.json["items"][0]["taken_ns"] == second
    long_ago = run("db", "restore", "chat.db", "--at", "1d", "--to", str(here / "x.db"))
    assert long_ago.code == 1
    assert "or before" in long_ago.out


@pytest.mark.parametrize(
    ("text", "seconds_ago"),
    [
        ("2h", 7200),
        ("-2h", 7200),
        ("2h 30min ago", 9000),
        ("2026-11-21T07:30:00Z", 1),
        ("2026-11-21 07:29", 61),
        ("2026-11-21T08:30:00+01:00", 1),
        ("2026-11-20", 7 * 3600 + 30 * 60 + 2),
    ],
)
def test_times_that_were(text: str, seconds_ago: int) -> None:
    assert past(text, NOW) == NOW - seconds_ago * 10**9


@pytest.mark.parametrize(
    "text", ["", "yesterday", "12", "2026-13-01", "2026-11-21T25:00", "2099-01-01T00:00"]
)
def test_times_that_were_not(text: str) -> None:
    with pytest.raises(UsageError):
        past(text, NOW)
