"""From policy files to a set of policies: every problem of all files is told at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storewarden.config.problems import Origin, Place, Problems, joined
from storewarden.config.yamltext import Broken, Mapping, Node, Scalar
from storewarden.config.yamltext import read as read_tree
from storewarden.errors import PolicyError
from storewarden.policy.expression import Condition
from storewarden.policy.fingerprints import fingerprint, of_set
from storewarden.policy.language.classes import Classes
from storewarden.policy.language.guard import read_guard
from storewarden.policy.language.keys import CLASSES, GUARD, POLICIES, TESTS, TOP, VERSION
from storewarden.policy.language.policy import read_policies
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Expectation, Guard, Policy, PolicySet

__all__ = ["fingerprint", "read"]

_VERSION = "1"


def read(
    sources: Sequence[tuple[str, bytes]],
    *,
    stores: Collection[str] = (),
    tables: Collection[str] = (),
    base: Path = Path("/"),
) -> PolicySet:
    """Return what the files say together, in the order in which they are given.

    ``sources`` are names for people and contents; ``stores`` are those of the configuration
    beside ``local``, ``tables`` the declared ones. Raises PolicyError with every problem.
    """
    whole = _Whole(Reader(Problems(), tuple(stores), tuple(tables)))
    for name, data in sources:
        whole.take(data, Origin(name, base))
    policy_set = whole.finish()
    problems = whole.reader.problems
    if problems.found:
        raise PolicyError(problems.lines())
    texts = tuple((name, data.decode("utf-8-sig")) for name, data in sources)
    return PolicySet(*policy_set, sources=texts, fingerprint=of_set(*policy_set[:2]))


@dataclass(slots=True)
class _Whole:
    """The files of a set, read one after the other; classes are known to all of them."""

    reader: Reader
    files: list[Mapping] = field(default_factory=list)
    classes: Classes = field(init=False)

    def __post_init__(self) -> None:
        self.classes = Classes(self.reader)

    def take(self, data: bytes, origin: Origin) -> None:
        """Read one file as far as its keys, and its classes."""
        node = read_tree(data, origin, self.reader.problems)
        if node is not None:
            self.take_tree(node)

    def take_tree(self, node: Node) -> None:
        """Take the tree of one file."""
        problems = self.reader.problems
        if isinstance(node, Broken):
            return
        if not isinstance(node, Mapping):
            what = (
                "holds no keys" if isinstance(node, Scalar) else "is a list, not keys with values"
            )
            problems.add(node.place, "", what, "write version: 1, and policies: below it")
            return
        self._version(node)
        self.reader.known(node, "", TOP)
        if not {key.name for key in TOP[1:]} & node.entries.keys():
            problems.add(node.place, "", "holds no policies", f"write {POLICIES}")
        self.files.append(node)
        entry = node.entries.get(CLASSES.name)
        if entry is not None:
            classes = self.reader.mapping(entry.node, CLASSES.name, str(CLASSES))
            if classes is not None:
                self.classes.add(classes, CLASSES.name)

    def _version(self, tree: Mapping) -> None:
        if self.reader.missing(tree, VERSION, ""):
            return
        entry = tree.entries[VERSION.name]
        node = self.reader.scalar(entry.node, VERSION.name, str(VERSION))
        if node is None or node.text == _VERSION:
            return
        what = "this program knows version 1 only"
        hint = f"write {VERSION}"
        if node.text.isdecimal() and int(node.text[:9]) > 1:
            hint = "use a newer storewarden"
        self.reader.problems.add(node.place, VERSION.name, what, hint)

    def finish(
        self,
    ) -> tuple[tuple[Policy, ...], tuple[tuple[str, Condition], ...], tuple[Expectation, ...]]:
        """Return policies, classes and tests, as far as they could be read."""
        classes = self.classes.whole()
        policies = self._policies()
        tests: list[Expectation] = []
        entries = [tree.entries.get(TESTS.name) for tree in self.files]
        if any(entries):
            # for milliseconds that whoever asks `why` would wait
            from storewarden.policy.language import expectations  # noqa: PLC0415

            for entry in filter(None, entries):
                tests += expectations.read_tests(
                    self.reader, entry.node, TESTS.name, self.classes, policies
                )
            expectations.refuse_contradictions(self.reader, tests)
        return tuple(found for found in policies.values() if found), classes, tuple(tests)

    def _policies(self) -> dict[str, Policy | None]:
        """Return the policies of all files in their order; None for those that are wrong."""
        found: dict[str, Policy | None] = {}
        places: dict[str, Place] = {}
        for tree in self.files:
            guard = self._guard(tree)
            entry = tree.entries.get(POLICIES.name)
            if entry is None:
                continue
            read_ones = read_policies(self.reader, entry.node, POLICIES.name, self.classes, guard)
            for name, place, path, policy in read_ones:
                if name is None:
                    continue
                if name in places:
                    first = places[name]
                    what = f"{name} is there twice, first in {first.origin.name}, line {first.line}"
                    self.reader.problems.add(place, path, what, "give one another name")
                    continue
                places[name] = place
                found[name] = policy
        return found

    def _guard(self, tree: Mapping) -> Guard:
        entry = tree.entries.get(GUARD.name)
        if entry is None:
            return Guard()
        return read_guard(self.reader, entry.node, joined("", GUARD.name), Guard())
