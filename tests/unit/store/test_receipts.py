"""A bucket's word for a small object is kept once, and only when it is the right one."""

from hashlib import md5

import pytest

from storewarden.store.contract import Stored
from storewarden.store.receipts import Receipts

CONTENT = b"content"
RIGHT = md5(CONTENT).hexdigest()


def stored(number: int) -> Stored:
    return Stored(f"root/a~{number:016}", len(CONTENT), "mark:etag")


def test_a_receipt_is_given_once_and_for_its_object_alone() -> None:
    receipts = Receipts()
    receipts.keep(stored(1), f'"{RIGHT}"', CONTENT, b"told")

    assert receipts.give(stored(2)) is None
    assert receipts.give(stored(1)._replace(version="mark:other")) is None
    assert receipts.give(stored(1)) == b"told"
    assert receipts.give(stored(1)) is None


@pytest.mark.parametrize(
    "etag", ["", '""', RIGHT[:-1] + "x", f"{RIGHT}x", f"{RIGHT}-1", md5(b"other").hexdigest()]
)
def test_another_checksum_is_no_receipt(etag: str) -> None:
    receipts = Receipts()
    receipts.keep(stored(1), etag, CONTENT, b"told")

    assert receipts.give(stored(1)) is None


@pytest.mark.parametrize("etag", [RIGHT, RIGHT.upper(), f'"{RIGHT}"'])
def test_a_checksum_is_known_however_it_is_written(etag: str) -> None:
    receipts = Receipts()
    receipts.keep(stored(1), etag, CONTENT, b"told")

    assert receipts.give(stored(1)) == b"told"


def test_receipts_that_nobody_asks_for_are_forgotten() -> None:
    receipts = Receipts()
    for number in range(1_001):
        receipts.keep(stored(number), RIGHT, CONTENT, b"told")

    assert receipts.give(stored(0)) is None
    assert receipts.give(stored(1)) == b"told"
    assert receipts.give(stored(1_000)) == b"told"


def test_what_is_kept_is_changed_by_one_thread_at_a_time() -> None:
    """Two that make room at once would both remove the oldest."""
    receipts = Receipts()

    class Guarded(dict[Stored, bytes]):
        def __setitem__(self, stored: Stored, told: bytes) -> None:
            assert receipts._lock.locked()
            super().__setitem__(stored, told)

        def pop(self, *wanted: object) -> object:  # type: ignore[override]
            assert receipts._lock.locked()
            return super().pop(*wanted)  # type: ignore[call-overload]

    receipts._told = Guarded()
    receipts.keep(stored(1), RIGHT, CONTENT, b"told")
    assert receipts.give(stored(1)) == b"told"
