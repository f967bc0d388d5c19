"""``storewarden user …``: for whom files are kept, with which tokens they come, and how much."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, common, verb

if TYPE_CHECKING:
    from storewarden.api.quota import Quota
    from storewarden.api.who import Scope
    from storewarden.catalogue.engine import Engine

HOLDS = "1y"  # how long a token holds, unless it is said
_NONE = ("none", "no")


@click.group(subcommand_metavar="VERB ...")
def user() -> None:
    """Users of applications: their tokens, what is theirs, and how much they may have."""


common(user)


def _bytes(_context: object, _parameter: object, text: str | None) -> int | str | None:
    from storewarden.units import UnitError, parse_size

    if text is None or text in _NONE:
        return text
    try:
        return parse_size(text)
    except UnitError as error:
        raise click.BadParameter(f"{error}; or none") from None


def _files(_context: object, _parameter: object, text: str | None) -> int | str | None:
    if text is None or text in _NONE:
        return text
    if not text.isascii() or not text.isdecimal() or len(text) > 15:  # noqa: PLR2004  # 64 bits
        raise click.BadParameter(
            f"{text!r} is no number of files; write for example 10000, or none"
        )
    return int(text)


def _scopes(_context: object, _parameter: object, text: str) -> frozenset[Scope]:
    from storewarden.api.scopes import read_scopes

    return read_scopes(text)


def _expires(_context: object, _parameter: object, text: str) -> float | None:
    from storewarden.units import UnitError, parse_duration

    if text == "never":
        return None
    try:
        return parse_duration(text)
    except UnitError as error:
        raise click.BadParameter(f"{error}; or never") from None


_name = click.argument("name")


def _limits(function: Callable[..., int]) -> Callable[..., int]:
    size = click.option("--bytes", "size", callback=_bytes, help="As 20GiB, or none: no limit.")
    files = click.option("--files", callback=_files, help="As 10000, or none: no limit.")
    return size(files(function))


@verb
@_name
@_limits
def add(session: Session, name: str, size: int | str | None, files: int | str | None) -> int:
    """Make a user: somebody whose files are kept apart from those of others.

    \b
    storewarden user add ada --bytes 20GiB --files 10000

    It can do nothing before it has a token.
    """  # noqa: D301  # click's mark for lines that stay as they are
    with _writing(session) as (engine, now_ns):
        from storewarden.api import users
        from storewarden.cli.user_told import tell_user
        from storewarden.errors import DONE

        made = users.add(engine, name, _changed(None, size, files), now_ns)
    tell_user(session.output, "added", made, f"storewarden user token {name}")
    return DONE


@verb
def listed(session: Session) -> int:
    """List all users: what each has, how much it may have, how many of its tokens hold.

    Exit code 1 when one has more than it may have: then nothing more is taken in for it.
    """
    _ = session.settings
    from storewarden.api import users
    from storewarden.cli.user_told import tell_users
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    with session.reading() as engine:
        found = users.every(engine, SystemClock().wall_ns())
    tell_users(session.output, found)
    return FAILED if any(one.over for one in found.users) else DONE


@verb
@_name
def show(session: Session, name: str) -> int:
    """Show one user, and every token that it ever had.

    The tokens themselves are not kept, so they cannot be shown: only what they may be known by.
    """
    _ = session.settings
    from storewarden.api import users
    from storewarden.cli.user_told import tell_user_and_tokens
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    with session.reading() as engine:
        found = users.show(engine, name, SystemClock().wall_ns())
    tell_user_and_tokens(session.output, found)
    return DONE


@verb
@_name
@click.option(
    "--scope",
    "scopes",
    default="read,write",
    callback=_scopes,
    help="What it may be used for: read, write, admin (read,write).",
)
@click.option("--label", default="", help="What it is for, as a person says it.")
@click.option(
    "--expires", default=HOLDS, callback=_expires, help=f"How long it holds ({HOLDS}), or never."
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Write it to a new file that only its owner can read.",
)
def token(
    session: Session,
    name: str,
    scopes: frozenset[Scope],
    label: str,
    expires: float | None,
    to: Path | None,
) -> int:
    """Give a user a new token, and show it: now, and never again.

    \b
    storewarden user token ada --label storyboard --to ~/.config/storyboard/token
    storewarden user token ci --scope read --expires 30d

    Applications take it from a file (--token-file) or from STOREWARDEN_TOKEN, and never as an
    argument, where every program on this machine could read it.
    """  # noqa: D301
    with _writing(session) as (engine, now_ns):
        from storewarden.api import users
        from storewarden.cli.user_told import Given, tell_token
        from storewarden.errors import DONE

        expires_ns = None if expires is None else now_ns + round(expires * 10**9)
        descriptor = None if to is None else _new_file(to)
        try:
            made = users.give_token(
                engine,
                name,
                scopes,
                label=label,
                expires_ns=expires_ns,
                now_ns=now_ns,
                random=os.urandom,
            )
        except BaseException:
            _give_up(descriptor, to)
            raise
        if descriptor is not None:
            with os.fdopen(descriptor, "w") as file:
                file.write(made.reveal() + "\n")
        found = users.show(engine, name, now_ns)
    about = next(one for one in found.tokens if one.id == made.public_id)
    tell_token(session.output, Given(name, about, None if to else made.reveal(), to))
    return DONE


@verb
@_name
@click.argument("tokens", nargs=-1, metavar="[ID_OR_LABEL]...")
@click.option("--all", "whole", is_flag=True, help="All that it has.")
def revoke(session: Session, name: str, tokens: Sequence[str], whole: bool) -> int:
    """Let tokens of a user hold no longer.

    They are named by their ids or labels, as `user show` tells them. A daemon knows a token for
    five seconds at the most after it was revoked.
    """
    if bool(tokens) == whole:
        raise click.UsageError("say which tokens, or --all")
    with _writing(session) as (engine, now_ns):
        from storewarden.api import users
        from storewarden.cli.user_told import tell_revoked
        from storewarden.errors import DONE

        gone = users.revoke(engine, name, tokens, now_ns)
    tell_revoked(session.output, name, gone)
    return DONE


@verb
@_name
@_limits
def quota(session: Session, name: str, size: int | str | None, files: int | str | None) -> int:
    """Say how much a user may have; what is not said stays as it is.

    \b
    storewarden user quota ada --bytes 50GiB
    storewarden user quota ada --files none

    Who has more keeps it: no file is touched because of a quota. Nothing more is taken in.
    """  # noqa: D301
    if size is None and files is None:
        raise click.UsageError("say --bytes, --files or both; none is no limit")
    with _writing(session) as (engine, now_ns):
        from storewarden.api import users
        from storewarden.api.quota import Quota
        from storewarden.cli.user_told import tell_user
        from storewarden.errors import DONE

        was = users.show(engine, name, now_ns).user
        said = _changed(Quota(was.quota_bytes, was.quota_files), size, files)
        now = users.set_quota(engine, name, said, now_ns)
    tell_user(session.output, "changed", now)
    return DONE


@verb
@_name
@click.option("--again", is_flag=True, help="Let the tokens that are not revoked hold again.")
def disable(session: Session, name: str, again: bool) -> int:
    """Let none of a user's tokens hold, until it is said otherwise.

    What is the user's stays so. A daemon knows its tokens for five seconds at the most.
    """
    with _writing(session) as (engine, now_ns):
        from storewarden.api import users
        from storewarden.cli.user_told import tell_user
        from storewarden.errors import DONE

        now = users.disable(engine, name, now_ns, disabled=not again)
    tell_user(session.output, "enabled" if again else "disabled", now)
    return DONE


for _named, _verb in {
    "add": add,
    "list": listed,
    "show": show,
    "token": token,
    "revoke": revoke,
    "quota": quota,
    "disable": disable,
}.items():
    _verb.name = _named
    user.add_command(_verb)


@contextmanager
def _writing(session: Session) -> Iterator[tuple[Engine, int]]:
    """Open the catalogue to write to it, beside a daemon or without one."""
    _ = session.settings
    from storewarden.catalogue.version import require_current
    from storewarden.clock import SystemClock

    engine = session.catalogue(readonly=False)
    try:
        require_current(engine)
        yield engine, SystemClock().wall_ns()
    finally:
        engine.close()


def _changed(was: Quota | None, size: int | str | None, files: int | str | None) -> Quota:
    """Return a quota in which only what was said is another one."""
    from storewarden.api.quota import Quota

    was = was or Quota()
    return Quota(_limit(was.bytes, size), _limit(was.files, files))


def _limit(was: int | None, said: int | str | None) -> int | None:
    if said is None:
        return was
    return said if isinstance(said, int) else None


def _new_file(path: Path) -> int:
    """Make a file that only its owner can read, before there is anything to lose."""
    from storewarden.errors import StorewardenError
    from storewarden.measure.shown import shown

    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorewardenError(
            "the token cannot be written, so none was made",
            where=shown(path),
            why=error.strerror or str(error),
            remedy="name a file that is not there yet",
        ) from error


def _give_up(descriptor: int | None, path: Path | None) -> None:
    if descriptor is not None and path is not None:
        os.close(descriptor)
        path.unlink(missing_ok=True)
