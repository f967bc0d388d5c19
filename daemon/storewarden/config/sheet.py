"""Keys with values, whatever they are about: which there are, and what each holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from storewarden.config.keys import Key
from storewarden.config.problems import Place, Problems, did_you_mean, joined
from storewarden.config.values import Reader
from storewarden.config.yamltext import Broken, Items, Mapping, Node, Scalar

_KINDS = {Scalar: "one value", Items: "a list"}


@dataclass(slots=True)
class Sheet:
    """Reads mappings; remembers where each value stands and which could not be read."""

    problems: Problems
    reader: Reader
    places: dict[str, Place] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)

    def single(self, mapping: Mapping, key: Key, path: str = "") -> Any:
        """Return the value of ``key`` in ``mapping``, None when it is missing or wrong."""
        entry = mapping.entries.get(key.name)
        if entry is None:
            return None
        where = joined(path, key.name)
        self.places[where] = entry.node.place
        value = self.reader.value(key, entry.node, where)
        if value is None:
            self.wrong.add(where)
        return value

    def mapping(self, node: Node, path: str, example: str) -> Mapping | None:
        """Return keys with values, also when there are none: that is said."""
        if isinstance(node, Mapping):
            if not node.entries:
                self.problems.add(node.place, path, "is empty", f"write {example}")
            return node
        if isinstance(node, Broken):
            return None
        if isinstance(node, Scalar) and node.nothing:
            self.problems.add(node.place, path, "has no value", f"write {example}")
        else:
            what = f"is {_KINDS[type(node)]}, not keys with values"
            self.problems.add(node.place, path, what, f"write {example}")
        return None

    def refuse_unknown(self, mapping: Mapping, path: str, known: tuple[str, ...]) -> None:
        """Say which keys there are not, and which are meant."""
        for key, entry in mapping.entries.items():
            if key in known or isinstance(entry.node, Broken):
                continue
            where = joined(path, key)
            hint = did_you_mean(key.lower().replace("-", "_"), list(known))
            what = "is an unknown key"
            self.problems.add(entry.place, where, what, hint or f"known are {', '.join(known)}")
