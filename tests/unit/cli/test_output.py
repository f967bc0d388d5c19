"""Answers as tables, as lines between tabs, as JSON."""

import io
import json
import sys

import pytest

from storewarden.cli.output import Cell, Output, number, width
from storewarden.cli.progress import Progress

HEADS = ("NAME", "FILES", "PATH")
ROWS = (
    (Cell("save_outputs", "good"), number(1_234_567), Cell("/srv/a")),
    (Cell("漢字", "bad"), number(3), Cell("/srv/b")),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let stdout be a terminal; from inside the test, as pytest sets stdout before it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).table(HEADS, ROWS)

    assert capsys.readouterr().out == (
        "NAME              FILES  PATH\n"
        "save_outputs  1,234,567  /srv/a\n"
        "漢字                  3  /srv/b\n"
    )


@pytest.mark.parametrize("rich", ["with rich", "without rich"])
def test_a_table_on_a_terminal_has_colours_and_the_same_words(
    monkeypatch: pytest.MonkeyPatch, rich: str
) -> None:
    terminal = on_terminal(monkeypatch)
    if rich == "without rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    Output(json=False).table(HEADS, ROWS)

    text = terminal.getvalue()
    assert "\x1b[32msave_outputs" in text or "save_outputs" in text
    assert all(word in text for word in ("NAME", "1,234,567", "漢字", "/srv/b"))


def test_markup_in_a_name_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    Output(json=False).table(["NAME"], [[Cell("[bold]x[/bold].png")]])

    assert "[bold]x[/bold].png" in terminal.getvalue()


def test_fields_of_a_pipe_hold_no_tab_and_no_newline(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).fields("a\tb", b"c\nd\xff", 3, "")

    assert capsys.readouterr().out == "a\\tb\tc\\nd\\xff\t3\t\n"


def test_text_has_no_colour_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).text("all is well", "good")

    assert capsys.readouterr().out == "all is well\n"


def test_json_is_one_line_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.document({"a": 1, "b": ["é"]})
    output.record({"c": None})

    first, second = capsys.readouterr().out.splitlines()
    assert (json.loads(first), json.loads(second)) == ({"a": 1, "b": ["é"]}, {"c": None})


def test_json_is_indented_for_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    output = Output(json=True)
    output.document({"a": 1})

    assert terminal.getvalue() == '{\n  "a": 1\n}\n'
    assert not output.terminal


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("😀", 2)])
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (0, None, 0.0, "scanning: 0"),
        (1_000_000, None, 4.0, "scanning: 1,000,000, 250,000/s, 4s"),
        (500, 1000, 0.5, "scanning: 500 of 1,000 (50%)"),
        (2000, 1000, 10.0, "scanning: 2,000 of 1,000 (100%), 200/s, 10s"),
    ],
)
def test_progress_as_one_line(done: int, total: int | None, seconds: float, line: str) -> None:
    assert Progress("scanning", terminal=False).line(done, total, seconds) == line


def test_progress_in_a_pipe_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("scanning") as bar:
        bar.update(1, 2)

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("rich", ["with rich", "without rich"])
def test_progress_on_a_terminal_is_drawn_and_wiped(
    monkeypatch: pytest.MonkeyPatch, rich: str
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    if rich == "without rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)

    with Progress("scanning") as bar:
        bar.update(1000, 2000, "uploads")

    assert "scanning" in stream.getvalue()
    assert "\x1b[K" in stream.getvalue() or "\x1b[2K" in stream.getvalue()
