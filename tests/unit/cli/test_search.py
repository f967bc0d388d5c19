"""Files found by words, as people, pipes and programs see them."""

import sys
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.search import Snippet
from storewarden.cli.output import Output
from storewarden.cli.search import highlighted
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

FIELDS = ["root", "path", "kind", "size", "mtime_ns", "digest", "state"]


def found(run: Run, *arguments: str) -> list[str]:
    return [one["path"] for one in run("search", "--json", *arguments).lines]


def test_an_answer_for_people(rich: Engine, run: Run, golden: Golden) -> None:
    ran = run("search", "lighthouse at dusk", terminal=True)

    golden("cli/search-people.txt", ran.out)
    assert (ran.code, ran.err) == (0, "")


def test_an_answer_for_pipes(rich: Engine, run: Run, golden: Golden) -> None:
    golden("cli/search-programs.txt", run("search", "lighthouse", "dusk").out)


def test_an_answer_for_programs(rich: Engine, run: Run, golden: Golden) -> None:
    ran = run("search", "lighthouse", "--json")

    golden("cli/search-json.txt", ran.out)
    assert [list(one)[:7] for one in ran.lines] == [FIELDS] * len(ran.lines)
    for one in ran.lines:
        for snippet in one["snippets"]:
            marked = [snippet["text"][begin:end].lower() for begin, end in snippet["marks"]]
            assert marked == ["lighthouse"]


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        (["lighthouse", "dusk"], {"cat.png", "copy of cat.png", "renders/a b/film.mp4"}),
        (["dusk", "kind=video"], {"renders/a b/film.mp4"}),
        (["DÜSK"], {"cat.png", "copy of cat.png", "renders/a b/film.mp4"}),
        (["light*", "-ships"], {"cat.png", "copy of cat.png"}),
        (["oil on canvas"], {"cat.png", "copy of cat.png"}),
        (['"on oil"'], set()),
        (["dusk", "-oil on canvas"], {"renders/a b/film.mp4"}),
        (["negative:storm", "root=uploads"], {"copy of cat.png"}),
        (["model:flux1", "width>=1024"], {"cat.png", "copy of cat.png"}),
        (["漢"], {"漢字.bin"}),
        (["gone", "state=any"], {"gone.png"}),
        (["gone"], set()),
        (["lines", "outcome=refused"], {r"two\nlines \xff.png"}),
    ],
)
def test_what_is_found(rich: Engine, run: Run, arguments: list[str], paths: set[str]) -> None:
    assert {*found(run, *arguments)} == paths


def test_nothing_found_is_no_failure_and_says_what_was_searched(rich: Engine, run: Run) -> None:
    ran = run("search", "submarine")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == ("nothing found in the paths, prompts, transcripts and models of 8 files\n")


def test_nothing_found_says_what_still_waits(rich: Engine, run: Run) -> None:
    with rich.transaction():
        rich.execute("UPDATE files SET inspected_ns = NULL WHERE id IN (1, 2)")

    ran = run("search", "submarine", "kind=image")

    assert ran.err.endswith(
        "; the terms leave out some; 2 of them still wait to be looked into: storewarden status\n"
    )
    assert run("search", "submarine", "--json").err == ""


def test_nothing_found_says_which_roots_are_not_looked_into(
    catalogue: Engine, run: Run, here: Path
) -> None:
    (here / "storewarden.yaml").write_text(
        "roots:\n  save_outputs: {path: save_outputs, inspect: false}\n  uploads: uploads\n"
    )
    ran = run("search", "submarine")

    assert ran.err.endswith(
        "; 1 of them still waits to be looked into: storewarden status"
        "; not looked into, as configured: save_outputs\n"
    )


def test_there_may_be_more(rich: Engine, run: Run) -> None:
    ran = run("search", "lighthouse", "--limit", "1", terminal=True)

    assert ran.err == "the best 1; there are more: --limit, or another word\n"
    assert run("search", "lighthouse", terminal=True).err == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing argument 'WORD... [TERM]...'"),
        (["-dusk"], "only says what shall not be there"),
        (['"at dusk'], "not closed"),
        (["kind=video"], "storewarden files"),
        (["dusk", "knd=video"], "did you mean kind?"),
        (["dusk", "width>wide"], "width>wide"),
        (["dusk", "--limit", "0"], "--limit"),
        (["dusk", "--limt", "3"], "No such option"),
        (["promt:dusk"], "did you mean prompt"),
        (["…"], "there is no word in it"),
    ],
)
def test_what_cannot_be_searched_is_wrong_use(
    rich: Engine, run: Run, arguments: list[str], told: str
) -> None:
    ran = run("search", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_what_was_asked_for_is_marked_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    snippet = Snippet("prompt", "a lighthouse\nat \x1bdusk", ((2, 12), (17, 21)))
    output = Output(json=False)

    line = "".join(output.styled(cell) for cell in highlighted(snippet))

    assert line == ("a \x1b[33m\x1b[1mlighthouse\x1b[0m at \\x1b\x1b[33m\x1b[1mdusk\x1b[0m")


def test_a_file_that_waits_to_be_looked_into_again_says_so(catalogue: Engine, run: Run) -> None:
    from storewarden.catalogue.words import Words

    with catalogue.transaction():
        Words(catalogue).index([1, 3])

    ran = run("search", "cat", "--json")

    assert [(one["path"], one["inspected"]) for one in ran.lines] == [("cat.png", False)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["a\udcffb"],
        ["-\udcff", "dusk"],
        ["prompt:\udcff"],
        ["dusk", "model=\udcff"],
        ["dusk", "lora=\udcff*"],
        ["*"],
        [""],
        ["-"],
        ['"""'],
        ["a" * 9000],
        ["x " * 200],
        ["dusk\n\x1b[2J"],
        ["dusk", "fps=1e999"],
        ["dusk", f"seed={'9' * 40}"],
        ["dusk", "scene=a,b,,c"],
        ["dusk", 'prompt="'],
    ],
    ids=lambda arguments: repr(arguments)[:40],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_anything_may_be_typed(
    rich: Engine, run: Run, arguments: list[str], form: tuple[str, ...]
) -> None:
    ran = run("search", *arguments, *form)

    assert ran.code in {0, 2}
    assert "unexpected" not in ran.err
    assert bool(ran.code) == ran.err.startswith("storewarden: a ")
