"""Many applications tell at once while the daemon is killed: nothing is lost, nothing twice."""

import functools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.client import Warden
from tests.catalogues import fresh_database
from tests.daemon import Daemon
from tests.servers import postgres
from tests.servers.shared import RUN

# What a process of applications does: some threads, each with a client of its own, until each has
# made its calls or somebody has heard enough; it says how many each made.
_PROGRAM = """
import json, sys, threading
from storewarden.client import Warden
config, root, number, threads, calls = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
enough, failed, made = threading.Event(), [], {}
def work(client):
    made[client] = 0
    with Warden(config=config, timeout=300) as warden:
        while made[client] < calls and not enough.is_set():
            turn = made[client]
            name = f"{client}.{turn}"
            if turn % 3 == 0:
                warden.record_api_usage("openai", name, cost="0.001", tokens_in=1)
            elif turn % 3 == 1:
                warden.add_generated_file(f"{root}/{name}.png", workflow=f"flow {client}")
            else:
                warden.add_chat(f"{root}/asked.mp4", name, "that")
            made[client] += 1
def tried(client):
    try:
        work(client)
    except BaseException as error:
        failed.append(repr(error))
def listen():
    sys.stdin.read()
    enough.set()
threading.Thread(target=listen, daemon=True).start()
clients = range(number * threads, (number + 1) * threads)
running = [threading.Thread(target=tried, args=(client,)) for client in clients]
[thread.start() for thread in running]
[thread.join() for thread in running]
print(json.dumps(made), flush=True)
sys.exit("; ".join(failed) or 0)
"""
ASKED = b"asked.mp4"


@pytest.fixture(params=["sqlite", "postgresql"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "media").mkdir()
    if request.param == "sqlite":
        with Daemon(tmp_path, {"media": tmp_path / "media"}) as running:
            yield running
        return
    server = os.environ.get("STOREWARDEN_TEST_POSTGRES")
    url = server or request.config.stash[RUN].server("postgres", postgres.start).url
    with (
        fresh_database(url, "client_kill") as database,
        Daemon(tmp_path, {"media": tmp_path / "media"}, catalogue=database) as running,
    ):
        yield running


class Applications:
    """Processes that tell, all at once."""

    def __init__(self, daemon: Daemon, *, processes: int, threads: int, calls: int) -> None:
        command = [sys.executable, "-c", _PROGRAM, str(daemon.config), str(daemon.base / "media")]
        self.running = [
            subprocess.Popen(
                [*command, str(number), str(threads), str(calls)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(processes)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.running:
            one.kill()
            one.communicate()

    def tell(self) -> bool:
        """Whether any of them still does."""
        return any(one.poll() is None for one in self.running)

    def told(self) -> Counter[str]:
        """Have them end with the call that each is at; return what they told."""
        said = [one.communicate()[0] for one in self.running]
        assert [one.returncode for one in self.running] == [0] * len(self.running)
        made = {client: count for each in said for client, count in json.loads(each).items()}
        return Counter(f"{client}.{turn}" for client in made for turn in range(made[client]))


def kept(daemon: Daemon) -> Counter[str]:
    """Return what is in the catalogue, and how often."""
    found: Counter[str] = Counter()
    engine = open_catalogue(daemon.catalogue, daemon.state, readonly=True, role="storewarden-test")
    try:
        found.update(model for (model,) in engine.execute("SELECT model FROM api_usage"))
        found.update(text for (text,) in engine.execute("SELECT question FROM chat_history"))
        found.update(
            bytes(name).decode().removesuffix(".png")
            for (name,) in engine.execute("SELECT name FROM told_files WHERE name <> ?", (ASKED,))
        )
    finally:
        engine.close()
    return found


def more_than(daemon: Daemon, so_many: int) -> bool:
    return kept(daemon).total() > so_many


def kill_and_start(daemon: Daemon) -> None:
    daemon.kill()
    daemon.start(ready=False)
    daemon.until(lambda: daemon.told("ready"), "it is ready", 60)  # fifty wait for it


def test_what_was_told_through_kills_is_there_once(daemon: Daemon) -> None:
    with Applications(daemon, processes=2, threads=5, calls=1_000_000) as applications:
        for _ in range(2):
            before = kept(daemon).total()
            daemon.until(functools.partial(more_than, daemon, before + 20), "they tell")
            kill_and_start(daemon)
        told = applications.told()

    assert told == kept(daemon)


def test_who_waits_for_a_daemon_is_answered_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    with Daemon(tmp_path, {"media": tmp_path / "media"}) as daemon:
        daemon.kill()
        back = threading.Timer(0.3, lambda: daemon.start(ready=False))
        back.start()
        with Warden(config=daemon.config, timeout=20) as warden:
            done = warden.create_workflow("story")
        back.join()
        daemon.until(lambda: daemon.told("ready"), "it is ready")

    assert done.created


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_applications_tell_ten_thousand_times_each_through_kills(daemon: Daemon) -> None:
    chance, kills = random.Random(7), 0
    with Applications(daemon, processes=10, threads=5, calls=10_000) as applications:
        while applications.tell():
            time.sleep(chance.uniform(1, 15))
            kill_and_start(daemon)
            kills += 1
        told = applications.told()

    assert kills >= 10
    assert len(told) == 50 * 10_000
    assert told == kept(daemon)
