"""What was told counts for whom it is, and is refused where that is more than it may have."""

from __future__ import annotations

from collections.abc import Collection

from storewarden.api.quota import Held, Quota, admit
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import holdings, users


def take_in(engine: Engine, told_ids: Collection[int]) -> None:
    """Count told files for their owners; inside the transaction that told of them.

    Raises:
        QuotaExceeded: an owner would have too much; then the transaction, or its savepoint, must
            not be kept.
    """
    while holdings.settle(engine):
        pass
    more = holdings.count(engine, told_ids)
    grown = [user_id for user_id, one in more.items() if one.files > 0 or one.bytes > 0]
    have = holdings.of(engine, grown)
    for user_id in grown:
        user = users.by_id(engine, user_id)
        if user is None or (user.quota_bytes is None and user.quota_files is None):
            continue
        now, new = have[user_id], Held(*more[user_id])
        before = Held(now.files - new.files, now.bytes - new.bytes)
        admit(user.name, Quota(user.quota_bytes, user.quota_files), before, new)
