"""What administrators do with users, for verbs and for the HTTP interface alike."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from storewarden.api import tokens
from storewarden.api.accounts import Me, TokenInfo, User, UserAndTokens, Users
from storewarden.api.deeds import USER
from storewarden.api.quota import Held, Quota
from storewarden.api.scopes import SCOPES
from storewarden.api.tokens import Random, Token
from storewarden.api.who import Scope, Who
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import holdings
from storewarden.catalogue.told import tokens as kept_tokens
from storewarden.catalogue.told import users as kept
from storewarden.catalogue.told.holdings import Holding
from storewarden.catalogue.told.tokens import NewToken, TokenRow
from storewarden.catalogue.told.users import UserRow
from storewarden.errors import NotThere, UsageError
from storewarden.measure.shown import shown

LONGEST: Final = 64  # characters of a name
_NAME: Final = re.compile(USER)
_LABEL: Final = 200
_SECOND_NS: Final = 1_000_000_000
RESERVED: Final = frozenset({"other"})  # what metrics call all that they do not name


def add(engine: Engine, name: str, quota: Quota, now_ns: int) -> User:
    """Make a user.

    Raises:
        UsageError: it is no name, or there is a user of that name.
    """
    _refuse_name(name)
    with engine.joined():
        user_id = kept.add(engine, name, now_ns)
        if user_id is None:
            raise UsageError(
                "there is a user of that name",
                where=name,
                remedy=f"storewarden user show {name}",
            )
        kept.set_quota(engine, user_id, quota.bytes, quota.files)
    return show(engine, name, now_ns).user


def every(engine: Engine, now_ns: int) -> Users:
    """Return all users."""
    have, counts = holdings.of_users(engine), kept_tokens.counts(engine, now_ns)
    rows = kept.every(engine)
    return Users(
        users=tuple(_user(row, have.get(row.id, Holding()), counts.get(row.id, 0)) for row in rows)
    )


def show(engine: Engine, name: str, now_ns: int) -> UserAndTokens:
    """Return one user.

    Raises:
        NotThere: there is none of that name.
    """
    row = _named(engine, name)
    rows = kept_tokens.of_user(engine, row.id)
    have = holdings.of(engine, [row.id]).get(row.id, Holding())
    holding = sum(one.holds(now_ns) for one in rows)
    return UserAndTokens(
        user=_user(row, have, holding), tokens=tuple(_token(one, now_ns) for one in rows)
    )


def me(engine: Engine, who: Who, now_ns: int) -> Me:
    """Return who asks."""
    scopes: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope in who.scopes)
    if who.user_id is None:
        return Me(name="", scopes=scopes)
    return Me(name=who.name, scopes=scopes, user=show(engine, who.name, now_ns).user)


def give_token(
    engine: Engine,
    name: str,
    scopes: Collection[Scope],
    *,
    label: str = "",
    expires_ns: int | None = None,
    now_ns: int,
    random: Random,
) -> Token:
    """Make a token of a user and return it: it can be shown now, and never again.

    Raises:
        NotThere: there is no such user.
        UsageError: the label is none, or it would have expired already.
    """
    row = _named(engine, name)
    if len(label) > _LABEL or not label.isprintable():
        why = f"a label is one line of {_LABEL} characters at the most"
        raise UsageError("this is no label", where=shown(label[:_LABEL]), why=why)
    if expires_ns is not None and expires_ns <= now_ns:
        raise UsageError("this token would never hold", why=f"it expires at {_moment(expires_ns)}")
    token = tokens.make(random)
    ordered = [scope for scope in SCOPES if scope in scopes]
    new = NewToken(token.public_id, token.digest(), ordered, label, expires_ns)
    kept_tokens.add(engine, row.id, new, now_ns)
    return token


def revoke(engine: Engine, name: str, which: Collection[str], now_ns: int) -> list[str]:
    """Let tokens of a user hold no longer, all that hold when none is named; return their ids.

    They are named by their public ids, by whole tokens, or by their labels.

    Raises:
        NotThere: there is no such user, or it has no such token.
    """
    row = _named(engine, name)
    have = kept_tokens.of_user(engine, row.id)
    wanted = {_public(word): word for word in which}
    found = [
        one
        for one in have
        if one.revoked_ns is None
        and (not wanted or one.public_id in wanted or (one.label and one.label in wanted))
    ]
    words = {one.public_id for one in have} | {one.label for one in have if one.label}
    missing = sorted(public for public in wanted if public not in words)
    if missing:
        raise NotThere(
            f"{name} has no such token",
            where=shown(", ".join(missing)),
            remedy=f"storewarden user show {name} lists them",
        )
    kept_tokens.revoke(engine, [one.id for one in found], now_ns)
    return [one.public_id for one in found]


def set_quota(engine: Engine, name: str, quota: Quota, now_ns: int) -> User:
    """Say how much a user may have: what it has stays, whatever that is.

    Raises:
        NotThere: there is no such user.
    """
    row = _named(engine, name)
    kept.set_quota(engine, row.id, quota.bytes, quota.files)
    return show(engine, name, now_ns).user


def disable(engine: Engine, name: str, now_ns: int, *, disabled: bool = True) -> User:
    """Let none of a user's tokens hold, or let them hold again; what is the user's stays so.

    Raises:
        NotThere: there is no such user.
    """
    row = _named(engine, name)
    if disabled != (row.disabled_ns is not None):
        kept.set_disabled(engine, row.id, now_ns if disabled else None)
    return show(engine, name, now_ns).user


def _named(engine: Engine, name: str) -> UserRow:
    row = kept.named(engine, name) if _is_name(name) else None
    if row is None:
        raise NotThere(
            "there is no such user",
            where=shown(name[:LONGEST]),
            remedy="storewarden user list shows all",
        )
    return row


def _is_name(name: str) -> bool:
    return len(name) <= LONGEST and _NAME.fullmatch(name) is not None


def _refuse_name(name: str) -> None:
    if not _is_name(name):
        why = (
            f"it is 1 to {LONGEST} letters, digits and . _ @ + -, and begins with one of the first"
        )
        raise UsageError("this is no name of a user", where=shown(name[:LONGEST]), why=why)
    if name in RESERVED:
        raise UsageError("this name is taken", where=name, why="metrics call the rest so")


def _public(word: str) -> str:
    """Return the public id in a word; a whole token goes no further than this."""
    parts = word.split("_", 2)
    return parts[1] if parts[0] == "sw" and len(parts) > 1 else word


def _user(row: UserRow, have: Holding, holding: int) -> User:
    quota = Quota(row.quota_bytes, row.quota_files)
    return User(
        name=row.name,
        created=_moment(row.created_ns),
        files=have.files,
        bytes=have.bytes,
        over=quota.beyond(Held(*have)),
        tokens=0 if row.disabled_ns is not None else holding,
        quota_files=row.quota_files,
        quota_bytes=row.quota_bytes,
        disabled=_moment_or_none(row.disabled_ns),
    )


def _token(row: TokenRow, now_ns: int) -> TokenInfo:
    return TokenInfo(
        id=row.public_id,
        label=row.label,
        scopes=tuple(scope for scope in SCOPES if scope in row.scopes),
        created=_moment(row.created_ns),
        holds=row.holds(now_ns),
        expires=_moment_or_none(row.expires_ns),
        last_used=_moment_or_none(row.last_used_ns),
        revoked=_moment_or_none(row.revoked_ns),
    )


def _moment_or_none(at_ns: int | None) -> str | None:
    return None if at_ns is None else _moment(at_ns)


def _moment(at_ns: int) -> str:
    told = datetime.fromtimestamp(at_ns // _SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{told}Z"
