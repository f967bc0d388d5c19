"""A file told of before it is seen, and one seen before it is told of, end as one row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import Deed, Pin, TellChat, TellFile, TellText, TellUsage
from storewarden.api.done import Done
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue import marks
from storewarden.catalogue.digests import Digested
from storewarden.catalogue.marks import Marks
from storewarden.errors import NotThere
from tests.acting import Deeds
from tests.catalogues import Place
from tests.recording import NOW, Book, check_totals, entry, listing
from tests.telling import user

DIGEST = b"d" * 32


@pytest.fixture
def book(place: Place) -> Iterator[Book]:
    """A recorder over an empty catalogue."""
    book = Book(place.made())
    yield book
    check_totals(book.engine, book.counts)


def tell(book: Book, *deeds: Deed, who: Who = MACHINE) -> list[Done]:
    with book.engine.transaction(durable=True):
        return carry_all(book.engine, book.ground.host_id, deeds, who, book.now_ns)


def told(book: Book) -> list[dict[str, Any]]:
    """Return the rows of what was told, with names for numbers."""
    columns = ("directory", "name", "waiting", "file", "workflow", "scene", "title", "tags")
    rows = book.engine.execute(
        "SELECT t.directory, t.name, t.waiting, t.file_id, w.name, s.name, t.title, t.tags"
        " FROM told_files t LEFT JOIN workflows w ON w.id = t.workflow_id"
        " LEFT JOIN scenes s ON s.id = t.scene_id ORDER BY t.id"
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


CAT = TellFile(path="r/out/cat.png", workflow="film", scene="1", title="A cat")


@pytest.mark.parametrize("first", ["told", "seen", "listed"])
def test_what_is_told_and_what_is_seen_are_one_row(book: Book, first: str) -> None:
    if first == "seen":
        book.names(entry(b"cat.png"), path=b"out")
    elif first == "listed":
        book.listings(listing(b"out", [entry(b"cat.png")]))
    tell(book, CAT)
    if first == "told":
        assert [(row["waiting"], row["file"]) for row in told(book)] == [(1, None)]
        book.names(entry(b"cat.png"), path=b"out")

    file = book.one(b"out/cat.png")
    (row,) = told(book)
    assert (row["waiting"], row["file"]) == (0, file.id)
    assert (row["workflow"], row["scene"], row["title"]) == ("film", "1", "A cat")
    assert book.history(file.id) == ["told"]
    (again,) = tell(book, CAT)
    assert (again.file, again.created) == (file.id, False)
    assert len(told(book)) == 1
    assert book.history(file.id) == ["told"]


def test_a_walk_finds_what_was_told_and_leaves_the_rest_waiting(book: Book) -> None:
    tell(book, CAT, TellFile(path="r/out/dog.png"), TellFile(path="s/out/cat.png"))

    book.listings(listing(b"out", [entry(b"cat.png", 1), entry(b"cow.png", 2)]))

    assert [row["waiting"] for row in told(book)] == [0, 1, 1]


def test_a_file_that_is_renamed_into_the_place_is_the_one(book: Book) -> None:
    tell(book, CAT)
    book.names(entry(b"cat.png.part", 9), path=b"out")
    part = book.one(b"out/cat.png.part")
    assert told(book)[0]["waiting"] == 1

    book.names(entry(b"cat.png", 9), path=b"out")

    assert told(book)[0]["file"] == part.id
    assert book.history(part.id) == ["renamed", "told"]


def test_a_directory_that_is_moved_into_the_place_brings_its_files(book: Book) -> None:
    tell(book, CAT)
    book.names(entry(b"cat.png"), path=b"work/7")

    with book.recorder.batch():
        assert book.departures.moved("r", b"work/7", b"out", book.now_ns)

    assert told(book)[0]["file"] == book.one(b"out/cat.png").id


def test_a_file_keeps_what_was_told_of_it_wherever_it_goes(book: Book) -> None:
    book.names(entry(b"cat.png", 5), path=b"out")
    tell(book, CAT)
    book.names(entry(b"kept.png", 5), path=b"best")
    file = book.one(b"best/kept.png")

    (row,) = told(book)
    assert (row["file"], row["directory"]) == (file.id, b"out")
    (again,) = tell(book, TellFile(path="r/best/kept.png", title="The cat"))
    assert again.file == file.id
    assert [row["title"] for row in told(book)] == ["The cat"]


def test_what_is_told_of_a_place_that_a_file_left_is_of_the_next_one(book: Book) -> None:
    book.names(entry(b"cat.png", 5), path=b"out")
    tell(book, CAT)
    book.names(entry(b"kept.png", 5), path=b"best")

    tell(book, TellFile(path="r/out/cat.png", title="Another cat"))
    book.names(entry(b"cat.png", 6), path=b"out")

    titles = {row["file"]: row["title"] for row in told(book)}
    assert titles == {
        book.one(b"best/kept.png").id: "A cat",
        book.one(b"out/cat.png").id: "Another cat",
    }


@pytest.mark.parametrize("state", ["missing", "archived"])
def test_a_file_that_is_away_is_still_meant_by_its_place(book: Book, state: str) -> None:
    book.names(entry(b"cat.png"), path=b"out")
    file = book.one(b"out/cat.png")
    book.gone(b"cat.png", path=b"out")
    with book.engine.transaction():
        book.engine.execute("UPDATE files SET state = ?", (state,))
    book.counts.forget()

    (done,) = tell(book, CAT)
    with book.engine.transaction():
        book.engine.execute("UPDATE files SET state = 'missing'")

    assert done.file == file.id


@pytest.mark.parametrize("state", ["trashed", "purged"])
def test_what_is_told_after_a_file_was_thrown_away_is_of_the_next_one(
    book: Book, state: str
) -> None:
    tell(book, TellFile(path="r/out/cat.png", title="The first cat"))
    book.names(entry(b"cat.png", 5), path=b"out")
    first = book.one(b"out/cat.png")
    with book.engine.transaction():
        book.engine.execute("UPDATE files SET state = ?, gone_ns = 1", (state,))
        book.engine.execute("UPDATE totals SET state = ?", (state,))
    book.reopen()

    (done,) = tell(book, CAT)
    assert done.file is None
    book.names(entry(b"cat.png", 6, size=9), path=b"out")

    titles = {row["file"]: row["title"] for row in told(book)}
    assert titles == {first.id: "The first cat", book.one(b"out/cat.png").id: "A cat"}


def test_what_is_missing_and_comes_back_is_what_was_told_of(book: Book) -> None:
    tell(book, CAT)
    book.names(entry(b"cat.png", 5), path=b"out")
    book.gone(b"cat.png", path=b"out")
    book.names(entry(b"cat.png", 5), path=b"out")

    assert [row["file"] for row in told(book)] == [book.one(b"out/cat.png").id]


def test_an_atomic_save_keeps_what_was_told(book: Book) -> None:
    book.names(entry(b"cat.png", 1), path=b"out")
    file = book.one(b"out/cat.png")
    tell(book, CAT, TellFile(path="r/out/.cat.tmp", tags=("new",)))
    book.names(entry(b".cat.tmp", 2), path=b"out")

    book.names(entry(b"cat.png", 2), path=b"out")

    (row,) = told(book)
    assert (row["file"], row["title"], row["tags"]) == (file.id, "A cat", '["new"]')


def test_a_copy_and_delete_move_is_one_file_with_what_was_told_of_both_places(book: Book) -> None:
    book.names(entry(b"cat.png", 1), path=b"out")
    first = book.one(b"out/cat.png")
    book.give_digest(first, DIGEST)
    tell(book, CAT, TellChat(path="r/out/cat.png", question="What?", answer="A cat.", key="1"))
    tell(book, TellFile(path="r/best/cat.png", tags=("best",)))
    book.gone(b"cat.png", path=b"out")
    book.names(entry(b"cat.png", 2), path=b"best")
    arrived = book.one(b"best/cat.png")
    looked = Digested(arrived.id, arrived.inode, arrived.size, arrived.modified_ns, DIGEST)

    with book.recorder.batch():
        book.digests.store([looked], book.now_ns)

    (row,) = told(book)
    assert book.one(b"best/cat.png").id == first.id
    assert (row["file"], row["title"], row["tags"]) == (first.id, "A cat", '["best"]')
    assert book.engine.execute("SELECT count(*) FROM chat_history") == [(1,)]


def test_what_waited_at_a_place_is_added_to_what_was_told_of_the_file_that_came(
    book: Book,
) -> None:
    book.names(entry(b"a.png", 1), path=b"out")
    tell(
        book,
        TellFile(path="r/out/a.png", title="First", file_type="still", tags=("a",)),
        TellText(path="r/out/a.png", text="one"),
        TellText(path="r/out/a.png", text="eins", language="de"),
        TellUsage(provider="ollama", path="r/out/a.png", key="a"),
    )
    book.now_ns += 1
    tell(
        book,
        TellFile(path="r/out/b.png", title="Second", tags=("b",), metadata={"take": 2}),
        TellText(path="r/out/b.png", text="two"),
        TellChat(path="r/out/b.png", question="?", answer="!", key="b"),
        Pin(path="r/out/b.png"),
    )
    book.names(entry(b"b.png", 1), path=b"out")

    (row,) = told(book)
    assert (row["title"], row["tags"]) == ("Second", '["a", "b"]')
    texts = book.engine.execute("SELECT language, text FROM told_texts ORDER BY text")
    assert texts == [("de", "eins"), (None, "two")]
    assert book.engine.execute("SELECT DISTINCT told_id FROM told_texts") == [(1,)]
    assert book.engine.execute("SELECT told_id FROM chat_history") == [(1,)]
    assert book.engine.execute("SELECT file_type, metadata, pinned FROM told_files") == [
        ("still", '{"take": 2}', 1)
    ]


def test_marks_that_were_told_before_a_file_are_its_marks(book: Book) -> None:
    tell(book, TellFile(path="r/cat.png", rating=4.5, tags=("b", "a")), Pin(path="r/cat.png"))
    book.names(entry(b"cat.png"))

    file = book.one(b"cat.png")
    assert marks.of_files(book.engine, [file.id]) == {
        file.id: Marks(pinned=True, rating=4.5, tags=("a", "b"))
    }
    assert sorted(book.history(file.id)) == ["pinned", "rated", "tagged", "told"]


def test_nobody_gets_a_file_of_another_by_telling_of_where_it_comes_to_lie(book: Book) -> None:
    anna, ben = user(book.engine, "anna"), user(book.engine, "ben")
    book.names(entry(b"a.png", 1))
    tell(book, TellFile(path="r/a.png", title="Anna's"), who=anna)
    tell(book, TellFile(path="r/b.png", title="Ben's", public=True, rating=1), who=ben)

    book.names(entry(b"b.png", 1))

    file = book.one(b"b.png")
    rows = told(book)
    assert [(row["title"], row["file"]) for row in rows] == [("Anna's", file.id), ("Ben's", None)]
    assert marks.of_files(book.engine, [file.id])[file.id] == Marks(owner="anna")
    with pytest.raises(NotThere):
        tell(book, TellFile(path="r/b.png"), who=ben)


def test_a_file_and_its_telling_at_the_same_moment_find_each_other(place: Place) -> None:
    """Two connections: one records while the other tells; whoever ends last has seen the other."""
    book = Book(place.made())
    book.names(entry(b"first.png", 1))
    beside = place.open()
    failed: list[BaseException] = []
    rounds = 40

    def record() -> None:
        try:
            for number in range(rounds):
                book.names(entry(b"%03d.png" % number, 100 + number))
        except BaseException as error:  # noqa: BLE001  # the test tells of it
            failed.append(error)

    thread = threading.Thread(target=record)
    thread.start()
    for number in range(rounds):
        with beside.transaction(durable=True):
            deed = TellFile(path=f"r/{number:03}.png")
            carry_all(beside, book.ground.host_id, [deed], MACHINE, NOW)
    thread.join()

    assert failed == []
    assert beside.execute("SELECT count(*) FROM told_files WHERE waiting = 1") == [(0,)]
    assert beside.execute("SELECT count(*) FROM told_files") == [(rounds,)]


def test_who_records_and_finds_nobody_waiting_asks_once(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    book.names(entry(b"first.png", 1))
    monkeypatch.setattr(book.engine, "timed", lambda sql, *_args, **_more: asked.append(sql))
    book.names(*(entry(b"%03d.png" % number, 100 + number) for number in range(500)))

    assert [sql for sql in asked if "told_files" in sql and "waiting" in sql] == [
        "SELECT 1 FROM told_files WHERE waiting = 1 LIMIT 1"
    ]


def test_a_file_that_comes_back_finds_what_was_told_of_its_place_meanwhile(place: Place) -> None:
    deeds = Deeds(place.made())
    tell(deeds, TellFile(path="r/cat.png", title="The cat", file_type="still"))
    deeds.names(entry(b"cat.png", 5), entry(b"dog.png", 6))
    tell(deeds, TellFile(path="r/dog.png", title="The dog"))
    cat, dog = deeds.one(b"cat.png"), deeds.one(b"dog.png")
    deeds.trash(cat)
    deeds.archive(dog)
    deeds.now_ns += 1
    (cat_now, dog_now, new) = tell(
        deeds,
        *(TellFile(path=f"r/{name}.png", tags=("later",)) for name in ("cat", "dog", "new")),
    )
    assert (cat_now.file, dog_now.file, new.file) == (None, dog.id, None)

    deeds.restore(deeds.row(cat.id), entry(b"cat.png", 7))
    deeds.restore(deeds.row(dog.id), entry(b"new.png", 8), b"new.png")

    rows = {row["file"]: (row["title"], row["tags"]) for row in told(deeds)}
    assert rows == {cat.id: ("The cat", '["later"]'), dog.id: ("The dog", '["later"]')}
    assert marks.of_files(deeds.engine, [cat.id])[cat.id].tags == ("later",)
