"""A real file system loses its power while objects are put: none that was acknowledged is lost."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.mounts import namespace

TOP: Final = Path(__file__).parents[2]

# What a mount namespace of its own does with a file system in a file.
IN_NAMESPACE: Final = """
import fcntl, io, os, random, struct, subprocess, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from storewarden.errors import StorewardenError
from storewarden.store.directory import DirectoryStore
from tests.stores import DirectorySite, content_of, whole
image, place, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
SHUTDOWN, WITHOUT_THE_LOG = 0x8004587D, struct.pack("I", 2)
chance = random.Random(5)
said = {}

def content(key):
    return content_of(100 + hash(key) % 50_000)

def work(store, turn, worker, enough):
    for number in range(10**6):
        key = f"root/{turn}/{worker}/{number % 3}/{number}~x"
        try:
            stored = store.put(key, io.BytesIO(content(key)), key.encode)
            said[key] = True
            if number % 4 == 3:
                said[key] = None  # maybe
                store.remove(stored)
                said[key] = False
        except StorewardenError:
            return
        enough.release()

for turn in range(rounds):
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    store = DirectoryStore("d", place)
    store.prepare()
    for key, there in said.items():
        found = store.find(key)
        assert there is None or (found is not None) == there, (turn, key, there)
        if found:
            assert whole(store, key) == content(key), (turn, key)
            assert store.about(key) == key.encode(), (turn, key)
    for entry in list(store.list()):  # those of which nobody heard whether they were put
        assert whole(store, entry.key) == content(entry.key), (turn, entry)
        assert store.about(entry.key) == entry.key.encode(), (turn, entry)
    store.sweep(1 << 62)
    assert DirectorySite(Path(place)).leftovers() == 1  # lost+found
    enough = threading.Semaphore(0)
    workers = [threading.Thread(target=work, args=(store, turn, n, enough)) for n in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(chance.randrange(1, 40)):
        assert enough.acquire(timeout=20)
    descriptor = os.open(place, os.O_RDONLY)
    fcntl.ioctl(descriptor, SHUTDOWN, WITHOUT_THE_LOG)
    os.close(descriptor)
    for worker in workers:
        worker.join()
    subprocess.run(["umount", place], check=True)
assert len(said) > rounds
"""


@pytest.mark.parametrize(
    "rounds", [6, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_what_was_acknowledged_is_there_when_the_power_is_back(tmp_path: Path, rounds: int) -> None:
    place, image = tmp_path / "store", tmp_path / "image"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(512 << 20)
    if not shutil.which("mkfs.ext4"):
        pytest.skip("there is no mkfs.ext4 to make a file system with")
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with namespace() as inside:
        try:
            inside.run("mount", "-o", "loop", image, place)
        except AssertionError as error:
            pytest.skip(f"no file system in a file can be mounted here: {error}")
        inside.run("umount", place)

        inside.run(sys.executable, "-c", IN_NAMESPACE, image, place, str(rounds), TOP)
