"""A verified copy in a store; the file stays where it is."""

from __future__ import annotations

from typing import Final

from storewarden.act.carry.storing import copy_all, drop_objects, verify_all
from storewarden.act.carry.work import Verb, Work
from storewarden.catalogue.acts import Act


def _carry(work: Work) -> Act:
    if work.act.state == "planned":
        copy_all(work)
    if work.act.state == "copied":
        verify_all(work)
        work.advance("verified")
    return work.tools.acted.copied(work.act, work.now_ns)


def _settle(work: Work) -> None:
    drop_objects(work)


COPY: Final = Verb(_carry, _settle)
