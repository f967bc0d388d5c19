"""After much work memory is given back, once, when the work is over."""

from __future__ import annotations

import pytest

from storewarden.daemon import process
from storewarden.daemon.tidy import Tidy


class Engine:
    """Counts how often its caches were emptied."""

    emptied = 0

    def release_memory(self) -> None:
        self.emptied += 1


def test_memory_is_given_back_once_after_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[None] = []
    monkeypatch.setattr(process, "give_memory_back", lambda: given.append(None))
    engine, busy = Engine(), True
    tidy = Tidy(engine, lambda: busy)  # type: ignore[arg-type]  # all that it asks of one

    tidy.worked(15_000)
    tidy.worked(15_000)
    tidy.step()
    assert (engine.emptied, given) == (0, [])  # it is not over

    busy = False
    tidy.step()
    tidy.step()
    assert (engine.emptied, given) == (1, [None])


def test_a_little_work_changes_nothing() -> None:
    engine = Engine()
    tidy = Tidy(engine, lambda: False)  # type: ignore[arg-type]  # all that it asks of one

    tidy.worked(100)
    tidy.step()

    assert engine.emptied == 0
