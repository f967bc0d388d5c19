"""What was decided of one file, and everything that led to it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from storewarden.policy.rules import Force


class Blocked(IntEnum):
    """What keeps an action from being done though its time comes."""

    NO = 0
    HELD = 1  # a hold matches, or it is not known whether one does
    PINNED = 2
    REQUIRED = 3  # a place policy requires it here
    UNKNOWN = 4  # it is not known whether the policy that comes first matches
    SIDECAR = 5  # it goes where its owner goes
    GROWING = 6  # somebody writes it


class Decision(NamedTuple):
    """The next thing that should happen to a file, and which policy won of each kind.

    A name that begins with ``?`` is a policy of which it is unknown whether it matches: it comes
    before all others of its kind, so that nothing is decided there until it is known.
    """

    action: Force | None = None
    due_ns: int | None = None
    policy: str | None = None  # whose action it is
    store: str | None = None  # where to
    blocked: Blocked = Blocked.NO
    reason: str = ""
    hold: str | None = None
    place: str | None = None
    phases: str | None = None
    care: str | None = None
    again_ns: int | None = None  # when it may be decided otherwise though nothing happens
