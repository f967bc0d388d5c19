"""Stores on the command line, as people, pipes and programs see them."""

import os
import re
import time
from pathlib import Path

import pytest

from storewarden.act.copying import Source, copy
from storewarden.act.identity import Identity
from storewarden.catalogue import copies
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.config.load import load
from storewarden.daemon.acting.stores import open_stores
from storewarden.store.contract import Space
from storewarden.store.directory import DirectoryStore
from tests.archived import MADE, Root, words
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

MARKS = ("abcdefgh234567aa", "abcdefgh234567ab")
NAMES = (b"cat.png", b"renders/a b/film.mp4")
IDS = (1, 3)


@pytest.fixture
def stores(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that is prepared and one that is not."""
    for name in ("cold", "bare"):
        (here / name).mkdir()
        monkeypatch.setenv(f"STOREWARDEN_STORES_{name.upper()}_PATH", str(here / name))
    (here / "storewarden.yaml").write_text("roots: {save_outputs: ./save_outputs}\n")
    monkeypatch.setattr(DirectoryStore, "space", lambda _: Space(3 << 30, 7 << 30))
    return here


@pytest.fixture
def filled(stores: Path, catalogue: Engine, run: Run) -> Path:
    """Two files of the catalogue are in the store."""
    assert run("store", "prepare", "cold").code == 0
    (stores / "save_outputs").mkdir()
    root = Root(stores / "save_outputs")
    store = open_stores(load(None, os.environ, stores), {})["cold"]
    rows, read_ns = [], time.time_ns() - 10**9
    for file_id, name, mark in zip(IDS, NAMES, MARKS, strict=True):
        root.write(name, words(5_000 * file_id))
        identity = Identity.of(root.status(name))
        done = copy(
            Source("host", "save_outputs", "", root.descriptor, name, identity), store, mark, MADE
        )
        about, stored = done.about, done.stored
        rows.append(
            Copy(
                *(file_id, "cold", about.size, about.digest, MADE, stored.key, about.codec),
                *(stored.bytes, stored.version, read_ns),
            )
        )
    root.close()
    with catalogue.transaction():
        copies.put(catalogue, rows)
    return stores


def masked(text: str, here: Path) -> str:
    """Leave out what is another each time: where the test is, numbers, times."""
    text = text.replace(str(here), "/here")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<uuid>", text)
    text = re.sub(r'"seconds": [0-9.]+', '"seconds": 0', text)
    text = re.sub(r"20[0-9-]{8} [0-9:]{8}Z", "2026-11-21 20:00:00Z", text)
    text = re.sub(r'(verified_ns": |\t)[0-9]{19}\b', r"\g<1>1795000000000000000", text)
    return re.sub(r"in [0-9.]+m?s$", "in 1s", text, flags=re.MULTILINE)


def test_a_directory_is_prepared_once_and_known_from_then_on(
    stores: Path, run: Run, golden: Golden
) -> None:
    told = [
        run("store", "prepare", "cold").out,
        run("store", "prepare", "cold", "--json").out,
        run("store", "prepare", "bare", terminal=True).out,
        run("store", "prepare", "bare", terminal=True).out,
    ]

    golden("cli/store-prepare.txt", masked("\n".join(told), stores))


def test_another_directory_in_its_place_is_refused(stores: Path, run: Run, golden: Golden) -> None:
    run("store", "prepare", "cold")
    (stores / "cold").rename(stores / "unplugged")
    (stores / "cold").mkdir()

    refused = run("store", "prepare", "cold")
    unplugged = run("store", "check", "cold", terminal=True)
    instead = run("store", "prepare", "cold", "--instead")

    assert (refused.code, unplugged.code, instead.code) == (1, 1, 0)
    golden("cli/store-another.txt", masked(refused.err + unplugged.out, stores))


def test_all_stores_are_listed_with_what_lies_in_them(
    filled: Path, run: Run, golden: Golden
) -> None:
    programs, json = run("store", "list"), run("store", "list", "--json")
    people = run("store", "list", terminal=True)

    assert {people.code, programs.code, json.code} == {1}  # one was never prepared
    golden("cli/store-list.txt", masked(f"{people.out}\n{programs.out}\n{json.out}", filled))


def test_where_no_store_is_configured_it_is_said_how_to_begin(here: Path, run: Run) -> None:
    (here / "storewarden.yaml").write_text("roots: {a: ./a}\n")

    assert "docs/guide/first-archive-to-s3.md" in run("store", "list", terminal=True).out
    assert run("store", "list", "--json").json == {"stores": []}


def test_what_lies_in_a_store_that_is_not_configured_any_more_is_listed(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOREWARDEN_STORES_COLD_PATH")

    told = {one["store"]: one for one in run("store", "list", "--json").json["stores"]}

    assert told["cold"]["why"] == "it is not configured any more"
    assert told["cold"]["objects"] == 2


def test_a_check_tells_each_step_and_what_to_do(stores: Path, run: Run, golden: Golden) -> None:
    run("store", "prepare", "cold")
    programs = run("store", "check", "bare").out
    json = run("store", "check", "bare", "--json")
    well, ill = (run("store", "check", name, terminal=True) for name in ("cold", "bare"))

    assert (well.code, ill.code, json.code) == (0, 1, 1)
    told = f"{well.out}\n{ill.out}\n{programs}\n{json.out}"
    golden("cli/store-check.txt", masked(told, stores))
    assert json.json["ok"] is False


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "cloud"), "there is no such store: cloud; known are bare, cold"),
        (("prepare", "cloud"), "there is no such store"),
        (("scrub", "cold", "--share", "10"), "10 is not a share; write it in per cent, as in 10%"),
        (("scrub", "cold", "--share", "0%"), "0% is no share"),
        (("scrub", "cold", "--all", "--share", "1%"), "--share and --all together"),
        (("sweep", "cold", "--older", "7"), "7 has no unit"),
    ],
)
def test_wrong_words_are_answered(
    stores: Path, run: Run, arguments: tuple[str, ...], told: str
) -> None:
    ran = run("store", *arguments)

    assert ran.code in {1, 2}
    assert told in ran.err.replace("'", "")


def test_a_store_that_is_never_read_again_by_itself_is_read_when_asked(
    filled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREWARDEN_STORES_COLD_SCRUB", "never")

    assert "say --share or --all" in run("store", "scrub", "cold").err
    assert run("store", "scrub", "cold", "--all", "--json").json["objects"] == 2


def test_all_that_is_stored_is_read_again(filled: Path, run: Run, golden: Golden) -> None:
    programs = run("store", "scrub", "cold", "--share", "1%")
    json = run("store", "scrub", "cold", "--all", "--json")
    people = run("store", "scrub", "cold", "--all", terminal=True)

    assert {people.code, programs.code, json.code} == {0}
    told = f"{people.out}\n{programs.out}\n{json.out}"
    golden("cli/store-scrub.txt", masked(told, filled))


def test_damage_is_told_with_what_it_means(filled: Path, run: Run, golden: Golden) -> None:
    for name in ("cat.png", "renders/a b/film.mp4"):
        (place,) = (filled / "cold/save_outputs").glob(f"{name.replace(' ', '%20')}~*.zst")
        content = bytearray(place.read_bytes())
        content[-1] ^= 1
        place.write_bytes(content)
    with_last = "UPDATE files SET state = 'archived' WHERE id = 3"
    _sql(filled, with_last)

    json = run("store", "scrub", "cold", "--all", "--json")
    programs = run("store", "scrub", "cold", "--all")
    listed = run("store", "list", "--json")
    people = run("store", "scrub", "cold", "--all", terminal=True)

    assert {json.code, programs.code, people.code} == {1}
    told = f"{json.out}\n{programs.out}\n{people.out}\n{people.err}"
    golden("cli/store-damage.txt", masked(told, filled))
    assert listed.json["stores"][1]["damaged"] == 1


def test_what_was_never_finished_is_swept_away(filled: Path, run: Run) -> None:
    half = filled / "cold/.storewarden/half/0123"
    half.write_bytes(b"of a put that was killed")

    assert run("store", "sweep", "cold").out == "removed\t0\n"
    assert run("store", "sweep", "cold", "--older", "0s", "--json").json == {
        "store": "cold",
        "removed": 1,
    }
    assert "Nothing was left unfinished" in run("store", "sweep", "cold", terminal=True).out
    assert not half.exists()


def _sql(here: Path, sql: str) -> None:
    engine = open_catalogue("sqlite", here / "state", role="test")
    with engine.transaction():
        engine.execute(sql)
    engine.close()
