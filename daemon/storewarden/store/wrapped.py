"""A store that is another one, but for what a wrapper changes."""

from __future__ import annotations

from collections.abc import Iterator

from storewarden.store.contract import Entry, Looked, Opened, Reader, Space, Store, Stored, Telling


class Wrapped(Store):
    """Hands everything on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = store.name

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        return self._store.put(key, source, about)

    def find(self, key: str) -> Stored | None:
        return self._store.find(key)

    def about(self, key: str) -> bytes:
        return self._store.about(key)

    def open(self, key: str, offset: int = 0) -> Opened:
        return self._store.open(key, offset)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        return self._store.look(stored, offset)

    def receipt(self, stored: Stored) -> bytes | None:
        return self._store.receipt(stored)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return self._store.list(prefix)

    def remove(self, stored: Stored) -> bool:
        return self._store.remove(stored)

    def sweep(self, before_ns: int) -> int:
        return self._store.sweep(before_ns)

    def space(self) -> Space | None:
        return self._store.space()

    def check(self) -> None:
        self._store.check()

    def close(self) -> None:
        self._store.close()
