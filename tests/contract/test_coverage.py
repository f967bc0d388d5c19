"""Which files meet which conditions, counted in one pass on both databases."""

import pytest

from storewarden.catalogue import coverage
from storewarden.catalogue.coverage import Asked, Group, Where
from storewarden.catalogue.engine import Engine
from tests.catalogues import COLUMNS, file_row

FROM = "files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
IMAGE = ("f.kind = ?", ("image",))
LARGE = ("f.size > ?", (50,))
LOOKED_INTO = ("CASE WHEN f.inspected_ns IS NOT NULL THEN f.size > ? END", (0,))


@pytest.fixture
def files(engine: Engine) -> Engine:
    with engine.transaction():
        engine.insert("directories", ("root_id", "path", "device", "inode"), [(1, b"data", 1, 2)])
        engine.insert(
            "files",
            COLUMNS,
            [
                file_row(b"a.png", size=10),
                file_row(b"b.png", size=20, state="archived"),
                file_row(b"c.png", size=100),
                file_row(b"gone.png", state="missing", gone_ns=5),
                file_row(b"d.mp4", kind="video", size=200),
                file_row(b"x.db", kind="database", directory_id=2, size=7),
                file_row(b"y.db", kind="database", directory_id=2, size=8),
            ],
        )
    return engine


def test_files_that_meet_the_same_are_counted_together(files: Engine) -> None:
    found = list(coverage.groups(files, Asked(FROM, (IMAGE, LARGE)), 1))

    assert sorted(found, key=lambda group: (group.kind, group.bytes)) == [
        Group("uploads", "database", 6, (False, False), 1, 7),
        Group("uploads", "database", 7, (False, False), 1, 8),
        Group("uploads", "image", None, (True, False), 2, 30),
        Group("uploads", "image", None, (True, True), 1, 100),
        Group("uploads", "video", None, (False, True), 1, 200),
    ]


def test_what_is_not_known_is_counted_as_such(files: Engine) -> None:
    with files.transaction():
        files.execute("UPDATE files SET inspected_ns = 1 WHERE kind = 'video'")
    found = list(coverage.groups(files, Asked(FROM, (LOOKED_INTO,)), 1))

    assert {group.kind: group.truths for group in found} == {
        "database": (None,),
        "image": (None,),
        "video": (True,),
    }


def test_more_conditions_than_one_number_holds(files: Engine) -> None:
    asked = Asked(FROM, tuple((("f.size > ?", (size,))) for size in range(100)))
    (film,) = [group for group in coverage.groups(files, asked, 1) if group.kind == "video"]
    small = next(group for group in coverage.groups(files, asked, 1) if group.bytes == 8)

    assert film.truths == (True,) * 100
    assert small.truths == (True,) * 8 + (False,) * 92


def test_no_conditions_and_no_files_are_no_trouble(files: Engine) -> None:
    assert sum(group.files for group in coverage.groups(files, Asked(FROM, ()), 1)) == 6
    assert list(coverage.groups(files, Asked(FROM, (IMAGE,)), 2)) == []
    assert sum(group.files for group in coverage.groups(files, Asked(FROM, ()), None)) == 6


def test_names_that_files_bear(files: Engine) -> None:
    asked = Asked(FROM, (IMAGE, LARGE))
    found = coverage.bearing(files, [b"c.png", b"x.db", b"gone.png", b"other"], asked, 1)

    assert sorted(found) == [
        (b"c.png", "image", (True, True)),
        (b"x.db", "database", (False, False)),
    ]
    assert coverage.met(files, Asked(FROM, (IMAGE, ("f.size > ?", (10**6,)))), 1) == [True, False]


def test_where_files_lie(files: Engine) -> None:
    assert coverage.places(files, [1, 6, 99]) == {
        1: Where("uploads", b"a.png", 10),
        6: Where("uploads", b"data/x.db", 7),
    }
