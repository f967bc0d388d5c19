"""What one check found."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is: ``warn`` will hurt some day, ``fail`` hurts now."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One line of the doctor's answer; ``remedy`` is a command, or what to change where."""

    level: Level
    subject: str
    told: str
    remedy: str = ""


def ok(subject: str, told: str) -> Finding:
    """Return that all is well."""
    return Finding(Level.OK, subject, told)


def warn(subject: str, told: str, remedy: str = "") -> Finding:
    """Return what will hurt some day."""
    return Finding(Level.WARN, subject, told, remedy)


def fail(subject: str, told: str, remedy: str = "") -> Finding:
    """Return what hurts now."""
    return Finding(Level.FAIL, subject, told, remedy)
