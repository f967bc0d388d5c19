"""Killed while it looks into files, or given files that were made to kill: every file is known."""

import contextlib
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

from tests.crash.test_daemon_children import children
from tests.daemon import Daemon
from tests.fuzzing import mutations
from tests.makers.pictures_by_hand import bare_png, bomb, chunk

ROOT = "uploads"
FILES = 3_000
KILLS = 5


def painting(seed: int) -> bytes:
    """Return a picture that says which one it is."""
    told = f"a lighthouse, number n{seed}\nSteps: 20, Sampler: Euler, Seed: {seed}, Size: 64x64"
    return bare_png(64, 64, chunk(b"tEXt", b"parameters\0" + told.encode()))


def gallery(top: Path, files: int) -> None:
    for number in range(files):
        place = top / f"d{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(painting(number))


def waiting(daemon: Daemon) -> int:
    rows = daemon.query(
        "SELECT count(*) FROM files WHERE inspected_ns IS NULL AND state = 'present'"
    )
    return int(rows[0][0])


def known(daemon: Daemon, files: int) -> bool:
    return daemon.count() == files and waiting(daemon) == 0


def fewer(daemon: Daemon, before: int) -> bool:
    """Tell whether more is known than before, or all that there is."""
    return waiting(daemon) < before or known(daemon, FILES)


def assert_facts(daemon: Daemon, files: int) -> None:
    """Each picture has facts, its own seed, and is found by its own word."""
    seeds = daemon.query(
        "SELECT f.name, p.seed FROM files f JOIN prompts p ON p.file_id = f.id"
        " WHERE f.state = 'present'"
    )
    assert {bytes(name) for name, _ in seeds} == {b"%d.png" % n for n in range(files)}
    assert all(bytes(name) == seed.encode() + b".png" for name, seed in seeds)
    (words,) = daemon.query("SELECT count(*) FROM words WHERE words MATCH 'lighthouse'")
    assert words == (files,)
    for number in (0, files // 2, files - 1):
        answer = daemon.verb("search", f"n{number}", "--json").stdout
        assert f"{number}.png" in answer
        assert answer.count("\n") == 1
    daemon.assert_totals()
    daemon.assert_sound()


def test_killed_again_and_again_while_it_looks_into_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    gallery(root, FILES)
    chance = random.Random(seed := random.randrange(10**9))
    daemon = Daemon(tmp_path / "daemon", {ROOT: root})
    for _ in range(KILLS):
        daemon.start()
        time.sleep(chance.uniform(0.0, 0.4))
        daemon.kill()
    with daemon:
        daemon.until(lambda: known(daemon, FILES), f"all is looked into (seed {seed})")
        assert_facts(daemon, FILES)


def test_its_inspecting_processes_are_killed_under_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    gallery(root, FILES)
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        killed = 0
        while killed < KILLS and not known(daemon, FILES):
            for child in children(daemon.pid, ".inspecting"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                    killed += 1
            daemon.until(partial(fewer, daemon, waiting(daemon)), "it goes on")
        daemon.until(lambda: known(daemon, FILES), "all is looked into")
        (refused,) = daemon.query("SELECT count(*) FROM facts WHERE outcome = 'refused'")
        assert refused[0] <= killed // 2  # each costs one attempt, and a file has two
        assert daemon.alive()
        daemon.assert_sound()


def test_files_that_were_made_to_harm_are_recorded_refused_and_leave_the_others_alone(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    gallery(root, 50)
    hostile = root / "hostile"
    hostile.mkdir()
    deep = b"parameters\0" + b"[" * 100_000
    made = {
        "bomb.png": bare_png(64, 64, chunk(b"zTXt", b"prompt\0\0" + bomb(300 << 20))),
        "deep.png": bare_png(64, 64, chunk(b"tEXt", b"workflow" + deep)),
        "vast.png": bare_png(2**31 - 1, 2**31 - 1),
        "deep.json": b'{"a":' * 200_000,
        "zeros.mp4": b"\0\0\0\x18ftypisom" + bytes(1 << 20),
        "empty.webp": b"",
        "na\nme.png": painting(1),
        os.fsdecode(b"caf\xe9.png"): painting(2),
    }
    dice = random.Random(7)
    broken = list(mutations([painting(5), bare_png(9, 9)], 500, dice))
    made |= {f"broken-{number}.png": content for number, content in enumerate(broken)}
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        for name, content in made.items():
            (hostile / name).write_bytes(content)
        daemon.until(lambda: known(daemon, 50 + len(made)), "all is looked into")
        rows = daemon.query(
            "SELECT t.outcome, t.width FROM facts t JOIN files f ON f.id = t.file_id"
            " WHERE f.name = CAST('vast.png' AS BLOB)"
        )
        assert rows == [("read", 2**31 - 1)]
        deaths = 'storewarden_inspection_children_died_total{reason="%s"}'
        metrics = daemon.metrics()
        assert [r for r in ("signal", "exit", "nonsense", "time") if metrics.get(deaths % r)] == []
        for odd in ("na\nme.png", os.fsdecode(b"caf\xe9.png")):
            done = daemon.verb("show", str(hostile / odd))
            assert "a lighthouse" in done.stdout
        daemon.assert_totals()
        daemon.assert_sound()
