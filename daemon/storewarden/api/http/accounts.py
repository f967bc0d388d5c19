"""Users and their tokens: one's own, and for administrators all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from storewarden.api import shapes, users
from storewarden.api.accounts import Me, User, UserAndTokens, Users
from storewarden.api.checked import moment_ns
from storewarden.api.deeds import USER
from storewarden.api.http.answering import record_of
from storewarden.api.http.message import Response
from storewarden.api.http.problems import NOT_THERE
from storewarden.api.http.routes import Call, Handler, Route
from storewarden.api.quota import Quota
from storewarden.api.scopes import SCOPES, USUAL
from storewarden.api.shapes import Shape
from storewarden.api.who import Scope

_MADE: Final = 201

Name = Annotated[str, Shape("a name: letters, digits and . _ @ + -", 1, 64, pattern=USER)]
Amount = Annotated[int, Shape("at most; null: as much as it likes", 0, 2**62)]
Scoped = Annotated[str, Shape("what a token may be used for", one_of=SCOPES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A new user, and how much it may have."""

    name: Name
    quota_bytes: Amount | None = None
    quota_files: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuota:
    """How much a user may have; what is not said is without a limit."""

    quota_bytes: Amount | None = None
    quota_files: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the tokens of a user hold."""

    disabled: Annotated[bool, Shape("true: none holds")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What a new token is for; without scopes: read and write."""

    scopes: tuple[Scoped, ...] = ()
    label: shapes.Line = ""
    expires: shapes.When | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A new token, told once: only a digest of it is kept."""

    id: Annotated[str, Shape("the part of the token that is no secret, to know it by")]
    token: Annotated[str, Shape("all of it; it is never told again")]


def _me(call: Call) -> Any:
    return users.me(call.parts.engine, call.who, call.parts.clock.wall_ns())


def _every(call: Call) -> Any:
    return users.every(call.parts.engine, call.parts.clock.wall_ns())


def _one(call: Call) -> Any:
    return users.show(call.parts.engine, call.names["user"], call.parts.clock.wall_ns())


def _add(call: Call) -> Any:
    said: NewUser = call.said
    quota = Quota(said.quota_bytes, said.quota_files)
    return users.add(call.parts.engine, said.name, quota, call.parts.clock.wall_ns())


def _quota(call: Call) -> Any:
    said: NewQuota = call.said
    quota = Quota(said.quota_bytes, said.quota_files)
    now_ns = call.parts.clock.wall_ns()
    return users.set_quota(call.parts.engine, call.names["user"], quota, now_ns)


def _standing(call: Call) -> Any:
    now_ns = call.parts.clock.wall_ns()
    said: Standing = call.said
    return users.disable(call.parts.engine, call.names["user"], now_ns, disabled=said.disabled)


def _give(call: Call) -> Any:
    said: NewToken = call.said
    scopes: frozenset[Scope] = frozenset(one for one in SCOPES if one in said.scopes)
    token = users.give_token(
        *(call.parts.engine, call.names["user"], scopes or USUAL),
        label=said.label,
        expires_ns=None if said.expires is None else moment_ns(said.expires),
        now_ns=call.parts.clock.wall_ns(),
        random=os.urandom,
    )
    return Given(id=token.public_id, token=token.reveal())


def _revoke(call: Call) -> Any:
    now_ns = call.parts.clock.wall_ns()
    users.revoke(call.parts.engine, call.names["user"], [call.names["token"]], now_ns)


def _asked(question: Callable[[Call], Any]) -> Handler:
    def handler(call: Call) -> Response:
        with call.parts.reading:
            return record_of(question(call))

    return handler


def _kept(change: Callable[[Call], Any], status: int = 200) -> Handler:
    def handler(call: Call) -> Response:
        with call.parts.engine.transaction(durable=True):
            made = change(call)
        call.parts.known.forget()
        return Response(204) if made is None else record_of(made, status)

    return handler


def _route(  # noqa: PLR0913, PLR0917  # as many as a route has
    method: str,
    path: str,
    name: str,
    about: str,
    handler: Handler,
    gives: Any = User,
    takes: Any = None,
    status: int = 200,
) -> Route:
    return Route(
        *(method, path, name, about, handler, "admin"),
        gives=gives,
        takes=takes,
        statuses=(status,),
        problems=(NOT_THERE,) if "{" in path else (),
        group="Users",
    )


ROUTES: Final = (
    Route(
        *("GET", "/users/me", "me", "Who asks, and what it may.", _asked(_me), "read"),
        gives=Me,
        group="Users",
    ),
    _route("GET", "/users", "users", "All users.", _asked(_every), Users),
    _route(
        *("POST", "/users", "add_user", "Make a user.", _kept(_add, _MADE)),
        *(User, NewUser, _MADE),
    ),
    _route(
        *("GET", "/users/{user}", "user", "A user and its tokens.", _asked(_one)),
        UserAndTokens,
    ),
    _route(
        *("PATCH", "/users/{user}", "change_user", "Let a user's tokens hold, or none of them."),
        *(_kept(_standing), User, Standing),
    ),
    _route(
        *("PUT", "/users/{user}/quota", "set_quota", "Say how much a user may have."),
        *(_kept(_quota), User, NewQuota),
    ),
    _route(
        *("POST", "/users/{user}/tokens", "give_token", "Make a token; it is told once."),
        *(_kept(_give, _MADE), Given, NewToken, _MADE),
    ),
    _route(
        *("DELETE", "/users/{user}/tokens/{token}", "revoke_token", "Let a token hold no longer."),
        *(_kept(_revoke), None, None, 204),
    ),
)
