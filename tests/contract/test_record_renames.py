"""A file keeps its row, its digest and its history through renames, whatever else is renamed."""

from collections.abc import Iterator

import pytest

from storewarden.catalogue.engine import Engine
from tests.catalogues import Place
from tests.recording import Book, check_totals, entry, listing

DIGEST = b"d" * 32


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    """A recorder over an empty catalogue; at the end its totals must equal a count."""
    engine: Engine = place.made()
    book = Book(engine)
    yield book
    check_totals(engine, book.counts)


def recorded(book: Book, **inodes: int) -> dict[str, int]:
    """Record files by name and inode, digest them, and return their ids."""
    book.names(*(entry(name.encode(), inode) for name, inode in inodes.items()))
    for file in book.present().values():
        book.give_digest(file, DIGEST)
    return {path.decode(): file.id for path, file in book.present().items()}


def ids(book: Book) -> dict[str, int]:
    return {path.decode(): file.id for path, file in book.present().items()}


def test_a_rename_keeps_row_digest_and_history(book: Book) -> None:
    was = recorded(book, a=1)
    book.gone(b"a")
    book.names(entry(b"a", 1))

    done = book.names(entry(b"b", 1, changed=book.now_ns))

    file = book.one(b"b")
    assert (done.renamed, done.added) == (1, 0)
    assert (file.id, file.digest, file.generation) == (was["a"], DIGEST, 1)
    assert book.history(file.id) == ["missing", "returned", "renamed"]
    assert list(book.present()) == [b"b"]


def test_a_rename_across_directories_and_one_across_roots(book: Book) -> None:
    was = recorded(book, a=1)

    book.names(entry(b"a", 1), path=b"deep/er")
    assert ids(book) == {"deep/er/a": was["a"]}

    book.names(entry(b"a.png", 1), path=b"x", root="s")
    file = book.one(b"x/a.png")
    assert (file.id, file.root, file.kind, file.digest) == (was["a"], "s", "image", DIGEST)
    assert book.history(file.id) == ["renamed", "renamed"]


def test_a_file_that_went_missing_first_is_known_again_elsewhere(book: Book) -> None:
    was = recorded(book, a=1)
    book.gone(b"a")

    book.names(entry(b"b", 1))

    assert ids(book) == {"b": was["a"]}
    assert (book.one(b"b").gone_ns, book.one(b"b").digest) == (None, DIGEST)
    assert book.missing() == []


def test_the_same_inode_on_another_device_is_another_file(book: Book) -> None:
    was = recorded(book, a=1)

    book.names(entry(b"b", 1), path=b"mounted", device=8)

    assert ids(book)["a"] == was["a"]
    assert len(book.present()) == 2


@pytest.mark.parametrize("change", [{"size": 6}, {"modified": 7}])
def test_an_inode_that_was_handed_out_again_is_no_rename(
    book: Book, change: dict[str, int]
) -> None:
    was = recorded(book, a=1)

    done = book.names(entry(b"b", 1, **change))

    assert (done.renamed, done.added) == (0, 1)
    assert ids(book)["a"] == was["a"]
    assert book.one(b"b").digest is None


def test_one_more_link_is_one_more_row(book: Book) -> None:
    was = recorded(book, a=1)
    book.disk.add(("r", b"", b"a", 1))

    done = book.names(entry(b"b", 1, links=2))

    assert (done.added, done.linked) == (1, [1])  # the other name shows two links as well
    assert ids(book)["a"] == was["a"]


def test_two_links_that_are_both_renamed_stay_two_files(book: Book) -> None:
    was = recorded(book, a=1)
    book.disk.add(("r", b"", b"a", 1))
    book.names(entry(b"b", 1, links=2))
    book.disk.clear()

    book.names(entry(b"c", 1, links=2), entry(b"d", 1, links=2))

    assert sorted(ids(book)) == ["c", "d"]
    assert was["a"] in ids(book).values()
    assert len(set(ids(book).values())) == 2


def test_an_atomic_save_is_new_content_of_the_old_file(book: Book) -> None:
    was = recorded(book, a=1)
    book.names(entry(b".a.tmp", 2))
    book.names(entry(b".a.tmp", 2, size=9))
    book.give_digest(book.one(b".a.tmp"), b"e" * 32)

    done = book.names(entry(b"a", 2, size=9))

    file = book.one(b"a")
    assert (done.changed, done.added, done.renamed) == (1, 0, 0)
    assert (file.id, file.generation, file.digest, file.size) == (was["a"], 2, None, 9)
    assert book.history(file.id) == ["changed", "changed", "saved-over"]
    assert list(book.present()) == [b"a"]
    assert book.missing() == []


def test_an_atomic_save_after_the_temporary_was_called_missing(book: Book) -> None:
    was = recorded(book, a=1)
    book.names(entry(b".a.tmp", 2))
    book.gone(b".a.tmp")

    book.names(entry(b"a", 2))

    assert ids(book) == {"a": was["a"]}
    assert book.missing() == []


def test_a_rename_onto_the_name_of_a_missing_file_leaves_its_row_beside(book: Book) -> None:
    was = recorded(book, a=1, b=2)
    book.gone(b"b")

    book.names(entry(b"b", 1))

    assert ids(book) == {"b": was["a"]}
    assert [one.id for one in book.missing()] == [was["b"]]


# -- several at once ------------------------------------------------------------------------


def seen(book: Book, way: str, **inodes: int) -> None:
    """Show the directory as it is now: by a look at its names, or by a listing."""
    entries = [entry(name.encode(), inode) for name, inode in inodes.items()]
    if way == "look":
        book.names(*entries)
    else:
        book.listings(listing(b"", entries))


WAYS = pytest.mark.parametrize("way", ["look", "listing"])


@WAYS
def test_a_rotation_moves_every_row_on(book: Book, way: str) -> None:
    was = recorded(book, **{"log": 1, "log.1": 2, "log.2": 3})

    seen(book, way, **{"log": 4, "log.1": 1, "log.2": 2, "log.3": 3})

    now = ids(book)
    assert {name: now[name] for name in ("log.1", "log.2", "log.3")} == {
        "log.1": was["log"],
        "log.2": was["log.1"],
        "log.3": was["log.2"],
    }
    assert now["log"] not in was.values()
    assert book.one(b"log").generation == 1


@WAYS
def test_an_exchange_exchanges_the_rows(book: Book, way: str) -> None:
    was = recorded(book, a=1, b=2)

    seen(book, way, a=2, b=1)

    assert ids(book) == {"a": was["b"], "b": was["a"]}
    assert [file.digest for file in book.present().values()] == [DIGEST, DIGEST]
    assert [file.generation for file in book.present().values()] == [1, 1]


@WAYS
def test_a_circle_of_three(book: Book, way: str) -> None:
    was = recorded(book, a=1, b=2, c=3)

    seen(book, way, a=3, b=1, c=2)

    assert ids(book) == {"a": was["c"], "b": was["a"], "c": was["b"]}


@WAYS
def test_a_temporary_name_that_is_taken_again_at_once(book: Book, way: str) -> None:
    was = recorded(book, a=1, tmp=2)

    seen(book, way, a=2, tmp=3)

    assert ids(book)["a"] == was["a"]
    assert book.one(b"a").generation == 2
    assert book.one(b"tmp").generation == 1
    assert book.history(book.one(b"tmp").id) == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_left_for_another_directory_and_its_name_taken(book: Book, order: int) -> None:
    """One batch of a scan, whichever directory comes first."""
    was = recorded(book, a=1)

    listings = [
        listing(b"", [entry(b"a", 9)]),
        listing(b"old", [entry(b"a", 1)], place=(7, 3)),
    ]
    book.listings(*listings[::order])

    assert ids(book)["old/a"] == was["a"]
    assert ids(book)["a"] not in was.values()
    assert book.one(b"old/a").digest == DIGEST


def test_a_file_with_new_attributes_is_not_taken_away_by_the_same_look(book: Book) -> None:
    """Between two looks of one round it was seen at both of its names."""
    was = recorded(book, a=1)

    book.names(entry(b"a", 1, mode=0o100600), entry(b"b", 1))

    assert ids(book)["a"] == was["a"]
    assert len(book.present()) == 2


def test_a_victim_with_more_names_is_told_as_linked(book: Book) -> None:
    recorded(book, a=1)
    book.disk.add(("r", b"", b"a", 1))
    book.names(entry(b"b", 1, links=2))

    done = book.names(entry(b"b", 5))

    assert 1 in done.linked  # a has one link fewer, and no event says so
