"""Files change the place where they are for use: into a store, or back into their root."""

from __future__ import annotations

from typing import Final

from storewarden.act.carry.away import carry_away, settle_away
from storewarden.act.carry.fetched import carry_back, settle_back
from storewarden.act.carry.work import Verb, Work
from storewarden.catalogue.acts import Act

LOCAL: Final = "local"
"""What a plan names as the store for moving back; so do policies."""


def _carry(work: Work) -> Act:
    if _back(work):
        return carry_back(work)
    return carry_away(work, work.tools.acted.moved)


def _settle(work: Work) -> Act | None:
    if _back(work):
        return settle_back(work)
    return settle_away(work, work.tools.acted.moved)


def _back(work: Work) -> bool:
    return work.act.store in {None, LOCAL}


MOVE: Final = Verb(_carry, _settle)
