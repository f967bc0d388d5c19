"""The page of the strategy is followed, from its plan to its layout and back, on real databases."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.daemon.tending.feeling import Feeler
from storewarden.databases.effect import Figures
from storewarden.databases.recommend import named, read_strategy
from tests.docs.playing import House, alike, house, played, scenes
from tests.sqlites import holding, make
from tests.unit.cli.conftest import Run, here, run

__all__ = ["here", "run"]  # fixtures of the verbs' own tests

PAGE = Path(__file__).resolve().parents[2] / "docs/policies/trae.md"
DAY = 86_400 * 10**9
USED, HARDLY_USED = (
    ("intelligence.db", "trae_ai.db"),
    ("content_agent.db", "master_orchestrator.db"),
)


def strategy(built: House) -> None:
    """All forty, and two that nobody names; one of them is open, and the hybrids are counted."""
    root = built.here / "trae/data"
    root.mkdir(parents=True)
    (built.here / "cloud").mkdir()
    built.configure(
        roots={"data": {"path": str(root), "usage": True, "digest": False}},
        stores={"cloud": {"path": str(built.here / "cloud")}},
    )
    config = built.here / "storewarden.yaml"
    config.write_text(config.read_text().replace("policies: []", "policies: ['shipped:trae']"))
    for number, name in enumerate((*named(read_strategy("shipped:trae")), "accounts.db", "me.db")):
        make(root / name, rows=20 + 41 * number % 300)
    built.prepare("cloud")
    built.scan()
    for name in USED:
        used(built, name, 80)
    for name in HARDLY_USED:
        used(built, name, 1)
    stack = ExitStack()
    stack.enter_context(holding(root / "channels.db"))

    def closed() -> None:
        stack.close()
        built.scan()

    built.later = {"it-is-closed": closed}
    built.over.append(stack.close)


def used(built: House, name: str, opens: int) -> None:
    """Let a database be known for sixty days, and opened so often on each of the last ten."""
    engine = open_catalogue("sqlite", built.here / "state", role="test")
    ((file_id, seen_ns),) = engine.execute(
        "SELECT id, first_seen_ns FROM files WHERE name = ?", (name.encode(),)
    )
    with engine.transaction():
        since = seen_ns - 60 * DAY
        engine.execute("UPDATE roots SET usage_since_ns = ?", (since,))
        engine.execute("UPDATE files SET first_seen_ns = ? WHERE id = ?", (since, file_id))
        engine.execute(
            "INSERT INTO usage (file_id, last_ns, opens, writes) VALUES (?, ?, ?, 0)",
            (file_id, seen_ns - DAY, opens * 10),
        )
        for day in range(1, 11):
            engine.execute(
                "INSERT INTO usage_days (file_id, day, opens, writes) VALUES (?, ?, ?, 0)",
                (file_id, seen_ns // DAY - day, opens),
            )
    engine.close()


@pytest.mark.timeout(180)  # forty databases, and what else is done on the machine
def test_what_the_page_shows_is_what_happens(
    here: Path, run: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    monkeypatch.setattr(Feeler, "feel", lambda _self: Figures())  # others use this machine, too
    (written,) = scenes(PAGE).values()

    with house(here, run) as built:
        strategy(built)
        told = played(written, built)

    if request.config.getoption("--update-golden") and told != written:
        PAGE.write_text(PAGE.read_text().replace(written, told))
    assert alike(told) == alike(written), "--update-golden writes the answers"
