"""How long what applications told of calls and talks is kept: for ever, unless it is said."""

from pathlib import Path

import pytest

from storewarden.config.changes import changed
from tests.unit.config.asking import problems, settings

ROOTS = "roots: {a: /a}\nstate: /s\n"


@pytest.mark.parametrize("said", ["", "api: {keep_usage: never, keep_chats: never}"])
def test_all_is_kept_for_ever_unless_it_is_said(tmp_path: Path, said: str) -> None:
    api = settings(tmp_path, ROOTS + said).api

    assert (api.keep_usage, api.keep_chats) == (0, 0)


def test_a_time_is_read_and_its_change_is_told(tmp_path: Path) -> None:
    before = settings(tmp_path, ROOTS)
    after = settings(tmp_path, ROOTS + "api: {keep_usage: 400d, keep_chats: 2y}")

    assert (after.api.keep_usage, after.api.keep_chats) == (400 * 86_400, 730 * 86_400)
    assert [(str(one), one.live) for one in changed(before, after)] == [
        ("api.keep_usage: never -> 400d", True),
        ("api.keep_chats: never -> 2y", True),
    ]


@pytest.mark.parametrize("said", ["1h", "0", "0d", "soon", "30"])
def test_too_short_a_time_and_what_is_none_are_refused(tmp_path: Path, said: str) -> None:
    found = problems(tmp_path, f"{ROOTS}api: {{keep_usage: {said}}}")

    assert "api.keep_usage" in str(found)
