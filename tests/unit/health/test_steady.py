"""Points are lost at once, and come back later the more often something came and went."""

from __future__ import annotations

from storewarden.health.losses import Loss
from storewarden.health.steady import Steady

BLIND = Loss("blind", "up", "gone", "put it back")
LATE = Loss("behind", "up", "late", "wait")


def given_back(steady: Steady, now: float) -> float:
    """Step every second until nothing is lost; return when that was."""
    while steady.step([], now):
        now += 1.0
    return now


def test_points_are_lost_at_once_and_come_back_after_ten_seconds() -> None:
    steady = Steady()
    assert steady.step([BLIND], 100.0) == [BLIND]
    assert steady.wrong == {("blind", "up")}
    assert steady.step([], 105.0) == [BLIND]
    assert steady.step([], 110.0) == []
    assert steady.wrong == frozenset()


def test_what_comes_and_goes_comes_back_ever_later() -> None:
    steady, now, waits = Steady(), 0.0, []
    for _ in range(10):
        steady.step([BLIND], now)
        over = given_back(steady, now)
        waits.append(over - now)
        now = over + 1.0
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]


def test_a_score_that_would_flap_ninety_times_an_hour_changes_a_few_times() -> None:
    steady, changes, before = Steady(), 0, 0
    for second in range(3600):
        lost = steady.step([BLIND] if second % 40 < 20 else [], float(second))
        changes += len(lost) != before
        before = len(lost)
    assert changes == 5


def test_what_is_mended_for_an_hour_is_forgotten() -> None:
    steady = Steady()
    for at in (0.0, 20.0, 60.0):
        steady.step([BLIND], at)
        given_back(steady, at)
    assert steady.step([], 3800.0) == []
    steady.step([BLIND], 4000.0)
    assert given_back(steady, 4000.0) == 4010.0


def test_the_newest_words_are_told_and_the_order_stays() -> None:
    steady = Steady()
    steady.step([BLIND, LATE], 0.0)
    worse = BLIND._replace(detail="gone, and more")
    assert steady.step([worse], 1.0) == [worse, LATE]
    assert steady.step([LATE], 2.0) == [worse, LATE]
