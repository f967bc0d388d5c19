"""What is wrong with a database is told with its exact place, and with the mildest remedy."""

import random

import pytest

from storewarden.databases.damage import READ_ON, Problem, Tree, problems, read_head, remedy
from tests.malformed import header

TREES = {
    2: Tree("table", "people", "people"),
    3: Tree("index", "by name", "people"),
    4: Tree("index", "sqlite_autoindex_t_1", "t"),
}


def test_a_sound_beginning_tells_pages() -> None:
    head = read_head(header(page_size=4096, pages=10), 40_960)
    assert (head.shape, head.page_size, head.pages, head.wal) == ("database", 4096, 10, False)
    assert read_head(header(page_size=65_536, pages=2), 131_072).page_size == 65_536
    assert read_head(header(page_size=4096, pages=10, version=2), 40_960).wal


@pytest.mark.parametrize(
    ("head", "size", "shape", "why"),
    [
        (b"", 0, "empty", "the file is empty: a database nobody wrote to yet"),
        (b"hello", 5, "foreign", "it does not begin like a SQLite database"),
        (b"\x89PNG" * 1024, 4096, "foreign", "it does not begin like a SQLite database"),
        (b"SQLite format 3\0" + bytes(20), 36, "truncated", "its header ends at byte 36"),
        (
            *(header(page_size=4096, pages=10), 20_480, "truncated"),
            "it ends at byte 20,480, before its 10 pages do: 5 are missing",
        ),
        (header(page_size=1000, pages=1), 1000, "damaged", "its header says pages of 1,000 bytes"),
        (header(page_size=0, pages=1), 1000, "damaged", "its header says pages of 0 bytes"),
        (
            *(header(page_size=4096, pages=1, version=3), 4096, "too_new"),
            "file format 3, schema format 4: written by a newer SQLite",
        ),
        (
            *(header(page_size=4096, pages=1, schema=5), 4096, "too_new"),
            "file format 1, schema format 5: written by a newer SQLite",
        ),
    ],
    ids=range(9),
)
def test_each_other_beginning_is_an_outcome_of_its_own(
    head: bytes, size: int, shape: str, why: str
) -> None:
    told = read_head(head, size)
    assert (told.shape, told.why) == (shape, why)


@pytest.mark.parametrize("size", [512, 1024, 4096])
def test_a_cipher_is_told_from_other_files_by_its_bytes(size: int) -> None:
    assert read_head(random.Random(size).randbytes(size), 1 << 20).shape == "encrypted"
    assert read_head(random.Random(size).randbytes(size), (1 << 20) + 1).shape == "foreign"
    assert read_head(bytes(range(97, 123)) * 200, 1 << 20).shape == "foreign"


def test_pages_that_are_missing_may_lie_in_the_log() -> None:
    assert read_head(header(page_size=4096, pages=10, version=2), 4096, log=True).missing == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Tree 2 page 9 cell 3: Rowid 5 out of order", ("page", "people", "", 9, "")),
        ("Tree 2: bad root", ("page", "people", "", 2, "")),
        ("Tree 3 page 7: btreeInitPage() returns error code 11", ("index", "people", "by name", 7)),
        ("Tree 1 page 1: free space corruption", ("page", "sqlite_schema", "", 1)),
        ("Tree 99 page 5: x", ("page", "", "", 5)),
        ("Page 12: never used", ("page", "", "", 12)),
        ("Page 4: pointer map referenced", ("page", "", "", 4)),
        ("Freelist: size is 3 but should be 2", ("free list",)),
        ("row 33 missing from index by name", ("index", "people", "by name", None, "33")),
        (
            "row 7 values differ from index sqlite_autoindex_t_1",
            ("index", "t", "sqlite_autoindex_t_1", None, "7"),
        ),
        ("wrong # of entries in index by name", ("index", "people", "by name")),
        ("non-unique entry in index by name", ("index", "people", "by name")),
        ("rowid not at end-of-record for row 4 of index by name", ("index", "people", "by name")),
        ("NULL value in people.name", ("row", "people")),
        ("CHECK constraint failed in people", ("row", "people")),
        ("TEXT value in people.age", ("row", "people")),
        ("malformed inverted index for FTS5 table main.notes", ("search index", "notes")),
        ("something that a later SQLite says", ("page",)),
    ],
)
def test_each_line_is_understood(line: str, problem: tuple[object, ...]) -> None:
    (told,) = problems(line, TREES)
    found = (told.kind, told.table, told.index, told.page, told.row)
    assert (found[: len(problem)], told.text) == (problem, line)


def test_a_row_of_a_check_may_be_many_lines_under_a_banner() -> None:
    text = "*** in database main ***\nTree 2 page 9: a\nPage 12: never used"
    assert [one.where for one in problems(text, TREES)] == ["table people, page 9", "page 12"]


def test_the_mildest_remedy_that_mends_everything_is_named() -> None:
    index, page = Problem("index", "x"), Problem("page", "x")
    orphan = Problem("foreign key", "x")
    assert remedy([], "app.db") == ""
    assert "REINDEX" in remedy([index], "app.db")
    assert "REINDEX" in remedy([index, orphan], "app.db")
    assert "db check --json app.db" in remedy([orphan], "app.db")
    assert "storewarden db backups app.db" in remedy([index, page], "app.db")


def test_the_page_that_is_named_is_there(request: pytest.FixtureRequest) -> None:
    assert (request.config.rootpath / READ_ON).exists()
