"""A real daemon that acts on one root by policies, with a directory store beside it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storewarden.catalogue import requests
from storewarden.catalogue.connect import open_catalogue
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.stores import prepare
from storewarden.daemon.acting.wish import Result, Wish
from tests.daemon import Daemon
from tests.mounts import Namespace

ARCHIVE = """\
version: 1
policies:
  - id: renders
    match: {name: "*.bin"}
    phases: [{after: 0s, do: archive, to: cold}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""
TRASH = """\
version: 1
policies:
  - id: drafts
    match: {name: "*.tmp.txt"}
    phases: [{after: 0s, do: trash}, {after_previous: 2s, do: purge}]
    guard: {max_share: 100%, loosen: true}
    observe: false
"""


NOTHING = """\
version: 1
policies:
  - id: keep
    match: {name: "*"}
    hold: true
"""


class Acting:
    """A daemon that acts on one root, by policies, with a directory store."""

    def __init__(
        self,
        base: Path,
        policies: str,
        catalogue: str = "sqlite",
        *,
        root: dict[str, object] | None = None,
        store: dict[str, object] | None = None,
        inside: Namespace | None = None,
    ) -> None:
        self.root, self.store = base / "uploads", base / "cold"
        for path in (self.root, self.store):
            path.mkdir()
        self.policies = base / "policies.yaml"
        self.policies.write_text(policies)
        self.daemon = Daemon(
            base / "d",
            {"uploads": {"path": str(self.root), "settle": "0.2s"} | (root or {})},
            catalogue=catalogue,
            inside=inside,
            settings=self._settings(store or {}),
        )
        stores = (StoreSettings("cold", path=bytes(self.store)),)
        self.daemon.state.mkdir(parents=True, exist_ok=True)
        prepare(Settings(self.daemon.state, "sqlite", (), stores=stores), "cold")

    def _settings(self, store: dict[str, object]) -> dict[str, Any]:
        stores = {"cold": {"path": str(self.store)} | store}
        return {"policies": [str(self.policies)], "stores": stores}

    def configure(self, **store: object) -> None:
        """Configure the store otherwise, from the next start or reload on."""
        self.daemon.settings = self._settings(store)
        self.daemon.configure()

    def land(self, name: str, content: bytes = b"content") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def objects(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.store))
            for path in self.store.rglob("*~*")
            if path.is_file() and path.suffix != ".about" and ".storewarden" not in path.parts
        )

    def states(self) -> dict[str, list[str]]:
        return {os.fsdecode(path): states for path, states in self.daemon.states().items()}

    def acts(self) -> list[tuple[Any, ...]]:
        return self.daemon.query("SELECT verb, state FROM acts ORDER BY id")

    def until(self, met: Callable[[], object], what: str, seconds: float = 20.0) -> float:
        return self.daemon.until(met, what, seconds)

    def ask(self, wish: Wish, seconds: float = 20.0) -> Result:
        """Ask the daemon, as a verb does."""
        engine = open_catalogue(self.daemon.catalogue, self.daemon.state, role="test")
        try:
            ((root_id,),) = engine.execute("SELECT id FROM roots")
            facts = wish.facts()
            job = requests.ask(
                engine, "act", root_id, facts, asked_by="anna", now_ns=time.time_ns()
            )

            def ended() -> bool:
                request = requests.read(engine, job)
                return request is not None and request.ended

            self.until(ended, "the wish is carried out", seconds)
            request = requests.read(engine, job)
            assert request is not None
            assert request.state == "done", request.outcome
            return Result.of(request.outcome)
        finally:
            engine.close()

    def id(self, name: str) -> int:
        rows = self.daemon.query(
            "SELECT id FROM files WHERE name = ? ORDER BY id DESC", (os.fsencode(name),)
        )
        found: int = rows[0][0]
        return found

    def reload(self, policies: str) -> None:
        self.policies.write_text(policies)
        self.daemon.signal(signal.SIGHUP)
