"""All verbs by their names, as the journal has them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from storewarden.act.carry.archive import ARCHIVE
from storewarden.act.carry.copy import COPY
from storewarden.act.carry.move import MOVE
from storewarden.act.carry.purge import PURGE
from storewarden.act.carry.restore import RESTORE
from storewarden.act.carry.trash import TRASH
from storewarden.act.carry.work import Verb

VERBS: Final[Mapping[str, Verb]] = MappingProxyType(
    {
        "archive": ARCHIVE,
        "copy": COPY,
        "move": MOVE,
        "purge": PURGE,
        "restore": RESTORE,
        "trash": TRASH,
    }
)
