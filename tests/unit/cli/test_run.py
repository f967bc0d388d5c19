"""What a person is told when the daemon starts at a terminal, and what the daemon is given."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storewarden.cli.run import greeting
from storewarden.config.schema import HttpSettings, Listen, RootSettings, Settings
from storewarden.errors import ConfigError
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

ROOTS = (RootSettings("save_outputs", b"/srv/save_outputs"), RootSettings("up", b"/srv/n\xff\n"))


def test_the_greeting(golden: Golden) -> None:
    settings = Settings(state=Path("/var/lib/storewarden"), catalogue="sqlite", roots=ROOTS)
    golden("cli/greeting.txt", greeting(settings))


def test_the_greeting_shows_paths_from_here_and_no_password(here: Path) -> None:
    text = greeting(
        Settings(
            state=here / "state",
            catalogue="postgresql://warden:geheim@db/files",
            roots=(RootSettings("up", bytes(here / "a" / "up")),),
            http=HttpSettings(Listen(port=None)),
        )
    )

    assert "Save something into ./a/up and look: storewarden files" in text
    assert "geheim" not in text
    assert "not served, as configured" in text


def test_the_daemon_gets_settings_form_and_a_way_to_read_them_again(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def serve(settings: Settings, *, json_log: bool, reload: Callable[[], Settings]) -> int:
        given.update(settings=settings, json_log=json_log, reload=reload)
        return 3

    monkeypatch.setattr("storewarden.daemon.run.run", serve)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    ran = run("run", "--json")

    assert (ran.code, ran.out, ran.err, given["json_log"]) == (3, "", "", True)
    assert given["reload"]() == given["settings"]
    (here / "storewarden.yaml").write_text("wrong: 1\n")
    with pytest.raises(ConfigError):
        given["reload"]()
