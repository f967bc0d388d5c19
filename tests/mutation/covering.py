"""Which tests run which lines, and how long each takes: a plugin of pytest, for one run."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import coverage
import pytest

from tests.mutation.mutants import Mutant, Source

OPTIONS: Final = (
    *("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n0", "--timeout=0"),
    *("-k", "not postgresql"),  # the code in question sends neither database words of its own
)


class Covered(NamedTuple):
    """What the tests told when nothing was wrong."""

    seconds: Mapping[str, float]  # of each test that passed
    lines: Mapping[str, Mapping[int, Sequence[str]]]  # of each file: the tests that ran a line

    def may_kill(self, mutant: Mutant) -> list[str]:
        """Return the tests that may tell a mutant: first those named after its file."""
        ran = self.lines.get(mutant.file, {})
        lines = mutant.lines if mutant.function else ran  # what is imported, all rely on
        found = {test for line in lines for test in ran.get(line, ())}
        own = f"/test_{Path(mutant.file).stem}"
        if not mutant.function:  # what a tuple's defaults are is asked without running a line
            found |= {test for test in self.seconds if own in test}
        return sorted(found, key=lambda test: (own not in test, self.seconds[test]))

    def quickest(self) -> list[str]:
        """Return all tests, the quickest first."""
        return sorted(self.seconds, key=lambda test: self.seconds[test])

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self._asdict()))

    @classmethod
    def read(cls, path: Path) -> Covered:
        told = json.loads(path.read_text())
        lines = {
            file: {int(line): tests for line, tests in by_line.items()}
            for file, by_line in told["lines"].items()
        }
        return cls(told["seconds"], lines)


class Covering:
    """Traces the lines of some files, test by test."""

    def __init__(self, sources: Sequence[Source], to: Path) -> None:
        self._sources, self._to = sources, to
        files = [str(source.path) for source in sources]
        self._coverage = coverage.Coverage(data_file=None, include=files, config_file=False)
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - began
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:  # a test that is left out here tells nothing either
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        lines: dict[str, dict[int, list[str]]] = {}
        for source in self._sources:
            by_line: dict[int, list[str]] = defaultdict(list)
            for line, tests in data.contexts_by_lineno(str(source.path)).items():
                by_line[line] = [test for test in tests if test and test not in self._failed]
            lines[source.file] = by_line
        seconds = {test: took for test, took in self._seconds.items() if test not in self._failed}
        Covered(seconds, lines).write(self._to)
        for test in sorted(self._failed):
            print(f"  left out: {test}")  # noqa: T201


def cover(sources: Sequence[Source], tests: Sequence[str], to: Path) -> None:
    """Run the tests as the code is, and write down what they cover; in a process of its own."""
    pytest.main([*OPTIONS, "--no-header", "-rN", *tests], plugins=[Covering(sources, to)])
