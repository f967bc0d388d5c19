"""A test before and behind each call that an act makes: it ends the process, or fails the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from storewarden.store.contract import Entry, Looked, Opened, Reader, Store, Stored, Telling
from storewarden.store.wrapped import Wrapped
from tests.interfering import MUTATING, Standing

_Told = TypeVar("_Told")


class Killed(BaseException):
    """Stands for the end of the process: nobody catches it."""


Strike = Callable[[str, bool], None]
"""Told of each call by its name, before it is done and, if ``True``, behind it."""


def calm(_name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
    """Let all calls be."""


class Striking:
    """Counts calls, and raises at one of them, or at all from there on."""

    def __init__(
        self,
        at: int,
        error: Callable[[str], BaseException | None],
        *,
        lasting: bool = False,
        only: Callable[[str], bool] = lambda _name: True,
    ) -> None:
        self.calls, self.struck = 0, 0
        self._at, self._error, self._lasting, self._only = at, error, lasting, only

    def __call__(self, name: str, behind: bool) -> None:  # noqa: FBT001
        if not self._only(name):
            return
        self.calls += 1
        if self.calls == self._at or (self._lasting and 0 < self._at < self.calls):
            error = self._error(name)
            if error is not None:
                self.struck += 1
                raise error


def kill(_name: str) -> BaseException:
    return Killed()


class StruckStore(Wrapped):
    """A store with a test before and behind each call, and within each put."""

    def __init__(self, store: Store, strike: Strike) -> None:
        super().__init__(store)
        self.strike = strike

    def _struck(self, name: str, call: Callable[..., _Told], *arguments: Any) -> _Told:
        self.strike(f"store.{name}", False)
        done = call(*arguments)
        try:
            self.strike(f"store.{name}", True)
        except BaseException:
            if isinstance(done, Opened):
                done.close()
            raise
        return done

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        return self._struck("put", super().put, key, _Struck(source, self.strike), about)

    def find(self, key: str) -> Stored | None:
        return self._struck("find", super().find, key)

    def about(self, key: str) -> bytes:
        return self._struck("about", super().about, key)

    def open(self, key: str, offset: int = 0) -> Opened:
        return self._struck("open", super().open, key, offset)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        return self._struck("look", super().look, stored, offset)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return self._struck("list", super().list, prefix)

    def remove(self, stored: Stored) -> bool:
        return self._struck("remove", super().remove, stored)


class _Struck:
    def __init__(self, source: Reader, strike: Strike) -> None:
        self._source, self._strike = source, strike

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(size)
        self._strike("store.putting", True)
        return piece


def stand(thing: object, names: Sequence[str], prefix: str, strike: Strike) -> None:
    for name in names:
        setattr(thing, name, _standing(getattr(thing, name), f"{prefix}.{name}", strike))


def _standing(call: Callable[..., Any], name: str, strike: Strike) -> Callable[..., Any]:
    def standing(*arguments: Any, **more: Any) -> Any:
        strike(name, False)
        done = call(*arguments, **more)
        strike(name, True)
        return done

    return standing


def struck_kernel(strike: Strike) -> Standing:
    def before(_number: int, name: str) -> None:
        if name in MUTATING:
            strike(f"kernel.{name}", False)

    return Standing(before)
