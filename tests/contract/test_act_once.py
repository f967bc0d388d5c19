"""What a person wishes is carried out without a daemon, with a real root and a real store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storewarden.catalogue import clocks
from storewarden.catalogue.connect import open_catalogue
from storewarden.daemon.acting.once import act_once
from storewarden.daemon.acting.wish import Result, Told, Wanted, Wish
from tests.catalogues import Place
from tests.homes import Home


@pytest.fixture
def home(place: Place, tmp_path: Path) -> Home:
    base = tmp_path / "home"
    base.mkdir()
    return Home(base, place.url)


def counts(result: Result) -> tuple[int, ...]:
    return result[:5]


def test_a_file_goes_to_a_store_and_comes_back_as_it_was(home: Home) -> None:
    path = home.write("a/b.bin", os.urandom(100_000))
    content, status = path.read_bytes(), path.stat()
    home.scan()
    told: list[Told] = []

    done = home.act("archive", "a/b.bin", store="cold", told=told.append)

    blocks = 512 * status.st_blocks
    assert (counts(done), done.freed, done.size) == ((1, 0, 0, 0, 0), blocks, 100_000)
    assert home.query("SELECT sum(freed) FROM act_totals") == [(blocks,)]  # as figures tell it
    assert not path.exists()
    assert (home.states()["a/b.bin"], home.stored()) == ("archived", 1)
    assert told[-1][:5] == (1, 0, 0, 0, 1)
    assert (told[-1].size, told[-1].of_size, told[-1].path) == (100_000, 100_000, b"a/b.bin")

    assert counts(home.act("restore", "a/b.bin")) == (1, 0, 0, 0, 0)
    assert path.read_bytes() == content
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    before = home.query("SELECT id FROM files ORDER BY id")
    home.scan()
    assert home.states() == {"a/b.bin": "present"}
    assert home.query("SELECT id FROM files ORDER BY id") == before


def test_what_was_put_off_is_given_up_by_hand_and_stays_where_it_was(home: Home) -> None:
    path = home.write("a.bin", b"content")
    home.scan()
    home.store.rename(home.base / "away")  # as a disk that is not mounted
    assert counts(home.act("archive", "a.bin", store="cold")) == (0, 0, 0, 1, 0)
    ((act_id,),) = home.query("SELECT id FROM acts")
    assert counts(home.act("trash", "a.bin")) == (0, 1, 0, 0, 0)  # it is in hand

    given_up = home.act("restore", "a.bin", undoes=act_id)

    assert (counts(given_up), given_up.troubles) == ((1, 0, 0, 0, 0), ())
    assert home.query("SELECT state, error FROM acts") == [("refused", "given up by anna")]
    assert (path.read_bytes(), home.states()) == (b"content", {"a.bin": "present"})
    assert counts(home.act("trash", "a.bin")) == (1, 0, 0, 0, 0)


def test_what_is_trashed_is_purged_or_comes_back_elsewhere(home: Home) -> None:
    for name in ("one.txt", "two.txt"):
        home.write(name)
    home.scan()
    assert counts(home.act("trash", "one.txt", "two.txt")) == (2, 0, 0, 0, 0)
    assert list(home.roots["r"].glob("*.txt")) == []

    assert counts(home.act("restore", "two.txt", to=b"put/here.txt")) == (1, 0, 0, 0, 0)
    assert (home.roots["r"] / "put/here.txt").read_bytes() == b"content"
    purged = home.act("purge", "one.txt")
    assert counts(purged) == (1, 0, 0, 0, 0)
    assert purged.freed >= len(b"content")  # on the disk: whole blocks
    assert home.states()["one.txt"] == "purged"
    assert list((home.roots["r"] / ".storewarden" / "trash").iterdir()) == []


def test_what_changed_or_does_not_fit_is_told(home: Home) -> None:
    home.write("changed.txt")
    home.write("present.txt")
    home.scan()
    home.write("changed.txt", b"other content")

    refused = home.act("trash", "changed.txt")
    assert counts(refused) == (0, 1, 0, 0, 0)
    (trouble,) = refused.troubles
    assert trouble[:4] == ("r", b"changed.txt", "trash", "refused")
    assert "changed" in trouble.why
    unfit = home.act("purge", "present.txt")
    assert unfit.troubles[0].why == "it is present"
    unknown = act_once(home.settings, Wish((Wanted(4711, "trash"),), "anna", ""))
    assert unknown.troubles[0].why == "it is not known any more"
    outside = home.act("trash", "present.txt")
    assert outside.done == 1
    escaped = home.act("restore", "present.txt", to=b"../out.txt")
    assert escaped.refused == 1
    assert not (home.base / "out.txt").exists()


def test_sidecars_go_along_and_come_back_together(home: Home) -> None:
    for name in ("film.mp4", "film.mp4.json", "film.srt", "other.txt"):
        home.write(name)
    home.scan()
    home.link("film.mp4", "film.mp4.json", "film.srt")

    done = home.act("trash", "film.srt", "film.mp4")
    assert counts(done) == (3, 0, 0, 0, 0)
    assert sorted(os.listdir(home.roots["r"])) == [".storewarden", "other.txt"]
    assert len(home.query("SELECT 1 FROM acts")) == 1
    back = home.act("restore", "film.mp4", to=b"new.mp4")
    assert counts(back) == (3, 0, 0, 0, 0)
    assert sorted(os.listdir(home.roots["r"])) == [
        *(".storewarden", "new.mp4", "new.mp4.json", "new.srt", "other.txt")
    ]


def test_a_clock_that_jumped_holds_what_takes_away_and_nothing_else(home: Home) -> None:
    home.write("a.txt")
    home.scan()
    engine = open_catalogue(home.settings.catalogue, home.settings.state, role="test")
    ((host_id,),) = engine.execute("SELECT id FROM hosts")
    with engine.transaction():
        clocks.note(engine, host_id, clocks.Clocks(10**18, 1, "b", 10**15, 10**18))
    engine.close()

    held = home.act("trash", "a.txt")
    assert counts(held) == (0, 0, 0, 0, 1)
    assert "storewarden policy accept-clock" in held.troubles[0].why
    assert counts(home.act("copy", "a.txt", store="cold")) == (1, 0, 0, 0, 0)


def test_a_root_that_is_another_one_is_left_alone(home: Home) -> None:
    home.write("a.txt")
    home.scan()
    home.roots["r"].rename(home.base / "away")
    home.roots["r"].mkdir()
    (home.roots["r"] / "a.txt").write_bytes(b"another disk")

    held = home.act("trash", "a.txt")

    assert counts(held) == (0, 0, 0, 0, 1)
    assert held.troubles[0].outcome == "held"
    assert (home.roots["r"] / "a.txt").exists()


def test_a_store_that_is_away_puts_off_a_few_and_holds_the_rest(home: Home) -> None:
    names = [f"{number}.txt" for number in range(30)]
    for name in names:
        home.write(name)
    home.scan()
    home.store.rename(home.base / "unplugged")

    done = home.act("archive", *names, store="cold")
    assert done.done == 0
    assert done.put_off + done.held == 30
    assert 3 <= done.put_off <= 4
    assert all((home.roots["r"] / name).exists() for name in names)
    (home.base / "unplugged").rename(home.store)


def test_what_is_stopped_is_told_and_goes_on_later(home: Home) -> None:
    for number in range(3):
        home.write(f"{number}.bin", os.urandom(40 << 20))  # two of them are a round
    home.scan()
    passed: list[Told] = []

    def enough() -> bool:
        return len([told for told in passed if told.done >= 1]) > 2

    done = home.act(
        *("archive", "0.bin", "1.bin", "2.bin"), store="cold", told=passed.append, stopping=enough
    )
    assert 1 <= done.done < 3
    going = [state for (state,) in home.query("SELECT state FROM acts ORDER BY id")]
    assert going[: done.done] == ["done"] * done.done
    assert set(going[done.done :]) <= {"planned", "copied"}
    home.write("last.txt")
    home.scan()
    assert home.act("trash", "last.txt").done == 1  # what was begun goes on first
    assert home.states() == {
        "0.bin": "archived",
        "1.bin": "archived",
        "2.bin": "archived",
        "last.txt": "trashed",
    }


POLICIES = """\
version: 1
policies:
  - id: old
    match: {name: "*.tmp.txt"}
    phases: [{after: 0s, do: trash}]
  - id: kept
    match: {name: "*.keep"}
    hold: true
"""


def test_what_a_policy_does_not_ask_for_any_more_is_not_done_for_it(home: Home) -> None:
    for name in ("a.tmp.txt", "b.txt"):
        home.write(name)
    home.policies(POLICIES)
    home.scan()

    done = home.act("trash", "a.tmp.txt", "b.txt", policy="old", approves=("old",))

    assert counts(done) == (1, 1, 0, 0, 0)
    assert done.troubles[0].path == b"b.txt"
    assert "decided otherwise" in done.troubles[0].why
    assert home.states() == {"a.tmp.txt": "trashed", "b.txt": "present"}
    ((approved,),) = home.query("SELECT approved_ns FROM policies WHERE name = 'old'")
    assert approved is not None
