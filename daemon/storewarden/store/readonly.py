"""A store that is only read: for what a person set read-only, and for who must not write."""

from __future__ import annotations

from typing import NoReturn

from storewarden.errors import StoreRefused
from storewarden.store.contract import Reader, Stored, Telling
from storewarden.store.wrapped import Wrapped


class ReadOnly(Wrapped):
    """Refuses whatever would change something, before the store is asked."""

    def put(self, key: str, source: Reader, about: Telling) -> Stored:  # noqa: ARG002  # refused
        self._refuse(key)

    def remove(self, stored: Stored) -> bool:
        self._refuse(stored.key)

    def sweep(self, before_ns: int) -> int:  # noqa: ARG002  # refused
        self._refuse()

    def check(self) -> None:
        """List and read something: nothing is written to find out."""
        for entry in self._store.list():
            with self._store.open(entry.key) as opened:
                opened.read(1)
            return

    def _refuse(self, key: str = "") -> NoReturn:
        raise StoreRefused(
            "a store is only read",
            where=f"{self.name}: {key}" if key else self.name,
            remedy="nothing was changed; whoever is to write needs it without read-only",
        )
