"""The strategy for a folder of databases, carried out without a daemon on real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.movable import movable
from storewarden.config.schema import StoreSettings
from storewarden.daemon.acting.stores import prepare
from storewarden.daemon.tending.known import known
from storewarden.daemon.tending.once import tend_once
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.databases.migrate import Migration, migration
from storewarden.databases.recommend import read_strategy
from storewarden.policy.sources import shipped
from tests.homes import Home

REASON: Final = "storewarden db migrate  # abcd2345"
DAY: Final = 86_400 * 10**9


class Strategy(Home):
    """A root with the strategy in force, and a store that is called as the strategy calls it."""

    def __init__(
        self, base: Path, *, care: bool = False, cloud: StoreSettings | None = None
    ) -> None:
        super().__init__(base)
        stores = (cloud or StoreSettings("cloud", path=bytes(self.store)),)
        roots = tuple(replace(root, usage=True) for root in self.settings.roots)
        self.settings = replace(
            self.settings, roots=roots, stores=stores, policies=("shipped:trae",)
        )
        if cloud is None:
            prepare(self.settings, "cloud")
        if not care:
            self.policies(without_care(shipped()["trae"].read_text()))

    def used(self, name: str, opens: int, days: int = 10) -> None:
        """Let a database be sixty days old, and opened so many times on each of some days."""
        now_ns = self.clock.wall_ns()
        long_ago = now_ns - 60 * DAY
        engine = open_catalogue(self.settings.catalogue, self.settings.state, role="test")
        with engine.transaction():
            engine.execute("UPDATE roots SET usage_since_ns = ?", (long_ago,))
            file_id = self.id(name)
            engine.execute("UPDATE files SET first_seen_ns = ? WHERE id = ?", (long_ago, file_id))
            engine.execute(
                "INSERT INTO usage (file_id, last_ns, opens, writes) VALUES (?, ?, ?, 0)",
                (file_id, now_ns - DAY, opens * days),
            )
            for day in range(days):
                engine.execute(
                    "INSERT INTO usage_days (file_id, day, opens, writes) VALUES (?, ?, ?, 0)",
                    (file_id, now_ns // DAY - 1 - day, opens),
                )
        engine.close()

    @property
    def root(self) -> Path:
        return self.roots["r"]

    def migrate(
        self, *names: str, told: Callable[[Told], None] = lambda _told: None, **options: Any
    ) -> TendResult:
        # a machine that does other things beside is no reason to wait, but where that is tried
        asked = {"reason": REASON, "slower": 1e9, **options}
        wish = TendWish("migrate", names, asked, "anna")
        return tend_once(self.settings, wish, clock=self.clock, told=told)

    def plan(self) -> Migration:
        engine = open_catalogue(self.settings.catalogue, self.settings.state, role="test")
        try:
            ((host,),) = engine.execute("SELECT id FROM hosts")
            databases = [known(one) for one in movable(engine, host)]
        finally:
            engine.close()
        (file,) = self.settings.policies
        return migration(read_strategy(file, ("cloud",)), databases, self.clock.wall_ns())

    def here(self) -> dict[str, bytes]:
        """Return what lies in the root, but for our own folder."""
        return {
            os.fsdecode(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".storewarden" not in path.parts
        }


def without_care(text: str) -> str:
    """Return the strategy without what is done for databases wherever they are."""
    before, _, rest = text.partition("  - id: databases-are-cared-for")
    return before + rest[rest.index("tests:") :]


def outcomes(result: TendResult) -> dict[str, str]:
    """Return what came of each database."""
    return {item.database: item.outcome for item in result.items}
