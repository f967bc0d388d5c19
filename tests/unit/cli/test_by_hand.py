"""By hand: what is put away is gone here and can be had again as it was; what cannot be is told."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from storewarden.act import copying
from storewarden.catalogue.connect import open_catalogue
from tests.conftest import Golden
from tests.unit.cli.acting import FILES, NAMES, Yard
from tests.unit.cli.conftest import Ran, Run


@pytest.fixture
def yard(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A root with files, and two stores; no daemon runs."""
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.configure()
    yard.prepare()
    yard.fill()
    return yard


def steady(text: str, here: Path) -> str:
    """Return what was said without what is another thing each time."""
    text = text.replace(str(here), "/here")
    text = re.sub(r"# [a-z2-7]{8}", "# abcdefgh", text)
    text = re.sub(r"seconds(\t|\": )[0-9.]+", r"seconds\g<1>0.001", text)
    return re.sub(r"in [0-9.]+(ms|s)\b", "in 1ms", text)


def figures(ran: Ran) -> dict[str, str]:
    return dict(line.split("\t")[:2] for line in ran.out.splitlines())


def link_film_and_words(yard: Yard) -> None:
    """Note what a look into the files would tell."""
    engine = open_catalogue("sqlite", yard.here / "state", role="test")
    with engine.transaction():
        engine.execute(
            "INSERT INTO sidecars (file_id, of_id, role) SELECT s.id, o.id, 'subtitle'"
            " FROM files s, files o WHERE s.name = ? AND o.name = ?",
            (b"film.srt", b"film.mp4"),
        )
    engine.close()


# -- there and back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "more", "state"),
    [
        ("archive", ("--to", "cold"), "archived"),
        ("move", ("--to", "nas"), "archived"),
        ("trash", (), "trashed"),
    ],
)
@pytest.mark.parametrize("back", [("restore", "state=any"), ("undo",)])
def test_what_is_put_away_comes_back_as_it_was(
    yard: Yard, verb: str, more: tuple[str, ...], state: str, back: tuple[str, ...]
) -> None:
    before = yard.all()

    ran = yard.run(verb, *more, "root=save_outputs")
    assert (ran.code, ran.err) == (0, "")
    assert (figures(ran)["done"], figures(ran)["failed"]) == ("6", "0")
    assert yard.all() == dict.fromkeys(NAMES)
    assert yard.states() == dict.fromkeys(NAMES, state)

    ran = yard.run(*back)
    assert (ran.code, ran.err) == (0, "")
    assert figures(ran)["done"] == "6"
    assert yard.all() == before
    assert yard.states() == dict.fromkeys(NAMES, "present")
    yard.scan()
    assert yard.states() == dict.fromkeys(NAMES, "present")


def test_why_tells_of_what_is_gone_and_the_command_it_tells_brings_it_back(yard: Yard) -> None:
    before = yard.seen("cat.png")
    assert yard.run("archive", "--to", "cold", "save_outputs/cat.png").code == 0

    told = yard.run("why", "save_outputs/cat.png", "--json").json
    went = told["went"]
    assert (told["state"], went["what"], went["policy"]) == ("archived", "archived to cold", None)
    assert went["reason"].startswith("storewarden archive --to cold save_outputs/cat.png  # ")
    assert went["by"]
    assert [one["store"] for one in went["lies"]] == ["cold"]
    assert went["back"] == "storewarden restore save_outputs/cat.png"

    assert yard.run(*went["back"].split()[1:]).code == 0
    assert yard.seen("cat.png") == before
    assert yard.run("why", "save_outputs/cat.png", "--json").json["went"] is None


def test_of_a_name_that_no_text_holds_the_command_names_the_act(yard: Yard) -> None:
    before = yard.seen(NAMES[-1])
    assert yard.run("trash", f"save_outputs/{NAMES[-1]}").code == 0
    told = yard.run("why", f"save_outputs/{NAMES[-1]}", "--json").json
    assert re.fullmatch(r"storewarden undo [0-9]+", told["went"]["back"])
    assert yard.run(*told["went"]["back"].split()[1:]).code == 0
    assert yard.seen(NAMES[-1]) == before


def test_what_is_purged_is_gone_for_good(yard: Yard) -> None:
    assert yard.run("trash", "save_outputs/cat.png").code == 0

    asked = yard.run("purge", "save_outputs/cat.png")
    assert (asked.code, asked.out) == (2, "")
    assert asked.err.endswith("if it shall be done: storewarden purge save_outputs/cat.png --yes\n")
    assert yard.states()["cat.png"] == "trashed"

    ran = yard.run("purge", "save_outputs/cat.png", "--yes")
    assert (ran.code, figures(ran)["done"]) == (0, "1")
    assert int(figures(ran)["freed"]) >= 20_000
    assert yard.states()["cat.png"] == "purged"
    assert yard.run("restore", "save_outputs/cat.png").code == 1
    told = yard.run("why", "save_outputs/cat.png", terminal=True).out
    assert "nothing brings it back: no copy of it is known" in told


def test_archived_copies_are_purged_only_when_that_is_said(yard: Yard) -> None:
    assert yard.run("archive", "--to", "cold", "save_outputs/cat.png").code == 0
    assert yard.run("purge", "save_outputs/cat.png", "--yes").code == 1
    assert len(yard.objects()) == 1

    assert yard.run("purge", "save_outputs/cat.png", "state=archived", "--yes").code == 0
    assert (yard.objects(), yard.states()["cat.png"]) == ([], "purged")


def test_a_deleted_file_comes_back_from_its_copy(yard: Yard) -> None:
    before = yard.seen("cat.png")
    assert yard.run("archive", "--to", "cold", "save_outputs/cat.png").code == 0
    assert yard.run("restore", "save_outputs/cat.png").code == 0
    (yard.root / "cat.png").unlink()
    yard.scan()
    assert yard.states()["cat.png"] == "missing"

    assert yard.run("restore", "kind=image").code == 1, "nobody named it"
    assert yard.run("restore", "save_outputs/cat.png").code == 0
    assert yard.seen("cat.png") == before


def test_a_restore_comes_from_the_store_that_is_named(yard: Yard) -> None:
    before = yard.seen("cat.png")
    assert yard.run("archive", "--to", "cold", "save_outputs/cat.png").code == 0
    shutil.rmtree(yard.here / "cold" / "save_outputs")

    missing = yard.run("restore", "save_outputs/cat.png", "--store", "nas")
    assert (missing.code, figures(missing)["done"]) == (1, "0")
    assert "no copy of it is known" in missing.out

    assert yard.run("restore", "save_outputs/cat.png", "--store", "cloud").code == 2
    assert before is not None


# -- other places ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["trash", "archive"])
def test_it_comes_to_another_place_too(yard: Yard, way: str) -> None:
    before = yard.seen("cat.png")
    more = ("--to", "cold") if way == "archive" else ()
    assert yard.run(way, *more, "save_outputs/cat.png").code == 0

    ran = yard.run("restore", "save_outputs/cat.png", "--to", "save_outputs/new/tiger.png")

    assert (ran.code, yard.seen("new/tiger.png"), yard.seen("cat.png")) == (0, before, None)


def test_several_come_into_a_directory(yard: Yard) -> None:
    before = [yard.seen("cat.png"), yard.seen("dog.png")]
    both = ("save_outputs/cat.png", "save_outputs/dog.png")
    assert yard.run("trash", *both).code == 0
    assert yard.run("restore", *both, "--to", "save_outputs/one").code == 2

    assert yard.run("restore", *both, "--to", "save_outputs/many/").code == 0
    assert [yard.seen("many/cat.png"), yard.seen("many/dog.png")] == before


@pytest.mark.parametrize("way", ["trash", "archive"])
def test_nothing_is_ever_restored_over_something(yard: Yard, way: str) -> None:
    more = ("--to", "cold") if way == "archive" else ()
    assert yard.run(way, *more, "save_outputs/cat.png").code == 0
    (yard.root / "cat.png").write_bytes(b"another cat")
    yard.scan()

    ran = yard.run("restore", "save_outputs/cat.png")
    assert (ran.code, figures(ran)["done"], figures(ran)["refused"]) == (1, "0", "1")
    assert (yard.root / "cat.png").read_bytes() == b"another cat"

    again = yard.run("restore", "save_outputs/cat.png", "--to", "save_outputs/dog.png")
    assert again.code == 1
    assert (yard.root / "dog.png").read_bytes() == FILES["dog.png"]


def test_of_several_that_had_one_name_the_last_comes(yard: Yard) -> None:
    assert yard.run("trash", "save_outputs/cat.png").code == 0
    yard.put("cat.png", b"the second")
    yard.scan()
    assert yard.run("trash", "save_outputs/cat.png").code == 0

    assert yard.run("restore", "save_outputs/cat.png").code == 0
    assert (yard.root / "cat.png").read_bytes() == b"the second"


# -- what is chosen -------------------------------------------------------------------------------


def test_what_belongs_together_goes_together(yard: Yard) -> None:
    link_film_and_words(yard)
    before = yard.all()
    sums = yard.run("trash", "save_outputs/renders/film*", "--dry-run", "--json").json
    assert (sums["files"], sums["bytes"], sums["with_files"]) == (1, 50_000, 1)

    ran = yard.run("trash", "save_outputs/renders/film.mp4")
    assert (ran.code, figures(ran)["done"]) == (0, "2")
    assert yard.seen("renders/film.srt") is None
    assert yard.run("restore", "save_outputs/renders/film.mp4").code == 0
    assert yard.all() == before


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["kind=video"], {"renders/film.mp4"}),
        (["save_outputs/renders"], {"renders/film.mp4", "renders/film.srt", "renders/notes.txt"}),
        (["save_outputs/renders/", "ext=txt"], {"renders/notes.txt"}),
        (["save_outputs/*.png"], {"cat.png", "dog.png", NAMES[-1]}),
        (["./save_outputs/cat.png", "save_outputs/cat.png"], {"cat.png"}),
        (["save_outputs"], set(NAMES)),
        (["size>25KB", "kind=image"], {"dog.png"}),
    ],
)
def test_terms_and_paths_say_what_is_meant(yard: Yard, words: list[str], names: set[str]) -> None:
    ran = yard.run("trash", *words, "--dry-run")
    assert ran.code == 0
    shown = {line.split("\t")[1] for line in ran.out.splitlines()}
    assert shown == {
        os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", "\\n") for name in names
    }
    assert yard.states() == dict.fromkeys(NAMES, "present")


def test_a_name_that_looks_like_a_term_is_a_path_when_it_is_there(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.put("a=b.png", b"an odd name")
    yard.put("kind=video", b"an odder one")
    yard.scan()
    assert yard.run("trash", "save_outputs/a=b.png").code == 0
    monkeypatch.setenv("STOREWARDEN_CONFIG", str(yard.here / "storewarden.yaml"))
    monkeypatch.chdir(yard.root)
    assert yard.run("trash", "./kind=video").code == 0
    states = yard.states()
    assert [name for name in states if states[name] == "trashed"] == ["a=b.png", "kind=video"]


# -- what cannot be done --------------------------------------------------------------------------


def test_each_mistake_is_told_in_one_line(yard: Yard, golden: Golden) -> None:
    assert yard.run("trash", "save_outputs/dog.png").code == 0
    assert yard.run("archive", "--to", "cold", "save_outputs/renders/film.mp4").code == 0
    lines = []
    for code, words in (
        (2, ("trash",)),
        (1, ("trash", "save_outputs/never.png")),
        (1, ("trash", "/etc/passwd")),
        (1, ("trash", "save_outputs/a\nb\udcff.png")),
        (1, ("trash", "save_outputs/dog.png")),
        (1, ("archive", "--to", "cold", "save_outputs/dog.png")),
        (1, ("restore", "save_outputs/cat.png")),
        (1, ("purge", "save_outputs/cat.png", "--yes")),
        (1, ("trash", "kind=audio")),
        (2, ("trash", "knd=audio")),
        (2, ("trash", "size>big")),
        (2, ("archive", "save_outputs/cat.png")),
        (2, ("archive", "--to", "clod", "save_outputs/cat.png")),
        (2, ("archive", "--to", "local", "save_outputs/cat.png")),
        (2, ("restore", "save_outputs/dog.png", "--to", "/tmp/dog.png")),
        (2, ("purge", "save_outputs/dog.png")),
        (1, ("undo", "999")),
        (2, ("undo", "all of it")),
        (1, ("undo", "abcdefgh")),
        (1, ("move", "--to", "nas", "save_outputs/renders/film.mp4")),
        (1, ("pin", "kind=audio")),
        (1, ("history", "save_outputs/never.png")),
    ):
        ran = yard.run(*words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), (words, ran)
        lines.append(ran.err)
    golden("cli/by-hand-mistakes.txt", steady("".join(lines), yard.here))


def test_a_root_that_is_not_there_is_told(yard: Yard) -> None:
    yard.root.rename(yard.here / "elsewhere")
    ran = yard.run("trash", "save_outputs/cat.png")
    assert (ran.code, ran.out) == (1, "")
    assert steady(ran.err, yard.here) == (
        "storewarden: a root is not there: save_outputs: /here/save_outputs: nothing was done;"
        " storewarden doctor\n"
    )


def test_a_store_that_is_away_puts_nothing_at_risk(yard: Yard) -> None:
    shutil.rmtree(yard.here / "cold")
    before = yard.all()
    ran = yard.run("archive", "--to", "cold", "save_outputs/cat.png")
    assert (ran.code, figures(ran)["done"]) == (1, "0")
    assert ran.out.splitlines()[-1].startswith("trouble\t")
    assert yard.all() == before


def test_what_is_being_written_is_refused_and_told(yard: Yard) -> None:
    before = yard.seen("cat.png")
    with (yard.root / "cat.png").open("r+b"):
        ran = yard.run("archive", "--to", "cold", "save_outputs/cat.png")
    assert ran.code == 1
    assert yard.seen("cat.png") == before
    tried = yard.run("why", "save_outputs/cat.png", "--json").json["tried"]
    assert (tried["verb"], "open" in tried["why"]) == ("archive", True)


def test_who_asks_again_for_what_was_put_off_has_it_tried_at_once(yard: Yard) -> None:
    archive = ("archive", "--to", "cold", "save_outputs/cat.png")
    with (yard.root / "cat.png").open("r+b"):
        assert figures(yard.run(*archive))["put_off"] == "1"
        assert figures(yard.run(*archive))["put_off"] == "1"
        other = yard.run("trash", "save_outputs/cat.png")
    assert "another act has it in hand: 1, archive, which is tried again in" in other.out

    assert figures(yard.run(*archive))["done"] == "1"

    assert yard.states()["cat.png"] == "archived"
    assert len(yard.objects()) == 1


def test_what_was_put_off_is_given_up_by_its_number(yard: Yard) -> None:
    with (yard.root / "cat.png").open("r+b"):
        assert (
            figures(yard.run("archive", "--to", "cold", "save_outputs/cat.png"))["put_off"] == "1"
        )
    assert yard.run("undo", "1", "--dry-run").out.split("\t")[2] == "give up"
    act = yard.run("status", "--json").json["acts"]["acts"][0]

    ran = yard.run("undo", str(act["act"]))

    assert (ran.code, figures(ran)["done"], figures(ran)["bytes"]) == (0, "1", "0")
    assert yard.states()["cat.png"] == "present"
    assert "given up by" in yard.run("history", "--troubles").out
    again = yard.run("undo", str(act["act"]))
    assert (again.code, "it is refused: nothing was put away" in again.err) == (1, True)


def test_a_dry_run_does_nothing(yard: Yard, golden: Golden) -> None:
    assert yard.run("trash", "save_outputs/dog.png").code == 0
    before, states = yard.all(), yard.states()
    told = []
    for words in (
        ("archive", "--to", "cold", "kind=image"),
        ("trash", "kind=image"),
        ("restore", "save_outputs/dog.png"),
        ("purge", "save_outputs/dog.png"),
        ("move", "--to", "nas", "kind=video"),
        ("pin", "kind=image"),
        ("undo",),
    ):
        for form in ((), ("--json",)):
            ran = yard.run(*words, "--dry-run", *form)
            assert (ran.code, ran.err) == (0, ""), (words, ran)
            told.append(f"$ storewarden {' '.join((*words, *form))}\n{ran.out}")
    assert (yard.all(), yard.states(), yard.objects()) == (before, states, [])
    golden("cli/by-hand-dry-run.txt", steady("".join(told), yard.here))


# -- on a terminal --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state"), [("y", "trashed"), ("", "present"), ("no", "present")]
)
def test_a_person_is_told_and_asked(
    yard: Yard, golden: Golden, monkeypatch: pytest.MonkeyPatch, answer: str, state: str
) -> None:
    link_film_and_words(yard)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_a, **_k: answer)

    ran = yard.run("trash", "save_outputs", terminal=True)

    assert ran.code == 0
    assert yard.states()["cat.png"] == state
    if state == "trashed":
        golden("cli/by-hand-people.txt", steady(ran.out, yard.here))
    else:
        assert "nothing was done" in ran.err


def test_a_person_who_said_yes_is_not_asked(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_a, **_k: pytest.fail("it asked"))
    assert yard.run("trash", "save_outputs/cat.png", "--yes", terminal=True).code == 0
    assert yard.run("restore", "save_outputs/cat.png", terminal=True).code == 0


def test_programs_are_told_file_by_file(yard: Yard, golden: Golden) -> None:
    ran = yard.run("trash", "kind=image", "--json")
    assert ran.code == 0
    golden("cli/by-hand-json.txt", steady(ran.out, yard.here))


def test_who_has_enough_is_told_what_is_done_and_what_goes_on(yard: Yard) -> None:
    copied = []

    def copy(*arguments: Any, **more: Any) -> Any:
        copied.append(1)
        if len(copied) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return copying.copy(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storewarden.act.carry.storing.copy", copy)
        ran = yard.run("archive", "--to", "cold", "root=save_outputs")

    assert (ran.code, ran.out) == (130, "")
    told = re.match(r"storewarden: interrupted; (\d) done", ran.err)
    assert told is not None, ran.err
    assert ran.err.strip().endswith("; the rest was not begun")
    assert list(yard.states().values()).count("archived") == int(told[1])
    before = [name for name, state in yard.states().items() if state == "present"]
    assert len(before) >= 3

    begun = int(on[1]) if (on := re.search(r"(\d+) were begun", ran.err)) else 0
    again = yard.run("archive", "--to", "cold", "root=save_outputs", "--json")

    assert set(yard.states().values()) == {"archived"}
    assert (again.code, again.json["refused"], again.json["carried_on"]) == (0, 0, begun)
    assert again.json["done"] == len(before)
    assert begun > 0


def test_stars_and_brackets_in_names_are_what_they_are(yard: Yard) -> None:
    for name in ("a[1]*/x?.png", "a[1]*/xy.png", "a1b/xy.png"):
        yard.put(name, b"content")
    yard.scan()

    assert figures(yard.run("trash", "save_outputs/a[1]*/x?.png"))["done"] == "1"
    states = yard.states()
    assert (states["a[1]*/x?.png"], states["a[1]*/xy.png"]) == ("trashed", "present")
    assert figures(yard.run("trash", "save_outputs/a[1]*"))["done"] == "1"
    states = yard.states()
    assert (states["a[1]*/xy.png"], states["a1b/xy.png"]) == ("trashed", "present")
