"""Users as they are answered to administrators, and to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from storewarden.api.reading.records import Moment
from storewarden.api.shapes import Shape
from storewarden.api.who import Scope

Bytes = Annotated[int, Shape("bytes")]
Public = Annotated[str, Shape("the part of the token that is no secret, to know it by")]
Over = Annotated[
    tuple[str, ...], Shape("of what there is more than the quota allows: bytes, files")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """A token, without its secret; ``holds``: whether it may be used now."""

    id: Public
    label: str
    scopes: tuple[Scope, ...]
    created: Moment
    holds: bool
    expires: Moment | None = None
    last_used: Moment | None = None
    revoked: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, what it has, and how much it may have; without a quota as much as it likes."""

    name: str
    created: Moment
    files: int
    bytes: Bytes
    over: Over
    tokens: int
    quota_files: int | None = None
    quota_bytes: Bytes | None = None
    disabled: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """All users, by their names."""

    users: tuple[User, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAndTokens:
    """A user, and every token that it ever had, the newest first."""

    user: User
    tokens: tuple[TokenInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who asks, and what it may do; ``user`` is left out where it is the machine itself."""

    name: str
    scopes: tuple[Scope, ...]
    user: User | None = None
