"""What is wished of files, how far it is, and what came of it; each goes through JSON unharmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Self

from storewarden.errors import UsageError
from storewarden.measure.shown import shown

REQUEST: Final = "act"  # how a request for a wish is called
VERBS: Final = ("copy", "archive", "move", "trash", "purge", "restore")
TO_A_STORE: Final = ("copy", "archive", "move")
MOST_TROUBLES: Final = 1_000
"""So many are told one by one; of the rest it is told how many there are."""

Facts = Mapping[str, Any]


class Content(NamedTuple):
    """What a file held when somebody looked into it, before it was wished that it go."""

    path: bytes  # relative to the root
    digest: bytes  # BLAKE3

    def facts(self) -> Facts:
        """Return it for JSON."""
        return {"digest": self.digest.hex()} | _path("path", self.path)

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told."""
        return cls(_path_of("path", facts) or b"", bytes.fromhex(facts["digest"]))


class Wanted(NamedTuple):
    """One thing to be done to a file, and to what belongs to it."""

    file_id: int
    verb: str
    store: str | None = None  # to which; of restore: from which, where there are several copies
    policy: str | None = None  # whose decision it is; None: a person's
    to: bytes | None = None  # restore only: another place, relative to the root of the file
    undoes: int | None = None  # the act that is taken back
    looked_into: tuple[Content, ...] = ()  # all its files, as they were: just these, or nothing

    def facts(self) -> Facts:
        """Return it for JSON; what is not said is left out."""
        told = {key: value for key, value in self._asdict().items() if value is not None}
        del told["looked_into"]
        if self.looked_into:
            told["looked_into"] = [one.facts() for one in self.looked_into]
        return told if self.to is None else told | _path("to", self.to)

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told; see `Wish.of`."""
        to = _path_of("to", facts)
        return cls(
            *(int(facts["file_id"]), str(facts["verb"]), facts.get("store"), facts.get("policy")),
            *(to, facts.get("undoes")),
            looked_into=tuple(Content.of(one) for one in facts.get("looked_into", ())),
        )


class Wish(NamedTuple):
    """What somebody wants done, all of it by one act on each file."""

    wanted: tuple[Wanted, ...]
    asked_by: str
    reason: str
    approves: tuple[str, ...] = ()  # policies whose first plan, or whose met limit, may go on
    policies: str = ""  # the fingerprint of those that a person saw; nothing goes on under others

    def facts(self) -> Facts:
        """Return it for JSON."""
        return {
            "wanted": [one.facts() for one in self.wanted],
            "asked_by": self.asked_by,
            "reason": self.reason,
            "approves": list(self.approves),
            "policies": self.policies,
        }

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told.

        Raises:
            UsageError: that is no wish.
        """
        try:
            wish = cls(
                tuple(Wanted.of(one) for one in facts["wanted"]),
                *(str(facts["asked_by"]), str(facts["reason"])),
                tuple(str(one) for one in facts.get("approves", ())),
                str(facts.get("policies", "")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError("this is no wish", why=repr(error)) from error
        wish.check()
        return wish

    def check(self) -> None:
        """Raise UsageError unless each verb is one, and has the store that it needs."""
        for one in self.wanted:
            if one.verb not in VERBS:
                raise UsageError("nothing is called so", where=one.verb, remedy=", ".join(VERBS))
            if one.verb != "restore" and (one.verb in TO_A_STORE) != (one.store is not None):
                needs = "needs a store" if one.verb in TO_A_STORE else "knows no store"
                raise UsageError("this is no wish", why=f"{one.verb} {needs}")
        if not self.asked_by:
            raise UsageError("this is no wish", why="nobody asks for it")


class Told(NamedTuple):
    """How far it is; files are all of those that belong together, put off are tried later."""

    done: int = 0
    refused: int = 0
    failed: int = 0
    put_off: int = 0
    files: int = 0  # of so many
    size: int = 0  # bytes gone through, in this file too
    of_size: int = 0
    freed: int = 0
    root: str = ""
    path: bytes = b""  # now in hand

    def facts(self) -> Facts:
        """Return it for JSON."""
        return self._asdict() | {"path": ""} | _path("path", self.path)

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told; what is missing is nothing yet."""
        numbers = [int(facts.get(name, 0)) for name in cls._fields[:8]]
        return cls._make([*numbers, str(facts.get("root", "")), _path_of("path", facts) or b""])


class Trouble(NamedTuple):
    """A file with which nothing came of it: refused, failed, put-off or held."""

    root: str
    path: bytes
    verb: str
    outcome: str
    why: str

    def facts(self) -> Facts:
        """Return it for JSON."""
        return self._asdict() | _path("path", self.path)

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told."""
        told = (str(facts[name]) for name in ("verb", "outcome", "why"))
        return cls(str(facts["root"]), _path_of("path", facts) or b"", *told)


class Result(NamedTuple):
    """What came of a wish. ``freed`` are bytes on disks of roots, ``size`` those of what is done.

    Files that are put off stay noted: the daemon goes on with them. Those that are held were not
    begun: their root is frozen, the clock jumped, or too much failed.
    """

    done: int = 0
    refused: int = 0
    failed: int = 0
    put_off: int = 0
    held: int = 0
    freed: int = 0
    size: int = 0
    seconds: float = 0.0
    troubles: tuple[Trouble, ...] = ()
    more_troubles: int = 0  # that are not told one by one
    lacking: tuple[str, ...] = ()  # what came back not as it was, in words
    carried_on: int = 0  # of those that are done: begun before, by a command that was stopped

    def facts(self) -> Facts:
        """Return it for JSON."""
        return self._asdict() | {
            "troubles": [one.facts() for one in self.troubles],
            "lacking": list(self.lacking),
        }

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Return what was told."""
        return cls._make(
            [
                *(int(facts.get(name, 0)) for name in cls._fields[:7]),
                float(facts.get("seconds", 0.0)),
                tuple(Trouble.of(one) for one in facts.get("troubles", ())),
                int(facts.get("more_troubles", 0)),
                tuple(str(one) for one in facts.get("lacking", ())),
                int(facts.get("carried_on", 0)),
            ]
        )

    def plus(self, other: Result) -> Result:
        """Return what both came to, one after the other."""
        troubles, more = bounded((*self.troubles, *other.troubles))
        numbers = (ours + theirs for ours, theirs in zip(self[:8], other[:8], strict=True))
        untold = self.more_troubles + other.more_troubles + more
        lacking = (*self.lacking, *other.lacking)[:MOST_TROUBLES]
        carried_on = self.carried_on + other.carried_on
        return Result._make([*numbers, troubles, untold, lacking, carried_on])


def bounded(troubles: Iterable[Trouble]) -> tuple[tuple[Trouble, ...], int]:
    """Return the first troubles, as many as are told, and how many there are besides."""
    every = tuple(troubles)
    return every[:MOST_TROUBLES], max(0, len(every) - MOST_TROUBLES)


def _path(key: str, path: bytes) -> dict[str, str]:
    """Return a path as JSON has it, and the bytes themselves where text cannot hold them."""
    text = shown(path)
    return {key: text} if text.encode() == path else {key: text, f"{key}_hex": path.hex()}


def _path_of(key: str, facts: Facts) -> bytes | None:
    if f"{key}_hex" in facts:
        return bytes.fromhex(facts[f"{key}_hex"])
    text = facts.get(key)
    return None if text is None else str(text).encode()
