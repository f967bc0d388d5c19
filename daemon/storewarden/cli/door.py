"""The command group and its errors: what goes wrong becomes one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

import click

import storewarden
from storewarden.cli.session import Session, common
from storewarden.cli.verbs import Verbs
from storewarden.errors import (
    DONE,
    FAILED,
    WRONG_USE,
    ConfigError,
    MapError,
    PolicyError,
    StorewardenError,
)

INTERRUPTED = 130  # 128 + SIGINT, as shells count it

# Verb, module, what --help says about it without importing the module.
VERBS = {
    "run": ("run", "The daemon: watch the roots and record every file, until stopped."),
    "status": ("status", "One screen: what is watched, what waits, what cannot be seen."),
    "health": ("health", "How healthy all of it is, and what every lost point is for."),
    "stats": ("stats", "How many files of what, what calls cost, and how long work took."),
    "scan": ("scan", "One pass over the roots that makes the catalogue right."),
    "files": ("files", "List recorded files: kind=video 'size>1GiB' 'modified<7d' …"),
    "search": ("search", "Find files by words in prompts, transcripts, models and paths."),
    "show": ("show", "Everything that is known about one file."),
    "same": ("same", "Files with identical content, and the bytes that they waste."),
    "plan": ("plan", "What is due now, or would be by a time; changes nothing."),
    "why": ("why", "What becomes of one file, and what every policy says of it."),
    "apply": ("apply", "Do what is due now, or exactly what a plan told."),
    "archive": ("by_hand", "Put files into a store; their place here is freed once it is proven."),
    "trash": ("by_hand", "Put files into the trash; they can be had back until they are purged."),
    "restore": ("by_hand", "Bring files back from the trash or from a store."),
    "purge": ("by_hand", "Remove for good what is in the trash."),
    "move": ("by_hand", "Move files to a store where they are for use, or back."),
    "pin": ("pins", "Keep files here, whatever policies say."),
    "unpin": ("pins", "Let policies decide about files again."),
    "undo": ("undo", "Take back what the last command put away, or any act."),
    "free": ("free", "Emergency: make room now, safest first."),
    "history": ("history", "What was done, when, by whom and why; of one file or of all."),
    "policy": ("policy", "Policies before they act: check, test, coverage, diff, backtest …"),
    "db": ("db", "Databases: where each belongs, moving them there, and their care."),
    "adopt": ("adopt", "Take over what an application keeps in a SQLite database of its own."),
    "rows": ("rows", "Rows of applications' tables: archived when old, and brought back."),
    "user": ("user", "Users of applications: tokens, what is theirs, how much they may have."),
    "listeners": ("listeners", "Whom events are sent to, how far each came, what it refuses."),
    "doctor": ("doctor", "What will go wrong on this machine, and the command that mends it."),
    "store": ("store", "Stores: prepare, check, list, and read again what they hold."),
    "service": ("service", "The daemon as a service of systemd: install, remove, explain."),
    "catalogue": ("catalogue", "The catalogue itself: status, migrations, backups."),
}


class Door(Verbs):
    """All verbs; a group of them is one."""

    package = "storewarden.cli"
    verbs = VERBS
    heading = "Verbs"

    def command_in(self, module: ModuleType, name: str) -> click.Command:
        """Return the command that bears the name of the verb."""
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no such verb: {args[0]}{_meant(args[0])}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Door,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="VERB ...",
    epilog="""\b
Each verb explains itself: storewarden VERB --help
Exit codes: 0 done, 1 something failed or was found, 2 wrong use or
configuration, 3 held by another.""",
)
@click.version_option(storewarden.__version__, message="storewarden %(version)s")
def door() -> None:
    """Record every file that lands in the watched directories."""


common(door)


def enter(arguments: Sequence[str] | None) -> int:
    """Carry out one command line; the exit code."""
    session = Session()
    try:
        code = door.main(arguments, "storewarden", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except SystemExit as error:  # click ends so when a pipe is closed
        code = error.code
    except BrokenPipeError:
        _forget_stdout()
        code = FAILED
    except BaseException as error:  # noqa: BLE001  # every error has a line and a code
        code = told(error, session)
    return code if isinstance(code, int) else DONE


def told(error: BaseException, session: Session) -> int:
    """Write the error to stderr for a person; the exit code."""
    from storewarden.measure.shown import without_secrets

    if session.debug and not isinstance(error, click.ClickException | click.Abort):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, ConfigError):
        lines = [without_secrets(problem) for problem in error.problems]
        click.echo("\n".join([*lines, _problems(len(lines), type(error))]), err=True)
        return WRONG_USE
    if isinstance(error, StorewardenError):
        click.echo(f"storewarden: {without_secrets(str(error))}", err=True)
        return error.exit_code
    click.echo(f"storewarden: {_unexpected(error, session)}", err=True)
    return FAILED


def _meant(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, VERBS, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _problems(count: int, kind: type[ConfigError]) -> str:
    problems = "1 problem" if count == 1 else f"{count} problems"
    told = {
        PolicyError: f"the policies have {problems}; docs/reference/policies.md",
        MapError: f"the map has {problems}; docs/guide/applications.md",
    }
    of_all = f"the configuration has {problems}; docs/reference/configuration.md"
    return f"storewarden: {told.get(kind, of_all)}"


def _unexpected(error: BaseException, session: Session) -> str:
    """Return one line about an error that nobody foresaw, and keep its traceback."""
    import tempfile
    import traceback

    from storewarden.measure.shown import shown, without_secrets

    what = f"unexpected {type(error).__name__}: {without_secrets(shown(error))}"
    if session.debug:
        return what
    text = without_secrets("".join(traceback.format_exception(error)))
    try:
        descriptor, path = tempfile.mkstemp(prefix="storewarden-error-", suffix=".txt")
        with os.fdopen(descriptor, "w", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return f"{what}; --debug shows where"
    return f"{what}; please report it with {path}"


def _forget_stdout() -> None:
    """Let nothing be written at exit into a pipe that nobody reads."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
