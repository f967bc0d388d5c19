"""The words that enter a node of a graph: through encoders, joins, switches and text nodes."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final

from storewarden.facts.provenance.graph import Graph, Link, Node
from storewarden.facts.provenance.values import is_file, real, text

_DEEPEST: Final = 64
_MOST: Final = 256_000  # characters; joins of joins double
_MOST_NODES: Final = 10_000

# What a node with words calls them, likeliest first. A wildcard's outcome is before its question.
_WORDS: Final = (
    "populated_text",
    "text",
    "string",
    "value",
    "prompt",
    "Text",
    "String",
    "positive",
    "positive_prompt",
    "text_0",
    "input",
    "any",
    "anything",
    "source",
)
_PARTS: Final = re.compile(r"(?:text|string|str|prompt|input)s?[ _.]?(?:[a-z]|\d{1,2})\Z", re.ASCII)
_JOINING: Final = re.compile(r"concat|join|combin|append|merge|prepend|multi", re.IGNORECASE)
_DELIMITERS: Final = ("delimiter", "separator", "delim")
_CHOICES: Final = ("select", "Input", "index", "selected_index", "input_index", "selection")
_TRUTHS: Final = ("boolean", "switch", "condition", "bool", "enabled")
_BOTH: Final = (("on_true", "on_false"), ("true", "false"), ("if_true", "if_false"))


class Words:
    """What texts and numbers the inputs of a graph's nodes come down to."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[Hashable, str | None] = {}
        self._room = _MOST_NODES

    def of(self, value: Any, depth: int = 0) -> str | None:
        """Return the text that an input is, wherever it comes from; None when it is none."""
        if isinstance(value, str):
            return value
        if not isinstance(value, Link) or depth > _DEEPEST:
            return None
        if value.node not in self._known:
            self._known[value.node] = None  # whoever comes here again is led around in circles
            self._room -= 1
            node = self._graph.node(value.node) if self._room > 0 else None
            self._known[value.node] = self._said(node, depth) if node else None
        return self._known[value.node]

    def _said(self, node: Node, depth: int) -> str | None:
        chosen = _chosen(node)
        if chosen is not None:
            return self.of(chosen, depth + 1)
        parts = [name for name in node.inputs if _PARTS.match(name)]
        if parts and (len(parts) > 1 or _JOINING.search(node.kind)):
            return self._joined(node, parts, depth)
        for name in _WORDS:
            if name in node.inputs:
                said = self.of(node.inputs[name], depth + 1)
                if said:
                    return said
        return self._anything(node, depth)

    def _joined(self, node: Node, parts: list[str], depth: int) -> str | None:
        said = [one for name in parts if (one := self.of(node.inputs[name], depth + 1))]
        between = next(
            (
                node.inputs[name]
                for name in _DELIMITERS
                if isinstance(node.inputs.get(name), str) and len(node.inputs[name]) < 100  # noqa: PLR2004  # no text
            ),
            " ",
        )
        return between.replace("\\n", "\n").join(said)[:_MOST] or None

    def _anything(self, node: Node, depth: int) -> str | None:
        """Return the first text of a node that calls its words as nobody else does."""
        links = [link for _, link in node.links()]
        for name, value in node.inputs.items():
            if not isinstance(value, str) or is_file(value):
                continue
            if name.startswith(("value_", "text", "string", "prompt")):
                return value
        return self.of(links[0], depth + 1) if len(links) == 1 else None

    def number(self, value: Any, names: tuple[str, ...]) -> Any:
        """Return the number that an input is, wherever it comes from; None when it is none."""
        for _ in range(_DEEPEST):
            if not isinstance(value, Link):
                return value
            node = self._graph.node(value.node)
            if node is None:
                return None
            value = _number_in(node, names)
        return None


def _number_in(node: Node, names: tuple[str, ...]) -> Any:
    chosen = _chosen(node)
    if chosen is not None:
        return chosen
    for name in (*names, "value", "int", "float", "number", "Value", "Number", "INT", "a"):
        if name in node.inputs:
            return node.inputs[name]
    numbers = [value for value in node.inputs.values() if real(value) is not None]
    if len(numbers) == 1:
        return numbers[0]
    links = [link for _, link in node.links()]
    return links[0] if len(links) == 1 and not numbers else None


def _chosen(node: Node) -> Any:
    """Return the input that a switch lets through; None when the node is none."""
    inputs = node.inputs
    for name in _CHOICES:
        choice = inputs.get(name)
        if isinstance(choice, int) and not isinstance(choice, bool):
            for stem in ("input", "input_", "text", "text_", "string", "value", "any_", "prompt_"):
                if f"{stem}{choice}" in inputs:
                    return inputs[f"{stem}{choice}"]
    for name in _TRUTHS:
        choice = inputs.get(name)
        if isinstance(choice, bool):
            for pair in _BOTH:
                if pair[0] in inputs or pair[1] in inputs:
                    return inputs.get(pair[not choice], "")
    return None


def spoken(said: list[str]) -> str | None:
    """Return the texts that were found as one, each of them once."""
    return text("\n".join(dict.fromkeys(one.strip() for one in said if one.strip())))
