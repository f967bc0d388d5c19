"""A small root with files, a store that is prepared, and what a person can see of both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from storewarden.store.directory import DirectoryStore
from storewarden.store.known import Known, note
from tests.archived import noise, words
from tests.unit.cli.conftest import Run

OLD_NS = 1_700_000_000_123_456_789
FILES: Mapping[str, bytes] = {
    "cat.png": noise(20_000, 1),
    "dog.png": noise(30_000, 2),
    "renders/film.mp4": noise(50_000, 3),
    "renders/film.srt": words(900),
    "renders/notes.txt": words(4_000),
    "two\nlines \udcff.png": noise(10_000, 4),
}
NAMES = tuple(FILES)


@dataclass
class Yard:
    """The root ``save_outputs``, the stores ``cold`` and ``nas``, and the command."""

    here: Path
    run: Run

    @property
    def root(self) -> Path:
        return self.here / "save_outputs"

    def configure(self, **more: object) -> None:
        document: dict[str, object] = {
            "state": str(self.here / "state"),
            "roots": {"save_outputs": {"path": str(self.root), "settle": "10ms"}},
            "stores": {name: {"path": str(self.here / name)} for name in ("cold", "nas")},
            "http": {"listen": "127.0.0.1:0"},
        }
        whole = {key: value for key, value in (document | more).items() if value}
        (self.here / "storewarden.yaml").write_text(yaml.safe_dump(whole))

    def policies(self, text: str, **more: object) -> None:
        """Write policies, and configure them."""
        (self.here / "policies.yaml").write_text(text)
        self.configure(policies=["policies.yaml"], **more)

    def fill(self) -> None:
        """Make the files, old ones, with all that a file can have."""
        for name, content in FILES.items():
            self.put(name, content)
        self.scan()

    def put(self, name: str, content: bytes, modified_ns: int = OLD_NS) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o640)
        os.setxattr(path, "user.rating", b"5\0\xff")
        os.utime(path, ns=(modified_ns, modified_ns))
        return path

    def scan(self) -> None:
        ran = self.run("scan")
        assert ran.code == 0, ran.err

    def prepare(self) -> None:
        """Say of the directories that they are stores."""
        for name in ("cold", "nas"):
            (self.here / name).mkdir()
            identity = DirectoryStore(name, str(self.here / name)).prepare()
            note(self.here / "state", name, Known(identity, str(self.here / name)))

    def states(self) -> dict[str, str]:
        """Return what the catalogue says of each file; of two of one name, the last."""
        told = self.run("files", "state=any", "--json").lines
        return {_name(one): one["state"] for one in told}

    def seen(self, name: str) -> tuple[bytes, int, int, bytes] | None:
        """Return a file as anybody sees it: content, mode, time, attribute."""
        path = self.root / name
        if not path.exists():
            return None
        status = path.stat()
        attribute = os.getxattr(path, "user.rating")
        return path.read_bytes(), status.st_mode & 0o7777, status.st_mtime_ns, attribute

    def all(self) -> dict[str, tuple[bytes, int, int, bytes] | None]:
        return {name: self.seen(name) for name in NAMES}

    def objects(self, store: str = "cold") -> list[str]:
        """Return the objects in a store, but for what they tell of themselves."""
        top = self.here / store
        found = [path.relative_to(top) for path in top.rglob("*") if path.is_file()]
        return sorted(
            str(one)
            for one in found
            if not one.name.endswith(".about") and one.parts[0] != ".storewarden"
        )


def _name(one: dict[str, str]) -> str:
    told = one.get("path_hex", "")
    return os.fsdecode(bytes.fromhex(told)) if told else one["path"]
