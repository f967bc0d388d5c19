"""Files are archived to a directory and read again there, beside a script that does the same."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.daemon import Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target
from storewarden.act.copying import Source, copy, verify
from storewarden.act.identity import Identity
from storewarden.store.directory import DirectoryStore

_OF_SCRIPT = 1.1
_SIZE = 10 * 10**6
_FILES_OF_ALL = 2_500  # one file for so many of the large tree: 4 GB in a whole run
_FEWEST = 4
_SPACE = 4  # times the size of the files must be free
_SCRIPT = Path(__file__).parent / "rivals" / "archive.sh"
_MARK = "abcdefgh234567aa"


def run(ground: Ground) -> list[Figure]:
    """Archive the same files in turns, all of them in the page cache, into an empty directory."""
    for tool in ("zstd", "cmp"):
        if not shutil.which(tool):
            raise Unmeasured(f"{tool} is missing: apt install {tool}")
    count = max(_FEWEST, ground.files // _FILES_OF_ALL)
    if free(ground.directory)[0] < _SPACE * count * _SIZE:
        raise Unmeasured(f"{_SPACE * count * _SIZE / 1e9:.0f} GB of free space are needed")
    place = ground.place("archive")
    source = place / "source"
    what = f"{count:,} files of 10 MB, half of them compressible"
    ground.say(f"making {what}")
    _make(source, count)
    taken = in_turns(
        ground,
        what,
        {
            "storewarden": lambda: _ours(ground, source, place, 1),
            "two at a time": lambda: _ours(ground, source, place, 2),
            "script": lambda: _theirs(ground, source, place, "scratch"),
            "script without cp": lambda: _theirs(ground, source, place, ""),
        },
    )
    ground.remove(place)
    ours, two = Measured(taken["storewarden"], "s"), Measured(taken["two at a time"], "s")
    script = Measured(taken["script"], "s", "zstd -3, cp, sync, zstd -dc | cmp")
    return [
        Figure(
            f"{what}: copied and proven",
            ours,
            script,
            Target(f"≤ {_OF_SCRIPT} ×", ours.value <= _OF_SCRIPT * script.value),
        ),
        Figure("the same", ours, Measured(taken["script without cp"], "s", "without the cp")),
        Figure("the same, two files at a time", two, script),
    ]


def _make(source: Path, count: int) -> None:
    """Write files of which every other one can be packed; no two are alike."""
    source.mkdir()
    dice = random.Random(1)
    words = [dice.randbytes(dice.randint(2, 6)).hex() for _ in range(5_000)]
    text = " ".join(dice.choices(words, k=_SIZE // 7)).encode()[:_SIZE]
    for number in range(count):
        turned = number * 9_973 % len(text)
        content = os.urandom(_SIZE) if number % 2 else text[turned:] + text[:turned]
        with (source / f"{number:05}").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _warm(ground: Ground, source: Path, directories: list[Path]) -> None:
    """Bring the files into the page cache, and empty what the last run filled."""
    for directory in directories:
        ground.remove(directory)
        directory.mkdir()
    for path in sorted(source.iterdir()):
        subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)
    ground.settle()


def _ours(ground: Ground, source: Path, place: Path, together: int) -> float:
    _warm(ground, source, [place / "store"])
    store = DirectoryStore("store", str(place / "store"))
    store.prepare()
    root = os.open(source, os.O_RDONLY | os.O_DIRECTORY)

    def archive(name: str) -> None:
        identity = Identity.of(os.stat(source / name))
        file = Source("host", "source", "", root, os.fsencode(name), identity)
        done = copy(file, store, _MARK, time.time_ns())
        verify(store, done.stored, done.content)

    names = sorted(os.listdir(source))
    began = time.monotonic()
    with ThreadPoolExecutor(together) as workers:
        for _done in workers.map(archive, names):
            pass
    seconds = time.monotonic() - began
    os.close(root)
    return seconds


def _theirs(ground: Ground, source: Path, place: Path, scratch: str) -> float:
    directories = [place / "theirs", *([place / scratch] if scratch else [])]
    _warm(ground, source, directories)
    began = time.monotonic()
    words = ["sh", str(_SCRIPT), str(source), *(str(path) for path in directories)]
    subprocess.run(words, check=True)
    return time.monotonic() - began
