"""Which databases a wish is about, and whose care of each wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from storewarden.catalogue import care
from storewarden.catalogue.care import Known
from storewarden.catalogue.databases import Database, align, find_databases, known_databases
from storewarden.catalogue.engine import Engine
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.looking import named
from storewarden.daemon.tending.standing import policy_of
from storewarden.daemon.tending.wish import Item, Outcome, TendWish
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueUnavailable,
    LeaseLost,
    StorewardenError,
    WorkStopped,
)
from storewarden.pipeline.judging import subjects
from storewarden.policy.decide import winners
from storewarden.policy.rules import Backup, Policy, PolicySet

_OF_ALL: Final = (
    *(CatalogueBusy, CatalogueCorrupt, CatalogueFull, CatalogueUnavailable, LeaseLost),
)


class Meant(NamedTuple):
    """A database, and the policy whose care of it wins, if any."""

    database: Database
    policy: Policy | None

    @property
    def backup(self) -> Backup | None:
        """What its policy says of backups."""
        care = self.policy.care if self.policy is not None else None
        return None if care is None else care.backup


def meant(hands: Hands, wish: TendWish, *, gone: bool = False) -> tuple[list[Meant], list[Item]]:
    """Return the databases of a wish, all where it names none, and what came of unknown names.

    ``gone``: also those that are not there any more.
    """
    engine, host_id, now_ns = hands.engine, hands.host_id, hands.now_ns
    align(engine, host_id, named(hands.settings), now_ns)
    unknown: Iterable[str | bytes] = ()
    if wish.databases:
        found, unknown = find_databases(engine, host_id, wish.databases, gone=True)
    else:
        found = known_databases(engine, host_id, gone=gone)
    items = [
        Item(str(name), wish.what, "refused", "no database is called so", "storewarden db list")
        for name in unknown
    ]
    return cared(engine, host_id, hands.policies, now_ns, found), items


def cared(
    engine: Engine,
    host_id: int,
    policies: PolicySet | None,
    now_ns: int,
    found: Sequence[Database],
) -> list[Meant]:
    """Return whose care of each database wins."""
    known = {one.id: one for one in care.known(engine, host_id)}
    return [
        Meant(one, _policy(engine, policies, known[one.id], now_ns))
        for one in found
        if one.id in known
    ]


def _policy(engine: Engine, policies: PolicySet | None, one: Known, now_ns: int) -> Policy | None:
    """Return whose care wins, by what is decided; where nothing is yet, by what is known now."""
    decided = policy_of(policies, one, now_ns)
    if decided is not None or policies is None or one.file_id is None:
        return decided
    for subject in subjects(engine, [one.file_id]):
        at = winners(subject, policies, now_ns).care
        return policies.policies[at - 1] if at > 0 else None
    return None


def passing(error: StorewardenError) -> StorewardenError:
    """Return an error of one database; raise one that concerns all of them.

    Raises:
        GivenUp: we are to stop.
        StorewardenError: the catalogue cannot be used, or is not ours to write any more.
    """
    if isinstance(error, WorkStopped):
        raise GivenUp from error
    if isinstance(error, _OF_ALL):
        raise error
    return error


def failed(name: str, what: str, error: StorewardenError) -> Item:
    """Return what came of a database for which something went wrong; it may pass by itself."""
    outcome: Outcome = "put_off" if error.transient else "failed"
    why = ": ".join(part for part in (error.what, error.where, error.why) if part)
    return Item(name, what, outcome, why, error.remedy)
