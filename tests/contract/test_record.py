"""What is seen of single names becomes rows, counts and history, over both databases."""

import contextlib
from collections.abc import Iterator

import pytest

from storewarden.errors import CatalogueFull
from tests.catalogues import Place
from tests.faults import Faults
from tests.recording import NOW, SECOND, Book, all_files, check_totals, dump, entry

DIGEST = b"d" * 32


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    """A recorder over an empty catalogue; at the end its totals must equal a count."""
    book = Book(place.made())
    yield book
    check_totals(book.engine, book.counts)
    assert len(book.present()) == book.counts.present("r") + book.counts.present("s")


def test_a_new_file_gets_a_row_with_all_that_was_seen(book: Book) -> None:
    done = book.names(entry(b"a.png", 7, size=11, links=1, uid=5), path=b"d/e")

    file = book.one(b"d/e/a.png")
    assert (done.added, done.written()) == (1, 1)
    assert (file.inode, file.size, file.uid, file.kind) == (7, 11, 5, "image")
    assert (file.state, file.growing, file.generation) == ("present", 0, 1)
    assert (file.first_seen_ns, file.recorded_ns, file.accessed_ns) == (NOW, NOW, NOW)
    assert (file.gone_ns, file.digest) == (None, None)
    assert book.history(file.id) == []


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"new\nline", b"quote'\"\\", b" ", b"-rf", b"%s ? {in}", b"n" * 255]
)
def test_any_name_is_recorded_as_it_is(book: Book, name: bytes) -> None:
    book.names(entry(name), path=name)
    book.names(entry(name, changed=NOW), path=name)

    assert list(book.present()) == [name + b"/" + name]


def test_seeing_the_same_again_writes_nothing(book: Book) -> None:
    seen = [entry(b"a", 1), entry(b"b", 2)]
    book.names(*seen)
    before = dump(book.engine)

    book.now_ns += SECOND
    done = book.names(*seen)

    assert (done.unchanged, done.written()) == (2, 0)
    assert dump(book.engine) == before


def test_the_same_again_after_a_restart_writes_nothing(book: Book) -> None:
    book.names(entry(b"a", 1))
    before = dump(book.engine)

    book.reopen()
    book.names(entry(b"a", 1))

    assert dump(book.engine) == before


@pytest.mark.parametrize("change", [{"size": 9}, {"modified": NOW}, {"inode": 8}])
def test_new_content_is_a_new_generation_without_a_digest(
    book: Book, change: dict[str, int]
) -> None:
    book.names(entry(b"a", 7))
    before = book.one(b"a")
    book.give_digest(before, DIGEST)

    book.now_ns += SECOND
    done = book.names(entry(b"a", **{"inode": 7, **change}))

    file = book.one(b"a")
    assert (done.changed, done.written()) == (1, 1)
    assert (file.id, file.generation, file.digest, file.digested_ns) == (before.id, 2, None, None)
    assert (file.first_seen_ns, file.recorded_ns) == (NOW, NOW + SECOND)
    assert book.history(file.id) == ["changed"]


def test_history_tells_what_the_generation_before_was(book: Book) -> None:
    book.names(entry(b"a", size=5, modified=3))
    book.names(entry(b"a", size=9))

    rows = book.engine.execute("SELECT at_ns, detail FROM history")
    assert rows == [(NOW, '{"generation": 1, "size": 5, "modified_ns": 3}')]


@pytest.mark.parametrize("change", [{"mode": 0o100600}, {"uid": 0}, {"links": 2}])
def test_other_attributes_leave_generation_and_digest(book: Book, change: dict[str, int]) -> None:
    book.names(entry(b"a"))
    book.give_digest(book.one(b"a"), DIGEST)

    done = book.names(entry(b"a", changed=NOW, **change))

    file = book.one(b"a")
    assert (done.touched, done.written()) == (1, 1)
    assert (file.generation, file.digest, file.changed_ns) == (1, DIGEST, NOW)
    assert book.history(file.id) == []


def test_a_ctime_that_nothing_explains_has_the_file_read_again(book: Book) -> None:
    book.names(entry(b"a"))
    book.give_digest(book.one(b"a"), DIGEST)

    done = book.names(entry(b"a", changed=NOW))

    file = book.one(b"a")
    assert (done.touched, done.changed) == (1, 0)
    assert (file.generation, file.digest, file.digested_ns) == (1, None, None)


def test_a_file_that_grows_is_said_to_and_said_to_rest_later(book: Book) -> None:
    book.names(entry(b"a"), entry(b"b", 2), growing=[b"a"])
    assert (book.one(b"a").growing, book.one(b"b").growing) == (1, 0)

    book.names(entry(b"a"), growing=[b"a"])
    assert book.one(b"a").growing == 1

    done = book.names(entry(b"a"))
    assert (book.one(b"a").growing, done.touched) == (0, 1)


# -- gone -------------------------------------------------------------------------------------


def test_a_file_that_is_gone_keeps_its_row_its_digest_and_its_history(book: Book) -> None:
    book.names(entry(b"a"))
    book.give_digest(book.one(b"a"), DIGEST)

    book.now_ns += SECOND
    assert book.gone(b"a", b"never there") == 1

    (file,) = all_files(book.engine)
    assert (file.state, file.gone_ns, file.digest) == ("missing", NOW + SECOND, DIGEST)
    assert book.history(file.id) == ["missing"]
    assert book.gone(b"a") == 0


def test_gone_from_a_directory_that_nobody_knows_is_nothing(book: Book) -> None:
    assert book.gone(b"a", path=b"nowhere") == 0


def test_a_file_that_is_back_as_it_was_goes_on(book: Book) -> None:
    book.names(entry(b"a", 7))
    book.give_digest(book.one(b"a"), DIGEST)
    book.gone(b"a")

    done = book.names(entry(b"a", 7))

    file = book.one(b"a")
    assert (done.returned, file.generation, file.digest, file.gone_ns) == (1, 1, DIGEST, None)
    assert book.history(file.id) == ["missing", "returned"]
    assert book.missing() == []


@pytest.mark.parametrize("inode", [7, 8])
def test_another_file_in_the_place_of_a_missing_one_is_its_next_generation(
    book: Book, inode: int
) -> None:
    book.names(entry(b"a", 7))
    book.give_digest(book.one(b"a"), DIGEST)
    book.gone(b"a")

    done = book.names(entry(b"a", inode, size=9))

    file = book.one(b"a")
    assert (done.changed, file.generation, file.digest, file.gone_ns) == (1, 2, None, None)
    assert book.history(file.id) == ["missing", "replaced"]
    assert book.missing() == []


def test_links_of_a_file_that_is_gone_are_to_be_looked_at(book: Book) -> None:
    book.names(entry(b"a", 1, links=2), entry(b"b", 1, links=2), entry(b"c", 3))
    with book.recorder.batch():
        left = book.departures.names("r", b"", [b"a", b"c"], NOW)

    assert (left.missing, left.linked) == (2, [1])
    assert book.recorder.links("r", left.linked) == [(b"", b"b")]


# -- failure ----------------------------------------------------------------------------------


def test_a_batch_that_fails_leaves_catalogue_and_memory_as_they_were(book: Book) -> None:
    book.names(entry(b"a", 1))
    before, totals = dump(book.engine), dict(book.counts.totals)

    with contextlib.suppress(ZeroDivisionError), book.recorder.batch():
        book.recorder.names(
            "r", b"new", (7, 9), [(entry(b"b", 2), NOW)], growing=frozenset(), now_ns=NOW
        )
        book.departures.names("r", b"", [b"a"], NOW)
        raise ZeroDivisionError

    assert dump(book.engine) == before
    assert dict(book.counts.totals) == totals
    assert book.names(entry(b"b", 2), path=b"new").added == 1


def test_whichever_call_fails_the_same_again_records_it_once(book: Book) -> None:
    faults = Faults(book.engine)
    book.names(entry(b"a", 1), entry(b"tmp", 2), entry(b"x", 3))
    for calls in range(100):
        faults.after(calls)
        with contextlib.suppress(CatalogueFull):
            book.names(entry(b"a", 2), entry(b"b", 4), entry(b"x", 3, mode=0o100600))
        if not faults.failed:
            break
        faults.failed = 0
        check_totals(book.engine, book.counts)
    faults.mend()

    book.names(entry(b"a", 2), entry(b"b", 4), entry(b"x", 3, mode=0o100600))

    assert calls > 5
    assert sorted(book.present()) == [b"a", b"b", b"x"]
    assert (book.one(b"a").generation, book.one(b"b").generation) == (2, 1)
    assert book.history(book.one(b"a").id) == ["changed", "saved-over"]


def test_a_commit_that_nobody_answered_does_not_make_the_totals_wrong(book: Book) -> None:
    """The server may have carried it out before it went away."""
    commit = book.engine._commit

    def carried_out_but_not_answered(connection: object) -> None:
        commit(connection)
        raise CatalogueFull("the answer was lost")

    book.names(entry(b"a", 1))
    book.engine._commit = carried_out_but_not_answered  # type: ignore[method-assign]
    with contextlib.suppress(CatalogueFull):
        book.names(entry(b"b", 2))
    book.engine._commit = commit  # type: ignore[method-assign]

    assert book.names(entry(b"b", 2)).unchanged == 1
    book.names(entry(b"c", 3))
    assert sorted(book.present()) == [b"a", b"b", b"c"]  # and the totals, at the end
