"""Which files a person means by terms and paths, for verbs that act: ``kind=video holiday/*.png``.

Paths say where, terms say which of what lies there; without any term all of it is meant. What is
not in a state that the verb can do anything about is left out, and told.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import FileRow

BATCH = 5_000


@dataclass(slots=True)
class Chosen:
    """Numbers of files, and what they come to; what goes along with them is counted apart."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    roots: dict[str, list[int]] = field(default_factory=dict)  # files and bytes of each
    with_files: int = 0
    with_bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # files, by their state

    @property
    def files(self) -> int:
        """How many were chosen, without those that go along."""
        return len(self.ids)

    @property
    def size(self) -> int:
        """Bytes of what was chosen, without what goes along."""
        return sum(size for _, size in self.roots.values())

    def batches(self, size: int = BATCH) -> Iterator[list[int]]:
        """Yield the numbers, some thousand at a time."""
        for start in range(0, len(self.ids), size):
            yield list(self.ids[start : start + size])


class Asked(NamedTuple):
    """What a verb can do something about, and how to choose among files of one name.

    ``states`` are those that it takes; ``offered`` are those of them that it takes where no term
    is about the state. ``newest``: of several files that had one name, only the last. ``along``:
    what belongs to a file that is meant goes with it.
    """

    verb: str
    states: tuple[str, ...]
    offered: tuple[str, ...]
    newest: bool = False
    along: bool = True
    copied: tuple[str, ...] = ()  # states that it takes of what a path names, if there is a copy


def choose(
    engine: Engine, host: int | None, words: Sequence[str], now_ns: int, asked: Asked
) -> Chosen:
    """Return the files that words mean; raises what is to be told when they mean none."""
    wanted, paths = told_apart(words)
    if not wanted and not paths:
        raise _nothing_asked(asked)
    chosen, seen = Chosen(), set[int]()
    about_state = any(word.startswith("state") for word in wanted)
    states = asked.states if about_state else asked.offered
    copied = asked.copied if paths else ()

    def takes(row: FileRow) -> bool:
        return row.state in states or (row.state in copied and _has_copy(engine, row.id))

    for rows in _found(engine, host, wanted, paths, now_ns):
        for row in _last_ones(rows, takes) if asked.newest else rows:
            if row.id in seen:
                continue
            if not takes(row):
                chosen.left_out[row.state] += 1
                continue
            seen.add(row.id)
            _add(chosen, row)
    if asked.along:
        _drop_sidecars(engine, chosen, seen)
    return chosen


def told_apart(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the terms and the paths among words; ``./kind=video`` is a path."""
    from storewarden.catalogue import terms

    wanted, paths = [], []
    for word in words:
        match = terms.SHAPE.fullmatch(word)
        if match is not None and (match[1] in terms.NAMES or not os.path.lexists(word)):
            wanted.append(word)
        else:
            paths.append(word)
    terms.parse(wanted)
    return wanted, paths


def _has_copy(engine: Engine, file_id: int) -> bool:
    from storewarden.catalogue.copies import of_files

    return any(one.key is not None for one in of_files(engine, [file_id]).get(file_id, ()))


def _found(
    engine: Engine, host: int | None, wanted: Sequence[str], paths: Sequence[str], now_ns: int
) -> Iterator[Iterator[FileRow]]:
    """Yield the files that meet all terms, of each path on its own."""
    from storewarden.catalogue import find

    any_state = any(word.startswith("state") for word in wanted)
    more = list(wanted) if any_state else [*wanted, "state=any"]
    if not paths:
        yield find.files(engine, more, now_ns, host_id=host)
    for path in paths:
        yield _at(engine, host, path, more, now_ns)


def _at(
    engine: Engine, host: int | None, path: str, more: Sequence[str], now_ns: int
) -> Iterator[FileRow]:
    """Yield the files of a path: the file, or all below the directory, or what the pattern meets.

    Raises:
        StorewardenError: nothing is known of it.
    """
    from storewarden.catalogue import find
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.located import candidates, unknown

    roots = tops(engine, host)
    for absolute in candidates(os.fsencode(path), os.getcwdb(), roots):
        for root, top in roots.items():
            for pattern in _patterns(absolute, top):
                place = [f"root={root}", *([f"path={os.fsdecode(pattern)}"] if pattern else [])]
                here = [*place, "state=any"]
                if next(find.files(engine, here, now_ns, host_id=host), None) is not None:
                    yield from find.files(engine, [*place, *more], now_ns, host_id=host)
                    return
    raise unknown(path, roots)


def _patterns(absolute: bytes, top: bytes) -> Iterator[bytes]:
    """Yield what a path may mean below a root, as a term says it; all of the root is empty."""
    from storewarden.wildcard import is_pattern

    top = top.rstrip(b"/")
    if absolute == top:
        yield b""
    if not absolute.startswith(top + b"/"):
        return
    below = absolute[len(top) + 1 :]
    yield literal(below)
    yield literal(below) + b"/"
    if is_pattern(below):
        yield below


def literal(path: bytes) -> bytes:
    """Return a path as a pattern that nothing else matches."""
    return b"".join(b"[%c]" % byte if byte in b"*?[" else bytes([byte]) for byte in path)


def _last_ones(rows: Iterable[FileRow], takes: Callable[[FileRow], bool]) -> Iterator[FileRow]:
    """Yield of the files that had one name the one that went last; they come one after the other.

    Where none of them can be taken, one of them is yielded, to be counted.
    """
    for _, same in groupby(rows, key=lambda row: (row.root, row.path)):
        together = list(same)
        can = [row for row in together if takes(row)]
        yield max(can or together, key=lambda row: (row.gone_ns is None, row.gone_ns or 0, row.id))


def _add(chosen: Chosen, row: FileRow) -> None:
    chosen.ids.append(row.id)
    sums = chosen.roots.setdefault(row.root, [0, 0])
    sums[0] += 1
    sums[1] += row.size


def _drop_sidecars(engine: Engine, chosen: Chosen, seen: set[int]) -> None:
    """Leave out what goes along with a file that was chosen too, and count what goes along."""
    from storewarden.catalogue.sidecars import of_owners

    along: set[int] = set()
    for batch in chosen.batches():
        for one in of_owners(engine, batch):
            chosen.with_files += 1
            chosen.with_bytes += one.size
            if one.file_id in seen:
                along.add(one.file_id)
                chosen.roots[one.root][0] -= 1
                chosen.roots[one.root][1] -= one.size
    if along:
        chosen.ids = array("q", (id_ for id_ in chosen.ids if id_ not in along))


def _nothing_asked(asked: Asked) -> Exception:
    from storewarden.errors import UsageError

    return UsageError(
        "nothing is named",
        why=f"{asked.verb} wants terms or paths",
        remedy=f"storewarden {asked.verb} kind=video 'modified>90d', or a path",
    )
