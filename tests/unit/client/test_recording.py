"""Calls of services that time themselves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from storewarden.api.deeds import TellUsage
from storewarden.api.done import Done
from storewarden.client.errors import Unreachable, UsageError
from storewarden.client.recording import ApiUsage
from storewarden.clock import ManualClock


class Kept:
    """What was recorded, and a clock."""

    def __init__(self) -> None:
        self.deeds: list[TellUsage] = []
        self.clock = ManualClock()
        self.fails = False
        self.record = ApiUsage(self._tell, self.clock.monotonic)

    def _tell(self, deed: TellUsage) -> Done:
        if self.fails:
            raise Unreachable("the daemon does not answer")
        self.deeds.append(deed)
        return Done(what="usage", id=len(self.deeds), created=True)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_call_that_is_over_is_recorded_as_it_is_said(kept: Kept) -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    done = kept.record("openai", "gpt", tokens_in=3, cost=0.1, duration=timedelta(seconds=2), at=at)

    (deed,) = kept.deeds
    assert (done.id, deed.provider, deed.model, deed.tokens_in) == (1, "openai", "gpt", 3)
    assert (deed.cost, deed.duration) == (Decimal("0.1"), 2.0)
    assert deed.at == "2026-01-31T12:00:00+00:00"


def test_each_call_has_a_key_of_its_own_unless_one_is_given(kept: Kept) -> None:
    kept.record("openai")
    kept.record("openai")
    kept.record("openai", key="mine")

    keys = [deed.key for deed in kept.deeds]
    assert len({*keys}) == 3
    assert keys[2] == "mine"


def test_a_block_is_timed_and_says_what_it_came_to(kept: Kept) -> None:
    with kept.record.timed("openai", "gpt", workflow="story", scene="3") as call:
        kept.clock.advance(1.5)
        call.tokens_out, call.cost = 12, "0.002"

    (deed,) = kept.deeds
    assert (deed.duration, deed.tokens_out, deed.cost) == (1.5, 12, Decimal("0.002"))
    assert (deed.workflow, deed.scene, deed.error) == ("story", "3", None)
    assert call.done is not None


def test_an_exception_is_noted_and_goes_on(kept: Kept) -> None:
    def fail() -> None:
        with kept.record.timed("openai"):
            kept.clock.advance(0.5)
            raise ValueError("too long")

    with pytest.raises(ValueError, match="too long"):
        fail()

    assert [(deed.error, deed.duration) for deed in kept.deeds] == [("ValueError: too long", 0.5)]


def test_an_exception_of_the_call_is_not_hidden_by_one_of_recording(kept: Kept) -> None:
    kept.fails = True

    with pytest.raises(ValueError, match="too long") as raised, kept.record.timed("openai"):
        raise ValueError("too long")

    assert raised.value.__notes__ == ["and it could not be recorded: the daemon does not answer"]


def test_a_call_that_could_not_be_recorded_says_so(kept: Kept) -> None:
    kept.fails = True

    with pytest.raises(Unreachable), kept.record.timed("openai"):
        pass


def test_each_call_of_a_function_counts_and_it_returns_what_it_returned(kept: Kept) -> None:
    @kept.record.timed("whisper", "large", "transcribe")
    def transcribe(path: str, *, language: str = "en") -> str:
        """Say what is said."""
        kept.clock.advance(2)
        return f"{path} in {language}"

    assert transcribe("a.mp4", language="de") == "a.mp4 in de"
    assert transcribe("b.mp4") == "b.mp4 in en"
    assert [(deed.operation, deed.duration) for deed in kept.deeds] == [("transcribe", 2.0)] * 2
    assert (transcribe.__name__, transcribe.__doc__) == ("transcribe", "Say what is said.")


def test_a_function_that_calls_itself_is_timed_each_time(kept: Kept) -> None:
    @kept.record.timed("openai")
    def deep(levels: int) -> int:
        kept.clock.advance(1)
        return deep(levels - 1) if levels else 0

    deep(2)

    assert [deed.duration for deed in kept.deeds] == [1.0, 2.0, 3.0]


def test_a_coroutine_is_timed_until_it_ended(kept: Kept) -> None:
    @kept.record.timed("openai")
    async def ask(go: Callable[[], None]) -> str:
        await asyncio.sleep(0)
        go()
        return "answer"

    @kept.record.timed("openai")
    async def fail() -> None:
        raise OSError("gone")

    async def both() -> str:
        with pytest.raises(OSError, match="gone"):
            await fail()
        return await ask(lambda: kept.clock.advance(3))

    assert asyncio.run(both()) == "answer"
    assert [(deed.error, deed.duration) for deed in kept.deeds] == [
        ("OSError: gone", 0.0),
        (None, 3.0),
    ]


def test_one_block_may_stand_within_another_of_the_same_kind(kept: Kept) -> None:
    timed = kept.record.timed("openai")
    with timed as outer:
        outer.tokens_in = 1
        kept.clock.advance(1)
        with timed as inner:
            inner.tokens_in = 2
            kept.clock.advance(1)

    assert [(deed.tokens_in, deed.duration) for deed in kept.deeds] == [(2, 1.0), (1, 2.0)]


def test_coroutines_enter_the_same_block_at_once(kept: Kept) -> None:
    timed = kept.record.timed("openai")

    async def one(number: int, turns: int) -> None:
        with timed as call:
            call.tokens_in = number
            for _ in range(turns):
                await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(one(1, 3), one(2, 1), one(3, 2))

    asyncio.run(all_of_them())

    assert [deed.tokens_in for deed in kept.deeds] == [2, 3, 1]


def test_a_time_of_no_zone_is_refused(kept: Kept) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        kept.record("openai", at=datetime(2026, 1, 31))  # noqa: DTZ001  # that is the mistake


def test_what_is_no_amount_is_refused(kept: Kept) -> None:
    with pytest.raises(UsageError, match="no amount of money"):
        kept.record("openai", cost="a lot")
