"""A process that does random things to a tree as fast as it can: storm.py ROOT OUTSIDE COUNT SEED.

Few names and little depth, so that everything meets everything: directories made, renamed onto
each other, exchanged, moved out and in, removed; files made and deleted among them.
"""

import ctypes
import os
import random
import sys
import time
from contextlib import suppress

EXCHANGE = 2
PAUSE_EVERY = 40  # operations; a storm without a pause overflows the queue and proves less

libc = ctypes.CDLL(None, use_errno=True)


def place(chance: random.Random, root: bytes) -> bytes:
    return b"/".join(
        [root, *(chance.choice((b"a", b"b", b"c")) for _ in range(chance.randint(1, 4)))]
    )


def one(chance: random.Random, root: bytes, outside: bytes) -> None:
    what, path, other = chance.randrange(12), place(chance, root), place(chance, root)
    away = outside + b"/o%d" % chance.randrange(6)
    if what < 4:
        os.mkdir(path)
    elif what < 7:
        with open(path + b"/f%d" % chance.randrange(4), "wb") as file:
            file.write(b"x")
    elif what == 7:
        os.rename(path, other)
    elif what == 8:
        libc.renameat2(-100, path, -100, other, EXCHANGE)
    elif what == 9:
        os.rename(*((path, away) if chance.random() < 0.5 else (away, path)))
    elif what == 10:
        os.unlink(path + b"/f%d" % chance.randrange(4))
    else:
        os.rmdir(path)


def main() -> None:
    root, outside, count, seed = sys.argv[1:]
    chance = random.Random(int(seed))
    for done in range(int(count)):
        with suppress(OSError):
            one(chance, os.fsencode(root), os.fsencode(outside))
        if done % PAUSE_EVERY == 0:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
