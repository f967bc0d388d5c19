"""Classes: named conditions, each read when it is first asked for, circles told with the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from storewarden.config.problems import joined, printable, shown
from storewarden.config.yamltext import Broken, Entry, Mapping, Scalar
from storewarden.policy.expression import All, Any, Class, Condition, Not
from storewarden.policy.language.match import KNOWN, MatchReader
from storewarden.policy.language.values import Reader, listed

DEEPEST = 8
"""How often a class may stand in a class that stands in a class."""

MOST_TERMS = 2_000
"""What a condition may stand for when its classes are written out: it becomes one statement."""


@dataclass(slots=True)
class Classes:
    """The classes of all files of a set; a name is one class, wherever it stands."""

    reader: Reader
    written: dict[str, tuple[Entry, str]] = field(default_factory=dict)  # with where it stands
    read: dict[str, Condition | None] = field(default_factory=dict)
    known: dict[str, Condition] = field(default_factory=dict)  # all that could be read
    sizes: dict[str, int] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)  # being read, the outermost first
    matches: MatchReader = field(init=False)

    def __post_init__(self) -> None:
        self.matches = MatchReader(self.reader, self.find)

    def add(self, mapping: Mapping, path: str) -> None:
        """Take the classes of one file; they are read when all files gave theirs."""
        for name, entry in mapping.entries.items():
            where = joined(path, name)
            if isinstance(entry.node, Broken):
                self.read[name] = None
                continue
            if self.reader.name(name, entry.place, where) and name in KNOWN:
                hint = "give it another name"
                self.reader.problems.add(entry.place, where, f"{name} is a word of ours", hint)
            if name in self.written:
                first = self.written[name][0].place
                what = f"is there twice, first in {first.origin.name}, line {first.line}"
                self.reader.problems.add(entry.place, where, what, "keep one of them")
                continue
            self.written[name] = entry, where

    def whole(self) -> tuple[tuple[str, Condition], ...]:
        """Return every class that could be read, by name."""
        for name in self.written:
            self.condition(name)
        whole = tuple((name, found) for name, found in sorted(self.read.items()) if found)
        self.known = dict(whole)
        return whole

    def condition(self, name: str) -> Condition | None:
        """Return what a class means, None when something in it is wrong."""
        if name in self.read:
            return self.read[name]
        entry, where = self.written[name]
        self.opened.append(name)
        found = self.matches.read(entry.node, where)
        self.opened.pop()
        if found is not None and not self.bounded(found, entry, where):
            found = None
        self.read[name] = found
        if found is not None:
            self.sizes[name] = self.size(found)
            self.levels[name] = self.level(found) + 1
        return found

    def find(self, node: Scalar, path: str) -> Condition | None:
        """Return the class of a name; say so when there is none, or when it stands in itself."""
        name = node.text
        problems = self.reader.problems
        if name in self.opened:
            way = " > ".join([*self.opened[self.opened.index(name) :], name])
            what = f"a circle of classes: {printable(way)}"
            if name == self.opened[-1]:
                what = f"the class {printable(name)} stands in itself"
            problems.add(node.place, path, what, "write one of them out")
            return None
        if name in self.written or name in self.read:
            return self._found(name, node, path)
        hint = self.reader.meant(name.strip().lower(), self.written)
        if not hint and name in KNOWN:
            hint = f"{name} is a term: write {{{name}: …}}"
        if not hint and self.written:
            hint = listed(self.written)
        problems.add(
            node.place, path, f"there is no class {shown(name)}", hint or "name it under classes"
        )
        return None

    def _found(self, name: str, node: Scalar, path: str) -> Condition | None:
        """Return a class that there is, unless it lies too deep."""
        deep = len(self.opened) > DEEPEST
        part = None if deep else self.condition(name)
        if deep or (self.opened and self.levels.get(name, 0) >= DEEPEST):
            what = f"classes stand in each other more than {DEEPEST} times"
            self.reader.problems.add(node.place, path, what, "write some of them out")
            return None
        return None if part is None else Class(name, part)

    def level(self, condition: Condition) -> int:
        """Count how deep the classes of a condition are."""
        match condition:
            case All(parts) | Any(parts):
                return max(map(self.level, parts), default=0)
            case Not(part):
                return self.level(part)
            case Class(name):
                return self.levels[name]
            case _:
                return 0

    def bounded(self, condition: Condition, entry: Entry, path: str) -> bool:
        """Whether a condition is small enough when it is written out; else it is said."""
        if self.size(condition) <= MOST_TERMS:
            return True
        what = f"stands for more than {MOST_TERMS} terms"
        hint = "say it with fewer, or with patterns"
        self.reader.problems.add(entry.place, path, what, hint)
        return False

    def size(self, condition: Condition) -> int:
        """Count the values that a condition is made of; a class that was counted is not again."""
        match condition:
            case All(parts) | Any(parts):
                return sum(map(self.size, parts))
            case Not(part):
                return self.size(part)
            case Class(name, part):
                return self.sizes[name] if name in self.sizes else self.size(part)
            case _:
                return len(condition.values)
