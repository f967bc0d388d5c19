"""Listeners and their dead letters, as people, pipes and programs see them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storewarden.catalogue.events.dead import Letter
from storewarden.catalogue.events.listeners import Standing
from storewarden.cli.output import Cell, Output, Style, number
from storewarden.cli.when import ago
from storewarden.measure.shown import shown
from storewarden.units import format_duration

HEADS = ("LISTENER", "WHERE", "TAKEN", "BEHIND", "DEAD", "STATE")
LETTER_HEADS = ("REFUSED", "EVENT", "FILE", "WHY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A listener as the catalogue and the configuration know it; either may not."""

    name: str
    standing: Standing | None
    configured: bool
    behind_ns: int | None
    dead: int
    letters: tuple[Letter, ...]
    now_ns: int

    @property
    def state(self) -> str:
        """How it goes, in a word."""
        if not self.configured:
            return "removed"
        if self.standing is None:
            return "new"
        return "failing" if self.standing.error else "well"

    @property
    def wrong(self) -> bool:
        """Whether somebody should look after it."""
        return self.configured and (self.dead > 0 or self.state == "failing")

    @property
    def behind(self) -> float:
        """For how many seconds the oldest that it did not hear has waited."""
        return max(0.0, (self.now_ns - self.behind_ns) / 1e9) if self.behind_ns else 0.0


def tell_listeners(output: Output, found: Sequence[Seen], *, one: bool) -> None:
    """Tell of all listeners, or of one with its letters."""
    if output.json:
        told = [_json(each) | (_letters(each) if one else {}) for each in found]
        output.document(told[0] if one else {"listeners": told})
    elif not output.terminal:
        for each in found:
            output.fields("listener", *_fields(each))
            for letter in each.letters:
                output.fields("letter", letter.id, letter.at_ns, letter.event, letter.why)
    elif found:
        output.table(HEADS, [_cells(each) for each in found])
        for each in found:
            _tell_trouble(output, each)
        for each in found:
            _tell_letters(output, each)
    else:
        output.text("no listeners: see docs/guide/events.md", "dim")


def tell_done(output: Output, name: str, again: bool, letters: int) -> None:
    """Tell what comes of dead letters."""
    what = "retried" if again else "forgotten"
    if output.json:
        output.document({"action": what, "listener": name, "letters": letters})
    elif not output.terminal:
        output.fields(what, name, letters)
    else:
        count = "1 dead letter" if letters == 1 else f"{letters} dead letters"
        told = f"{name} is tried at once" if again else f"{name}: {count} thrown away"
        output.text(f"{told}; {count} sent once more" if again and letters else told, "good")


def _tell_trouble(output: Output, each: Seen) -> None:
    standing = each.standing
    if each.configured and standing is not None and standing.error:
        since = ago(standing.failing_ns, each.now_ns)
        tries = "1 try" if standing.attempts == 1 else f"{standing.attempts} tries"
        output.text(f"{each.name}: {shown(standing.error)} (since {since}, {tries})", "bad")
    if each.configured and each.dead and not each.letters:
        output.text(f"  → storewarden listeners {each.name}", "head")


def _tell_letters(output: Output, each: Seen) -> None:
    if not each.letters:
        return
    output.text()
    output.table(LETTER_HEADS, [_letter_cells(letter, each.now_ns) for letter in each.letters])
    output.text(f"  → storewarden listeners {each.name} --retry", "head")


def _json(each: Seen) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": each.name,
        "state": each.state,
        "behind_seconds": round(each.behind, 3),
        "dead_letters": each.dead,
    }
    standing = each.standing
    if standing is not None:
        told |= {
            "url": standing.place,
            "taken": standing.delivered,
            "heard_ns": standing.heard_ns,
            "attempts": standing.attempts,
        }
        told |= {"failing_ns": standing.failing_ns} if standing.failing_ns is not None else {}
        told |= {"next_try_ns": standing.next_try_ns} if standing.next_try_ns else {}
        told |= {"error": standing.error} if standing.error else {}
    return told


def _letters(each: Seen) -> dict[str, Any]:
    return {
        "letters": [
            {
                "id": letter.id,
                "refused_ns": letter.at_ns,
                "why": letter.why,
                "again": bool(letter.again),
                "event": json.loads(letter.event),
            }
            for letter in each.letters
        ]
    }


def _fields(each: Seen) -> tuple[object, ...]:
    standing = each.standing
    return (
        *(each.name, standing.place if standing else "", standing.delivered if standing else 0),
        *(f"{each.behind:.1f}", each.dead, each.state, standing.error if standing else ""),
    )


def _cells(each: Seen) -> tuple[Cell, ...]:
    standing = each.standing
    styles: dict[str, Style] = {"failing": "bad", "well": "good"}
    return (
        Cell(each.name),
        Cell(shown(standing.place) if standing else ""),
        number(standing.delivered if standing else 0),
        Cell(format_duration(each.behind) if each.behind_ns else "–", right=True),
        Cell(f"{each.dead:,}", "bad" if each.dead else "", right=True),
        Cell(each.state, styles.get(each.state, "dim")),
    )


def _letter_cells(letter: Letter, now_ns: int) -> tuple[Cell, ...]:
    event = json.loads(letter.event)
    return (
        Cell(ago(letter.at_ns, now_ns)),
        Cell(event["event"]),
        Cell(event.get("file", {}).get("path", "")),
        Cell(("to be sent again; " if letter.again else "") + shown(letter.why)),
    )
