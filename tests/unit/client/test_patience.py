"""How long, and how often, what is away is tried."""

import pytest

from storewarden.client.errors import NotThere, Unreachable
from storewarden.client.patience import Deadline, Patience
from storewarden.clock import ManualClock


class Away:
    """A daemon that is away for a while; its clock is moved by those who wait."""

    def __init__(self, seconds: float, after: float = 0.0) -> None:
        self.clock = ManualClock()
        self.pauses: list[float] = []
        self.back_at, self.after = self.clock.monotonic() + seconds, after
        self.patience = Patience(self._sleep, lambda: 1.0)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self.clock.monotonic)

    def attempt(self, _deadline: Deadline) -> str:
        if self.clock.monotonic() < self.back_at:
            raise Unreachable("the daemon does not answer", why="refused", after=self.after)
        return "answered"


def test_what_answers_at_once_is_not_waited_for() -> None:
    away = Away(0)

    assert away.patience.keep_on(away.attempt, away.deadline(1)) == "answered"
    assert away.pauses == []


def test_pauses_grow_to_a_bound_until_it_is_back() -> None:
    away = Away(10)

    assert away.patience.keep_on(away.attempt, away.deadline(60)) == "answered"
    assert away.pauses[:4] == pytest.approx([0.02, 0.04, 0.08, 0.16])
    assert max(away.pauses) == 2.0


def test_nobody_waits_longer_than_was_said() -> None:
    away = Away(1000)
    began = away.clock.monotonic()

    with pytest.raises(Unreachable, match=r"refused \(tried \d+ times in 5 s\)"):
        away.patience.keep_on(away.attempt, away.deadline(5))

    assert 3 <= away.clock.monotonic() - began <= 5


def test_a_daemon_that_wants_to_be_left_alone_is() -> None:
    away = Away(1, after=0.7)

    assert away.patience.keep_on(away.attempt, away.deadline(5)) == "answered"
    assert away.pauses == pytest.approx([0.7, 0.7])


def test_an_answer_is_an_answer_even_where_it_refuses() -> None:
    away = Away(0)

    def refuse(_deadline: Deadline) -> str:
        raise NotThere("there is no such file")

    with pytest.raises(NotThere):
        away.patience.keep_on(refuse, away.deadline(5))
    assert away.pauses == []
