"""A catalogue full of files with prompts, made without the files: words as people use them."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from storewarden.catalogue import migrate
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.words import Words
from storewarden.clock import SystemClock
from tests.catalogues import COLUMNS, NOW, file_row, furnish

BATCH = 256  # as many files are inspected and indexed in one transaction
_WORDS = 40_000
_NEGATIVE = "blurry, low quality, bad hands, extra fingers, watermark, text, jpeg artifacts"
_IN_DIRECTORY = 1000
_LOAD = 20_000


def _vocabulary() -> list[str]:
    numbers = random.Random(7)  # the same words in every run
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        words["".join(numbers.choices(ascii_lowercase, k=numbers.randint(3, 9)))] = None
    return list(words)


@dataclass
class Gallery:
    """What is in it, and how long it took to index."""

    files: int
    vocabulary: Sequence[str] = field(default_factory=_vocabulary)
    batches: list[float] = field(default_factory=list)  # seconds of each transaction

    @property
    def rate(self) -> float:
        """Return the files indexed in a second."""
        return self.files / sum(self.batches)

    def phrase(self, rank: int) -> str:
        """Return two words side by side that stand so in few prompts."""
        return f'"{self.vocabulary[rank]} {self.vocabulary[rank + 1]}"'

    def fill(self, engine: Engine, *, words: bool = True) -> None:
        """Put all into an empty catalogue, and make it findable by its words."""
        migrate.migrate(engine, SystemClock())
        furnish(engine)
        with engine.bulk():
            with engine.transaction():
                engine.insert(
                    "directories",
                    ("id", "root_id", "path", "device", "inode"),
                    (
                        (number + 2, 1, b"2025/%04d" % number, 1, number + 2)
                        for number in range(self.files // _IN_DIRECTORY + 1)
                    ),
                )
            for start in range(1, self.files + 1, _LOAD):
                self._load(engine, range(start, min(start + _LOAD, self.files + 1)))
        if words:
            self._index(engine)
        engine.checkpoint()
        engine.learn()

    def _load(self, engine: Engine, ids: range) -> None:
        numbers = random.Random(ids.start)  # the same prompts in every run
        with engine.transaction():
            engine.insert("files", ("id", *COLUMNS), ((i, *_file(i)) for i in ids))
            engine.insert(
                "facts",
                (
                    *("file_id", "inspector", "version", "outcome", "reason", "mime"),
                    *("width", "height"),
                ),
                ((i, "png", 1, "read", "", "image/png", 1024, 1024) for i in ids),
            )
            engine.insert(
                "prompts",
                ("file_id", "tool", "understood", "prompt", "negative", "model", "seed", "steps"),
                self._prompts(ids, numbers),
            )

    def _prompts(self, ids: range, numbers: random.Random) -> Iterator[tuple[object, ...]]:
        shares = list(itertools.accumulate(1 / (rank + 3) for rank in range(_WORDS)))
        for i in ids:
            count = numbers.randint(20, 60)
            words = numbers.choices(self.vocabulary, cum_weights=shares, k=count)
            text = ", ".join(" ".join(words[at : at + 3]) for at in range(0, count, 3))
            yield i, "comfyui", 1, text, _NEGATIVE, f"flux1-dev-{i % 12}", str(i * 7919), 28

    def _index(self, engine: Engine) -> None:
        words = Words(engine)
        for start in range(1, self.files + 1, BATCH):
            began = time.perf_counter()
            with engine.transaction():
                words.index(range(start, min(start + BATCH, self.files + 1)))
            self.batches.append(time.perf_counter() - began)


def _file(number: int) -> tuple[object, ...]:
    return file_row(
        b"ComfyUI_%08d_.png" % number,
        directory_id=number // _IN_DIRECTORY + 2,
        inode=number,
        size=1_500_000 + number,
        modified_ns=NOW - number * 1_000_000_000,
    )
