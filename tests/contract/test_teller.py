"""Many who tell at once share a transaction, and each is answered for itself when it is durable."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from storewarden.api.deeds import Deed, TellFile, TellUsage
from storewarden.api.done import Done
from storewarden.api.teller import Teller
from storewarden.api.who import MACHINE
from storewarden.catalogue.engine import Engine
from storewarden.clock import ManualClock
from tests.catalogues import NOW

MANY = 12


@pytest.fixture
def durable(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each transaction that was opened was a durable one."""
    opened: list[bool] = []
    real: Callable[..., AbstractContextManager[None]] = engine.transaction

    def transaction(*, durable: bool = False) -> AbstractContextManager[None]:
        opened.append(durable)
        return real(durable=durable)

    monkeypatch.setattr(engine, "transaction", transaction)
    return opened


def crowd(teller: Teller, most: int) -> list[list[Done]]:
    """One writes, and all others come meanwhile; return their answers in the order they came."""
    writing, go_on = threading.Event(), threading.Event()
    answers: dict[int, list[Done]] = {}

    def hold(_engine: Engine, _done: Sequence[Done]) -> None:
        writing.set()
        assert go_on.wait(30)

    def tell(number: int, *also: Any) -> None:
        deeds: list[Deed] = [TellFile(path=f"uploads/{number}.png"), TellUsage(provider="fal")]
        answers[number] = teller.tell(deeds, MACHINE, *also)

    threads = [threading.Thread(target=tell, args=(0, hold))]
    threads[0].start()
    assert writing.wait(30)
    for number in range(1, most):
        threads.append(threading.Thread(target=tell, args=(number,)))
        threads[-1].start()
        while len(teller._waiting) < number:  # it is queued in a moment, or the test takes too long
            time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(most)]


def test_all_who_come_meanwhile_are_written_together(engine: Engine, durable: list[bool]) -> None:
    answers = crowd(Teller(engine, 1, ManualClock(NOW)), MANY)

    assert durable == [True, True]
    for number, (file, usage) in enumerate(answers):
        assert (file.path, file.created) == (f"uploads/{number}.png", True)
        assert (usage.what, usage.created) == ("usage", True)
    assert engine.execute("SELECT count(*) FROM told_files") == [(MANY,)]
    assert engine.execute("SELECT times FROM api_usage_days") == [(MANY,)]


def test_no_transaction_is_longer_than_others_should_wait(
    engine: Engine, durable: list[bool]
) -> None:
    answers = crowd(Teller(engine, 1, ManualClock(NOW), most=6), MANY)

    assert durable == [True] * (1 + 4)  # eleven requests of two deeds, three at a time
    assert len(answers) == MANY
