"""A database that was moved to a store comes back to where it was, and is looked over there."""

from __future__ import annotations

from storewarden.catalogue.databases import find_databases
from storewarden.catalogue.gone_by import gone_by
from storewarden.catalogue.movable import Movable, movable
from storewarden.daemon.acting.wish import Wanted, Wish
from storewarden.daemon.tending.deeds import Stopping
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.known import known, meant
from storewarden.daemon.tending.overlooking import look_over
from storewarden.daemon.tending.wish import Item, TendWish
from storewarden.errors import PermanentError, UsageError
from storewarden.policy.rules import LOCAL

_COMMAND = "storewarden db restore"


def bring_back(hands: Hands, database: str, wish: TendWish, stopping: Stopping) -> Item | None:
    """Take back the act that moved a database away; None where none of that name was moved.

    Nothing is written over. What comes back is checked and counted where it lies then; a policy
    that prefers it elsewhere does not take it away again at once.

    Args:
        hands: the catalogue, and who carries out acts.
        database: its name, its place, or its path.
        wish: who asks for it; its option ``reason`` is what the history tells.
        stopping: asked often.

    Raises:
        UsageError: several are called so.
        PermanentError: it cannot come back: its place is taken, or its copy is not what it was.
        StorewardenError: the store, or the catalogue, cannot be used now.
    """
    found = _moved(hands, database)
    if found is None:
        return None
    file_id = found.row.id
    undoes = gone_by(hands.engine, [file_id]).get(file_id)
    reason = str(wish.options.get("reason") or f"{_COMMAND} {database}")
    wanted = Wanted(file_id, "restore", undoes=undoes)
    result = hands.act(Wish((wanted,), wish.asked_by, reason))
    if not result.done:
        why = next((one.why for one in result.troubles), "")
        raise PermanentError(
            "a database was not brought back",
            where=database,
            why=why,
            remedy="storewarden history tells more; its copy is where it was",
        )
    looked = look_over(hands, found.files, stopping, idle=False)
    facts = {
        "to": _place(found),
        "store": found.row.placed,
        "bytes": found.size,
        "rows": looked.total,
        "lacking": list(result.lacking),
    }
    if looked.wrong:
        return Item(database, wish.what, "found", looked.wrong, f"{_COMMAND} --at TIME", facts)
    return Item(database, wish.what, "done", facts=facts)


def _moved(hands: Hands, database: str) -> Movable | None:
    """Return the database of that name that was moved; see `bring_back`."""
    tops = {root.name: root.path for root in hands.settings.roots}
    by_name, _ = find_databases(hands.engine, hands.host_id, (database,), gone=True)
    ids = {one.file_id for one in by_name}
    found = [
        one
        for one in movable(hands.engine, hands.host_id)
        if one.row.state == "archived"
        and one.row.placed != LOCAL
        and (one.row.id in ids or meant(known(one).subject, (database,), tops))
    ]
    if len(found) > 1:
        places = (
            f"{one.row.root}/{one.row.path.decode(errors='backslashreplace')}" for one in found
        )
        raise UsageError("several databases are called so", where=database, why=", ".join(places))
    return found[0] if found else None


def _place(one: Movable) -> str:
    return f"{one.row.root}/{one.row.path.decode(errors='backslashreplace')}"
