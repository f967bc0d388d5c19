"""Log lines as people, the journal and machines read them."""

import io
import json
import logging
import os
import threading

import pytest

from storewarden.measure.log import Format, Once, journal_is, setup
from tests.conftest import Golden

OURS = "storewarden.watch.emitter"
AT = 1_795_246_201.123


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def entry(level: int, message: str, logger: str = OURS, /, **facts: object) -> None:
    record = logging.LogRecord(logger, level, __file__, 1, message, (), None)
    record.created, record.msecs = AT, 123
    if facts:
        record.facts = facts
    logging.getLogger(logger).handle(record)


def everything(form: Format) -> str:
    """Each kind of line there is, in one form."""
    stream = io.StringIO()
    setup("debug", form, stream)
    entry(logging.INFO, "root is watched", root="uploads", watches=12, seconds=0.123456789)
    entry(logging.WARNING, "root is blind", root="up loads", reason="root-not-there")
    entry(logging.ERROR, "file cannot be read", path=b'a\n2026 INFO forged\x1b[2J\xff="x"')
    entry(logging.CRITICAL, "no catalogue", url="postgresql://warden:s3cret@db/files", level="x")
    entry(logging.DEBUG, "nothing", empty="", none=None, yes=True)
    entry(logging.WARNING, "a library speaks", "watchdog.observers")
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "journal", "json"])
def test_every_kind_of_line(form: Format, golden: Golden) -> None:
    golden(f"log/{form}.txt", everything(form))


def test_no_line_is_forged_and_no_password_is_told() -> None:
    for form in ("text", "journal", "json"):
        text = everything(form)
        assert len(text.splitlines()) == 6
        assert "s3cret" not in text
        assert "\x1b" not in text


def test_a_traceback_follows_its_line_and_every_line_is_marked_for_the_journal() -> None:
    stream = io.StringIO()
    setup("info", "journal", stream)
    try:
        raise ValueError("bad\x1b")
    except ValueError:
        logging.getLogger("storewarden.x").exception("it failed")

    lines = stream.getvalue().splitlines()
    assert all(line.startswith("<3>") for line in lines)
    assert (lines[0], lines[-1]) == ("<3>x: it failed", r"<3>  ValueError: bad\x1b")


def test_json_keeps_the_traceback_in_its_object() -> None:
    stream = io.StringIO()
    setup("info", "json", stream)
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("storewarden.x").exception("it failed")

    assert json.loads(stream.getvalue())["traceback"].endswith("ValueError: bad")


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(stream: io.StringIO) -> bool:
        setup("info", "text", stream)
        entry(logging.ERROR, "x")
        return "\x1b[" in stream.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (shown(Terminal()), shown(io.StringIO())) == (True, False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not shown(Terminal())


def test_the_level_is_ours_and_libraries_speak_from_warning_on() -> None:
    stream = io.StringIO()
    setup("warning", "text", stream)
    logging.getLogger("storewarden.x").info("quiet")
    logging.getLogger("peewee").info("quiet")
    logging.getLogger("storewarden.x").warning("loud")

    assert stream.getvalue().count("\n") == 1


def test_setting_up_again_replaces_the_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    setup("info", "text", first)
    setup("info", "text", second)
    logging.getLogger("storewarden.x").warning("one")

    assert (first.getvalue(), second.getvalue().count("one")) == ("", 1)


def test_the_journal_is_known_by_device_and_inode() -> None:
    reader, writer = os.pipe()
    try:
        told = os.fstat(writer)
        right = {"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"}
        assert journal_is(writer, right)
        assert not journal_is(writer, {"JOURNAL_STREAM": "1:2"})
        assert not journal_is(writer, {})
        assert not journal_is(-1, right)
    finally:
        os.close(reader)
        os.close(writer)


def test_an_unsupervised_thread_that_dies_is_logged() -> None:
    stream = io.StringIO()
    setup("info", "text", stream)

    thread = threading.Thread(target=lambda: int("x"), name="stray")
    thread.start()
    thread.join()

    first, *_, last = stream.getvalue().splitlines()
    assert first.endswith("ERROR daemon: a thread ended by an error thread=stray")
    assert last == "  ValueError: invalid literal for int() with base 10: 'x'"


def test_a_condition_is_told_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    once = Once(logging.getLogger("storewarden.test"))

    news = [once.begins("k", "it begins", root="a") for _ in range(3)]
    lasting = once.lasting()
    over = [once.ends("k", "it is over") for _ in range(3)]

    assert (news, over) == ([True, False, False], [True, False, False])
    assert (set(lasting), set(once.lasting())) == ({"k"}, set())
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("WARNING", "it begins"),
        ("INFO", "it is over"),
    ]


def test_stderr_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    setup()
    logging.getLogger("storewarden.watch").info("root is watched")

    assert capsys.readouterr().err.endswith(" INFO watch: root is watched\n")
