"""An act in the hands of its verb, for tests of the pieces that verbs are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from storewarden.act.carry.work import Work
from storewarden.catalogue.acts import Act
from tests.executing import Life
from tests.striking import Killed, Striking


@contextmanager
def work(life: Life, act: Act, **more: object) -> Iterator[Work]:
    """Lend an act as its verb has it; ``more``: tools that are others than usual."""
    tools = replace(life.executor().tools, **more)  # type: ignore[arg-type]
    with life.opened(life.name) as root:
        yield Work(act, root, tools)


def killed_at(life: Life, act: Act, call: str, number: int = 1) -> Act:
    """Carry out an act whose process ends before or behind a call; return what is noted of it."""
    with pytest.raises(Killed):
        life.carry_out(act, Striking(number, lambda _name: Killed(), only=lambda one: one == call))
    return life.act(act)


def undecided(life: Life) -> set[int]:
    """Return the files that are to be decided anew."""
    return {row[0] for row in life.engine.execute("SELECT file_id FROM undecided")}


def decided(life: Life) -> None:
    """Let all files be decided."""
    with life.engine.transaction():
        life.engine.execute("DELETE FROM undecided")
