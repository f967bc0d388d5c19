"""What lies there more than once, and what that wastes, in both databases alike."""

import pytest

from storewarden.catalogue import roots
from storewarden.catalogue import same as room
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.same import same
from tests.catalogues import COLUMNS, NOW, file_row

LARGE, SMALL, LINKED, EMPTY = (letter * 32 for letter in (b"l", b"s", b"k", b"e"))
FILES = [
    file_row(b"b.png", inode=1, size=1000, digest=LARGE),
    file_row(b"a.png", inode=2, size=1000, digest=LARGE, kind="video"),
    file_row(b"c.png", inode=2, size=1000, digest=LARGE),  # a hard link of the one before
    file_row(b"1.txt", inode=3, size=10, digest=SMALL),
    file_row(b"2.txt", inode=4, size=10, digest=SMALL),
    file_row(b"3.txt", inode=5, size=10, digest=SMALL),
    file_row(b"x", inode=6, size=5000, digest=LINKED),
    file_row(b"y", inode=6, size=5000, digest=LINKED),
    file_row(b"empty", inode=7, size=0, digest=EMPTY),
    file_row(b"void", inode=8, size=0, digest=EMPTY),
    file_row(b"unread.png", inode=9, size=1000),
    file_row(b"gone.png", inode=10, size=1000, digest=LARGE, state="missing", gone_ns=NOW),
    file_row(b"archived.txt", inode=11, size=10, digest=SMALL, state="archived"),
]


@pytest.fixture
def shelves(engine: Engine) -> Engine:
    with engine.transaction():
        engine.insert("files", COLUMNS, FILES)
    return engine


def told(engine: Engine, *terms: str, limit: int | None = None) -> list[tuple[int, list[bytes]]]:
    return [
        (group.wasted, [file.name for file in group.files])
        for group in same(engine, terms, NOW, limit=limit)
    ]


def test_what_wastes_most_comes_first(shelves: Engine) -> None:
    assert told(shelves) == [
        (1000, [b"a.png", b"b.png", b"c.png"]),
        (20, [b"1.txt", b"2.txt", b"3.txt"]),
    ]
    first = next(same(shelves, [], NOW))
    assert (first.digest, first.size) == (LARGE, 1000)


def test_only_files_that_meet_the_terms_are_compared(shelves: Engine) -> None:
    assert told(shelves, "kind=video") == []
    assert told(shelves, "name=[12]*") == [(10, [b"1.txt", b"2.txt"])]
    assert told(shelves, "state=any", "kind=image", "ext=txt") == [
        (30, [b"1.txt", b"2.txt", b"3.txt", b"archived.txt"])
    ]


def test_of_many_only_so_many(shelves: Engine) -> None:
    assert told(shelves, limit=1) == [(1000, [b"a.png", b"b.png", b"c.png"])]
    assert len(told(shelves, limit=5)) == 2


@pytest.mark.parametrize("at_once", [1, 2])
def test_slices_lose_nothing(
    shelves: Engine, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(shelves)
    monkeypatch.setattr(room, "_AT_ONCE", at_once)

    assert told(shelves) == whole
    assert told(shelves, limit=2) == whole


def test_the_same_inode_on_two_hosts_is_two_files(shelves: Engine) -> None:
    with shelves.transaction():
        host = roots.register_host(shelves, roots.Machine("there", "2"), NOW)
        root = roots.register_root(shelves, host, "theirs", b"/srv/uploads")
        shelves.insert(
            "directories", ("id", "root_id", "path", "device", "inode"), [(9, root.id, b"", 1, 1)]
        )
        shelves.insert(
            "files", COLUMNS, [file_row(b"z", directory_id=9, inode=6, size=5000, digest=LINKED)]
        )

    assert told(shelves)[0] == (5000, [b"z", b"x", b"y"])
    ours = [group.wasted for group in same(shelves, [], NOW, host_id=1)]
    assert ours == [1000, 20]
