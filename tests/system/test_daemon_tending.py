"""A real daemon looks after databases: what is wished, beside what is due by policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storewarden.cli.session import Session
from storewarden.cli.tending import tend
from storewarden.daemon.tending.wish import TendResult, TendWish
from storewarden.errors import PermanentError
from tests.daemon import Daemon

TIDY = TendWish("tidy", (), {}, "a test")


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    (tmp_path / "root").mkdir()
    return Daemon(tmp_path, {"root": tmp_path / "root"})


def wished(daemon: Daemon, wish: TendWish) -> TendResult:
    return tend(Session(config=daemon.config), wish)


def test_a_wish_is_carried_out_the_same_with_and_without_a_daemon(daemon: Daemon) -> None:
    daemon.verb("scan")
    without = wished(daemon, TIDY)
    with daemon:
        beside = wished(daemon, TIDY)
        told = daemon.told("databases were looked after")

    assert without.items == beside.items
    assert [one.outcome for one in beside.items] == ["done"]
    assert [(one["what"], one["by"], one["done"]) for one in told] == [("tidy", "a test", 1)]


def test_what_nobody_can_do_is_refused_with_what_can_be_done(daemon: Daemon) -> None:
    with daemon, pytest.raises(PermanentError, match=r"nothing is called so: cure; .*tidy"):
        wished(daemon, TIDY._replace(what="cure"))


def test_a_result_goes_through_json_with_names_that_text_cannot_hold() -> None:
    wish = TIDY._replace(databases=("/d/\udc80.db",), options={"quick": True}, policy="p")

    assert TendWish.of(json.loads(json.dumps(wish.facts()))) == wish
