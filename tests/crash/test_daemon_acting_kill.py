"""The daemon is killed at any moment while it acts; nothing is lost, and nothing is there twice."""

from __future__ import annotations

import os
import random
import time
from hashlib import blake2b
from pathlib import Path

import pytest

from storewarden.act.about import from_bytes
from storewarden.act.copying import quiet, unpacking
from storewarden.store.directory import DirectoryStore
from tests.acted import Acting
from tests.servers.own import own_server

KILLS = 10
FILES = 120
POLICIES = """\
version: 1
policies:
  - id: renders
    match: {name: "*.bin"}
    phases: [{after: 0s, do: archive, to: cold}]
    guard: {max_share: 100%, loosen: true}
    observe: false
  - id: drafts
    match: {name: "*.tmp.txt"}
    phases: [{after: 0s, do: trash}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def local(root: Path) -> list[bytes]:
    """Return the digests of all contents in a root, those in drawers too."""
    found: list[bytes] = []
    for directory, _, names in os.walk(root):
        ours = ".storewarden" in directory
        wanted = (name for name in names if not ours or name.isdigit())
        found += [digest((Path(directory) / name).read_bytes()) for name in wanted]
    return found


def stored(path: Path) -> list[bytes]:
    """Return the digests of what the objects of a store hold."""
    store = DirectoryStore("cold", str(path))
    found = []
    for entry in store.list():
        about = from_bytes(store.about(entry.key), entry.key)
        with store.open(entry.key) as opened:
            content = b"".join(unpacking(about, entry.key, quiet)(opened))
        found.append(digest(content))
    return found


def test_killed_again_and_again_while_it_acts(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    acting = Acting(tmp_path, POLICIES)
    contents = {}
    for number in range(FILES):
        name = f"d{number % 5}/{number}" + (".bin" if number % 2 else ".tmp.txt")
        contents[name] = chance.randbytes(chance.randrange(1, 60_000))
        acting.land(name, contents[name])
    whole = sorted(digest(content) for content in contents.values())
    daemon = acting.daemon
    for _ in range(KILLS):
        daemon.start(ready=False)
        time.sleep(chance.uniform(0.4, 1.6))
        daemon.kill()
        there = set(local(acting.root)) | set(stored(acting.store))
        assert there == set(whole), seed  # nothing is lost at any moment
    with daemon:
        acting.until(
            lambda: (
                daemon.query("SELECT count(*) FROM files WHERE state = 'present'") == [(0,)]
                and daemon.query("SELECT 1 FROM acts WHERE ended_ns IS NULL") == []
                and len(acting.states()) == FILES
            ),
            "all is put away",
            30.0,
        )
        assert daemon.stop() == 0
        assert sorted([*local(acting.root), *stored(acting.store)]) == whole, seed
        states = {name: rows[-1] for name, rows in acting.states().items()}
        for name in contents:
            assert states[name] == ("archived" if name.endswith(".bin") else "trashed")
        assert all(len(rows) == 1 for rows in acting.states().values())
        daemon.assert_sound()
        daemon.assert_totals()


@pytest.mark.timeout(120)
def test_a_catalogue_that_goes_away_while_it_acts_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with own_server() as server:
        acting = Acting(tmp_path, POLICIES, server.url)
        contents = {f"d/{number}.bin": os.urandom(9_000) for number in range(60)}
        for name, content in contents.items():
            acting.land(name, content)
        whole = sorted(digest(content) for content in contents.values())
        daemon = acting.daemon
        with daemon:
            acting.until(lambda: len(acting.objects()) > 5, "it acts", 40.0)
            server.control("stop", "-m", "immediate")
            time.sleep(3)
            assert set(local(acting.root)) | set(stored(acting.store)) == set(whole)
            server.control("start")
            acting.until(
                lambda: (
                    daemon.query("SELECT count(*) FROM files WHERE state = 'archived'") == [(60,)]
                    and daemon.query("SELECT 1 FROM acts WHERE ended_ns IS NULL") == []
                ),
                "all is archived",
                60.0,
            )
            assert sorted([*local(acting.root), *stored(acting.store)]) == whole
            assert len(daemon.told("nothing is done while the catalogue is away")) <= 2
            assert daemon.stop() == 0
