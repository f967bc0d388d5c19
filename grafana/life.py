"""A recorded life: what /metrics said at each scrape, in a file, and as Prometheus has it.

One line a series: its name and labels, a tab, its values, where ``v*n`` is a value that stayed for
``n`` scrapes and ``-`` is none. The first line tells when it began (seconds since 1970), how many
seconds lay between two scrapes, and how many there are. Times, values and names are as they were.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("life.txt.gz")
TARGET: Final = 'instance="media:9747",job="storewarden"'

Values = list[str | None]  # one a scrape


@dataclass
class Life:
    """Scrapes of one daemon, evenly in time."""

    began: int
    every: int
    scrapes: int = 0
    series: dict[str, Values] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """When the last scrape was."""
        return self.began + (self.scrapes - 1) * self.every

    def take(self, text: str) -> None:
        """Add a scrape; an empty one is a daemon that did not answer."""
        told = {"up": "1" if text else "0"}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                told[name] = value.removesuffix(".0")
        for name in told:
            self.series.setdefault(name, [None] * self.scrapes)
        for name, values in self.series.items():
            values.append(told.get(name))
        self.scrapes += 1

    # -- in a file --------------------------------------------------------------------------------

    def save(self, path: Path = FILE) -> None:
        """Write it down."""
        lines = [f"{self.began} {self.every} {self.scrapes}"]
        lines += [f"{name}\t{_packed(self.series[name])}" for name in sorted(self.series)]
        path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))

    @classmethod
    def load(cls, path: Path = FILE) -> Life:
        """Read one."""
        head, *lines = gzip.decompress(path.read_bytes()).decode().split("\n")
        began, every, scrapes = map(int, head.split())
        pairs = (line.split("\t") for line in lines)
        return cls(began, every, scrapes, {name: list(_unpacked(told)) for name, told in pairs})

    # -- for Prometheus ---------------------------------------------------------------------------

    def openmetrics(self) -> Iterator[str]:
        """Return the lines from which Prometheus makes blocks: every sample with its time."""
        for name, values in self.series.items():
            bare, _, labels = name.partition("{")
            own = labels.removesuffix("}")
            full = f"{bare}{{{TARGET}{',' + own if own else ''}}}"
            for number, value in enumerate(values):
                if value is not None:
                    yield f"{full} {value} {self.began + number * self.every}\n"
        yield "# EOF\n"

    def blocks(self, promtool: str, directory: Path) -> None:
        """Make what a Prometheus finds when it is started on ``directory``."""
        directory.mkdir(parents=True)
        source = directory.with_suffix(".openmetrics")
        with source.open("w") as file:
            file.writelines(self.openmetrics())
        command = [
            promtool,
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            str(source),
            str(directory),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        source.unlink()


def _packed(values: Sequence[str | None]) -> str:
    runs: list[tuple[str, int]] = []
    for value in values:
        word = "-" if value is None else value
        if runs and runs[-1][0] == word:
            runs[-1] = word, runs[-1][1] + 1
        else:
            runs.append((word, 1))
    return " ".join(word if times == 1 else f"{word}*{times}" for word, times in runs)


def _unpacked(told: str) -> Iterator[str | None]:
    for run in told.split(" "):
        word, _, times = run.partition("*")
        for _ in range(int(times or 1)):
            yield None if word == "-" else word
