"""What a walk lists is compared with the rows, directory by directory, over both databases."""

from collections.abc import Iterator, Sequence

import pytest

from storewarden.model import Entry, Listing
from tests.catalogues import Place
from tests.recording import NOW, SECOND, Book, check_totals, dump, entry, listing, parts_of

DIGEST = b"d" * 32


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    """A recorder over an empty catalogue; at the end its totals must equal a count."""
    book = Book(place.made())
    yield book
    check_totals(book.engine, book.counts)


def files(*names: str, **more: int) -> list[Entry]:
    return [entry(name.encode(), 10 + at, **more) for at, name in enumerate(names)]


def absent(book: Book, ids: Sequence[int]) -> list[bytes]:
    """Return the names of rows."""
    return sorted(file.whole for file in book.present().values() if file.id in ids)


def test_a_first_listing_makes_rows_and_is_remembered(book: Book) -> None:
    seen = listing(b"d", files("a", "b", "c"))

    done = book.listings(seen)

    assert (done.recorded.added, done.absent, done.restless) == (3, [], {})
    assert sorted(book.present()) == [b"d/a", b"d/b", b"d/c"]
    assert book.digest_of(b"d") == seen.digest
    assert len(done.visited) == 1


def test_an_empty_directory_is_remembered_too(book: Book) -> None:
    book.listings(listing(b"d", []))

    assert book.digest_of(b"d") is not None
    assert book.present() == {}


def test_the_same_listing_again_is_not_even_unpacked(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.listings(listing(b"d", files("a", "b")))
    before = dump(book.engine)

    def unpack(_: Listing) -> None:
        raise AssertionError("was unpacked")

    monkeypatch.setattr(Listing, "unpack", unpack)
    done = book.listings(listing(b"d", files("a", "b")))

    assert (done.recorded.unchanged, done.recorded.written()) == (2, 0)
    assert len(done.visited) == 1
    assert dump(book.engine) == before


def test_the_digest_outlives_a_restart_and_gives_way_to_a_change(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b")))

    book.reopen()
    assert book.listings(listing(b"d", files("a", "b"))).recorded.unchanged == 2

    changed = listing(b"d", [*files("a"), entry(b"b", 11, size=99)])
    done = book.listings(changed)
    assert (done.recorded.changed, done.recorded.unchanged) == (1, 1)
    assert book.digest_of(b"d") == changed.digest


def test_a_look_makes_the_listing_before_it_worthless(book: Book) -> None:
    """Else a file that comes and goes unseen would leave a ghost behind."""
    book.listings(listing(b"d", files("a")))

    book.names(entry(b"new", 5), path=b"d")
    assert book.digest_of(b"d") is None

    done = book.listings(listing(b"d", files("a")))
    assert absent(book, done.absent) == [b"d/new"]
    assert book.digest_of(b"d") is None  # the row disagrees until a look confirms it


def test_a_departure_makes_it_worthless_as_well(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b")))

    book.gone(b"b", path=b"d")

    assert book.digest_of(b"d") is None


def test_what_is_not_in_the_listing_is_absent_and_stays_present(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b", "c")))

    done = book.listings(listing(b"d", files("a")))

    assert absent(book, done.absent) == [b"d/b", b"d/c"]
    assert book.missing() == []


def test_what_is_missing_already_is_not_absent_again(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b")))
    book.gone(b"b", path=b"d")

    done = book.listings(listing(b"d", files("a")))

    assert done.absent == []
    assert book.digest_of(b"d") is not None


def test_several_directories_in_one_batch(book: Book) -> None:
    first = [listing(b"", files("a")), listing(b"d", files("a"), place=(7, 3))]
    book.listings(*first)

    done = book.listings(first[0], listing(b"d", files("a", "b"), place=(7, 3)))

    assert sorted(book.present()) == [b"a", b"d/a", b"d/b"]
    assert (done.recorded.unchanged, done.recorded.added) == (2, 1)


def test_a_directory_that_another_one_replaced_takes_its_place(book: Book) -> None:
    book.listings(listing(b"d", files("a"), place=(7, 3)))

    book.listings(listing(b"d", [entry(b"x", 99)], place=(7, 4)))

    assert book.engine.execute("SELECT inode FROM directories") == [(4,)]


def test_an_inode_beyond_63_bits_is_the_same_the_next_time(book: Book) -> None:
    seen = listing(b"d", files("a"), place=(7, 2**63 + 3))
    book.listings(seen)
    before = dump(book.engine)

    book.reopen()
    book.listings(seen)

    assert dump(book.engine) == before


# -- what may still be written to -----------------------------------------------------------------


def test_restless_names_are_left_out_and_told(book: Book) -> None:
    restless = entry(b"b", 11, changed=NOW - SECOND)

    done = book.listings(listing(b"d", [*files("a"), restless]))

    assert done.restless == {b"d": [b"b"]}
    assert sorted(book.present()) == [b"d/a"]
    assert book.digest_of(b"d") is None


def test_a_restless_file_that_has_a_row_is_not_absent(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b")))

    done = book.listings(listing(b"d", [*files("a"), entry(b"b", 11, size=9, changed=NOW)]))

    assert (done.absent, done.restless) == ([], {b"d": [b"b"]})
    assert book.one(b"d/b").size == 5


def test_a_file_from_the_future_that_is_recorded_as_it_is_asks_for_nothing_more(
    book: Book,
) -> None:
    """After the clock was put back its ctime is ahead of us for as long as it takes."""
    ahead = entry(b"b", 11, changed=NOW + 3600 * SECOND)
    book.listings(listing(b"d", [*files("a"), ahead]))
    book.names(ahead, path=b"d")

    done = book.listings(listing(b"d", [*files("a"), ahead]))

    assert done.restless == {}


# -- a listing older than what was recorded since -------------------------------------------------


def test_a_stale_listing_only_raises_suspicion(book: Book) -> None:
    book.listings(listing(b"d", files("a", "b", "c")))
    book.names(entry(b"a", 99), entry(b"new", 50), path=b"d")  # since the listing was taken
    book.gone(b"b", path=b"d")
    before = dump(book.engine)

    done = book.listings(listing(b"d", files("a", "b", "c"), taken=1.0), stale={b"d"})

    assert dump(book.engine) == before
    assert {path: sorted(names) for path, names in done.restless.items()} == {b"d": [b"a", b"b"]}
    assert absent(book, done.absent) == [b"d/new"]
    assert book.digest_of(b"d") is None
    assert len(done.visited) == 1


# -- parts of a very large directory --------------------------------------------------------------


ABC = [f"{letter}{number}" for letter in "abc" for number in range(3)]


def in_order(book: Book, parts: Sequence[Listing], batches: str = "many batches") -> list[bytes]:
    """Record parts in one batch or in several; return the names found absent."""
    several = [parts] if batches == "one batch" else [[part] for part in parts]
    return sorted(name for batch in several for name in absent(book, book.listings(*batch).absent))


BATCHES = pytest.mark.parametrize("batches", ["one batch", "many batches"])


@BATCHES
def test_parts_become_what_one_listing_would(book: Book, batches: str) -> None:
    parts = parts_of(b"d", files(*ABC), 3)

    assert in_order(book, parts, batches) == []

    assert len(book.present()) == 9
    assert book.digest_of(b"d") == parts[-1].digest


@BATCHES
@pytest.mark.parametrize("size", [1, 2, 4, 9])
def test_what_left_is_absent_from_the_part_it_would_be_in(
    book: Book, batches: str, size: int
) -> None:
    everything = files(*ABC)
    book.listings(*parts_of(b"d", everything, size))
    left = [one for one in everything if one[0] not in {b"a0", b"b1", b"c2"}]

    parts = parts_of(b"d", left, size)

    assert in_order(book, parts, batches) == [b"d/a0", b"d/b1", b"d/c2"]
    assert book.digest_of(b"d") is None


@BATCHES
def test_the_same_parts_again_write_nothing_but_agree(book: Book, batches: str) -> None:
    parts = parts_of(b"d", files(*ABC), 3)
    in_order(book, parts, batches)
    before = dump(book.engine)

    again = parts_of(b"d", files(*ABC), 3, taken=9.0)
    in_order(book, again, batches)

    assert dump(book.engine) == before


def test_a_large_directory_that_the_walker_found_unchanged_has_no_entries(book: Book) -> None:
    digest = parts_of(b"d", files(*ABC), 3)[-1].digest
    book.listings(*parts_of(b"d", files(*ABC), 3))

    done = book.listings(Listing("r", b"d", 7, 2, 0.0, b"", b"", 9, digest=digest, unchanged=True))

    assert (done.recorded.unchanged, len(done.visited), done.absent) == (9, 1, [])


def test_one_restless_name_in_one_part_keeps_the_digest_away(book: Book) -> None:
    seen = [*files(*ABC), entry(b"a9", 99, changed=NOW)]

    in_order(book, parts_of(b"d", seen, 4))

    assert len(book.present()) == 9
    assert book.digest_of(b"d") is None


def test_a_look_at_a_new_directory_between_two_parts_of_it(book: Book) -> None:
    parts = parts_of(b"d", files(*ABC), 3)
    book.listings(parts[0])

    book.names(entry(b"a0", 10, size=99), entry(b"c2", 18), path=b"d")
    book.listings(*parts[1:])

    assert len(book.present()) == 9
    assert book.one(b"d/a0").size == 99


def test_what_was_recorded_between_two_parts_keeps_the_digest_away(book: Book) -> None:
    """Else a name that came and went between the parts would never be missed."""
    parts = parts_of(b"d", files(*ABC), 3)
    book.listings(parts[0])
    book.names(entry(b"a1x", 77), path=b"d")

    book.listings(*parts[1:])

    assert book.digest_of(b"d") is None


def test_parts_that_end_in_the_middle_do_not_spoil_the_next_listing(book: Book) -> None:
    parts = parts_of(b"d", [*files(*ABC), entry(b"a9", 99, changed=NOW)], 4)
    book.listings(parts[0])

    whole = parts_of(b"d", files(*ABC), 3, taken=5.0)
    assert in_order(book, whole) == []

    assert len(book.present()) == 9
    assert book.digest_of(b"d") == whole[-1].digest


# -- what the catalogue refuses -------------------------------------------------------------------

LONG = b"n" * 256  # on NTFS and CIFS a name of 255 characters may have three times as many bytes


@BATCHES
def test_a_name_that_is_refused_does_not_keep_the_others_out(book: Book, batches: str) -> None:
    """Neither those beside it nor those of the other directories of the batch."""
    book.recorder.careful = True
    beside = [*files("a", "b", "y", "z"), entry(LONG, 99), entry(b"young", 98, changed=NOW)]
    seen = [
        listing(b"", [entry(b"a", 20)], place=(7, 2)),
        listing(b"d", beside, place=(7, 3)),
        listing(b"e", [entry(b"a", 30), entry(b"b", 31)], place=(7, 4)),
    ]

    if batches == "one batch":
        restless = book.listings(*seen).restless
    else:
        restless = [book.listings(one) for one in seen][1].restless

    assert sorted(book.present()) == [b"a", b"d/a", b"d/b", b"d/y", b"d/z", b"e/a", b"e/b"]
    assert restless == {b"d": [b"young"]}
    assert book.digest_of(b"d") is None
    assert book.digest_of(b"e") is not None


def test_beside_it_changes_are_recorded_and_what_is_gone_is_absent(book: Book) -> None:
    book.recorder.careful = True
    book.listings(listing(b"d", files("a", "b", "c")))

    done = book.listings(listing(b"d", [entry(b"a", 77), entry(b"b", 11), entry(LONG, 99)]))

    assert (done.recorded.changed, len(done.visited)) == (1, 1)
    assert book.one(b"d/a").generation == 2
    assert absent(book, done.absent) == [b"d/c"]


def test_a_stale_listing_with_it_records_nothing(book: Book) -> None:
    book.recorder.careful = True
    book.listings(listing(b"d", files("a")))
    before = dump(book.engine, digests=False)

    done = book.listings(listing(b"d", [entry(b"a", 77), entry(LONG, 99)]), stale={b"d"})

    assert dump(book.engine, digests=False) == before
    assert sorted(done.restless[b"d"]) == [b"a", LONG]
