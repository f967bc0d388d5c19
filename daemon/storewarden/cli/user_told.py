"""Users and tokens, as people, pipes and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from storewarden.api.accounts import TokenInfo, User, UserAndTokens, Users
from storewarden.api.reading.as_json import as_json
from storewarden.api.scopes import write_scopes
from storewarden.cli.output import Cell, Output, Style, note, number
from storewarden.measure.shown import shown
from storewarden.units import format_size

HEADS = ("USER", "FILES", "OF", "SIZE", "OF", "TOKENS", "STATE")
TOKEN_HEADS = ("TOKEN", "SCOPE", "LABEL", "CREATED", "EXPIRES", "LAST USED", "STATE")


class Given(NamedTuple):
    """A token that was made: shown here, or written to a file."""

    user: str
    about: TokenInfo
    text: str | None
    to: Path | None


def tell_user(output: Output, what: str, user: User, then: str = "") -> None:
    """Tell of one user what was done."""
    if output.json:
        output.document({"action": what, "user": user_json(user)})
    elif not output.terminal:
        output.fields(what, *_fields(user))
    else:
        output.text(f"{what} {shown(user.name)}: {_quota(user)}", "good")
        if user.over:
            output.text("  " + over_words(user), "odd")
        if then:
            output.text(f"  → {then}", "head")


def tell_users(output: Output, found: Users) -> None:
    """Tell of all users."""
    if output.json:
        output.document({"users": [user_json(one) for one in found.users]})
    elif not output.terminal:
        for one in found.users:
            output.fields(*_fields(one))
    elif found.users:
        output.table(HEADS, [_cells(one) for one in found.users])
        for one in found.users:
            if one.over:
                output.text(over_words(one), "odd")
    else:
        output.text("no users: storewarden user add NAME", "dim")


def tell_user_and_tokens(output: Output, found: UserAndTokens) -> None:
    """Tell of one user and its tokens."""
    if output.json:
        tokens = [as_json(one) for one in found.tokens]
        output.document(user_json(found.user) | {"tokens": tokens})
        return
    if not output.terminal:
        output.fields("user", *_fields(found.user))
        for one in found.tokens:
            output.fields("token", *_token_fields(one))
        return
    tell_users(output, Users(users=(found.user,)))
    output.text()
    if found.tokens:
        output.table(TOKEN_HEADS, [_token_cells(one) for one in found.tokens])
    else:
        output.text(f"no tokens: storewarden user token {found.user.name}", "dim")


def tell_token(output: Output, given: Given) -> None:
    """Show a new token, the only time that it is shown."""
    where = None if given.to is None else str(given.to)
    if output.json:
        told: dict[str, Any] = {"user": given.user} | as_json(given.about)
        told |= {"token": given.text} if given.text is not None else {"file": where}
        output.document(told)
    elif given.text is not None:
        output.text(given.text)
        if output.terminal:
            until = given.about.expires or "for ever"
            note(f"It is shown this once; scope {write_scopes(given.about.scopes)}, until {until}.")
    elif output.terminal:
        output.text(f"a token of {shown(given.user)} is in {shown(where)}", "good")
    else:
        output.fields(given.about.id, where)


def tell_revoked(output: Output, name: str, ids: Sequence[str]) -> None:
    """Tell which tokens no longer hold."""
    if output.json:
        output.document({"action": "revoked", "user": name, "tokens": list(ids)})
    elif not output.terminal:
        for one in ids:
            output.fields("revoked", one)
    else:
        tokens = "1 token" if len(ids) == 1 else f"{len(ids)} tokens"
        output.text(f"{tokens} of {shown(name)} revoked", "good" if ids else "dim")


def user_json(user: User) -> dict[str, Any]:
    """Return a user as programs read it: a limit that there is not is null."""
    quotas = {"quota_files": user.quota_files, "quota_bytes": user.quota_bytes}
    return as_json(user) | quotas


def over_words(user: User) -> str:
    """Return what a user has too much of, and what that means."""
    told = []
    if "bytes" in user.over:
        told.append(f"{format_size(user.bytes)} of {format_size(user.quota_bytes or 0)}")
    if "files" in user.over:
        told.append(f"{_files(user.files)} of {user.quota_files or 0:,}")
    return f"{shown(user.name)} has {' and '.join(told)}: nothing more is taken in for it"


def _quota(user: User) -> str:
    size = "any size" if user.quota_bytes is None else format_size(user.quota_bytes)
    files = "any number of files" if user.quota_files is None else _files(user.quota_files)
    return f"{files}, {size}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _state(user: User) -> tuple[str, Style]:
    if user.disabled is not None:
        return f"disabled since {user.disabled}", "dim"
    return ("over its quota", "odd") if user.over else ("", "")


def _cells(user: User) -> Sequence[Cell]:
    return (
        Cell(shown(user.name), "head"),
        number(user.files),
        Cell("" if user.quota_files is None else f"{user.quota_files:,}", "dim", right=True),
        Cell(format_size(user.bytes), right=True),
        Cell("" if user.quota_bytes is None else format_size(user.quota_bytes), "dim", right=True),
        number(user.tokens),
        Cell(*_state(user)),
    )


def _fields(user: User) -> Sequence[object]:
    limits = ("" if one is None else one for one in (user.quota_files, user.quota_bytes))
    state = "disabled" if user.disabled is not None else "over" if user.over else "ok"
    return (user.name, user.files, user.bytes, *limits, user.tokens, state)


def _token_state(token: TokenInfo) -> tuple[str, Style]:
    if token.holds:
        return "holds", "good"
    return ("revoked" if token.revoked is not None else "holds no longer"), "dim"


def _token_cells(token: TokenInfo) -> Sequence[Cell]:
    return (
        Cell(token.id, "head"),
        Cell(write_scopes(token.scopes)),
        Cell(shown(token.label)),
        Cell(token.created),
        Cell(token.expires or "never"),
        Cell(token.last_used or "never"),
        Cell(*_token_state(token)),
    )


def _token_fields(token: TokenInfo) -> Sequence[object]:
    times = (token.created, token.expires or "", token.last_used or "", token.revoked or "")
    state = "holds" if token.holds else "holds-not"
    return (token.id, write_scopes(token.scopes), state, *times, token.label)
