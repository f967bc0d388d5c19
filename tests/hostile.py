"""Work of the daemon's child on malformed databases, thousands a minute: a process forked for each.

Each process stands behind the walls that the daemon's has. Nothing may end it but itself, within
its limits, and what it looked at is afterwards what it was, with nothing beside it.

Run by hand:  python -m tests.hostile DIRECTORY KIND COUNT SEED
"""

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storewarden.databases import walls
from storewarden.databases.jobs import work
from storewarden.errors import StorewardenError
from tests.malformed import Case, cases, schemas

SECONDS = 5.0  # that its statements may take
LIMIT = 15.0  # that all of it may take, on a machine that is busy
LARGEST = 64 << 20  # bytes that it may write: disks of tests are small
ASKED: dict[str, dict[str, Any]] = {
    "check": {"name": b"a.db", "foreign_keys": True, "seconds": SECONDS},
    "look": {"databases": [[0, b"a.db"]]},
    "image": {"name": b"a.db", "base": None, "seconds": SECONDS, "patience": 0.2},
}


def looked(directory: Path) -> dict[str, Any]:
    """What lies there, without when a log was given to its owner, which SQLite does as root."""
    found = {}
    for path in directory.iterdir():
        told = path.lstat()
        log = path.name.endswith(("-wal", "-shm"))
        changed_ns = 0 if log else told.st_ctime_ns
        content = path.read_bytes() if told.st_size < 1 << 20 else told.st_blocks
        times = (told.st_mtime_ns, changed_ns, told.st_ino, told.st_size)
        found[path.name] = (times, b"" if path.name.endswith("-shm") else content)
    return found


def one(case: Case, directory: Path, kind: str) -> str:
    """Work on one; return how that ended."""
    there, scratch = directory / "there", directory / "scratch"
    for each in (there, scratch):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    case.put(there / "a.db")
    for path in there.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    before, began = looked(there), time.monotonic()
    process = os.fork()
    if not process:
        _work(there, scratch, kind)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    took = time.monotonic() - began
    if status < 0:
        return f"WRONG: ended by {signal.Signals(-status).name}"
    if status not in {0, 1}:
        return f"WRONG: it raised ({status})"
    if looked(there) != before:
        return "WRONG: it changed what it looked at"
    if took > LIMIT:
        return f"WRONG: it took {took:.1f} s"
    if left := os.listdir(scratch):
        return f"WRONG: it left {left}"
    return "answered" if status == 0 else "refused"


def _work(there: Path, scratch: Path, kind: str) -> None:
    ended = 2
    try:
        parent, ours = os.open(there, os.O_RDONLY), os.open(scratch, os.O_RDONLY)
        more = [os.memfd_create("image"), os.memfd_create("marks")] if kind == "image" else []
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        walls.stand(walls.MEMORY, SECONDS + 5)
        job, function = work(kind)
        if job.caged:
            walls.enclose(walls.MEMORY, ours)
        function(ASKED[kind], (parent, *more, ours), lambda _told: None)
        ended = 0
    except StorewardenError:
        ended = 1
    except BaseException as error:  # noqa: BLE001  # told by its number, and on stderr
        sys.stderr.write(f"{error!r}\n")
        sys.stderr.flush()
    finally:
        os._exit(ended)


def main() -> None:
    """Work on so many; tell how they ended, and every one that ended wrongly."""
    directory, kind = Path(sys.argv[1]), sys.argv[2]
    count, seed = int(sys.argv[3]), int(sys.argv[4])
    ends: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    longest, slowest = 0.0, ""
    for case in _all(count, seed):
        began = time.monotonic()
        ended = one(case, directory, kind)
        took = time.monotonic() - began
        if took > longest:
            longest, slowest = took, case.what
        ends[ended] += 1
        if ended.startswith("WRONG"):
            wrong.append((case.what, ended))
            if len(wrong) <= 3:
                shutil.copytree(directory / "there", directory / f"wrong-{len(wrong)}")
    told = {"ends": ends, "wrong": wrong[:20], "longest": [round(longest, 2), slowest]}
    sys.stdout.write(json.dumps(told) + "\n")


def _all(count: int, seed: int) -> Iterator[Case]:
    if seed == 1:
        yield from schemas()
    yield from cases(count, seed)


if __name__ == "__main__":
    main()
