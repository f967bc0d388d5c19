"""What travels between the stages fits into the catalogue's columns, whatever the disk says."""

import os

import pytest

from storewarden.model import Listing, accessed_of, entry_of

SECOND = 1_000_000_000
LARGEST, SMALLEST = 2**63 - 1, -(2**63)


def status(
    *,
    inode: int = 7,
    size: int = 5,
    accessed: int = 1,
    modified: int = 2,
    changed: int = 3,
) -> os.stat_result:
    seconds = (accessed // SECOND, modified // SECOND, changed // SECOND)
    floats = (0.0, 0.0, 0.0)
    whole = (0o100640, inode, 11, 2, 1000, 1001, size, *seconds)
    # the ten a tuple has, three times as floats, three in nanoseconds, then block size and blocks
    return os.stat_result((*whole, *floats, accessed, modified, changed, 4096, 8))


def test_an_entry_holds_what_the_stat_said_in_its_order() -> None:
    assert entry_of(b"a.png", status()) == (b"a.png", 7, 0o100640, 2, 1000, 1001, 5, 8, 2, 3)


@pytest.mark.parametrize("inode", [0, 1, LARGEST])
def test_an_inode_that_fits_is_kept(inode: int) -> None:
    assert entry_of(b"a", status(inode=inode))[1] == inode


@pytest.mark.parametrize("inode", [2**63, 2**63 + 1, 2**64 - 1])
def test_an_inode_beyond_63_bits_fits_and_stays_one_of_its_own(inode: int) -> None:
    kept = entry_of(b"a", status(inode=inode))[1]

    assert SMALLEST <= kept < 0
    assert kept % 2**64 == inode


YEAR_2446 = 15_032_385_536 * SECOND
YEAR_MINUS_1200 = -99_999_999_999 * SECOND


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (0, 0),
        (-1, -1),
        (LARGEST, LARGEST),
        (SMALLEST, SMALLEST),
        (YEAR_2446, LARGEST),
        (YEAR_MINUS_1200, SMALLEST),
    ],
)
def test_times_that_no_column_holds_become_the_nearest_that_one_does(told: int, kept: int) -> None:
    entry = entry_of(b"a", status(modified=told, changed=told))

    assert entry[8:] == (kept, kept)
    assert accessed_of(status(accessed=told)) == kept


def test_a_listing_without_entries_unpacks_to_nothing() -> None:
    entries, times = Listing("r", b"d", 1, 2, 0.0, b"", b"", 0, unchanged=True).unpack()

    assert entries == []
    assert list(times) == []
