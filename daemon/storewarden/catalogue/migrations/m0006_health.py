"""How healthy all of it was, and since when: so that a drop can be explained afterwards."""

from __future__ import annotations

from storewarden.catalogue.dialect import speak
from storewarden.catalogue.engine import Engine

UP = (
    """
    CREATE TABLE health_history (
        host_id {int} NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
        at_ns {int} NOT NULL,
        until_ns {int} NOT NULL,
        score {int} NOT NULL,
        status TEXT NOT NULL,
        profile TEXT NOT NULL,
        deductions TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (host_id, at_ns),
        CONSTRAINT health_history_profile CHECK (length(profile) >= 1),
        CONSTRAINT health_history_score CHECK (score BETWEEN 0 AND 100),
        CONSTRAINT health_history_status CHECK (
            status = 'healthy' OR status = 'warning' OR status = 'critical'
        )
    ){strict}
    """,
)

DOWN = ("DROP TABLE health_history",)


def up(engine: Engine) -> None:
    """Make the table."""
    for statement in UP:
        engine.execute(speak(statement, engine.dialect))


def down(engine: Engine) -> None:
    """Drop it, with everything in it: what was lost is lost anew with the next look."""
    for statement in DOWN:
        engine.execute(statement)
