"""A life with something of everything in it, for what shows lives: a real daemon that is kept busy.

Pictures of a dozen tools land, films are archived, drafts trashed and purged, databases checked and
backed up, rows of a table grow old; the event queue overflows, a root goes away and comes back.
What cannot happen within minutes is written into the catalogue between a first life and the second:
that files came over a month, and how a database grew meanwhile.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from storewarden.client import Warden
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.stores import prepare
from tests.daemon import Daemon, pause
from tests.makers import tools
from tests.makers.pictures_by_hand import with_chunk

DAY_NS: Final = 86_400 * 10**9
# What pictures are made by, and how often each; all are PNG, into which one may put more bytes.
MAKERS: Final = {
    "comfyui-0.3-flux": 30,
    "comfyui-0.3-png": 22,
    "forge-f2.0.1": 14,
    "automatic1111-1.10.1-png": 9,
    "swarmui-0.9.7": 6,
    "invokeai-5.9": 6,
    "fooocus-2.5.5": 5,
    "novelai-4.5": 4,
    "midjourney-6.1": 3,
    "easydiffusion-3.0": 2,
    "unknown-parameters": 1,
}
# Who is called, with which model, what a call costs, in which currency, and for how long.
CALLED: Final = (
    ("openai", "gpt-4o", "0.0125", "USD", 2.5),
    ("runway", "gen-4", "0.5", "USD", 40.0),
    ("mistral", "mistral-large", "0.0036", "EUR", 1.5),
    ("ollama", "llama3", None, "USD", 6.0),
)
POLICIES: Final = """\
version: 1
classes:
  keeper: {name: "keep-*"}
policies:
  - id: keepers-stay
    match: keeper
    hold: true
    reason: A person said so
  - id: films-are-archived
    match: {kind: video}
    clock: modified
    phases: [{after: 20s, do: archive, to: cold, compress: zstd}]
    guard: {max_share: 100%, loosen: true}
    observe: false
    reason: A film is looked at once
  - id: drafts-go
    match: {name: "*.draft.png"}
    clock: modified
    phases: [{after: 12s, do: trash}, {after_previous: 25s, do: purge}]
    guard: {max_share: 100%, loosen: true}
    observe: false
    reason: What is a draft is called so
  - id: previews-go
    match: {name: "*.preview.png"}
    clock: modified
    phases: [{after: 5s, do: trash}]
    reason: New, so that a person looks first
  - id: pictures-stay
    match: {kind: image, name: "[0-9][0-9][0-9][0-9][0-9].png"}
    place: {required: [local]}
    reason: They are looked at
  - id: packed-goes
    match: {kind: archive}
    clock: modified
    phases: [{after: 5s, do: trash}]
    trigger: [{every: 1h}]
    guard: {max_share: 100%, loosen: true}
    observe: false
    reason: What was packed was unpacked, and there is time
  - id: databases-are-cared-for
    match: {kind: database}
    care:
      integrity: {every: 1min}
      backup: {every: 1min, keep_last: 3, to: cold}
      drill: {every: 1min}
      analyze: {every: 5min}
    reason: They hold what people wrote
  - id: old-conversations
    match: {rows: app.conversations}
    clock: updated_at
    phases: [{after: 365d, do: archive}]
    reason: Read rarely after a year
"""
SCHEMA: Final = """
    CREATE TABLE conversations (id INTEGER PRIMARY KEY, updated_at INTEGER, title TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id INTEGER, text TEXT);
"""


class Life:
    """A daemon with three roots, a store, databases and policies, and what happens there."""

    def __init__(self, base: Path, *, large: int = 20_000) -> None:
        """Make all of it below ``base``; ``large`` is the size of an average picture."""
        self.base, self.large = base, large
        self.random = random.Random(7)  # the same life each time
        self.made = self.told = 0
        for name in ("save_outputs", "uploads/burst", "drive", "cold"):
            (base / name).mkdir(parents=True)
        (base / "policies.yaml").write_text(POLICIES)
        self.chat = base / "uploads" / "chat.db"
        self._databases()
        table = {"database": str(self.chat), "table": "conversations", "key": "id"}
        table |= {"clock": "updated_at", "children": {"messages": "conversation_id"}}  # type: ignore[dict-item]
        settings = {
            "policies": [str(base / "policies.yaml")],
            "stores": {"cold": {"path": str(base / "cold")}},
            "tables": {"app.conversations": table},
        }
        roots = {
            name: {"path": str(base / name), "usage": True}
            for name in ("save_outputs", "uploads", "drive")
        }
        self.daemon = Daemon(base / "d", roots, settings=settings)
        self.daemon.state.mkdir(parents=True, exist_ok=True)
        stores = (StoreSettings("cold", path=bytes(base / "cold")),)
        prepare(Settings(self.daemon.state, "sqlite", (), stores=stores), "cold")

    # -- what there is ----------------------------------------------------------------------------

    def _databases(self) -> None:
        now = int(time.time())
        with closing(sqlite3.connect(self.chat)) as chat, chat:
            chat.executescript(SCHEMA)
            old = [(number, now - 86_400 * (300 + number), "old") for number in range(120)]
            chat.executemany("INSERT INTO conversations VALUES (?, ?, ?)", old)
            some = [(number % 130, "hello " * 20) for number in range(2_000)]
            chat.executemany("INSERT INTO messages (conversation_id, text) VALUES (?, ?)", some)
        for name in ("queue.db", "prompts.db"):
            with closing(sqlite3.connect(self.base / "uploads" / name)) as other, other:
                other.execute("PRAGMA journal_mode = WAL")
                other.execute("CREATE TABLE t (a)")
                rows = [(self.random.randbytes(500),) for _ in range(400)]
                other.executemany("INSERT INTO t VALUES (?)", rows)
                other.execute("DELETE FROM t WHERE rowid % 3 = 0")

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def picture(self, ending: str = ".png") -> Path:
        """Let a tool make a picture."""
        self.made += 1
        ((tool,)) = self.random.choices(list(MAKERS), list(MAKERS.values()))
        size = int(self.large * self.random.uniform(0.5, 1.5))
        content = with_chunk(tools.made(tool), b"prVt", self.random.randbytes(size), last=True)
        path = self.base / "save_outputs" / f"day-{self.made // 200}" / f"{self.made:05}{ending}"
        self._write(path, content)
        return path

    def film(self) -> None:
        """Let a film be made."""
        self.made += 1
        head = bytes.fromhex("000000186674797069736f6d0000020069736f6d69736f32")
        half = self.random.randbytes(self.large * 6)
        self._write(self.base / "save_outputs/films" / f"{self.made:05}.mp4", head + half + half)

    def upload(self) -> None:
        """Let somebody upload something."""
        self.made += 1
        kind = self.random.choice(["txt", "srt", "json", "wav", "zip", "pdf", "safetensors"])
        content = self.random.randbytes(self.large * (8 if kind == "safetensors" else 1))
        self._write(self.base / "uploads" / f"{self.made:05}.{kind}", content)

    def say(self, messages: int = 40) -> None:
        """Let the application write into its database."""
        now = int(time.time())
        with closing(sqlite3.connect(self.chat, timeout=10)) as chat, chat:
            talk = chat.execute("INSERT INTO conversations VALUES (NULL, ?, 'new')", (now,))
            some = [(talk.lastrowid, "and then " * 30) for _ in range(messages)]
            chat.executemany("INSERT INTO messages (conversation_id, text) VALUES (?, ?)", some)

    def call(self) -> None:
        """Let an application call a service, and tell of it; one of twenty ends with an error."""
        provider, model, cost, currency, seconds = self.random.choice(CALLED)
        self.told += 1
        failed = self.random.random() < 0.05
        with Warden(f"unix:{self.daemon.state}/api.sock") as warden:
            warden.record_api_usage(
                provider,
                model=model,
                tokens_in=self.random.randrange(200, 2_000),
                tokens_out=self.random.randrange(50, 800),
                cost=None if failed else cost,
                currency=currency,
                duration=seconds * self.random.lognormvariate(0, 0.4),
                error="it timed out" if failed else None,
                workflow=f"storyboard-{self.told // 40}",
            )

    # -- what happens -----------------------------------------------------------------------------

    def start(self) -> None:
        """Live a first time, let a month have passed, and begin the second life."""
        for _ in range(12):
            self.picture()
            self.upload()
        self.picture(".draft.png")
        self.picture(".preview.png")
        (self.base / "save_outputs" / "keep-1.draft.png").write_bytes(tools.made("forge-f2.0.1"))
        self.film()
        os.utime(self.base / "save_outputs/films" / f"{self.made:05}.mp4", (1, 1))
        daemon = self.daemon
        daemon.start()
        daemon.until(lambda: daemon.query("SELECT 1 FROM copies"), "a film is archived", 30)
        known = "SELECT count(*) FROM databases WHERE bytes > 0"
        daemon.until(lambda: daemon.query(known)[0][0] >= 3, "databases are known", 30)
        daemon.stop()
        self._a_month_passes()
        daemon.start()

    def _a_month_passes(self) -> None:
        """Write into the catalogue that files came over thirty days, and how a database grew."""
        now_ns = time.time_ns()
        space = os.statvfs(self.base)
        growth = space.f_bavail * space.f_frsize // 60
        with closing(sqlite3.connect(self.daemon.state / "catalogue.db", timeout=30)) as rows, rows:
            rows.execute(
                "UPDATE files SET first_seen_ns = first_seen_ns - (id % 30) * ?", (DAY_NS,)
            )
            ((chat,),) = rows.execute("SELECT id FROM databases WHERE name LIKE '%chat.db'")
            rows.executemany(
                "INSERT OR REPLACE INTO database_days"
                " (database_id, day, samples, first_bytes, last_bytes, most_bytes)"
                " VALUES (?, ?, 1, ?, ?, ?)",
                [
                    (chat, now_ns // DAY_NS - ago, *[growth * (31 - ago)] * 3)
                    for ago in range(1, 30)
                ],
            )

    def step(self, pictures: int = 2) -> None:
        """Let a little happen."""
        for _ in range(pictures):
            path = self.picture(self.random.choice([".png"] * 6 + [".draft.png", ".preview.png"]))
            if self.random.random() < 0.3:
                path.read_bytes()
        if self.random.random() < 0.3:
            self.upload()
        if self.random.random() < 0.15:
            self.film()
        if self.random.random() < 0.3:
            self.say()
        for _ in range(self.random.randrange(4)):
            self.call()

    def overflow(self) -> None:
        """Let more happen at once than the kernel's queue holds."""
        queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        pause(self.daemon)
        try:
            into = self.base / "uploads" / "burst"
            for number in range(min(queue, 40_000) // 2 + 500):
                (into / f"{number}.txt").write_bytes(b"x" * (number % 2_000))
        finally:
            self.daemon.signal(signal.SIGCONT)

    def tidy(self) -> None:
        """Remove what the burst left."""
        for path in (self.base / "uploads" / "burst").iterdir():
            path.unlink()

    def unplug(self) -> None:
        """Let a root go away."""
        (self.base / "drive").rename(self.base / "unplugged")

    def plug_in(self) -> None:
        """Let it come back."""
        (self.base / "unplugged").rename(self.base / "drive")

    def close(self) -> None:
        """End the daemon."""
        self.daemon.kill()
