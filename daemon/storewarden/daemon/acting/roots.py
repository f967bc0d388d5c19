"""Roots as acts need them: there, opened, and the ones that were registered."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from storewarden.act.carry.work import Root
from storewarden.config.schema import RootSettings
from storewarden.errors import FileUnusable
from storewarden.policy.pressure import Space
from storewarden.policy.run import Frozen
from storewarden.watch.identity import Kind, RootIdentity, Verdict, identity_of, judge
from storewarden.watch.mounts import MountTable

_SCAN: Final = "storewarden scan"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

Known = Callable[[str], RootIdentity | None]


class OpenRoots:
    """Lends roots for acts. What is lent is lent once more to the same thread at no cost."""

    def __init__(self, host: str, known: Known) -> None:
        """``known`` tells what a root was known by when it was last watched or scanned."""
        self._host = host
        self._known = known
        self._wanted: dict[str, RootSettings] = {}
        self._mounts = MountTable()
        self._lent = threading.local()

    def want(self, roots: Sequence[RootSettings]) -> None:
        """Know these roots, and no others, from now on; any thread."""
        self._wanted = {root.name: root for root in roots}

    @property
    def names(self) -> tuple[str, ...]:
        """The roots that are configured."""
        return tuple(self._wanted)

    @contextmanager
    def opened(self, name: str) -> Iterator[Root]:
        """Lend a root; see `storewarden.act.carry.work.Roots`."""
        lent: dict[str, Root] = self._lent.__dict__
        if name in lent:
            yield lent[name]
            return
        root = self._open(name)
        lent[name] = root
        try:
            yield root
        finally:
            del lent[name]
            os.close(root.descriptor)

    def frozen(self) -> dict[str, Frozen]:
        """Return the configured roots on which nothing may be done now, and why."""
        found: dict[str, Frozen] = {}
        for name in self.names:
            try:
                with self.opened(name):
                    pass
            except FileUnusable as error:
                why = error.why or error.what
                # of other remedies many are no command of ours: doctor tells them
                scan = error.remedy.startswith(_SCAN)
                found[name] = Frozen(why, error.remedy) if scan else Frozen(why)
        return found

    def spaces(self) -> dict[str, Space]:
        """Return how full the file systems are of roots that can be acted on.

        What is kept for the superuser counts as used: nobody else can write there.
        """
        found: dict[str, Space] = {}
        for name in self.names:
            try:
                with self.opened(name) as root:
                    told = os.fstatvfs(root.descriptor)
            except (FileUnusable, OSError):
                continue
            if told.f_blocks:
                used = (told.f_blocks - told.f_bavail) * told.f_frsize
                found[name] = Space(told.f_blocks * told.f_frsize, used)
        return found

    def devices(self) -> Mapping[str, int]:
        """Return on which file system each root lies that can be acted on."""
        found: dict[str, int] = {}
        for name in self.names:
            try:
                with self.opened(name) as root:
                    found[name] = os.fstat(root.descriptor).st_dev
            except (FileUnusable, OSError):
                continue
        return found

    def close(self) -> None:
        """Give back what tells of mounts."""
        self._mounts.close()

    # -- one root ---------------------------------------------------------------------------------

    def _open(self, name: str) -> Root:
        settings = self._wanted.get(name)
        if settings is None:
            raise _unusable(name, "it is not configured any more", "configure it again")
        try:
            descriptor = os.open(settings.path, _DIRECTORY)
        except OSError as error:
            raise _unusable(
                name, error.strerror or str(error), "see: storewarden doctor"
            ) from error
        try:
            seen = identity_of(descriptor, self._mounts)
            known = self._known(name)
            verdict = judge(settings.path, known, seen, self._mounts.current())
            _refuse_others(name, verdict, known, seen)
            return Root(name, self._host, seen.marker or "", descriptor)
        except OSError as error:
            os.close(descriptor)
            raise _unusable(
                name, error.strerror or str(error), "see: storewarden doctor"
            ) from error
        except BaseException:
            os.close(descriptor)
            raise


def _refuse_others(
    name: str, verdict: Verdict, known: RootIdentity | None, seen: RootIdentity
) -> None:
    """Refuse what is not the root that is known; what is new was not scanned yet.

    Where only a scan ever looked there is no marker of ours, and its inode has to be proof enough:
    each file is compared by itself as well.
    """
    if verdict.kind is Kind.FROZEN:
        raise _unusable(name, f"{verdict.reason}: {verdict.detail}", verdict.remedy)
    same = known is not None and (known.device, known.inode) == (seen.device, seen.inode)
    if verdict.kind is not Kind.SAME and not same:
        why = verdict.detail or "it was never scanned"
        raise _unusable(name, why, f"{_SCAN} {name}")


def _unusable(name: str, why: str, remedy: str) -> FileUnusable:
    return FileUnusable("a root cannot be acted on now", where=name, why=why, remedy=remedy)
