"""Small files are copied to S3 and proven there, journal included, beside `rclone copy`.

rclone is content with the checksum that the server names; so are we, if told to. Unless told, we
read every object back, which is shown beside it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.daemon import Unmeasured
from bench.first_scan import in_turns
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target
from bench.trash import OneRoot, planned
from storewarden.act.batch import carry_out_all
from storewarden.act.carry.verbs import VERBS
from storewarden.act.carry.work import Root, Tools
from storewarden.act.execute import Executor
from storewarden.catalogue import copies, roots
from storewarden.catalogue.acted import Acted
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.clock import SystemClock
from storewarden.config.schema import CHECKSUM, READ, StoreSettings
from storewarden.store.connect import connect
from tests.servers import swift
from tests.servers.shared import Run

_OF_RCLONE = 1.0
_TRANSFERS = 8
_SIZE = 20_000
_IN_A_DIRECTORY = 1_000
_FILES_OF_ALL = 1_000  # one file for so many of the large tree: 1,000 in a whole run
_AT_ONCE = 200  # acts are planned, as the daemon does it
_STORED = 8  # runs, and some room: times the size of the files must be free


def run(ground: Ground) -> list[Figure]:
    """Copy the same files in turns to the same server, each time into an empty bucket."""
    if not shutil.which("rclone"):
        raise Unmeasured("rclone is missing: apt install rclone")
    count = max(100, ground.files // _FILES_OF_ALL)
    if free(ground.directory)[0] < _STORED * count * _SIZE:
        raise Unmeasured(f"{_STORED * count * _SIZE / 1e9:.1f} GB of free space are needed")
    place = ground.place("objects")
    _make(place / "root", count)
    what = f"{count:,} files of 20 KB copied to S3"
    with _server() as url:
        numbers = itertools.count()
        taken = in_turns(
            ground,
            what,
            {
                CHECKSUM: lambda: _ours(
                    ground, place / "root", url, count, next(numbers), CHECKSUM
                ),
                READ: lambda: _ours(ground, place / "root", url, count, next(numbers), READ),
                "rclone": lambda: _theirs(place / "root", url, count, next(numbers)),
            },
        )
    rclone = Measured(taken["rclone"], "s", f"rclone copy --transfers {_TRANSFERS} --checksum")
    ours, reading = (Measured(taken[verify], "s") for verify in (CHECKSUM, READ))
    target = Target(f"≤ {_OF_RCLONE:.0f} ×", ours.value <= _OF_RCLONE * rclone.value)
    return [
        Figure(f"{what}, `verify: checksum`, journal included", ours, rclone, target),
        Figure("the same, each read there again", reading, rclone),
    ]


def _make(top: Path, count: int) -> None:
    """Write files that cannot be packed, no two alike, a thousand in each directory."""
    for number in range(count):
        directory = top / f"{number // _IN_A_DIRECTORY:03}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{number:06}.png").write_bytes(os.urandom(_SIZE))
    os.sync()


@contextmanager
def _server() -> Iterator[str]:
    if not swift.PYTHON.exists():
        raise Unmeasured("OpenStack Swift is missing: make setup")
    run = Run.begin()
    try:
        yield run.server("swift", swift.start).url
    finally:
        run.end()


# -- rclone ---------------------------------------------------------------------------------------


def _theirs(root: Path, url: str, count: int, number: int) -> float:
    swift.make_bucket(url, f"rclone-{number}")
    remote = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": url,
        "REGION": swift.REGION,
        "ACCESS_KEY_ID": swift.KEYS.access_key,
        "SECRET_ACCESS_KEY": swift.KEYS.secret_key,
        "FORCE_PATH_STYLE": "true",
    }
    # rclone's own transport takes no bundle of certificates, and none is needed here
    environ = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
    environ |= {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in remote.items()}
    words = ["rclone", "copy", "--transfers", str(_TRANSFERS), "--checksum", "--config", os.devnull]
    words += ["--stats", "0", "--exclude", "/.storewarden/**", str(root), f"bench:rclone-{number}"]
    began = time.monotonic()
    subprocess.run(words, env=environ, check=True)
    seconds = time.monotonic() - began
    listed = subprocess.run(
        ["rclone", "lsf", "-R", "--files-only", "--config", os.devnull, f"bench:rclone-{number}"],
        env=environ,
        check=True,
        capture_output=True,
    )
    if len(listed.stdout.splitlines()) != count:
        raise Unmeasured(f"rclone did not copy all of {count} files")
    return seconds


# -- Storewarden ----------------------------------------------------------------------------------


def _ours(ground: Ground, root: Path, url: str, count: int, number: int, verify: str) -> float:
    bucket = f"storewarden-{number}"
    swift.make_bucket(url, bucket)
    house = ground.house(bucket, root)
    house.scan(count)
    engine = open_catalogue("sqlite", house.state, role="bench")
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _copied(
            *(engine, descriptor),
            StoreSettings("cloud", url=f"s3://{bucket}", endpoint=url, verify=verify),
        )
    finally:
        os.close(descriptor)
        engine.close()


def _copied(engine: Engine, descriptor: int, settings: StoreSettings) -> float:
    """Plan acts on all files and carry them out, some at once, as the daemon does."""
    ((root_id,),) = engine.execute("SELECT id FROM roots")
    host = roots.this_machine().name
    journal, clock = Journal(engine), SystemClock()
    store = connect(settings, swift.ENVIRONMENT)
    tools = Tools(
        journal=journal,
        acted=Acted(journal, Counts(engine, {"bench": root_id})),
        roots=OneRoot(Root("bench", host, "", descriptor)),
        stores={"cloud": store},
        clock=clock,
    )
    executor = Executor(tools, VERBS)
    wanted = planned(engine, "copy", root_id, store="cloud")
    began = time.monotonic()
    for start in range(0, len(wanted), _AT_ONCE):
        some = journal.plan(wanted[start : start + _AT_ONCE], clock.wall_ns())
        for outcome in carry_out_all(executor, [act for act in some if act is not None]):
            if outcome.act.state != "done" or outcome.verified != _SIZE:
                raise Unmeasured(f"copy: {outcome.act.error}")
    seconds = time.monotonic() - began
    ((host_id,),) = engine.execute("SELECT host_id FROM roots")
    if [one.files for one in copies.stored(engine, host_id)] != [len(wanted)]:
        raise Unmeasured(f"not all of {len(wanted)} files were copied")
    return seconds
