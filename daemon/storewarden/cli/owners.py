"""What ``status`` tells of users: how many there are, and who has more than it may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storewarden.cli.output import Style

if TYPE_CHECKING:
    from storewarden.api.accounts import User
    from storewarden.catalogue.engine import Engine

FIRST = 3  # users that are told one by one


@dataclass(frozen=True, slots=True)
class Owners:
    """Users as one screen shows them; ``over`` are those who have too much."""

    users: int = 0
    over: tuple[User, ...] = ()


def read(engine: Engine, now_ns: int) -> Owners:
    """Read who there is; where nobody is, nothing more is looked at."""
    from storewarden.catalogue.told import users as kept

    if not kept.every(engine):
        return Owners()
    from storewarden.api import users

    found = users.every(engine, now_ns).users
    return Owners(len(found), tuple(one for one in found if one.over))


def as_json(owners: Owners) -> dict[str, Any]:
    """Return it as an object."""
    from storewarden.cli.user_told import user_json

    return {"known": owners.users, "over": [user_json(one) for one in owners.over]}


def fields(owners: Owners) -> Iterator[tuple[object, ...]]:
    """Yield it as lines for programs."""
    if owners.users:
        yield "users", owners.users, len(owners.over)
    for one in owners.over:
        limits = ("" if each is None else each for each in (one.quota_files, one.quota_bytes))
        yield ("over-quota", one.name, one.files, one.bytes, *limits)


def lines(owners: Owners) -> Iterator[tuple[str, Style]]:
    """Yield what people read; one line where nobody has too much."""
    from storewarden.cli.user_told import over_words

    count = len(owners.over)
    yield f"users  {owners.users:,}" + (f", {count:,} over quota" if count else ""), ""
    for one in owners.over[:FIRST]:
        yield f"  {over_words(one)}", "odd"
        yield f"  → storewarden user show {one.name}", "head"
    if count > FIRST:
        yield f"  … and {count - FIRST:,} more: storewarden user list", "dim"
