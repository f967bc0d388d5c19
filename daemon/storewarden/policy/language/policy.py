"""One policy: its keys, each read by the file that knows it, and what does not go together."""

from __future__ import annotations

from dataclasses import dataclass

from storewarden.config.problems import Place, joined, shown
from storewarden.config.yamltext import Broken, Entry, Mapping, Node, Scalar
from storewarden.policy.expression import All, Any, Condition, Term
from storewarden.policy.language.care import read_care
from storewarden.policy.language.classes import Classes
from storewarden.policy.language.guard import read_guard
from storewarden.policy.language.keys import (
    CARE,
    CATEGORY,
    CLOCK,
    GUARD,
    HOLD,
    ID,
    MATCH,
    OBSERVE,
    PHASES,
    PLACE,
    POLICY,
    REASON,
    TRIGGER,
    Key,
)
from storewarden.policy.language.match import COLUMN, EVERYTHING, ROWS
from storewarden.policy.language.phases import read_phases
from storewarden.policy.language.placement import read_place
from storewarden.policy.language.triggers import read_triggers
from storewarden.policy.language.values import Reader
from storewarden.policy.possible import possible
from storewarden.policy.rules import Guard, Policy, Triggers

_KINDS = (PLACE, PHASES, CARE, HOLD)
_NAMES = {key.name for key in POLICY}
_DATABASE = Term("kind", "=", ("database",))
NO_ROWS = ("place", "care", "hold")


@dataclass(frozen=True, slots=True)
class PolicyReader:
    """Reads the policies of one file; ``guard`` is what they inherit."""

    reader: Reader
    classes: Classes
    guard: Guard

    def read(self, node: Node, path: str) -> tuple[str | None, Policy | None]:
        """Return the name of a policy, and the policy when nothing in it is wrong."""
        mapping = self.reader.mapping(node, path, "{id: renders, match: …, phases: …}")
        if mapping is None:
            return None, None
        before = len(self.reader.problems.found)
        self.reader.known(mapping, path, POLICY)
        name = self._id(mapping, path)
        policy = self._policy(mapping, path, name)
        whole = len(self.reader.problems.found) == before
        return name, policy if whole else None

    def _id(self, mapping: Mapping, path: str) -> str | None:
        if self.reader.missing(mapping, ID, path):
            return None
        name: str | None = self.reader.single(mapping, ID, path)
        return name

    def _policy(self, mapping: Mapping, path: str, name: str | None) -> Policy | None:
        reader, single = self.reader, self.reader.single
        rows, match = self._match(mapping, path)
        known = self.classes.known
        place = self._part(mapping, PLACE)
        phases = self._part(mapping, PHASES)
        care = self._part(mapping, CARE)
        hold = self._hold(mapping, path)
        trigger = self._part(mapping, TRIGGER)
        guard = self._part(mapping, GUARD)
        policy = Policy(
            id=name or "",
            match=match or Any(()),  # rows are no files: none matches
            rows=rows,
            clock=self._clock(mapping, path, rows=rows is not None),
            place=read_place(reader, place, f"{path}.{PLACE.name}", known) if place else None,
            phases=read_phases(reader, phases, f"{path}.{PHASES.name}", rows=rows is not None)
            if phases
            else (),
            care=read_care(reader, care, f"{path}.{CARE.name}", known) if care else None,
            hold=hold,
            triggers=read_triggers(reader, trigger, f"{path}.{TRIGGER.name}")
            if trigger
            else Triggers(),
            guard=read_guard(reader, guard, f"{path}.{GUARD.name}", self.guard)
            if guard
            else self.guard,
            observe=single(mapping, OBSERVE, path) is not False,
            category=single(mapping, CATEGORY, path) or "",
            reason=single(mapping, REASON, path) or "",
            where=mapping.place,
        )
        self._together(mapping, path, policy, match)
        return None if match is None and rows is None else policy

    @staticmethod
    def _part(mapping: Mapping, key: Key) -> Node | None:
        entry = mapping.entries.get(key.name)
        return None if entry is None else entry.node

    # -- what it is about -----------------------------------------------------------------------

    def _match(self, mapping: Mapping, path: str) -> tuple[str | None, Condition | None]:
        """Return the declared table when it is about rows, else the condition."""
        entry = mapping.entries.get(MATCH.name)
        where = joined(path, MATCH.name)
        if entry is None:
            hint = f"write {MATCH}; every file is {EVERYTHING}"
            self.reader.problems.add(mapping.place, where, "is missing", hint)
            return None, None
        node = entry.node
        if isinstance(node, Mapping) and node.entries.keys() == {ROWS}:
            return self._rows(node.entries[ROWS], joined(where, ROWS)), None
        condition = self.classes.matches.read(node, where)
        if condition is not None and not self.classes.bounded(condition, entry, where):
            condition = None
        return None, condition

    def _rows(self, entry: Entry, path: str) -> str | None:
        text = self.reader.scalar(entry.node, path, "rows: app.conversations")
        if text is None:
            return None
        self.reader.is_table(text, path)
        return text.text

    def _clock(self, mapping: Mapping, path: str, *, rows: bool) -> str:
        """Return the clock; without one, rows have that of their table."""
        entry = mapping.entries.get(CLOCK.name)
        if entry is None:
            return "" if rows else "created"
        where = joined(path, CLOCK.name)
        if PHASES.name not in mapping.entries:
            hint = "remove it, or write phases"
            self.reader.problems.add(entry.place, where, "counts for phases only", hint)
        if not rows:
            return self.reader.single(mapping, CLOCK, path) or "created"
        text = self.reader.scalar(entry.node, where, "clock: updated_at")
        if text is None:
            return ""
        if not COLUMN.fullmatch(text.text):
            what = f"{shown(text.text)} is no name of a column"
            self.reader.problems.add(text.place, where, what, "write for example updated_at")
        return text.text

    def _hold(self, mapping: Mapping, path: str) -> bool:
        entry = mapping.entries.get(HOLD.name)
        if entry is None:
            return False
        if isinstance(entry.node, Scalar) and entry.node.truth is False:
            where = joined(path, HOLD.name)
            hint = "write hold: true, or leave it out"
            self.reader.problems.add(entry.node.place, where, "false holds nothing", hint)
        return bool(self.reader.single(mapping, HOLD, path))

    # -- what does not go together --------------------------------------------------------------

    def _together(
        self, mapping: Mapping, path: str, policy: Policy, match: Condition | None
    ) -> None:
        there = {key.name: entry for key in _KINDS if (entry := mapping.entries.get(key.name))}
        if not there and not mapping.entries.keys() - _NAMES:
            words = ", ".join(key.name for key in _KINDS)
            what = "says nothing that is to be done"
            self._say(mapping.place, path, what, f"write one of {words}")
        if policy.hold and (other := there.get("phases") or there.get("place")):
            name = "phases" if "phases" in there else "place"
            if name == "phases" or (policy.place and not policy.place.required):
                hint = "write a policy for each, the hold first"
                self._say(other.place, joined(path, name), f"hold and {name} together", hint)
        if policy.rows is not None:
            self._rows_alone(there, path)
        self._trigger(mapping, there, path)
        self._for_databases(there, path, match)
        self._bounded(mapping, path, policy)

    def _say(self, place: Place, path: str, what: str, hint: str) -> None:
        self.reader.problems.add(place, path, what, hint)

    def _rows_alone(self, there: dict[str, Entry], path: str) -> None:
        for name in NO_ROWS:
            if name in there:
                what = "is nothing for rows"
                self._say(there[name].place, joined(path, name), what, "rows have phases only")

    def _trigger(self, mapping: Mapping, there: dict[str, Entry], path: str) -> None:
        entry = mapping.entries.get(TRIGGER.name)
        if entry is not None and there and not {"place", "phases"} & there.keys():
            what = "starts nothing here"
            hint = "it is for place and phases; care has times of its own"
            self._say(entry.place, joined(path, TRIGGER.name), what, hint)

    def _for_databases(self, there: dict[str, Entry], path: str, match: Condition | None) -> None:
        """Say when care is taken of what cannot be a database."""
        if "care" in there and match is not None and not possible(All((match, _DATABASE))):
            what = "is for databases, and none can match"
            self._say(there["care"].place, joined(path, CARE.name), what, "match kind: database")

    def _bounded(self, mapping: Mapping, path: str, policy: Policy) -> None:
        """Say when an expression stands for more than one statement can hold."""
        conditions: list[tuple[str, Condition]] = []
        if policy.place is not None and policy.place.evaluate is not None:
            conditions.append((PLACE.name, policy.place.evaluate.local_if))
        if policy.care is not None and policy.care.vacuum_when is not None:
            conditions.append((CARE.name, policy.care.vacuum_when))
        for name, condition in conditions:
            self.classes.bounded(condition, mapping.entries[name], joined(path, name))


def read_policies(
    reader: Reader, node: Node, path: str, classes: Classes, guard: Guard
) -> list[tuple[str | None, Place, str, Policy | None]]:
    """Return the policies of one file with their names and places."""
    one = PolicyReader(reader, classes, guard)
    found = []
    for number, item in enumerate(reader.items(node, path, "policies: [{id: …, match: …}]")):
        if isinstance(item, Broken):
            continue
        where = joined(path, str(number))
        name, policy = one.read(item, where)
        found.append((name, item.place, joined(where, ID.name), policy))
    return found
