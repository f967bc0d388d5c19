"""What a later change of the same batch says too is left out."""

import pytest

from storewarden.model import Change, DirectoryFound, DirectoryGone, DirectoryMoved, RootDirty
from storewarden.watch.changes import pruned


def found(path: bytes) -> Change:
    return DirectoryFound("r", path)


def gone(path: bytes) -> Change:
    return DirectoryGone("r", path)


def moved(old: bytes, new: bytes) -> Change:
    return DirectoryMoved("r", old, new)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ([], []),
        ([found(b"a"), found(b"a/b"), found(b"ab")], [found(b"a/b"), found(b"a"), found(b"ab")]),
        ([found(b"a/b"), found(b"a"), found(b"a")], [found(b"a")]),
        ([found(b""), found(b"a")], [found(b""), found(b"a")]),
        ([found(b"a"), found(b"")], [found(b"")]),
        ([gone(b"a/b/c"), gone(b"a/b"), gone(b"a")], [gone(b"a")]),
        ([gone(b"a"), found(b"a"), gone(b"a")], [gone(b"a"), found(b"a"), gone(b"a")]),
        ([found(b"a"), moved(b"a", b"b"), found(b"a")], None),
        ([gone(b"a"), moved(b"b", b"a"), gone(b"a")], None),
        ([RootDirty("r", "why"), found(b"a")], None),
    ],
)
def test_pruning(changes: list[Change], kept: list[Change] | None) -> None:
    expected = changes if kept is None else kept

    assert sorted(pruned(changes), key=repr) == sorted(expected, key=repr)


def test_the_order_is_kept() -> None:
    changes = [gone(b"x"), moved(b"a", b"b"), found(b"c"), gone(b"y/z"), gone(b"y")]

    assert pruned(changes) == [gone(b"x"), moved(b"a", b"b"), found(b"c"), gone(b"y")]
