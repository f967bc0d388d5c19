"""The life of a file, step after step, each later and more final than the one before."""

from __future__ import annotations

from dataclasses import dataclass, field

from storewarden.config.problems import Place, joined
from storewarden.config.yamltext import Mapping, Node
from storewarden.policy.language.keys import (
    AFTER,
    AFTER_PREVIOUS,
    COMPRESS,
    DO,
    PHASE,
    PHASES,
    TO,
)
from storewarden.policy.language.values import SECOND, Reader
from storewarden.policy.rules import Force, Phase
from storewarden.units import write_duration

_STORED = (Force.COPY, Force.ARCHIVE)
_BY_WORD = {force.word: force for force in Force}


def read_phases(reader: Reader, node: Node, path: str, *, rows: bool) -> tuple[Phase, ...]:
    """Return the phases of a policy; those of rows may be archived without naming a store."""
    nodes = reader.items(node, path, str(PHASES))
    life = _Life(reader, rows)
    for number, item in enumerate(nodes):
        where = joined(path, str(number))
        mapping = reader.mapping(item, where, PHASES.example.strip("[]"))
        if mapping is None:
            life.whole = False
            continue
        reader.known(mapping, where, PHASE)
        life.step(mapping, where, first=number == 0)
    return tuple(life.phases)


@dataclass(slots=True)
class _Life:
    """What was read so far; a phase that could not be read ends the comparing."""

    reader: Reader
    rows: bool
    phases: list[Phase] = field(default_factory=list)
    whole: bool = True

    def step(self, mapping: Mapping, path: str, *, first: bool) -> None:
        """Read one more phase and hold it against those before."""
        after, relative = self._time(mapping, path, first=first)
        lacking = self.reader.missing(mapping, DO, path)
        word = self.reader.single(mapping, DO, path)
        if lacking or word is None:
            self.whole = False
            return
        do = _BY_WORD[word]
        to = self._store(mapping, path, do)
        compress = self.reader.single(mapping, COMPRESS, path)
        if after is None:
            self.whole = False
            return
        phase = Phase(do, after, relative, to, compress, mapping.place)
        if self.whole:
            self._order(phase, mapping, path)
        self.phases.append(phase)

    def _time(self, mapping: Mapping, path: str, *, first: bool) -> tuple[int | None, bool]:
        problems = self.reader.problems
        absolute = mapping.entries.get(AFTER.name)
        relative = mapping.entries.get(AFTER_PREVIOUS.name)
        if absolute and relative:
            place = relative.place
            problems.add(place, path, "after and after_previous together", "keep one of them")
            return None, False
        if relative:
            where = joined(path, AFTER_PREVIOUS.name)
            if first:
                what = "there is no phase before the first"
                problems.add(relative.place, where, what, "write after")
            return self.reader.value(AFTER_PREVIOUS, relative.node, where), True
        if self.reader.missing(mapping, AFTER, path):
            return None, False
        return self.reader.single(mapping, AFTER, path), False

    def _store(self, mapping: Mapping, path: str, do: Force) -> str | None:
        """Return where a phase puts the file; say so when it puts it nowhere, or need not."""
        problems = self.reader.problems
        if do in _STORED:
            needed = not self.rows or do is Force.COPY
            if needed and self.reader.missing(mapping, TO, path):
                self.whole = False
            to: str | None = self.reader.single(mapping, TO, path)
            return to
        for key in (TO, COMPRESS):
            if key.name in mapping.entries:
                place = mapping.entries[key.name].place
                what = f"{do.word} puts nothing anywhere"
                problems.add(place, joined(path, key.name), what, "remove it")
        return None

    def _order(self, phase: Phase, mapping: Mapping, path: str) -> None:
        """Say what does not fit the phases before."""
        before = self.phases[-1] if self.phases else None
        where = joined(path, DO.name)
        place = mapping.entries[DO.name].node.place
        if before is not None and phase.do < before.do:
            what = f"{phase.do.word} comes after {before.do.word}"
            hint = "the order is copy, archive, trash, purge"
            self.reader.problems.add(place, where, what, hint)
        elif phase.do is Force.COPY:
            self._new_store(phase, place, where)
        elif any(other.do is phase.do for other in self.phases):
            what = f"{phase.do.word} is there twice"
            self.reader.problems.add(place, where, what, "leave one out")
        elif phase.do is Force.PURGE:
            self._purge(place, where)
        self._later(phase, mapping, path)

    def _new_store(self, phase: Phase, place: Place, path: str) -> None:
        if any(other.do is phase.do and other.to == phase.to for other in self.phases):
            what = f"copies to {phase.to} a second time"
            self.reader.problems.add(place, path, what, "leave one out")

    def _purge(self, place: Place, path: str) -> None:
        if not self.phases:
            what = "purge without trash or archive before it cannot be taken back"
            hint = "write {after: …, do: trash} before it, and after_previous here"
            self.reader.problems.add(place, path, what, hint)
        elif not any(other.do >= Force.ARCHIVE for other in self.phases):
            what = "purge after a copy alone would leave no time to notice"
            hint = "write {after: …, do: trash} before it"
            self.reader.problems.add(place, path, what, hint)

    def _later(self, phase: Phase, mapping: Mapping, path: str) -> None:
        """Say when a phase comes before one that stands before it."""
        earlier = [other.after_ns for other in self.phases if not other.after_previous]
        if phase.after_previous or not earlier or phase.after_ns >= max(earlier):
            return
        said = f"{write_duration(phase.after_ns / SECOND)} is earlier"
        what = f"{said} than the phase before ({write_duration(max(earlier) / SECOND)})"
        place = mapping.entries[AFTER.name].node.place
        hint = "write a longer time, or after_previous"
        self.reader.problems.add(place, joined(path, AFTER.name), what, hint)
