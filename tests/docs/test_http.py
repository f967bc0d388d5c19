"""The page about HTTP is what the code says, and its commands are carried out."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from storewarden.api.http.reference import page
from tests.daemon import Daemon

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/http.md"


def test_the_page_is_what_the_code_says() -> None:
    command = "python -m storewarden.api.http.reference docs/reference/http.md"

    assert PAGE.read_text(encoding="utf-8") == page(), command


def test_commands_of_the_page_are_answered(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with Daemon(tmp_path / "d", {"out": tmp_path / "out"}) as daemon:
        address = str(daemon.told("metrics are served")[-1]["url"]).removesuffix("/metrics")
        assert daemon.verb("user", "add", "reader").returncode == 0
        token = daemon.verb("user", "token", "reader").stdout.split()[-1]
        commands = re.findall(r"^\$ (curl .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(commands) == 2
        for command in commands:
            here = command.replace("~/.local/state/storewarden", str(daemon.state))
            here = here.replace("http://127.0.0.1:9747", address)
            here = here.replace("$STOREWARDEN_TOKEN", token)
            done = subprocess.run(
                [*shlex.split(here), "--silent", "--show-error", "--fail-with-body"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{here}: {done.stdout}{done.stderr}"
