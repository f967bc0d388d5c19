"""What goes where a file system is too full: as much as makes room, and no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from storewarden.catalogue.counts import Counts
from storewarden.daemon.acting.hands import Acting
from storewarden.pipeline.ready import Spare, spares
from storewarden.policy.pressure import Relief, Space
from storewarden.policy.rules import Pressure
from storewarden.policy.run import Due

_SOME: Final = 5_000  # candidates that are put into order at once


class Relieving:
    """Room is made on one file system for one policy: ask for a round, do it, ask for the next."""

    def __init__(
        self,
        acting: Acting,
        policy_id: int,
        pressure: Pressure,
        roots: Collection[str],
        resting: Mapping[str, int],
        *,
        going_on: bool,
    ) -> None:
        """``roots`` are all on one file system; ``resting`` is what lies in the trash of each."""
        self._acting, self._policy_id, self._pressure = acting, policy_id, pressure
        self._roots, self._resting = roots, resting
        self._tried: set[int] = set()
        self._relief = Relief(pressure, self._space(), self._rests(), going_on=going_on)

    @property
    def wanted(self) -> int:
        """Bytes that are still to be freed."""
        return self._relief.wanted

    def rounds(self) -> Iterator[list[Due]]:
        """Yield what goes next, each time as much as seems enough; all of it is done in between."""
        while self._relief.wanted:
            chosen = self._chosen()
            if not chosen:
                return
            yield chosen
            self._relief.measured(self._space(), self._rests())

    def _chosen(self) -> list[Due]:
        now_ns = self._acting.now_ns
        fresh = self._fresh(now_ns)
        going = self._relief.choose((one.candidate for one in fresh.values()), now_ns)
        chosen = [fresh[one.file_id].due for one in going]
        self._tried.update(due.file_id for due in chosen)
        return chosen

    def _fresh(self, now_ns: int) -> dict[int, Spare]:
        """Return what goes first of all that was not tried yet."""
        acting, limit = self._acting, _SOME
        while True:
            found = spares(
                *(acting.engine, acting.host_id, self._policy_id, now_ns, self._pressure),
                *(self._roots, limit),
            )
            by_id = {one.candidate.file_id: one for one in found}
            fresh = {key: one for key, one in by_id.items() if key not in self._tried}
            if fresh or len(found) < limit:
                return fresh
            limit *= 2  # all of these were refused, or put off

    def _space(self) -> Space:
        spaces = self._acting.roots.spaces()
        return next((spaces[root] for root in self._roots if root in spaces), Space(0, 0))

    def _rests(self) -> int:
        return sum(self._resting.get(root, 0) for root in self._roots)


def together(acting: Acting, roots: Collection[str]) -> list[list[str]]:
    """Return roots by the file systems that they share with others of them."""
    devices = acting.roots.devices()
    found: dict[int, list[str]] = defaultdict(list)
    for root in sorted(roots):
        if root in devices:
            found[devices[root]].append(root)
    return list(found.values())


class Resting(Mapping[str, int]):
    """Bytes in the trash of each root, as they are kept."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def __getitem__(self, root: str) -> int:
        if root not in self._counts.roots:
            raise KeyError(root)
        return sum(
            size
            for (name, _, state), (_, size) in list(self._counts.totals.items())
            if (name, state) == (root, "trashed")
        )

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._counts.roots))

    def __len__(self) -> int:
        return len(self._counts.roots)
