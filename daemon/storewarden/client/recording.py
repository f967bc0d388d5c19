"""Calls of services that count and time themselves: around a block, or around a function."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

from storewarden.api.deeds import TellUsage
from storewarden.api.done import Done
from storewarden.client.named import PathName, named
from storewarden.client.said import Money, Span, When, fresh_key, money, now, span, when

_P = ParamSpec("_P")
_R = TypeVar("_R")
LONGEST_ERROR = 2000


class Tell(Protocol):
    """What carries a deed to the catalogue."""

    def __call__(self, deed: TellUsage, /) -> Done: ...


@dataclass(kw_only=True, slots=True)
class Call:
    """A call under way: what it came to may be set until it ends."""

    provider: str
    model: str | None = None
    operation: str | None = None
    calls: int = 1
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Money | None = None
    currency: str = "USD"
    workflow: str | None = None
    scene: str | None = None
    path: PathName | None = None
    error: str | None = None
    done: Done | None = None  # once it is recorded


# Blocks that were entered and not left: each thread, and each coroutine, has its own.
_RUNNING: ContextVar[tuple[tuple[Call, str, float], ...]] = ContextVar("running", default=())


class Timed:
    """Records one call for each time it is entered, or for each call of what it decorates.

    Its time is measured, an exception is noted and goes on. When recording itself fails after the
    call failed, the call's exception is the one that is seen.
    """

    def __init__(self, tell: Tell, call: Call, clock: Callable[[], float]) -> None:
        self._tell, self._like, self._clock = tell, call, clock

    def __enter__(self) -> Call:
        call = _copy(self._like)
        _RUNNING.set((*_RUNNING.get(), (call, now(), self._clock())))
        return call

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        *rest, (call, at, began) = _RUNNING.get()
        _RUNNING.set(tuple(rest))
        self._record(call, at, self._clock() - began, error)

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Return the function with each of its calls recorded; a coroutine until it ended."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def counted_later(*given: _P.args, **named_: _P.kwargs) -> Any:
                return await self._apart().awaited(function(*given, **named_))

            return cast(Callable[_P, _R], counted_later)

        @functools.wraps(function)
        def counted(*given: _P.args, **named_: _P.kwargs) -> _R:
            with self._apart():
                return function(*given, **named_)

        return counted

    async def awaited(self, running: Awaitable[_R]) -> _R:
        """Record a coroutine once it ended, from a thread: whatever else runs goes on meanwhile."""
        import asyncio  # noqa: PLC0415  # who awaits has it, nobody else needs it

        call, at, began = _copy(self._like), now(), self._clock()
        failed: BaseException | None = None
        try:
            return await running
        except BaseException as error:
            failed = error
            raise
        finally:
            seconds = self._clock() - began
            await asyncio.to_thread(self._record, call, at, seconds, failed)

    def _apart(self) -> Self:
        """Return one like this for one call: threads and coroutines run several at once."""
        return type(self)(self._tell, self._like, self._clock)

    def _record(self, call: Call, at: str, seconds: float, error: BaseException | None) -> None:
        if error is not None and call.error is None:
            call.error = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        try:
            call.done = self._tell(_usage(call, at, seconds))
        except Exception as failed:
            if error is None:
                raise
            error.add_note(f"and it could not be recorded: {failed}")


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Records what calls of services took and cost: at once, or timed as they happen."""

    _tell: Tell
    _clock: Callable[[], float] = time.perf_counter

    def __call__(
        self,
        provider: str,
        model: str | None = None,
        operation: str | None = None,
        *,
        calls: int = 1,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cost: Money | None = None,
        currency: str = "USD",
        duration: Span | None = None,
        error: str | None = None,
        workflow: str | None = None,
        scene: str | None = None,
        path: PathName | None = None,
        at: When | None = None,
        key: str | None = None,
    ) -> Done:
        """Record a call that is over. With a ``key`` of your own it counts once, whoever says it.

        ``cost`` is an amount of money in ``currency``, to the billionth; ``duration`` seconds.
        """
        return self._tell(
            TellUsage(
                provider=provider,
                model=model,
                operation=operation,
                calls=calls,
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                cost=money(cost),
                currency=currency,
                duration=span(duration),
                error=error,
                workflow=workflow,
                scene=scene,
                path=None if path is None else named(path),
                at=when(at),
                key=key or fresh_key(),
            )
        )

    def timed(
        self,
        provider: str,
        model: str | None = None,
        operation: str | None = None,
        *,
        calls: int = 1,
        currency: str = "USD",
        workflow: str | None = None,
        scene: str | None = None,
        path: PathName | None = None,
    ) -> Timed:
        """Time and record a call as it happens: ``with … as call:``, or as a decorator.

        In the block ``call.tokens_in``, ``call.tokens_out``, ``call.cost`` and the like may be set.
        """
        like = Call(
            provider=provider,
            model=model,
            operation=operation,
            calls=calls,
            currency=currency,
            workflow=workflow,
            scene=scene,
            path=path,
        )
        return Timed(self._tell, like, self._clock)


def _copy(like: Call) -> Call:
    return Call(
        provider=like.provider,
        model=like.model,
        operation=like.operation,
        calls=like.calls,
        currency=like.currency,
        workflow=like.workflow,
        scene=like.scene,
        path=like.path,
    )


def _usage(call: Call, at: str, seconds: float) -> TellUsage:
    return TellUsage(
        provider=call.provider,
        model=call.model,
        operation=call.operation,
        calls=call.calls,
        tokens_in=call.tokens_in,
        tokens_out=call.tokens_out,
        cost=money(call.cost),
        currency=call.currency,
        duration=seconds,
        error=call.error,
        workflow=call.workflow,
        scene=call.scene,
        path=None if call.path is None else named(call.path),
        at=at,
        key=fresh_key(),
    )
