"""What came of all trials, as a table and a list of what survived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.mutation.equivalent import Equivalents
from tests.mutation.trying import Trial


class Share(NamedTuple):
    """Of a file, or of all."""

    mutants: int
    killed: int
    equivalent: int  # listed, and not killed

    @property
    def percent(self) -> float:
        """How many of those that a test could kill were killed."""
        possible = self.mutants - self.equivalent
        return 100.0 * self.killed / possible if possible else 100.0

    def __str__(self) -> str:
        survived = self.mutants - self.killed - self.equivalent
        numbers = (self.mutants, self.killed, self.equivalent, survived)
        return "".join(f"{number:>12,}" for number in numbers) + f"{self.percent:>10.1f} %"


def share(trials: Sequence[Trial], equivalents: Equivalents) -> Share:
    """Return how many of these were killed."""
    killed = sum(bool(one.killed_by) for one in trials)
    listed = sum(not one.killed_by and one.mutant in equivalents for one in trials)
    return Share(len(trials), killed, listed)


def table(trials: Sequence[Trial], equivalents: Equivalents) -> Iterator[str]:
    """Yield the lines of a table, a file in each, and the sum."""
    heads = ("mutants", "killed", "equivalent", "survived", "killed")
    yield f"{'file':<24}" + "".join(f"{head:>12}" for head in heads)
    for file in dict.fromkeys(one.mutant.file for one in trials):
        of_file = [one for one in trials if one.mutant.file == file]
        yield f"{file:<24}{share(of_file, equivalents)}"
    yield f"{'all':<24}{share(trials, equivalents)}"


def survivors(trials: Sequence[Trial], equivalents: Equivalents) -> Iterator[str]:
    """Yield a line for each that nothing noticed, and for each that is listed without need."""
    for one in trials:
        mutant = one.mutant
        place = f"{mutant.file}:{mutant.line}: {mutant.where or 'module'}"
        if one.killed_by and mutant in equivalents:
            yield f"{place}: {mutant.told}\n    listed as equivalent, and killed by {one.killed_by}"
        elif not one.killed_by and mutant not in equivalents:
            tests = f"{one.tests} tests ran" if one.tests else "no test runs this line"
            yield f"{place}: {mutant.told}\n    {tests}"
