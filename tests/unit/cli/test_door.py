"""The command itself: help, options, errors as one line and a code, nothing heavy before a verb."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest

import storewarden
from storewarden.cli import main
from storewarden.cli.door import VERBS, door
from storewarden.cli.session import Session, verb
from storewarden.errors import ConfigError, HeldByAnother, StorewardenError
from tests.conftest import Golden

HEAVY = {"apsw", "peewee", "psycopg", "pydantic", "rich", "yaml", "prometheus_client", "watchdog"}
ACTING = {"act", "store", "daemon", "catalogue", "policy", "pipeline"}


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Session], Any]], None]:
    """Let the verb `status` do something else."""

    def become(function: Callable[[Session], Any]) -> None:
        class Module:
            status = verb(function)

        def imported(name: str) -> Any:
            return Module if name == "storewarden.cli.status" else real(name)

        real = importlib.import_module

        monkeypatch.setattr("storewarden.cli.verbs.importlib.import_module", imported)

    return become


def raising(error: BaseException) -> Callable[[Session], NoReturn]:
    def act(_session: Session) -> NoReturn:
        raise error

    return act


@pytest.fixture(autouse=True)
def width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_help(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    assert main(["--help"]) == 0
    golden("cli/help.txt", capsys.readouterr().out)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_there_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    assert main([name, "--help"]) == 0
    golden(f"cli/help-{name}.txt", capsys.readouterr().out)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"storewarden {storewarden.__version__}\n"


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, storewarden.cli as cli; cli.main(['--help']);"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    took = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        after = os.times()  # of the processor, so that a busy machine does not matter
        took.append(sum(after[2:4]) - sum(before[2:4]))
        assert done.stderr == b"[]\n"

    assert min(took) < 0.150


def test_verbs_load_what_acts_only_when_they_act() -> None:
    verbs = (
        "apply",
        "archive",
        "trash",
        "restore",
        "purge",
        "move",
        "pin",
        "undo",
        "free",
        "history",
    )
    code = (
        "import sys, storewarden.cli as cli;"
        f"[cli.main([verb, '--help']) for verb in {verbs!r}];"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('storewarden.')};"
        f"print(sorted(rooms & {ACTING!r}), sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"[] []\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "status", "--config", "x.yaml"],
        ["--config", "x.yaml", "status", "--json"],
        ["--config", "other.yaml", "status", "--json", "--config", "x.yaml"],
    ],
)
def test_global_options_stand_before_or_after_the_verb(
    acting: Callable[[Callable[[Session], Any]], None], arguments: list[str]
) -> None:
    seen: list[Session] = []
    acting(seen.append)

    assert main(arguments) == 0
    assert (seen[0].json, seen[0].config) == (True, Path("x.yaml"))


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_verb_answers_with_its_code(
    acting: Callable[[Callable[[Session], Any]], None], code: int
) -> None:
    acting(lambda _session: code)

    assert main(["status"]) == code


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            StorewardenError("it failed", where="/x", why="full", remedy="make room"),
            1,
            "storewarden: it failed: /x: full; make room\n",
        ),
        (HeldByAnother("held", where="pid 7"), 3, "storewarden: held: pid 7\n"),
        (
            ConfigError(("a.yaml:1:2: roots: no", "a.yaml:3:4: state: postgresql://u:pw@h/x")),
            2,
            """a.yaml:1:2: roots: no
a.yaml:3:4: state: postgresql://u:***@h/x
storewarden: the configuration has 2 problems; docs/reference/configuration.md
""",
        ),
        (KeyboardInterrupt(), 130, "\n"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_an_error_is_one_line_and_a_code(
    acting: Callable[[Callable[[Session], Any]], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    told: str,
) -> None:
    acting(raising(error))

    assert main(["status"]) == code
    assert capsys.readouterr() == ("", told)


def test_what_nobody_foresaw_keeps_its_traceback_in_a_file(
    acting: Callable[[Callable[[Session], Any]], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    acting(raising(ValueError("odd\n at postgresql://u:pw@h")))

    code = main(["status"])

    (kept,) = tmp_path.iterdir()
    what = r"storewarden: unexpected ValueError: odd\n at postgresql://u:***@h"
    assert code == 1
    assert capsys.readouterr().err == f"{what}; please report it with {kept}\n"
    assert "Traceback" in kept.read_text()
    assert "pw" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_debug_shows_the_traceback(
    acting: Callable[[Callable[[Session], Any]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    acting(raising(ValueError("odd")))

    assert main(["status", "--debug"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert told.endswith("storewarden: unexpected ValueError: odd\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["staus"], "no such verb: staus; did you mean status?"),
        (["status", "--jsno"], "No such option '--jsno'. Did you mean '--json'?"),
    ],
)
def test_wrong_use_is_2_and_says_what_was_meant(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_pipe_that_nobody_reads_any_more_is_quiet() -> None:
    done = subprocess.run(
        f"{sys.executable} -m storewarden --help | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.stderr == ""
    assert done.stdout in {"0\n", "1\n"}  # whether the pipe was closed in time is a race


def test_every_verb_has_a_json_option() -> None:
    context = click.Context(door)
    waiting = [door.get_command(context, name) for name in VERBS]
    while waiting:
        command = waiting.pop()
        assert command is not None
        if isinstance(command, click.Group):
            waiting += command.commands.values()
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--config"} <= options, command.name


def test_a_wrong_configuration_is_told_with_its_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("root: {}\n")

    assert main(["doctor", "--config", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{file}:1:1: root: ")


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "storewarden", "--version"], capture_output=True, check=True
    )

    assert done.stdout.startswith(b"storewarden ")
