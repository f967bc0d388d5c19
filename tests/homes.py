"""A configuration with real roots and a real store, scanned and acted on without a daemon."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storewarden.catalogue.connect import open_catalogue
from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import RootSettings, Settings, StoreSettings
from storewarden.daemon.acting.once import act_once
from storewarden.daemon.acting.stores import prepare
from storewarden.daemon.acting.wish import Result, Told, Wanted, Wish
from storewarden.daemon.once import scan_once


class Home:
    """Roots by their names, a directory store `cold`, and what the catalogue says of them."""

    def __init__(self, base: Path, catalogue: str = "sqlite", roots: Sequence[str] = ("r",)):
        self.base = base
        self.store = base / "cold"
        self.store.mkdir()
        self.roots = {name: base / name for name in roots}
        for path in self.roots.values():
            path.mkdir()
        self.settings = Settings(
            state=base / "state",
            catalogue=catalogue,
            roots=tuple(
                RootSettings(name, bytes(path), settle=0.0, inspect=False, digest=False)
                for name, path in self.roots.items()
            ),
            stores=(StoreSettings("cold", path=bytes(self.store)),),
            policies=(),
        )
        (base / "state").mkdir()
        prepare(self.settings, "cold")
        self.clock: Clock = SystemClock()

    def policies(self, text: str) -> None:
        """Write policies, which are read with the next act."""
        file = self.base / "policies.yaml"
        file.write_text(text)
        self.settings = replace(self.settings, policies=(str(file),))

    def write(self, name: str, content: bytes = b"content", root: str = "r") -> Path:
        path = self.roots[root] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def link(self, owner: str, *sidecars: str) -> None:
        """Let files belong to another one, as inspecting them finds out."""
        engine = open_catalogue(self.settings.catalogue, self.settings.state, role="test")
        of = self.id(owner)
        rows = [(self.id(name), of, "metadata") for name in sidecars]
        with engine.transaction():
            engine.insert("sidecars", ("file_id", "of_id", "role"), rows)
        engine.close()

    def scan(self) -> None:
        scan_once(self.settings, ())

    def act(
        self,
        verb: str,
        *names: str,
        root: str = "r",
        approves: tuple[str, ...] = (),
        told: Callable[[Told], None] = lambda _told: None,
        stopping: Callable[[], bool] = lambda: False,
        **more: Any,
    ) -> Result:
        """Carry out a wish about the newest rows of these paths."""
        wanted = tuple(Wanted(self.id(name, root), verb, **more) for name in names)
        wish = Wish(wanted, "anna", "because", approves)
        return act_once(self.settings, wish, clock=self.clock, told=told, stopping=stopping)

    def query(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        engine = open_catalogue(
            self.settings.catalogue, self.settings.state, readonly=True, role="test"
        )
        try:
            return engine.execute(sql, params)
        finally:
            engine.close()

    def id(self, name: str, root: str = "r") -> int:
        directory, _, last = name.rpartition("/")
        rows = self.query(
            "SELECT f.id FROM files f JOIN directories d ON d.id = f.directory_id"
            " JOIN roots r ON r.id = d.root_id WHERE r.name = ? AND d.path = ? AND f.name = ?"
            " ORDER BY f.id DESC",
            (root, os.fsencode(directory), os.fsencode(last)),
        )
        found: int = rows[0][0]
        return found

    def states(self) -> dict[str, str]:
        """Return the states of files by their paths, the newest row of each."""
        rows = self.query(
            "SELECT d.path, f.name, f.state FROM files f JOIN directories d"
            " ON d.id = f.directory_id ORDER BY f.id"
        )
        return {
            os.fsdecode(bytes(path) + b"/" + bytes(name) if path else bytes(name)): state
            for path, name, state in rows
        }

    def stored(self) -> int:
        """Return how many objects the store has."""
        return sum(
            1
            for path in self.store.rglob("*")
            if path.is_file()
            and not path.name.endswith(".about")
            and ".storewarden" not in str(path)
        )
