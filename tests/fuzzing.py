"""Broken and lying inputs by the ten thousand, for everything that reads a stranger's data.

`endure` runs a reader over mutations of real files in a process of its own that has the memory the
daemon's inspecting child has, and a second of processor time for each input.

Run by hand:  python -m tests.fuzzing inspector:png SEEDS-DIRECTORY COUNT RANDOM-SEED
"""

import base64
import importlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Malformed, Reader

PROJECT = Path(__file__).resolve().parents[1]
MEMORY = 256 << 20
SECONDS = 1.0
QUICK, LONG = 50_000, 1_000_000
LARGEST = 64 << 10  # of a seed: mutations of a few header bytes are what finds mistakes

Target = Callable[[bytes], object]
_INTERESTING = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    2**63 - 1,
    2**64 - 1,
)


def endure(target: str, seeds: Sequence[bytes], count: int = QUICK, random_seed: int = 1) -> None:
    """Fail unless `target` withstands `count` mutations of `seeds`.

    A target is `inspector:NAME` or `module:function`; it may raise Malformed and nothing else.
    """
    assert seeds, "nothing to mutate"
    with tempfile.TemporaryDirectory() as directory:
        for number, seed in enumerate(seeds):
            (Path(directory) / f"{number:04}").write_bytes(seed)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzzing",
                target,
                directory,
                str(count),
                str(random_seed),
            ],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, f"{target}: {done.stdout[-6000:]}{done.stderr[-6000:]}"


def mutations(seeds: Sequence[bytes], count: int, dice: random.Random) -> Iterator[bytes]:
    """Yield the seeds themselves, then `count` inputs made from them."""
    yield from seeds
    short = [seed[:LARGEST] for seed in seeds]
    for _ in range(count):
        data = bytearray(dice.choice(short))
        for _ in range(dice.choice((1, 1, 1, 2, 3, 5, 8))):
            dice.choice(_CHANGES)(data, dice, short)
        yield bytes(data)


def _flip(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        data[_somewhere(data, dice)] ^= 1 << dice.randrange(8)


def _number(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        size = dice.choice((1, 2, 4, 8))
        at = _somewhere(data, dice)
        value = dice.choice((*_INTERESTING, len(data), dice.getrandbits(64))) % (1 << (8 * size))
        data[at : at + size] = value.to_bytes(size, dice.choice(("big", "little")))


def _cut(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        del data[_somewhere(data, dice) :]


def _remove(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        at = _somewhere(data, dice)
        del data[at : at + dice.choice((1, 2, 4, 16, 256))]


def _repeat(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    if data:
        at = _somewhere(data, dice)
        piece = data[at : at + dice.choice((1, 4, 12, 64, 512))]
        data[at:at] = piece * dice.choice((1, 2, 16, 200))


def _splice(data: bytearray, dice: random.Random, seeds: Sequence[bytes]) -> None:
    other = dice.choice(seeds)
    if data and other:
        begin = _somewhere(other, dice)
        data[_somewhere(data, dice) :] = other[begin:]


def _noise(data: bytearray, dice: random.Random, _seeds: Sequence[bytes]) -> None:
    at = _somewhere(data, dice) if data else 0
    data[at:at] = dice.randbytes(dice.choice((1, 4, 32)))


_CHANGES = (_flip, _flip, _number, _number, _number, _cut, _remove, _repeat, _splice, _noise)


def _somewhere(data: bytes | bytearray, dice: random.Random) -> int:
    """Return a position: headers are at the beginning, so every other one lies there."""
    return dice.randrange(len(data) if dice.random() < 0.5 else min(len(data), 256))


# -- the process that is made to suffer ---------------------------------------------------------


class _TooSlow(BaseException):
    """An input took more processor time than it may."""


def _slow(_number: int, _frame: object) -> None:
    raise _TooSlow


def _target(name: str) -> Target:
    module, _, attribute = name.partition(":")
    if module == "inspector":
        inspector = INSPECTORS[attribute]
        return lambda data: inspector.read(Reader.of_bytes(data), Found())
    found: Target = getattr(importlib.import_module(module), attribute)
    return found


def _suffer(target: Target, seeds: Sequence[bytes], count: int, random_seed: int) -> str | None:
    """Return what went wrong, with the input it went wrong with."""
    for data in mutations(seeds, count, random.Random(random_seed)):
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            target(data)
        except Malformed:
            pass
        except (Exception, _TooSlow):  # noqa: BLE001  # whatever it is, it is told
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            return f"{traceback.format_exc()}\ninput: {_told(data)}"
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _told(data: bytes) -> str:
    if len(data) <= 3000:
        return f"base64.b64decode({base64.b64encode(data)!r})"
    kept = Path(tempfile.mkdtemp(prefix="storewarden-fuzz-")) / "input"
    kept.write_bytes(data)
    return str(kept)


def main(name: str, directory: str, count: str, random_seed: str) -> int:
    """Run one target; 1 when an input hurt it."""
    target = _target(name)
    seeds = [path.read_bytes() for path in sorted(Path(directory).iterdir())]
    signal.signal(signal.SIGVTALRM, _slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    complaint = _suffer(target, seeds, int(count), int(random_seed))
    if complaint:
        sys.stdout.write(complaint)
    return int(complaint is not None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
