"""Directories that are gone or moved, and digests that are stored or not, over both databases."""

from collections.abc import Iterator

import pytest

from storewarden.catalogue import depart
from storewarden.catalogue.digests import Digested
from storewarden.catalogue.written import Recorded
from tests.catalogues import Place
from tests.recording import NOW, SECOND, Book, File, check_totals, entry, listing

DIGEST, OTHER = b"d" * 32, b"o" * 32
HOUR = 3600 * SECOND


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    """A recorder over an empty catalogue; at the end its totals must equal a count."""
    book = Book(place.made())
    yield book
    check_totals(book.engine, book.counts)


def directories(book: Book) -> list[bytes]:
    return [path for (path,) in book.engine.execute("SELECT path FROM directories ORDER BY path")]


def tree(book: Book) -> dict[bytes, int]:
    """Record a tree and some of its neighbours; return the rows' ids by path."""
    for at, path in enumerate([b"", b"d", b"d/e", b"d/e/f", b"d-", b"d0", b"dd"]):
        inside = [entry(b"one", 10 + at), entry(b"two", 20 + at)]
        book.listings(listing(path, inside, place=(7, 100 + at)))
    return ids(book)


def ids(book: Book) -> dict[bytes, int]:
    return {path: file.id for path, file in book.present().items()}


# -- a tree that is gone ---------------------------------------------------------------------


def gone(book: Book, path: bytes) -> Recorded:
    with book.recorder.batch():
        return book.departures.tree("r", path, book.now_ns)


@pytest.mark.parametrize("at_once", [1, 5_000])
def test_a_tree_that_is_gone_takes_nothing_beside_it_along(
    book: Book, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depart, "_SLICE", at_once)
    was = tree(book)

    assert gone(book, b"d").missing == 6

    assert {path.rpartition(b"/")[0] for path in book.present()} == {b"", b"d-", b"d0", b"dd"}
    assert {one.id for one in book.missing()} <= set(was.values())
    assert all(book.history(one.id) == ["missing"] for one in book.missing())
    assert gone(book, b"d").missing == 0


def test_the_links_of_what_went_with_a_tree_are_told(book: Book) -> None:
    book.names(entry(b"a", 1, links=2), path=b"d/e")
    book.disk.add(("r", b"d/e", b"a", 1))
    book.names(entry(b"b", 1, links=2))

    assert gone(book, b"d").linked == [1]


def test_the_whole_root_is_a_tree_too(book: Book) -> None:
    tree(book)
    book.names(entry(b"a", 1), root="s")

    assert gone(book, b"").missing == 14
    assert list(book.present()) == [b"a"]


# -- absent by id ----------------------------------------------------------------------------


def test_only_what_is_still_there_and_here_is_absent(book: Book) -> None:
    was = tree(book)
    book.names(entry(b"other", 1), root="s")
    book.gone(b"two", path=b"d")
    asked = [was[b"d/one"], was[b"d/two"], book.one(b"other").id, 999_999]

    found = book.departures.absent("r", asked)

    assert [(one.id, one.path, one.name) for one in found] == [(was[b"d/one"], b"d", b"one")]


def test_files_are_marked_once(book: Book) -> None:
    was = tree(book)

    for expected in (2, 0):
        with book.recorder.batch():
            left = book.departures.files("r", [was[b"d/one"], was[b"one"]], NOW)
        assert left.missing == expected


def test_what_was_recorded_since_is_not_marked(book: Book) -> None:
    """It was seen again, or bears the number of a row that was deleted meanwhile."""
    was = tree(book)
    since = book.now_ns
    book.now_ns += SECOND
    book.names(entry(b"one", 10, size=99))

    with book.recorder.batch():
        asked = [was[b"one"], was[b"two"]]
        left = book.departures.files("r", asked, book.now_ns, recorded_before_ns=since)

    assert left.missing == 1
    assert book.missing()[0].id == was[b"two"]


# -- a directory that moved ------------------------------------------------------------------


def moved(book: Book, old: bytes, new: bytes) -> bool:
    with book.recorder.batch():
        return book.departures.moved("r", old, new, book.now_ns)


def test_a_directory_that_moved_keeps_all_rows_and_what_was_listed(book: Book) -> None:
    was = tree(book)
    listed = book.digest_of(b"d/e")

    assert moved(book, b"d", b"x/y")

    now = ids(book)
    assert now[b"x/y/e/f/one"] == was[b"d/e/f/one"]
    assert sorted(now.values()) == sorted(was.values())
    assert directories(book) == [b"", b"d-", b"d0", b"dd", b"x/y", b"x/y/e", b"x/y/e/f"]
    assert book.digest_of(b"x/y/e") == listed
    assert book.history(was[b"d/one"]) == []
    assert book.names(entry(b"one", 11), path=b"x/y").unchanged == 1


def test_a_directory_without_a_row_has_to_be_listed(book: Book) -> None:
    assert not moved(book, b"never seen", b"x")


def test_what_lay_at_the_new_path_before_is_to_be_looked_for(book: Book) -> None:
    """The kernel only renames over an empty directory: what is recorded in it is gone."""
    was = tree(book)
    book.names(entry(b"deeper", 70), path=b"dd/e/deep")

    assert not moved(book, b"d", b"dd")

    now = ids(book)
    assert now[b"dd/one"] == was[b"d/one"]
    assert was[b"dd/one"] in {one.id for one in book.missing()}
    assert b"dd/e/deep/deeper" in now  # its directory may be there: a look tells
    assert book.departures.inside("r", b"dd") == [b"dd/e", b"dd/e/deep", b"dd/e/f"]
    assert book.digest_of(b"dd") is None
    assert b"d" not in directories(book)


def test_a_directory_can_go_to_and_fro(book: Book) -> None:
    was = tree(book)

    for old, new in ((b"d", b"x"), (b"x", b"dd/x"), (b"dd/x", b"d")):
        moved(book, old, new)

    assert ids(book) == was


# -- digests ---------------------------------------------------------------------------------


def digested(file: File, digest: bytes = DIGEST, /, **other: int) -> Digested:
    was = {"inode": file.inode, "size": file.size, "modified_ns": file.modified_ns, **other}
    return Digested(file.id, digest=digest, **was)


def store(book: Book, *taken: Digested) -> int:
    with book.recorder.batch():
        return book.digests.store(taken, book.now_ns)


def test_a_digest_is_stored_with_its_time(book: Book) -> None:
    book.names(entry(b"a"))

    store(book, digested(book.one(b"a")))

    assert (book.one(b"a").digest, book.one(b"a").digested_ns) == (DIGEST, NOW)


@pytest.mark.parametrize("other", [{"inode": 9}, {"size": 9}, {"modified_ns": 9}])
def test_a_digest_of_something_else_is_not_stored(book: Book, other: dict[str, int]) -> None:
    book.names(entry(b"a"))

    store(book, digested(book.one(b"a"), **other))

    assert book.one(b"a").digest is None


def test_a_digest_of_a_file_that_is_gone_is_not_stored(book: Book) -> None:
    book.names(entry(b"a"))
    taken = digested(book.one(b"a"))
    book.gone(b"a")

    store(book, taken)

    assert book.missing()[0].digest is None


def test_what_is_wanted_comes_in_order_and_in_pieces(book: Book) -> None:
    book.names(entry(b"a", 1), entry(b"b", 2), entry(b"c", 3), entry(b"d", 4), growing=[b"b"])
    book.give_digest(book.one(b"c"), DIGEST)

    first = book.digests.wanted(["r"], 0, 1)
    rest = book.digests.wanted(["r"], first[0].id, 10)

    assert [one.name for one in (*first, *rest)] == [b"a", b"d"]
    assert (first[0].root, first[0].path, first[0].inode) == ("r", b"", 1)
    assert book.digests.wanted(["r"], rest[-1].id, 10) == []


def test_files_of_other_roots_do_not_stand_in_the_way(book: Book) -> None:
    book.names(*(entry(b"%d" % number, number) for number in range(1, 6)), root="s")
    book.names(entry(b"mine", 9))

    assert [one.name for one in book.digests.wanted(["r"], 0, 3)] == [b"mine"]
    assert len(book.digests.wanted(["r", "s"], 0, 10)) == 6
    assert book.digests.wanted([], 0, 10) == []


# -- moves that only a digest can tell --------------------------------------------------------


def copied_and_removed(book: Book) -> int:
    """Let a file go, and its copy be recorded on another file system; return its row."""
    book.names(entry(b"a.png", 1, size=8), path=b"d")
    before = book.one(b"d/a.png")
    book.give_digest(before, DIGEST)
    book.gone(b"a.png", path=b"d")
    book.names(entry(b"b.png", 1, size=8), path=b"x", root="s", device=8)
    return before.id


def test_a_move_between_file_systems_is_joined_by_the_digest(book: Book) -> None:
    was = copied_and_removed(book)

    assert store(book, digested(book.one(b"x/b.png"))) == 1

    file = book.one(b"x/b.png")
    assert (file.id, file.root, file.digest, file.gone_ns) == (was, "s", DIGEST, None)
    assert book.history(was) == ["missing", "renamed"]
    assert book.missing() == []
    assert len(book.present()) == 1


def test_the_joined_file_is_the_same_when_it_is_seen_again(book: Book) -> None:
    copied_and_removed(book)
    store(book, digested(book.one(b"x/b.png")))

    done = book.names(entry(b"b.png", 1, size=8), path=b"x", root="s", device=8)

    assert (done.unchanged, done.written()) == (1, 0)


def test_equal_contents_a_day_apart_are_two_files(book: Book) -> None:
    copied_and_removed(book)
    with book.recorder.batch():
        book.engine.execute(
            "UPDATE files SET gone_ns = ? WHERE state = 'missing'", (NOW - 25 * HOUR,)
        )

    assert store(book, digested(book.one(b"x/b.png"))) == 0
    assert len(book.missing()) == 1


def test_empty_files_are_never_joined(book: Book) -> None:
    book.names(entry(b"a", 1, size=0))
    book.give_digest(book.one(b"a"), DIGEST)
    book.gone(b"a")
    book.names(entry(b"b", 1, size=0), device=8, path=b"x")

    assert store(book, digested(book.one(b"x/b"))) == 0


def test_two_copies_of_one_missing_file_are_joined_once(book: Book) -> None:
    was = copied_and_removed(book)
    book.names(entry(b"c.png", 2, size=8), path=b"x", root="s", device=8)

    done = store(book, digested(book.one(b"x/b.png")), digested(book.one(b"x/c.png")))

    assert done == 1
    assert was in {file.id for file in book.present().values()}
    assert len(book.present()) == 2


def test_one_copy_of_two_missing_files_is_joined_once(book: Book) -> None:
    copied_and_removed(book)
    book.names(entry(b"twin.png", 5, size=8))
    book.give_digest(book.one(b"twin.png"), DIGEST)
    book.gone(b"twin.png")

    assert store(book, digested(book.one(b"x/b.png"))) == 1
    assert (len(book.present()), len(book.missing())) == (1, 1)


def test_a_file_with_a_life_of_its_own_is_not_joined(book: Book) -> None:
    copied_and_removed(book)
    book.names(entry(b"b.png", 1, size=9), path=b"x", root="s", device=8)
    book.names(entry(b"b.png", 1, size=8), path=b"x", root="s", device=8)

    assert store(book, digested(book.one(b"x/b.png"))) == 0


def test_other_digests_join_nothing(book: Book) -> None:
    copied_and_removed(book)

    assert store(book, digested(book.one(b"x/b.png"), OTHER)) == 0
    assert book.one(b"x/b.png").digest == OTHER
