"""What the catalogue has in the trash and nobody finds there: somebody else emptied it."""

from __future__ import annotations

import logging

from storewarden.act.drawers import Room
from storewarden.act.entries import look
from storewarden.catalogue import acts, vanished
from storewarden.catalogue.acts import Act
from storewarden.daemon.acting.hands import Acting
from storewarden.errors import FileUnusable
from storewarden.measure.shown import shown

log = logging.getLogger(__name__)


def conclude(acting: Acting, refused: Act) -> int:
    """Note what is gone from the trash of the files of an act; return how many files are."""
    ids = [one.file_id for one in refused.members if one.file_id is not None]
    gone = [file_id for file_id in ids if _is_gone(acting, refused.root, file_id)]
    count = vanished.from_trash(acting.engine, acting.counts, gone, acting.now_ns)
    if count:
        facts = {"root": refused.root, "path": shown(refused.path), "files": count}
        log.warning("files were removed from the trash, and not by us", extra={"facts": facts})
    return count


def _is_gone(acting: Acting, root: str, file_id: int) -> bool:
    """Tell whether the drawer is not there that a file was put into."""
    put = acts.trashing(acting.engine, file_id)
    if put is None or put.place is None:
        return False
    try:
        with acting.roots.opened(root) as there:
            return look(there.descriptor, Room.TRASH, put.mark) is None
    except FileUnusable:
        return False
