"""Whether local databases are slowed is told by medians; the next step waits until they are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from storewarden.clock import SystemClock
from storewarden.databases.effect import Figures, Limits, Patience, Watch, worse

MS = 1_000_000
FAST = Figures((MS, MS, MS), (10 * MS, 10 * MS, 11 * MS), 0.05)


class Disk:
    """Tells figures one after the other, the last for ever, and counts how long was slept."""

    def __init__(self, figures: Iterable[Figures]) -> None:
        self._figures: Iterator[Figures] = iter(figures)
        self._last = FAST
        self.slept: list[float] = []

    def probe(self) -> Figures:
        self._last = next(self._figures, self._last)
        return self._last

    def watch(self, patience: Patience | None = None) -> Watch:
        return Watch(self.probe, SystemClock(), self.slept.append, patience=patience)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (FAST, ""),
        (Figures((MS, MS, 900 * MS), (10 * MS,), 0.05), ""),  # one slow read says nothing
        (Figures((5 * MS,), (10 * MS,), 0.05), ""),  # five times as long, and nobody notices
        (Figures((7 * MS,), (10 * MS,), 0.05), "a read takes 7.0 ms instead of 1.0 ms"),
        (Figures((MS,), (20 * MS,), 0.05), ""),
        (
            Figures((MS,), (21 * MS,), 0.05),
            "a synced write takes 21.0 ms instead of 10.0 ms",
        ),
        (
            Figures((MS,), (MS,), 0.4),
            "something waits for a disk 40% of the time instead of 5%",
        ),
        (
            Figures((7 * MS,), (30 * MS,), None),
            (
                "a read takes 7.0 ms instead of 1.0 ms; "
                "a synced write takes 30.0 ms instead of 10.0 ms"
            ),
        ),
        (Figures(), ""),  # what cannot be measured is not worse
    ],
)
def test_it_is_worse_only_where_somebody_would_notice(now: Figures, why: str) -> None:
    assert worse(FAST, now, Limits()) == why


def test_nothing_waits_while_it_is_as_fast_as_before() -> None:
    disk = Disk([FAST, FAST])

    waited = disk.watch().wait()

    assert (disk.slept, waited.too_slow) == ([], "")


def test_the_next_step_waits_longer_and_longer_until_it_is_fast_again() -> None:
    slow = Figures((80 * MS,), (10 * MS,), 0.05)
    disk, told = Disk([FAST, slow, slow, slow, FAST]), list[str]()

    waited = disk.watch().wait(told.append)

    assert disk.slept == [2.0, 4.0, 8.0]
    assert told == [
        f"a read takes 80.0 ms instead of 1.0 ms: looked at again in {pause}"
        for pause in ("2s", "4s", "8s")
    ]
    assert (waited.too_slow, waited.now) == ("", FAST)


def test_it_is_compared_with_what_was_before_the_first_step() -> None:
    slower = [Figures((each * 3 * MS,), (), None) for each in range(1, 9)]
    disk = Disk(slower)
    watch = disk.watch(Patience(1.0, 2.0, 1.0, 3.0))

    watch.wait()
    waited = watch.wait()

    assert waited.too_slow  # each is hardly worse than the one before
    assert waited.before == slower[0]


def test_who_waited_long_enough_is_told_that_it_did_not_get_better() -> None:
    slow = Figures((80 * MS,), (), None)
    disk = Disk([FAST, slow])

    waited = disk.watch().wait()

    assert waited.too_slow == "a read takes 80.0 ms instead of 1.0 ms"
    assert sum(disk.slept) == pytest.approx(900.0)
    assert max(disk.slept) == 60.0


def test_figures_are_told_in_milliseconds_and_percent() -> None:
    assert FAST.facts() == {"read_ms": 1.0, "write_ms": 10.0, "waiting_percent": 5.0}
    assert Figures().facts() == {"read_ms": None, "write_ms": None, "waiting_percent": None}


def test_who_bears_more_waits_less() -> None:
    busy = Figures((7 * MS,), (10 * MS,), 0.4)

    assert worse(FAST, busy, Limits.of(2.0)) == worse(FAST, busy, Limits()) != ""
    assert worse(FAST, busy, Limits.of(8.0)) == ""
