"""One deed is carried out and what came of it is noted: by the daemon, or a verb without one."""

from __future__ import annotations

import logging

from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.deeds import Deed, Stopping, Tell, deed
from storewarden.daemon.tending.figures import QUERIES
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.standing import Standing
from storewarden.daemon.tending.unnoticed import unnoticed
from storewarden.daemon.tending.wish import Item, Outcome, TendResult, TendWish
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueUnavailable,
    DatabaseBusy,
    DatabaseChanged,
    LeaseLost,
    PermanentError,
    StorewardenError,
    WorkStopped,
)

log = logging.getLogger(__name__)

AWAY = (CatalogueBusy, CatalogueFull, CatalogueUnavailable)
"""Nothing can be noted: it is done again when the catalogue is back."""

_LATER = (DatabaseBusy, DatabaseChanged)
_ENDS_US = (*AWAY, LeaseLost, CatalogueCorrupt)


def carry_out(
    hands: Hands, standing: Standing, wish: TendWish, told: Tell, stopping: Stopping
) -> TendResult:
    """Carry out a wish and note what came of it for each database.

    Raises:
        GivenUp: we are to stop.
        StorewardenError: nothing could be done for any; noted where databases were named.
    """
    does = deed(wish.what)
    runs = standing.begin(wish)
    began_ns, began = hands.now_ns, hands.clock.monotonic()
    try:
        with unnoticed(hands, standing.places(wish.databases)):
            result = _done(does, hands, wish, told, stopping)
    except (GivenUp, WorkStopped):
        standing.given_up(runs)
        raise GivenUp from None
    except StorewardenError as error:
        if not isinstance(error, _ENDS_US):
            standing.end(wish, _failed(wish, error), runs, began_ns)
        raise
    standing.end(wish, result.items, runs, began_ns)
    _tell(wish, result, hands.clock.monotonic() - began)
    return result


def _done(does: Deed, hands: Hands, wish: TendWish, told: Tell, stopping: Stopping) -> TendResult:
    """Do it; one that dies of a mistake of ours takes no other with it."""
    try:
        return does(hands, wish, told, stopping)
    except (GivenUp, StorewardenError):
        raise
    except Exception as error:
        log.exception("a deed died", extra={"facts": {"what": wish.what}})
        raise PermanentError(
            "a deed died", where=wish.what, why=repr(error), remedy="tell its makers; see the log"
        ) from error


def _failed(wish: TendWish, error: StorewardenError) -> list[Item]:
    why = ": ".join(part for part in (error.what, error.where, error.why) if part)
    outcome: Outcome = "put_off" if isinstance(error, _LATER) else "failed"
    return [Item(name, wish.what, outcome, why, error.remedy) for name in wish.databases]


def _tell(wish: TendWish, result: TendResult, seconds: float) -> None:
    """Log what came of it; an hourly look in which nothing was wrong is no news."""
    outcomes = [one.outcome for one in result.items]
    wrong = [one for one in result.items if one.outcome in {"found", "failed"}]
    facts: dict[str, object] = {"what": wish.what, "by": wish.asked_by}
    facts |= {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    facts["seconds"] = f"{seconds:.2f}"
    level = logging.DEBUG if wish.what == QUERIES else logging.INFO
    log.log(level, "databases were looked after", extra={"facts": facts})
    for one in wrong:
        told = {"what": wish.what, "database": one.database, "why": one.why, "remedy": one.remedy}
        message = "a database is not well" if one.outcome == "found" else "a deed failed"
        log.warning(message, extra={"facts": told})
