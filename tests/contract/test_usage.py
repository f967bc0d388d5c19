"""What is counted of files' use is added up, by file and by day, and days are forgotten in time."""

from collections.abc import Iterator

import pytest

from storewarden.catalogue import usage
from storewarden.catalogue.digests import Digested
from storewarden.catalogue.usage import DAY_NS, Usage
from storewarden.errors import CatalogueRefused
from storewarden.model import UsageCount
from tests.catalogues import Place
from tests.recording import NOW, Book, check_totals, entry

TODAY = NOW // DAY_NS


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    book = Book(place.made())
    yield book
    check_totals(book.engine, book.counts)


def store(book: Book, *counted: UsageCount, root: str = "r") -> list[UsageCount]:
    with book.recorder.batch():
        return Usage(book.engine, book.counts, book.directories).store(root, counted)


def count(
    name: bytes, opens: int = 0, writes: int = 0, *, path: bytes = b"d", at: int = NOW
) -> UsageCount:
    return UsageCount(path, name, opens, writes, at)


def totals(book: Book) -> list[tuple[object, ...]]:
    rows = book.engine.execute(
        "SELECT f.name, u.opens, u.writes, u.last_ns FROM usage u JOIN files f ON f.id = u.file_id"
        " ORDER BY f.id"
    )
    return [(bytes(name), *rest) for name, *rest in rows]


def days(book: Book) -> list[tuple[object, ...]]:
    rows = book.engine.execute(
        "SELECT f.name, u.day, u.opens, u.writes FROM usage_days u JOIN files f"
        " ON f.id = u.file_id ORDER BY f.id, u.day"
    )
    return [(bytes(name), *rest) for name, *rest in rows]


def test_counts_are_added_by_file_and_day_and_the_last_use_is_the_latest(book: Book) -> None:
    book.names(entry(b"a", 1), entry(b"b", 2), path=b"d")

    assert store(book, count(b"a", 3, 1), count(b"b", 0, 1)) == []
    assert store(book, count(b"a", 2, 0, at=NOW + DAY_NS)) == []
    assert store(book, count(b"a", 1, 0, at=NOW + 1)) == []

    assert totals(book) == [(b"a", 6, 1, NOW + DAY_NS), (b"b", 0, 1, NOW)]
    assert days(book) == [(b"a", TODAY, 4, 1), (b"a", TODAY + 1, 2, 0), (b"b", TODAY, 0, 1)]


def test_counts_of_files_without_a_row_come_back_and_keep_no_other_out(book: Book) -> None:
    book.names(entry(b"a", 1), entry(b"gone", 2), path=b"d")
    book.gone(b"gone", path=b"d")
    unknown = [count(b"new", 1), count(b"gone", 1), count(b"a", 1, path=b"elsewhere")]

    assert store(book, count(b"a", 1), *unknown) == unknown
    assert totals(book) == [(b"a", 1, 0, NOW)]


def test_the_same_name_in_another_root_is_another_file(book: Book) -> None:
    book.names(entry(b"a", 1), path=b"d")
    book.names(entry(b"a", 2), path=b"d", root="s")

    store(book, count(b"a", 5), root="s")

    assert totals(book) == [(b"a", 5, 0, NOW)]
    assert book.engine.execute("SELECT file_id FROM usage") == [(book.present("s")[b"d/a"].id,)]


def test_counts_that_the_catalogue_refuses_harm_nothing_else_in_their_transaction(
    book: Book,
) -> None:
    book.names(entry(b"a", 1), path=b"d")
    with book.recorder.batch():
        counting = Usage(book.engine, book.counts, book.directories)
        counting.store("r", [count(b"a", 1)])
        with pytest.raises(CatalogueRefused):
            counting.store("r", [count(b"a", 1, at=-DAY_NS)])

    assert totals(book) == [(b"a", 1, 0, NOW)]


def test_counts_stay_with_the_row_through_renames_and_go_with_it(book: Book) -> None:
    book.names(entry(b"a", 1), path=b"d")
    store(book, count(b"a", 4))
    book.gone(b"a", path=b"d")
    book.names(entry(b"b", 1), path=b"d")

    assert totals(book) == [(b"b", 4, 0, NOW)]

    with book.recorder.batch():
        book.engine.execute("DELETE FROM files")
        book.engine.execute("DELETE FROM totals")
    book.reopen()
    assert (totals(book), days(book)) == ([], [])


def test_a_file_that_moved_to_another_file_system_keeps_the_counts_of_both_places(
    book: Book,
) -> None:
    book.names(entry(b"a", 1), path=b"d")
    (was,) = book.present().values()
    book.give_digest(was, b"d" * 32)
    store(book, count(b"a", 4, 1))
    book.names(entry(b"a", 9), path=b"other", device=8)
    book.gone(b"a", path=b"d")
    store(book, count(b"a", 2, path=b"other"))
    store(book, count(b"a", 1, path=b"other", at=NOW + DAY_NS))
    (arrived,) = book.present().values()
    with book.recorder.batch():
        one = Digested(arrived.id, 9, 5, entry(b"a")[8], b"d" * 32)
        assert book.digests.store([one], NOW) == 1

    assert [file.id for file in book.present().values()] == [was.id]
    assert totals(book) == [(b"a", 7, 1, NOW + DAY_NS)]
    assert days(book) == [(b"a", TODAY, 6, 1), (b"a", TODAY + 1, 1, 0)]


def test_old_days_of_one_root_are_forgotten_bit_by_bit_and_totals_stay(book: Book) -> None:
    book.names(entry(b"a", 1), path=b"d")
    book.names(entry(b"a", 2), path=b"d", root="s")
    for day in range(5):
        store(book, count(b"a", 1, at=NOW + day * DAY_NS))
        store(book, count(b"a", 1, at=NOW + day * DAY_NS), root="s")
    root_id = book.counts.roots["r"]
    before = NOW + 3 * DAY_NS

    forgotten = [usage.forget(book.engine, root_id, before, 2) for _ in range(3)]

    assert forgotten == [2, 1, 0]
    first = book.present("r")[b"d/a"].id
    left = book.engine.execute("SELECT file_id, day - ? FROM usage_days", (TODAY,))
    assert sorted(day for id_, day in left if id_ == first) == [3, 4]
    assert sorted(day for id_, day in left if id_ != first) == [0, 1, 2, 3, 4]
    assert totals(book)[0][1:3] == (5, 0)


def test_since_when_is_counted_is_known_and_begins_anew_after_a_pause(book: Book) -> None:
    root_id = book.counts.roots["r"]

    def since() -> object:
        rows = book.engine.execute("SELECT usage_since_ns FROM roots WHERE id = ?", (root_id,))
        return rows[0][0]

    told = []
    for now, counted in ((1, True), (2, True), (3, False), (4, False), (5, True)):
        usage.begin(book.engine, root_id, now, counted=counted)
        told.append(since())

    assert told == [1, 1, None, None, 5]
