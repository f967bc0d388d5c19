"""Tests inside a policy file: a file that is thought up, and what is to be decided of it.

The facts of an expectation are named as the fields of a `Subject` where it has them; beside those
there are ``last_used_ago_ns`` and ``modified_ago_ns`` (before the moment that is asked about),
``opens_per_day``, ``writes_per_day``, ``regenerable`` and ``copies`` (how many). What classes say
plainly is among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any as Anything

from storewarden.config.problems import joined, shown
from storewarden.config.yamltext import Broken, Items, Mapping, Node, Scalar
from storewarden.policy import terms
from storewarden.policy.expression import All, Condition, Not, Term, Value
from storewarden.policy.language.classes import Classes
from storewarden.policy.language.given import facts_of, of_term
from storewarden.policy.language.keys import (
    AT,
    EXPECT,
    EXPECT_CATEGORY,
    EXPECT_DO,
    EXPECT_POLICY,
    EXPECTED,
    GIVEN,
    NOTHING,
    TEST,
    TESTS,
)
from storewarden.policy.language.match import COLUMN, KNOWN, ROWS, compared, read_term
from storewarden.policy.language.values import TOLD, Reader
from storewarden.policy.possible import possible
from storewarden.policy.rules import Expectation, Force, Policy
from storewarden.policy.terms import TermError

_AGES = {"age": "age_ns", "modified": "modified_ago_ns", "idle": "last_used_ago_ns"}
_AGES["last_used"] = _AGES["idle"]
Expected = tuple[str | None, str | None, str | None]
"""What is done, by which policy, of which category."""

_ROW = "given: {rows: app.conversations, updated_at: 400d}"
_STATES = ("present", "archived", "trashed")


def read_tests(
    reader: Reader, node: Node, path: str, classes: Classes, policies: dict[str, Policy | None]
) -> list[Expectation]:
    """Return the expectations of a file; ``policies`` are all that there are, by name."""
    found = []
    for number, item in enumerate(reader.items(node, path, str(TESTS))):
        where = joined(path, str(number))
        mapping = reader.mapping(item, where, TESTS.example.strip("[]"))
        if mapping is None:
            continue
        reader.known(mapping, where, TEST)
        one = _one(reader, mapping, where, classes, policies)
        if one is not None:
            found.append(one)
    return found


def refuse_contradictions(reader: Reader, tests: list[Expectation]) -> None:
    """Say where two tests give the same and expect different things."""
    first: dict[str, Expectation] = {}
    for test in tests:
        other = first.setdefault(repr((test.given, test.facts, test.at_ns)), test)
        answers = zip(_answers(test), _answers(other), strict=True)
        if test.where and other.where and any(a and b and a != b for a, b in answers):
            what = f"contradicts the test in {other.where.origin.name}, line {other.where.line}"
            reader.problems.add(test.where, TESTS.name, what, "keep one of them")


def _answers(test: Expectation) -> Expected:
    return test.do, test.policy, test.category


def _one(
    reader: Reader,
    mapping: Mapping,
    path: str,
    classes: Classes,
    policies: dict[str, Policy | None],
) -> Expectation | None:
    lacking = [reader.missing(mapping, key, path) for key in (GIVEN, EXPECT)]
    if any(lacking):
        return None
    at = reader.single(mapping, AT, path)
    given = _Given(reader, classes, at)
    whole = given.read(mapping.entries[GIVEN.name].node, joined(path, GIVEN.name))
    expected = _expected(reader, mapping.entries[EXPECT.name].node, joined(path, EXPECT.name))
    if expected is None or not whole:
        return None
    if not _fits(reader, expected, mapping, path, policies):
        return None
    age = _age(reader, given, at, mapping, path)
    if age is None:
        return None
    facts = {**given.of_classes, **given.facts}
    facts.pop("age_ns", None)
    do, policy, category = expected
    condition = given.parts[0] if len(given.parts) == 1 else All(tuple(given.parts))
    told = tuple(sorted(facts.items(), key=lambda fact: fact[0]))
    return Expectation(condition, told, age, do, policy, category, mapping.place)


# -- what is given ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Given:
    """Takes the facts of a file that is thought up."""

    reader: Reader
    classes: Classes
    at: int | None
    parts: list[Condition] = field(default_factory=list)
    ages: list[Condition] = field(default_factory=list)
    facts: dict[str, Anything] = field(default_factory=dict)
    of_classes: dict[str, Anything] = field(default_factory=dict)

    def read(self, node: Node, path: str) -> bool:
        """Whether everything could be read, and does not contradict itself."""
        mapping = self.reader.mapping(node, path, str(GIVEN))
        if mapping is None:
            return False
        if ROWS in mapping.entries:
            return self._rows(mapping, path)
        taken = [
            self._entry(name, entry.node, joined(path, name))
            for name, entry in mapping.entries.items()
            if not isinstance(entry.node, Broken)
        ]
        if not all(taken):
            return False
        # What is wrong past the last line that is told need not be found.
        few = len(self.reader.problems.found) < TOLD
        if self.at is not None and "age_ns" not in self.facts:
            self.ages += _exactly("age", self.at)
        if few and not possible(All((*self.parts, *self.ages))):
            what = "contradicts itself: no file is like that"
            self.reader.problems.add(mapping.place, path, what, "leave one of the facts out")
            return False
        return True

    def _entry(self, name: str, node: Node, path: str) -> bool:
        if name in _AGES:
            return self._ago(name, node, path)
        if name == "class":
            return self._classes(node, path)
        if name == "not":
            part = self.classes.matches.read(node, path)
            self.parts += [Not(part)] if part else []
            return part is not None
        if name == "state":
            return self._state(node, path)
        if name not in terms.TERMS:
            words = [*terms.TERMS, "class", "not", "state"]
            hint = self.reader.meant(name.lower(), words) or f"known are {', '.join(words)}"
            what = "is no fact that can be given" if name in KNOWN else "is an unknown term"
            self.reader.problems.add(node.place, path, what, hint)
            return False
        return self._fact(name, node, path)

    def _rows(self, mapping: Mapping, path: str) -> bool:
        """Take a row: its table, and how long ago a column of it says."""
        text = self.reader.scalar(mapping.entries[ROWS].node, joined(path, ROWS), _ROW)
        if text is None or not self.reader.is_table(text, joined(path, ROWS)):
            return False
        self.facts[ROWS] = text.text
        columns = [name for name in mapping.entries if name != ROWS]
        for name in columns[1:]:
            place = mapping.entries[name].place
            what = "a row has one clock"
            self.reader.problems.add(place, joined(path, name), what, f"write {_ROW}")
        if not columns:
            self.reader.problems.add(mapping.place, path, "tells no age", f"write {_ROW}")
        return len(columns) == 1 and self._column(columns[0], mapping, joined(path, columns[0]))

    def _column(self, name: str, mapping: Mapping, path: str) -> bool:
        node = mapping.entries[name].node
        if not COLUMN.fullmatch(name):
            what = f"{shown(name)} is no name of a column"
            self.reader.problems.add(node.place, path, what, f"write {_ROW}")
            return False
        length: int | None = self.reader.value(AT, node, path)
        if length is not None:
            self.facts[name] = self.facts["age_ns"] = length
        return length is not None

    def _ago(self, name: str, node: Node, path: str) -> bool:
        text = self.reader.scalar(node, path, f"{name}: 40d")
        if text is None:
            return False
        try:
            length = terms.read(name, text.text)
        except TermError as error:
            hint = f"write for example {name}: 40d" if compared(text)[0] != "=" else error.hint
            self.reader.problems.add(text.place, path, error.reason, hint)
            return False
        self.facts[_AGES[name]] = length
        for same in (other for other, fact in _AGES.items() if fact == _AGES[name]):
            self.ages += _exactly(same, length)
        return True

    def _classes(self, node: Node, path: str) -> bool:
        """Take every class of a list: the file is in all of them."""
        nodes = self.reader.items(node, path, "class: render", one=True)
        for number, item in enumerate(nodes):
            where = joined(path, str(number)) if isinstance(node, Items) else path
            text = self.reader.scalar(item, where, "class: render")
            found = None if text is None else self.classes.find(text, where)
            if found is None:
                return False
            self.parts.append(found)
            self.of_classes = {**facts_of(found), **self.of_classes}
        return bool(nodes)

    def _state(self, node: Node, path: str) -> bool:
        text = self.reader.scalar(node, path, "state: archived")
        if text is None or text.text in _STATES:
            self.facts["state"] = text.text if text else None
            return text is not None
        what = f"{shown(text.text)} is not known here"
        self.reader.problems.add(text.place, path, what, f"write one of {', '.join(_STATES)}")
        return False

    def _fact(self, name: str, node: Node, path: str) -> bool:
        if isinstance(node, Items) and name == "tag":
            return all(
                self._fact(name, item, joined(path, str(number)))
                for number, item in enumerate(self.reader.items(node, path, "tag: [a, b]"))
            )
        if not isinstance(node, Scalar) or compared(node)[0] != "=":
            if not isinstance(node, Broken):
                what = "a file that is given has one value"
                self.reader.problems.add(node.place, path, what, f"write {name}: and the value")
            return False
        term = read_term(self.reader, terms.TERMS[name], node, path)
        if term is None:
            return False
        self.parts.append(term)
        fact, value = of_term(term, self.facts)
        self.facts[fact] = value
        return True


def _exactly(name: str, length: Value) -> tuple[Term, Term]:
    """Return terms that say how long ago something was; no term says it with = alone."""
    return Term(name, ">=", (length,)), Term(name, "<=", (length,))


def _age(reader: Reader, given: _Given, at: int | None, test: Mapping, path: str) -> int | None:
    """Return how old the file is: as old as was said, else old enough for what was."""
    said = given.facts.get("age_ns", at)
    spans = {
        name: given.facts.get(name, given.of_classes.get(name, 0))
        for name in ("last_used_ago_ns", "modified_ago_ns")
    }
    if said is None:
        return int(max(given.of_classes.get("age_ns", 0), *spans.values()))
    if at is not None and said != at:
        what = "age and at say two ages"
        reader.problems.add(test.entries[AT.name].place, joined(path, AT.name), what, "keep one")
        return None
    if given.facts.get("last_used_ago_ns", 0) > said:
        what = "it was last used before it was there"
        place = test.entries[GIVEN.name].place
        reader.problems.add(place, joined(path, GIVEN.name), what, "write a greater age")
        return None
    return int(said)


# -- what is expected ---------------------------------------------------------------------------


def _expected(reader: Reader, node: Node, path: str) -> Expected | None:
    """Return action, policy and category; a word alone is the action."""
    if isinstance(node, Scalar) and not node.nothing:
        word = reader.choice(EXPECT_DO, node, path)
        return None if word is None else (word, None, None)
    mapping = reader.mapping(node, path, str(EXPECT))
    if mapping is None:
        return None
    reader.known(mapping, path, EXPECTED)
    keys = (EXPECT_DO, EXPECT_POLICY, EXPECT_CATEGORY)
    read = [reader.single(mapping, key, path) for key in keys]
    for key, value in zip(keys, read, strict=True):
        if key.name in mapping.entries and value is None:
            return None
    if read == [None, None, None]:
        return None
    return read[0], read[1], read[2]


def _fits(
    reader: Reader,
    expected: Expected,
    test: Mapping,
    path: str,
    policies: dict[str, Policy | None],
) -> bool:
    """Whether such an answer is possible at all; else it is said."""
    do, name, category = expected
    node = test.entries[EXPECT.name].node
    if name is None or not isinstance(node, Mapping):
        return True
    path = joined(path, EXPECT.name)
    if name not in policies:
        place = node.entries[EXPECT_POLICY.name].node.place
        hint = reader.meant(name, policies) or "name one of this set"
        what = f"there is no policy {shown(name)}"
        reader.problems.add(place, joined(path, EXPECT_POLICY.name), what, hint)
        return False
    policy = policies[name]
    if policy is None:
        return False
    if do not in (None, NOTHING) and do not in _deeds(policy):
        what = f"{name} never does {do}"
        deeds = ", ".join(_deeds(policy))
        hint = f"it does {deeds}" if deeds else "it does nothing to files"
        place = node.entries[EXPECT_DO.name].node.place
        reader.problems.add(place, joined(path, EXPECT_DO.name), what, hint)
        return False
    if category is not None and category != policy.category:
        what = f"{name} says {shown(policy.category)}" if policy.category else f"{name} says none"
        place = node.entries[EXPECT_CATEGORY.name].node.place
        hint = "write the same in both places"
        reader.problems.add(place, joined(path, EXPECT_CATEGORY.name), what, hint)
        return False
    return True


def _deeds(policy: Policy) -> list[str]:
    """Return what a policy can do."""
    deeds = [phase.do.word for phase in policy.phases]
    if policy.place is not None:
        deeds.append(Force.MOVE.word)
        deeds += [Force.COPY.word] if policy.place.required else []
    return list(dict.fromkeys(deeds))
