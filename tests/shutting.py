"""Acts on a file system that loses its power again and again; run in a mount namespace of its own.

The root, the store and the catalogue with the journal lie on one ext4. A child carries out acts and
tells of each that is done; in the middle of that the file system is shut down without its log,
mounted again, and recovered from, twice.
"""

from __future__ import annotations

import fcntl
import os
import random
import struct
import subprocess
import time
from pathlib import Path
from typing import Final

from storewarden.act.batch import carry_out_all
from storewarden.catalogue import keep_file
from storewarden.catalogue.acts import Act
from storewarden.errors import StorewardenError
from tests.catalogues import Place
from tests.executing import BUNDLES, SCENES, Life, Lives, Scene, play, states

SHUTDOWN: Final = 0x8004587D
WITH_THE_LOG, WITHOUT_THE_LOG = 1, 2
AT_ONCE: Final = 3  # acts of a round, and as many that are trashed together
LONGEST: Final = 0.12  # seconds that acts go on before the power fails

Begun = tuple[Life, Act, Scene]


class Disk:
    """A file system in a file."""

    def __init__(self, image: str, place: Path) -> None:
        self.image, self.place = image, place

    def mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)

    def unmount(self) -> None:
        for _ in range(50):
            if subprocess.run(["umount", self.place], check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("it stays mounted")

    def shut_down(self, how: int) -> None:
        descriptor = os.open(self.place, os.O_RDONLY)
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", how))
        os.close(descriptor)


class Rounds:
    """Lives that are led on a disk whose power fails."""

    def __init__(self, disk: Disk, chance: random.Random) -> None:
        self.disk, self.chance = disk, chance
        self.cut = self.done = self.open = 0
        disk.mount()
        self.place = Place("sqlite", disk.place / "state")
        self.lives = Lives(self.place.made(), disk.place, plain=True)

    def _enter(self) -> None:
        engine = self.place.open()
        self.lives.engine = self.lives.book.engine = engine

    def _leave(self) -> None:
        self.place.close()
        self.place.opened.clear()

    def begin(self) -> list[Begun]:
        begun: list[Begun] = []
        for _ in range(AT_ONCE):
            scene = SCENES[self.chance.choice(list(SCENES))]
            bundle = self.chance.choice(list(BUNDLES.values()))
            life, act = play(self.lives, scene, "directory", bundle)
            begun.append((life, act, scene))
        scene = SCENES[self.chance.choice(["trash", "purge"])]
        contents = {b"d%d/file" % at: b"%d" % at for at in range(AT_ONCE)}
        life = self.lives.begin("directory", contents)
        life.purge_rule = scene.rule
        return begun + [(life, scene.begin(life, one), scene) for one in contents]

    def child(self, begun: list[Begun], said: int) -> None:
        """Carry out acts until the disk is gone; say of each that is done."""
        self._enter()
        for life, _, _ in begun:
            life.engine = self.lives.engine
        os.write(said, b"\n")
        many = [one for one in begun if one[0] is begun[-1][0]]
        try:
            for life, act, _ in begun[:-AT_ONCE]:
                if life.carry_out(act).act.state == "done":
                    os.write(said, b"%d\n" % act.id)
            executor = many[0][0].executor()
            for outcome in carry_out_all(executor, [act for _, act, _ in many]):
                if outcome.act.state == "done":
                    os.write(said, b"%d\n" % outcome.act.id)
        except (StorewardenError, OSError):
            pass  # the disk is gone

    def round(self) -> None:
        begun = self.begin()
        self._leave()
        os.sync()
        ours, theirs = os.pipe()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                self.child(begun, theirs)
                code = 0
            finally:
                os._exit(code)
        os.close(theirs)
        assert os.read(ours, 1) == b"\n"
        time.sleep(self.chance.random() * LONGEST)
        acknowledged = _heard(ours)
        self.disk.shut_down(self.chance.choice([WITHOUT_THE_LOG, WITH_THE_LOG]))
        _, status = os.waitpid(process, 0)
        os.close(ours)
        assert os.waitstatus_to_exitcode(status) == 0
        self.disk.unmount()
        self.disk.mount()
        assert keep_file.damage(self.place.file) == ""
        self._enter()
        self.recover(begun, acknowledged)

    def recover(self, begun: list[Begun], acknowledged: set[int]) -> None:
        lives = list(dict.fromkeys(life for life, _, _ in begun))
        for life, act, scene in begun:
            life.engine = self.lives.engine
            was = life.act(act).state
            assert was == "done" or act.id not in acknowledged, (act.verb, was)
            self.done, self.open = self.done + (was == "done"), self.open + (was != "done")
            if not scene.gone:
                life.all_there()
        for life in lives:
            life.recover()
        for life, act, scene in begun:
            ended = life.act(act)
            assert (ended.state, ended.error) == ("done", ""), ended
            assert states(life, ended) == {scene.state}
            if not scene.gone:
                life.all_there()
        for life in lives:
            life.agree()
            before = life.everything()
            assert life.recover()[0:3] == ((), (), 0)
            assert life.everything() == before
        self.lives.end(*lives)
        self.cut += 1

    def end(self) -> None:
        self._leave()
        self.disk.unmount()


def _heard(said: int) -> set[int]:
    """Return what was said until now: behind a power cut nobody says anything.

    What a sync tells that is under way when the test cuts the power is not to be believed: the
    kernel may take a transaction that it gave up for one that is written.
    """
    os.set_blocking(said, False)
    try:
        told = os.read(said, 1 << 16)
    except BlockingIOError:
        return set()
    return {int(line) for line in told.split(b"\n")[:-1]}


def main(image: str, place: str, rounds: str, seed: str) -> None:
    """Let the power fail so many times."""
    all_of_them = Rounds(Disk(image, Path(place)), random.Random(seed))
    for _ in range(int(rounds)):
        all_of_them.round()
    all_of_them.end()
    told = f"{all_of_them.done} acts were done by then, {all_of_them.open} were not"
    print(f"{all_of_them.cut} times without power: {told}")  # noqa: T201
    assert all_of_them.done > 0
    assert all_of_them.open > 0
