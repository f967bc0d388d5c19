"""Wrongs that are none: for each it stands written why no test could tell it from what is right."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant

LISTED: Final = Path(__file__).with_name("equivalent.toml")
Name = tuple[str, str, str]


class Equivalents:
    """What is listed, by what a mutant is called."""

    def __init__(self, listed: Collection[Name]) -> None:
        self._listed = frozenset(listed)

    def __contains__(self, mutant: Mutant) -> bool:
        return mutant.name in self._listed

    @property
    def files(self) -> frozenset[str]:
        return frozenset(file for file, _, _ in self._listed)

    def unknown(self, mutants: Collection[Mutant]) -> Iterator[Name]:
        """Yield what is listed of files that are looked at, but is no mutant of them."""
        files = {one.file for one in mutants}
        names = {one.name for one in mutants}
        yield from sorted(one for one in self._listed - names if one[0] in files)


def read_equivalents(path: Path = LISTED) -> Equivalents:
    """Return what is listed; each with a reason.

    Raises:
        ValueError: one has no reason, or is listed twice.
    """
    names: list[Name] = []
    for file, functions in tomllib.loads(path.read_text()).items():
        for where, mutants in functions.items():
            for told, why in mutants.items():
                if not why:
                    raise ValueError(f"{file}: {where}: {told}: no reason is given")
                names.append((file, where, told))
    return Equivalents(names)
