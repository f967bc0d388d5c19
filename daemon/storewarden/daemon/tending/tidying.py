"""What was done for databases long ago, and statements of long ago, are forgotten."""

from __future__ import annotations

from typing import Final

from storewarden.catalogue import backups, care, query_times
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told

_DAY_NS: Final = 86_400 * 10**9
_KEPT_NS: Final = 400 * _DAY_NS  # a year can be looked back on, and the one before compared
_AT_ONCE: Final = 2_000  # some milliseconds, so that recording does not wait


def tidy(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Forget what is older than 400 days; each transaction is a short one."""
    began = hands.clock.monotonic()
    forgotten = 0
    while not stopping():
        some = care.forget(hands.engine, hands.now_ns - _KEPT_NS, _AT_ONCE)
        forgotten += some
        told(Told(wish.what, "", forgotten))
        if some < _AT_ONCE:
            break
    backups.forget(hands.engine, hands.now_ns - _KEPT_NS, _AT_ONCE)
    query_times.forget(hands.engine, hands.host_id, hands.now_ns - _KEPT_NS)
    item = Item("", wish.what, "done", facts={"forgotten": forgotten})
    return TendResult((item,), hands.clock.monotonic() - began)
