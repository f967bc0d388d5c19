"""A command is told as it can be typed again; and whether a person wants it is asked once."""

import io
import re
import sys
from pathlib import Path

import pytest

from storewarden.cli import asking, typed
from storewarden.cli.session import Session
from storewarden.errors import UsageError
from tests.unit.cli.acting import Yard
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize(
    ("words", "options", "line"),
    [
        (["kind=video", "size>1GiB"], {}, "storewarden trash kind=video 'size>1GiB'"),
        (["a b.png"], {"to": "nas", "root": None}, "storewarden trash --to nas 'a b.png'"),
        (["a"], {"dry_run": True, "yes": False}, "storewarden trash --dry-run a"),
        (["two\nlines\udcff"], {}, r"storewarden trash 'two\nlines\xff'"),
    ],
)
def test_it_can_be_typed_again(
    words: list[str], options: dict[str, str | bool | None], line: str
) -> None:
    assert typed.command("trash", words, **options) == line


def test_of_a_thousand_names_the_first_are_told() -> None:
    line = typed.command("trash", [f"holiday/{at}.png" for at in range(1000)])
    assert len(line) < 330
    assert line.endswith("… (1,000 words)")


def test_the_same_command_bears_another_word_each_time() -> None:
    reasons = [typed.numbered("storewarden trash a") for _ in range(100)]
    words = {typed.token(reason) for reason in reasons}
    assert len(words) == 100
    assert all(re.fullmatch(r"[a-z2-7]{8}", word) for word in words)
    assert typed.token("renders: trash 30d after it was made") == ""


@pytest.mark.parametrize(
    ("answer", "wanted"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False)]
)
def test_a_person_is_asked_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, wanted: object
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert asking.wanted(Session(), yes=False, needs="x") is wanted
    out, err = capsys.readouterr()
    assert (out, err.startswith("Go on? [y/N]")) == ("", True)


def test_nobody_is_asked_in_a_pipe() -> None:
    session = Session(json=True)
    assert asking.wanted(session, yes=False)
    assert asking.wanted(session, yes=True, needs="storewarden purge a --yes")
    with pytest.raises(UsageError, match="if it shall be done: storewarden purge a --yes"):
        asking.wanted(session, yes=False, needs="storewarden purge a --yes")


@pytest.mark.parametrize(
    ("stores", "words", "told"),
    [
        ({}, ("archive", "save_outputs"), "there is no store: archive needs one"),
        ({"nas": {"path": "/mnt/nas"}}, ("move", "--to", "nass", "x"), "did you mean nas?"),
        ({"nas": {"path": "/mnt/nas"}}, ("archive", "x"), "nothing is known: "),
    ],
)
def test_a_store_is_named_unless_there_is_only_one(
    here: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    stores: dict[str, object],
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.configure(stores=stores)
    yard.root.mkdir()
    yard.scan()
    ran = yard.run(*words)
    assert (ran.code, ran.out) == (1 if "known" in told else 2, "")
    assert told in ran.err


def test_a_root_that_is_not_configured_any_more_is_left_alone(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOREWARDEN_STATE")
    yard = Yard(here, run)
    yard.configure()
    yard.put("cat.png", b"a cat")
    yard.scan()
    (yard.here / "uploads").mkdir()
    yard.configure(roots={"uploads": {"path": str(yard.here / "uploads")}})
    ran = yard.run("trash", "kind=image")
    assert (ran.code, ran.out) == (1, "")
    assert "a root is not configured any more: save_outputs: " in ran.err
