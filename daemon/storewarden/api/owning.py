"""Whose a thing is, who may see it, and who may change it: one rule for files and workflows."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.api.who import Who
from storewarden.errors import NotAllowed, NotThere


class Owned(NamedTuple):
    """Whose something is (None: nobody's, so the machine's), and whether everybody may see it.

    ``told``: somebody said something of it, so that what is nobody's is the machine's. Only of what
    is known to be new to all it is said that nobody did: then whoever tells of it may have it.
    """

    owner_id: int | None = None
    public: bool = False
    told: bool = True


def may_see(who: Who, it: Owned) -> bool:
    """Tell whether a thing is shown: one's own, what is public, and to administrators all."""
    return who.sees_all or it.public or (it.owner_id is not None and it.owner_id == who.user_id)


def may_change(who: Who, it: Owned) -> bool:
    """Tell whether one may say something of a thing: one's own, or what is nobody's yet."""
    if who.sees_all or it.owner_id == who.user_id:
        return True
    return it.owner_id is None and not it.told


def refuse_unseen(who: Who, it: Owned | None, what: str, name: str) -> None:
    """Refuse to show what one may not see in the words in which what is not there is refused.

    Raises:
        NotThere: it is not there, or not for this one.
    """
    if it is None or not may_see(who, it):
        raise not_there(what, name)


def refuse_unchangeable(who: Who, it: Owned, what: str, name: str) -> None:
    """Refuse to change another's.

    Raises:
        NotThere: it may not be seen either: then it is not there.
        NotAllowed: it is public, and another's.
    """
    if may_change(who, it):
        return
    refuse_unseen(who, it, what, name)
    raise NotAllowed(f"this {what} is another user's", where=name)


def not_there(what: str, name: str) -> NotThere:
    """Return the one error for what is not there, and for what may not be seen."""
    return NotThere(f"there is no such {what}", where=name)


def owner_after(who: Who, was: int | None, said: int | None) -> int | None:
    """Return whose a thing is once it was told of.

    What a user tells of is the user's; the machine and administrators leave it whose it was, unless
    they ``said`` whose it is.
    """
    if said is not None:
        return said
    return was if was is not None or who.user_id is None or who.sees_all else who.user_id
