"""The same question has the same answer in both databases."""

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storewarden import wildcard
from storewarden.catalogue import find, roots
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.find import FileRow
from tests.catalogues import COLUMNS, DAY, NOW, Place, file_row, fresh_database

Ask = Callable[..., list[bytes]]

DIRECTORIES = {1: b"", 2: b"a/b", 3: b"a/b\xff", 4: b"a/b/c", 5: b"a.b"}
FILES = [
    file_row(b"top.PNG", size=1),
    file_row(b"movie.mp4", directory_id=2, size=2**31, kind="video", modified_ns=NOW - 9 * DAY),
    file_row(b"new\nline\xff.png", directory_id=2, inode=-5),
    file_row(b".png", directory_id=2, digest=b"\xab\x12" + b"\0" * 30),
    file_row(b"deep.tar.gz", directory_id=4, kind="archive", digest=b"\xab\x1f" + b"\xff" * 30),
    file_row(b"odd.png", directory_id=3, growing=1, generation=3, links=2),
    file_row(b"song.flac", directory_id=5, kind="audio", uid=0, state="held"),
    file_row(b"left.png", directory_id=4, state="missing", gone_ns=NOW - DAY),
    file_row(b"deep.tar.gz", directory_id=4, state="missing", gone_ns=NOW - 2 * DAY, kind="other"),
]
PRESENT = {b"top.PNG", b"a/b/movie.mp4", b"a/b/new\nline\xff.png", b"a/b/.png"} | {
    *(b"a/b/c/deep.tar.gz", b"a/b\xff/odd.png", b"a.b/song.flac")
}


def fill(engine: Engine) -> None:
    with engine.transaction():
        engine.insert(
            "directories",
            ("id", "root_id", "path", "device", "inode"),
            [(number, 1, path, 1, number) for number, path in DIRECTORIES.items() if number > 1],
        )
        engine.insert("files", COLUMNS, FILES)


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Ask for paths: `ask("kind=video")`."""
    fill(engine)

    def paths(*terms: str) -> list[bytes]:
        found = [row.path for row in find.files(engine, terms, NOW)]
        assert find.count(engine, terms, NOW)[0] == len(found)
        return found

    return paths


CASES: list[tuple[tuple[str, ...], set[bytes]]] = [
    ((), PRESENT),
    (("kind=video",), {b"a/b/movie.mp4"}),
    (("kind=video,audio",), {b"a/b/movie.mp4", b"a.b/song.flac"}),
    (("kind!=image,archive",), {b"a/b/movie.mp4", b"a.b/song.flac"}),
    (("root=uploads", "kind=audio"), {b"a.b/song.flac"}),
    (("root=elsewhere",), set()),
    (("size>1GiB",), {b"a/b/movie.mp4"}),
    (("size<10B",), {b"top.PNG"}),
    (("size<=10B", "size>=10B", "kind=audio"), {b"a.b/song.flac"}),
    (("size=1B",), {b"top.PNG"}),
    (("size!=10B",), {b"top.PNG", b"a/b/movie.mp4"}),
    (("modified>7d",), {b"a/b/movie.mp4"}),
    (("modified<7d", "kind=video"), set()),
    (("modified<=9d", "modified>=9d"), {b"a/b/movie.mp4"}),
    (("gone<36h", "state=missing"), {b"a/b/c/left.png"}),
    (("ext=png",), {b"top.PNG", b"a/b/new\nline\xff.png", b"a/b\xff/odd.png"}),
    (("ext=.PNG,gz", "path=a/b/"), PRESENT & {b"a/b/new\nline\xff.png", b"a/b/c/deep.tar.gz"}),
    (("ext=tar.gz",), {b"a/b/c/deep.tar.gz"}),
    (("ext!=png", "kind=image"), {b"a/b/.png"}),
    (("name=.png",), {b"a/b/.png"}),
    (("name=*.png",), {b"a/b/.png", b"a/b/new\nline\xff.png", b"a/b\xff/odd.png"}),
    (("name!=*.*",), set()),
    (("name=new?line*",), {b"a/b/new\nline\xff.png"}),
    (("name=" + os.fsdecode(b"*\xff*"),), {b"a/b/new\nline\xff.png"}),
    (("name=[.ot]*",), {b"a/b/.png", b"a/b\xff/odd.png", b"top.PNG"}),
    (("name=[!a-z]*",), {b"a/b/.png"}),
    (("path=top.PNG",), {b"top.PNG"}),
    (("path=a/b/.png",), {b"a/b/.png"}),
    (("path!=a/b/.png", "name=.png"), set()),
    (("path=a/b/*",), {p for p in PRESENT if p.startswith(b"a/b/")}),
    (("path=a/b/",), {p for p in PRESENT if p.startswith(b"a/b/")}),
    (("path=a/b*",), {p for p in PRESENT if p.startswith(b"a/b")}),
    (("path=a*",), {p for p in PRESENT if p.startswith(b"a")}),
    (("path=*/c/*",), {b"a/b/c/deep.tar.gz"}),
    (("path!=a/*",), {b"top.PNG", b"a.b/song.flac"}),
    (("path=" + os.fsdecode(b"a/b\xff/*"),), {b"a/b\xff/odd.png"}),
    (("state=held",), {b"a.b/song.flac"}),
    (("state=missing",), {b"a/b/c/left.png", b"a/b/c/deep.tar.gz"}),
    (("state!=present",), {b"a.b/song.flac", b"a/b/c/left.png", b"a/b/c/deep.tar.gz"}),
    (("growing=yes",), {b"a/b\xff/odd.png"}),
    (("growing!=no",), {b"a/b\xff/odd.png"}),
    (("generation>1",), {b"a/b\xff/odd.png"}),
    (("links>=2",), {b"a/b\xff/odd.png"}),
    (("inode=-5",), {b"a/b/new\nline\xff.png"}),
    (("uid=0", "gid=1000"), {b"a.b/song.flac"}),
    (("digest=ab1*",), {b"a/b/.png", b"a/b/c/deep.tar.gz"}),
    (("digest=AB12*",), {b"a/b/.png"}),
    ((f"digest=ab12{'0' * 60}",), {b"a/b/.png"}),
    (("digest=none",), PRESENT - {b"a/b/.png", b"a/b/c/deep.tar.gz"}),
    (("digest!=none",), {b"a/b/.png", b"a/b/c/deep.tar.gz"}),
    (("digest!=ab12*",), PRESENT - {b"a/b/.png"}),
    (("recorded<1min", "seen<1min", "changed<1min", "accessed<1min"), PRESENT),
]


def test_terms_find_what_meets_them(ask: Ask) -> None:
    wrong = {}
    for terms, wanted in CASES:
        found = ask(*terms)
        if set(found) != wanted or len(found) != len(wanted):
            wrong[terms] = found
    assert wrong == {}


def test_all_that_was_ever_known(ask: Ask) -> None:
    assert len(ask("state=any")) == len(FILES)


def test_files_come_directory_by_directory_by_name(ask: Ask) -> None:
    assert ask("state=any") == [
        *(b"top.PNG", b"a.b/song.flac", b"a/b/.png", b"a/b/movie.mp4"),
        *(b"a/b/new\nline\xff.png", b"a/b/c/deep.tar.gz", b"a/b/c/deep.tar.gz"),
        *(b"a/b/c/left.png", b"a/b\xff/odd.png"),
    ]


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_pages_lose_nothing_and_repeat_nothing(
    engine: Engine, ask: Ask, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row.id for row in find.files(engine, ["state=any"], NOW)]
    monkeypatch.setattr(find, "PAGE", page)

    assert [row.id for row in find.files(engine, ["state=any"], NOW)] == whole
    assert [row.path for row in find.files(engine, ["kind=image", "name=*.png"], NOW)] == [
        *(b"a/b/.png", b"a/b/new\nline\xff.png", b"a/b\xff/odd.png")
    ]


def test_reading_slowly_keeps_no_writer_waiting(
    engine: Engine, ask: Ask, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "PAGE", 2)
    reader = place.open(readonly=True)
    rows = find.files(reader, ["state=any"], NOW)
    first = [next(rows) for _ in range(3)]
    with engine.transaction():
        engine.execute("DELETE FROM files WHERE name = ?", (b"odd.png",))
    engine.checkpoint()

    assert len(first) + len(list(rows)) == len(FILES) - 1


def test_a_file_is_shown_with_what_it_was_before(engine: Engine, ask: Ask) -> None:
    rows = find.show(engine, b"/srv/uploads/a/b/c/deep.tar.gz")

    assert [(row.state, row.kind) for row in rows] == [("present", "archive"), ("missing", "other")]
    assert find.show(engine, b"/srv/uploads/top.PNG")[0].directory == b""
    assert find.show(engine, b"/srv/uploads/a/b") == []
    assert find.show(engine, b"/elsewhere/top.PNG") == []
    assert find.show(engine, b"/srv/uploads") == []


def test_a_row_is_read_whole(engine: Engine, ask: Ask) -> None:
    (row,) = find.show(engine, b"/srv/uploads/a/b/movie.mp4")

    assert row == FileRow(
        id=row.id,
        root="uploads",
        directory=b"a/b",
        name=b"movie.mp4",
        device=1,
        inode=100,
        mode=0o100644,
        links=1,
        uid=1000,
        gid=1000,
        size=2**31,
        blocks=8,
        accessed_ns=NOW,
        modified_ns=NOW - 9 * DAY,
        changed_ns=NOW,
        kind="video",
        state="present",
        growing=0,
        generation=1,
        first_seen_ns=NOW,
        recorded_ns=NOW,
        gone_ns=None,
        digest=None,
        digested_ns=None,
        inspected_ns=None,
    )


def test_history_is_told_in_order(engine: Engine, ask: Ask) -> None:
    with engine.transaction():
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(1, NOW + 1, "renamed", '{"was": "old"}'), (1, NOW, "added", "{}")],
        )

    events = find.history(engine, 1)
    assert [(event.at_ns, event.event, event.detail) for event in events] == [
        (NOW, "added", {}),
        (NOW + 1, "renamed", {"was": "old"}),
    ]


def test_totals_are_read_and_not_counted(engine: Engine) -> None:
    with engine.transaction():
        engine.insert(
            "totals",
            ("root_id", "kind", "state", "files", "bytes"),
            [(1, "video", "present", 2, 2**40), (1, "image", "missing", 1, 0)],
        )

    rows = [(t.root, t.kind, t.state, t.files, t.bytes) for t in find.totals(engine)]
    assert rows == [
        ("uploads", "image", "missing", 1, 0),
        ("uploads", "video", "present", 2, 2**40),
    ]
    assert find.totals(engine, host_id=4711) == []


def test_a_host_finds_its_own_files(engine: Engine, ask: Ask) -> None:
    with engine.transaction():
        host = roots.register_host(engine, roots.Machine("there", "2"), NOW)
        root = roots.register_root(engine, host, "uploads", b"/srv/uploads")
        engine.insert(
            "directories",
            ("id", "root_id", "path", "device", "inode"),
            [(99, root.id, b"", 1, 1)],
        )
        engine.insert("files", COLUMNS, [file_row(b"theirs.png", directory_id=99)])

    assert [row.path for row in find.files(engine, [], NOW, host_id=host)] == [b"theirs.png"]
    assert find.count(engine, [], NOW, host_id=host) == (1, 10)
    assert find.count(engine, [], NOW, host_id=1)[0] == len(PRESENT)
    assert len(list(find.files(engine, [], NOW))) == len(PRESENT) + 1


# -- any name, any pattern ------------------------------------------------------------------------

PIECES = st.sampled_from([b"a", b"B", b".", b"*", b"?", b"[", b"]", b"!", b"-", b"\xc3\xb6"])
BYTE = st.integers(1, 255).filter(lambda byte: byte != ord("/")).map(lambda byte: bytes([byte]))
PATTERN = st.lists(PIECES | BYTE, min_size=1, max_size=6).map(b"".join)
NAME = st.lists(PIECES | BYTE, min_size=1, max_size=5).map(b"".join)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scratch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A catalogue whose files come and go with each example."""
    with contextlib.ExitStack() as stack:
        url = request.param
        if url == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(fresh_database(server, "storewarden_find"))
        place = Place(url, tmp_path_factory.mktemp("state"))
        stack.callback(place.close)
        yield place.furnished()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.sets(NAME.filter(lambda name: name not in {b".", b".."}), max_size=6), pattern=PATTERN
)
def test_databases_and_python_agree_on_patterns(
    scratch: Engine, files: set[bytes], pattern: bytes
) -> None:
    with scratch.transaction():
        scratch.execute("DELETE FROM files")
        scratch.insert("files", COLUMNS, [file_row(name) for name in files])
    asked = os.fsdecode(pattern)
    wanted = {name for name in files if wildcard.matches(pattern, name)}

    for term in (f"name={asked}", f"path={asked}"):
        assert {row.path for row in find.files(scratch, [term], NOW)} == wanted
    others = {row.path for row in find.files(scratch, [f"name!={asked}"], NOW)}
    assert others == files - wanted
