"""Files go into a store, and leave their root: copied, proven, removed, in this order."""

from __future__ import annotations

from typing import Final

from storewarden.act.carry.away import carry_away, settle_away
from storewarden.act.carry.work import Verb, Work
from storewarden.catalogue.acts import Act


def _carry(work: Work) -> Act:
    return carry_away(work, work.tools.acted.archived)


def _settle(work: Work) -> Act | None:
    return settle_away(work, work.tools.acted.archived)


ARCHIVE: Final = Verb(_carry, _settle)
