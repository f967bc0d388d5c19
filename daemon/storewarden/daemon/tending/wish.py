"""What is wished for databases, how far it is, and what came of it; each goes through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Self, get_args

from storewarden.errors import DONE, FAILED, UsageError

REQUEST: Final = "tend"  # how a request for a wish is called

Facts = Mapping[str, Any]
Outcome = Literal["done", "found", "refused", "failed", "put_off"]
"""``found``: it was done, and what was found is wrong. ``put_off``: it is tried again by itself."""

OUTCOMES: Final = get_args(Outcome)
_ASK: Final = "this is no wish for databases"


class TendWish(NamedTuple):
    """What somebody wants done for databases, named by their names or paths; none: for all."""

    what: str
    databases: tuple[str, ...]
    options: Facts
    asked_by: str
    policy: str | None = None  # whose care it is; None: a person's

    def facts(self) -> Facts:
        """Return it for JSON."""
        return self._asdict() | {"databases": list(self.databases), "options": dict(self.options)}

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told.

        Raises:
            UsageError: that is no wish.
        """
        try:
            policy = facts.get("policy")
            wish = cls(
                str(facts["what"]),
                tuple(str(one) for one in facts["databases"]),
                dict(facts["options"]),
                str(facts["asked_by"]),
                None if policy is None else str(policy),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(_ASK, why=repr(error)) from error
        if not wish.asked_by:
            raise UsageError(_ASK, why="nobody asks for it")
        return wish


class Told(NamedTuple):
    """How far it is: databases done, and the bytes gone through of the one in hand."""

    what: str = ""
    database: str = ""
    done: int = 0
    total: int = 0
    bytes: int = 0
    of_bytes: int = 0

    def facts(self) -> Facts:
        """Return it for JSON."""
        return self._asdict()

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told; what is missing is nothing yet."""
        words = [str(facts.get(name, "")) for name in cls._fields[:2]]
        numbers = [int(facts.get(name, 0)) for name in cls._fields[2:]]
        return cls._make([*words, *numbers])


class Item(NamedTuple):
    """What came of it for one database. ``facts`` are those of the deed, ready for JSON."""

    database: str
    what: str
    outcome: Outcome
    why: str = ""
    remedy: str = ""
    facts: Facts = MappingProxyType({})

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told.

        Raises:
            UsageError: that is no outcome.
        """
        outcome = facts["outcome"]
        if outcome not in OUTCOMES:
            raise UsageError("this is no outcome", where=str(outcome))
        database, what = str(facts["database"]), str(facts["what"])
        why, remedy = str(facts["why"]), str(facts["remedy"])
        return cls(database, what, outcome, why, remedy, dict(facts["facts"]))


class TendResult(NamedTuple):
    """What came of a wish, database by database."""

    items: tuple[Item, ...] = ()
    seconds: float = 0.0

    def facts(self) -> Facts:
        """Return it for JSON."""
        return {
            "items": [one._asdict() | {"facts": dict(one.facts)} for one in self.items],
            "seconds": self.seconds,
        }

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told."""
        items = tuple(Item.of(one) for one in facts.get("items", ()))
        return cls(items, float(facts.get("seconds", 0.0)))

    @property
    def exit_code(self) -> int:
        """What a verb ends with: all was done and nothing wrong was found, or not."""
        return DONE if all(one.outcome == "done" for one in self.items) else FAILED
