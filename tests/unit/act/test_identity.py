"""A look at a file is compared with what was recorded of it, whatever numbers its system gives."""

import os

from storewarden.act.identity import Identity
from storewarden.model import entry_of


def status(inode: int, modified_ns: int, changed_ns: int) -> os.stat_result:
    whole = (0o100644, inode, 2, 1, 0, 0, 7, 0, 0, 0)
    return os.stat_result(whole, {"st_mtime_ns": modified_ns, "st_ctime_ns": changed_ns})


def test_what_was_recorded_is_what_a_look_tells() -> None:
    far = 2**63 + 5
    edges = (0, 1, 2**63 - 1, 2**63, far, 2**64 - 1)
    for look in (
        *(status(3, 4, 5), status(far, far, far), status(2**64 - 1, -far, -far)),
        *(status(edge, 4, 5) for edge in edges),
        *(status(3, time, 5) for time in (*edges, -1, -far)),
        *(status(3, 4, time) for time in (*edges, -1, -far)),
    ):
        recorded = entry_of(b"", look)

        assert Identity.of(look) == Identity(2, recorded[1], 7, recorded[8], recorded[9])
        assert min(Identity.of(look)) >= -(2**63)
        assert max(Identity.of(look)) < 2**63


def test_a_rename_changes_one_time_and_nothing_else() -> None:
    before, renamed, written = status(3, 4, 5), status(3, 4, 6), status(3, 5, 5)

    assert Identity.of(before).unchanged_by_rename(Identity.of(renamed))
    assert Identity.of(before) != Identity.of(renamed)
    assert not Identity.of(before).unchanged_by_rename(Identity.of(written))
