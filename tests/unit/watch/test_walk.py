"""A walk lists all regular files of a tree, and nothing that it should not touch."""

import ast
import errno
import io
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from storewarden.model import Listing, Unreadable
from storewarden.watch import walk as walking
from storewarden.watch.exclude import Exclusions
from storewarden.watch.walk import Walk, child, from_message, receive, send, to_message
from tests.descriptors import held
from tests.recording import on_disk

NOBODY = 65534


def find(
    top: Path | bytes,
    start: bytes = b"",
    *,
    exclude: tuple[str, ...] = (),
    recursive: bool = True,
    large: dict[bytes, bytes] | None = None,
) -> list[Listing | Unreadable]:
    descriptor = os.open(top, os.O_RDONLY)
    try:
        walk = Walk("r", descriptor, Exclusions(exclude), large=large)
        return list(walk.below(start, recursive=recursive))
    finally:
        os.close(descriptor)


def listings(top: Path | bytes, start: bytes = b"", **more: object) -> list[Listing]:
    found = find(top, start, **more)  # type: ignore[arg-type]  # find's own
    assert all(isinstance(one, Listing) for one in found)
    return [one for one in found if isinstance(one, Listing)]


def names(found: list[Listing]) -> list[bytes]:
    """Return the paths of all files, in the order of the walk."""
    return [
        one.path + b"/" + entry[0] if one.path else entry[0]
        for one in found
        for entry in one.unpack()[0]
    ]


def fill(top: Path, *paths: str) -> None:
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(path.encode())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four files be many."""
    monkeypatch.setattr(walking, "PART", 3)


# -- what is listed ---------------------------------------------------------------------------


def test_every_directory_is_listed_once_with_its_files_in_order(tmp_path: Path) -> None:
    fill(tmp_path, "b", "a", "d/x", "d/e/y", "empty/.keep")
    (tmp_path / "empty" / ".keep").unlink()

    found = listings(tmp_path)

    assert sorted(one.path for one in found) == [b"", b"d", b"d/e", b"empty"]
    assert names(found)[:2] == [b"a", b"b"]
    assert sorted(names(found)) == [b"a", b"b", b"d/e/y", b"d/x"]
    assert {one.path: one.count for one in found} == {b"": 2, b"d": 1, b"d/e": 1, b"empty": 0}


def test_entries_are_what_lstat_says(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/b")
    os.link(tmp_path / "a", tmp_path / "d" / "c")
    (tmp_path / "d" / "b").chmod(0o400)

    seen = {
        path: (e[1], e[6], e[2], e[4], e[5], e[8], e[3], e[9])
        for one in listings(tmp_path)
        for e in one.unpack()[0]
        for path in [one.path + b"/" + e[0] if one.path else e[0]]
    }

    assert seen == on_disk(os.fsencode(tmp_path))


def test_a_listing_says_which_directory_it_is_and_when_it_was_read(tmp_path: Path) -> None:
    fill(tmp_path, "d/a")
    before = time.monotonic()

    (one,) = listings(tmp_path, b"d")

    status = (tmp_path / "d").stat()
    assert (one.root, one.path) == ("r", b"d")
    assert (one.device, one.inode) == (status.st_dev, status.st_ino)
    assert before <= one.taken <= time.monotonic()
    assert (one.part, one.last, one.after, one.until) == (0, True, b"", b"")


def test_access_times_stand_beside_the_entries_and_not_in_the_digest(tmp_path: Path) -> None:
    fill(tmp_path, "b", "a")
    for name, at in (("a", 11), ("b", 22)):
        os.utime(tmp_path / name, ns=(at, 33))
    (first,) = listings(tmp_path)
    entries, times = first.unpack()
    assert [entry[0] for entry in entries] == [b"a", b"b"]
    assert list(times) == [11, 22]

    with (tmp_path / "a").open("rb") as file:  # reading leaves ctime alone, unlike utime
        file.read()
    (again,) = listings(tmp_path)
    assert again.digest == first.digest


def test_equal_listings_have_equal_digests_and_others_have_others(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    first, again = listings(tmp_path)[0], listings(tmp_path)[0]
    fill(tmp_path, "c")
    more = listings(tmp_path)[0]
    (tmp_path / "c").unlink()
    (tmp_path / "a").chmod(0o400)
    other = listings(tmp_path)[0]

    assert first.digest == again.digest
    assert len({first.digest, more.digest, other.digest}) == 3


def test_a_walk_can_begin_below_and_can_stay_in_one_directory(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/b", "d/e/c")

    assert names(listings(tmp_path, b"d")) == [b"d/b", b"d/e/c"]
    assert names(listings(tmp_path, b"d", recursive=False)) == [b"d/b"]


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"new\nline", b" ", b"-rf", b"*", b"n" * 255, "é".encode()]
)
def test_any_name_is_a_name(tmp_path: Path, name: bytes) -> None:
    top = os.fsencode(tmp_path)
    os.mkdir(os.path.join(top, name))
    with open(os.path.join(top, name, name), "wb"):
        pass

    assert names(listings(top)) == [name + b"/" + name]


def test_paths_longer_than_the_kernel_takes_at_once(tmp_path: Path) -> None:
    part, depth = "p" * 250, 20
    start = os.open(tmp_path, os.O_RDONLY)
    here = os.dup(start)
    for _ in range(depth):
        os.mkdir(part, dir_fd=here)
        here, above = os.open(part, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    os.close(start)

    found = listings(tmp_path)

    assert names(found) == [b"/".join([part.encode()] * depth + [b"deep"])]
    assert len(found) == depth + 1


def test_a_time_that_no_column_holds_does_not_end_the_walk() -> None:
    """Anybody may give a file such a time, where the file system keeps it."""
    top = Path("/dev/shm")
    if not os.access(top, os.W_OK):
        pytest.skip("needs /dev/shm: only tmpfs keeps such times")
    path = top / f"storewarden-test-{os.getpid()}"
    path.mkdir()
    try:
        fill(path, "old", "new", "usual")
        os.utime(path / "old", (-99_999_999_999, -99_999_999_999))
        os.utime(path / "new", (99_999_999_999, 99_999_999_999))

        assert names(listings(path)) == [b"new", b"old", b"usual"]
    finally:
        for name in ("old", "new", "usual"):
            (path / name).unlink()
        path.rmdir()


# -- what is not ------------------------------------------------------------------------------


def test_only_regular_files_are_listed_and_none_is_opened(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/b")
    os.mkfifo(tmp_path / "fifo")  # opening it would never end
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "tree").symlink_to("d")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere").symlink_to("none")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    try:
        os.chdir(tmp_path)  # the path of a socket is short
        listener.bind("socket")
    finally:
        os.chdir(here)
        listener.close()
    if os.geteuid() == 0:
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))

    assert sorted(names(listings(tmp_path))) == [b"a", b"d/b"]


def test_a_link_in_the_place_of_the_directory_to_list_is_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "d/a")
    (tmp_path / "link").symlink_to("d")

    assert find(tmp_path, b"link") == []


def test_exclusions_hold_for_files_and_whole_directories(tmp_path: Path) -> None:
    fill(tmp_path, "a", "a.part", "cache/b", "d/cache/c", "d/x.part", "d/keep", "d/only/this")

    found = listings(tmp_path, exclude=("*.part", "cache/", "d/only/this"))

    assert sorted(names(found)) == [b"a", b"d/keep"]
    assert sorted(one.path for one in found) == [b"", b"d", b"d/only"]


@pytest.mark.parametrize("exclude", [(), ("*.part",)])
def test_our_own_folder_is_ours_alone_and_only_at_the_top(
    tmp_path: Path, exclude: tuple[str, ...]
) -> None:
    fill(tmp_path, ".storewarden/root", ".storewarden/trash/x", "d/.storewarden/a")

    assert names(listings(tmp_path, exclude=exclude)) == [b"d/.storewarden/a"]


# -- what cannot be listed ----------------------------------------------------------------------


def as_nobody(top: Path) -> list[list[object]]:
    """Walk in a child that may read no more than others may."""
    code = (
        "import os, sys\n"
        "from storewarden.watch.walk import Walk\n"
        "from storewarden.watch.exclude import Exclusions\n"
        "from storewarden.model import Unreadable\n"
        "top = os.open(sys.argv[1], os.O_RDONLY)\n"
        f"os.getuid() == 0 and (os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY}))\n"
        "for one in Walk('r', top, Exclusions()).below():\n"
        "    bad = isinstance(one, Unreadable)\n"
        "    print([type(one).__name__, one.path, one.error if bad else one.count])\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(top)], capture_output=True, text=True, check=True
    )
    return [ast.literal_eval(line) for line in answer.stdout.splitlines()]


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_a_directory_that_is_closed_to_us_is_told_and_the_rest_is_listed(
    tmp_path: Path, mode: int
) -> None:
    fill(tmp_path, "a", "closed/x", "open/b")
    for path in (tmp_path, tmp_path / "open"):
        path.chmod(0o755)
    (tmp_path / "closed").chmod(mode)
    try:
        found = as_nobody(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)

    assert sorted(found, key=str) == [
        ["Listing", b"", 1],
        ["Listing", b"open", 1],
        ["Unreadable", b"closed", errno.EACCES],
    ]


def test_a_directory_that_vanishes_before_it_is_read_is_no_error(tmp_path: Path) -> None:
    fill(tmp_path, "d/a", "e/b")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    found = Walk("r", descriptor, Exclusions()).below()

    seen = [next(found)]  # the root's own listing
    for path in ("d", "e"):
        (tmp_path / path / ("a" if path == "d" else "b")).unlink()
        (tmp_path / path).rmdir()
    (tmp_path / "e").write_bytes(b"a file now")
    seen += found
    os.close(descriptor)

    assert [one.path for one in seen] == [b""]


def test_a_file_that_vanishes_while_its_directory_is_read_is_left_out(
    tmp_path: Path, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, *"abcdefg")
    lstat = os.stat

    def unlink_first(path: bytes, **more: object) -> os.stat_result:
        if path in {b"b", b"g"}:
            (tmp_path / os.fsdecode(path)).unlink(missing_ok=True)
        return lstat(path, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(os, "stat", unlink_first)

    assert names(listings(tmp_path)) == [b"a", b"c", b"d", b"e", b"f"]


def test_a_root_that_was_removed_shows_nothing_and_its_place_tells_why(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    descriptor = os.open(top, os.O_RDONLY)
    top.rmdir()

    (found,) = Walk("r", descriptor, Exclusions()).below()
    os.close(descriptor)

    assert isinstance(found, Listing)
    assert found.count == 0  # who concludes anything from that opens the root's path again


@pytest.mark.parametrize("path", [b"", b"d"])
def test_an_error_in_the_middle_of_a_directory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    fill(tmp_path, "a", "d/b")

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "scandir", broken)

    assert find(tmp_path, path) == [Unreadable("r", path, errno.EIO)]


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/e/b")
    before = held()

    descriptor = os.open(tmp_path, os.O_RDONLY)
    unfinished = Walk("r", descriptor, Exclusions()).below()
    next(unfinished)
    del unfinished
    os.close(descriptor)
    find(tmp_path)

    assert held() == before


# -- very large directories -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
def test_a_large_directory_comes_in_parts_without_gap_or_overlap(
    tmp_path: Path, few: None, count: int
) -> None:
    fill(tmp_path, *(f"{number:02}" for number in range(count)))

    found = listings(tmp_path)

    assert names(found) == [b"%02d" % number for number in range(count)]
    assert [one.part for one in found] == list(range(len(found)))
    assert [one.last for one in found] == [False] * (len(found) - 1) + [True]
    assert max(one.count for one in found) <= 3
    assert [bool(one.digest) for one in found] == [one.last for one in found]
    assert (found[0].after, found[-1].until) == (b"", b"")
    assert all(one.until == other.after != b"" for one, other in pairwise(found))
    assert len({(one.taken, one.inode) for one in found}) == 1


def test_its_subdirectories_are_walked_as_well(tmp_path: Path, few: None) -> None:
    fill(tmp_path, *"abcdefg", "sub/x")

    assert names(listings(tmp_path))[-1] == b"sub/x"


def test_its_digest_is_over_all_parts(tmp_path: Path, few: None) -> None:
    fill(tmp_path, *"abcdefg")
    digests = {listings(tmp_path)[-1].digest for _ in range(2)}
    (tmp_path / "a").chmod(0o400)
    digests.add(listings(tmp_path)[-1].digest)

    assert len(digests) == 2


def test_one_that_is_known_and_unchanged_is_only_mentioned(tmp_path: Path, few: None) -> None:
    fill(tmp_path, *(f"d/{name}" for name in "abcdefg"))
    digest = listings(tmp_path, b"d")[-1].digest

    (same,) = listings(tmp_path, b"d", large={b"d": digest})
    fill(tmp_path, "d/new")
    changed = listings(tmp_path, b"d", large={b"d": digest})

    assert (same.unchanged, same.count, same.digest, same.entries) == (True, 7, digest, b"")
    assert len(names(changed)) == 8


def test_exclusions_hold_in_a_large_directory(tmp_path: Path, few: None) -> None:
    fill(tmp_path, *"abcdefg", *(f"{name}.part" for name in "abcdefg"))
    (tmp_path / "link").symlink_to("a")

    assert names(listings(tmp_path, exclude=("*.part",))) == [b"%c" % name for name in b"abcdefg"]


# -- what travels between child and parent --------------------------------------------------------


def test_messages_are_read_back_as_they_were_written(tmp_path: Path, few: None) -> None:
    fill(tmp_path, *"abcdefg", "sub/x")
    found = [*find(tmp_path), Unreadable("r", b"\xff", errno.EACCES)]
    stream = io.BytesIO()
    for one in found:
        send(stream, to_message(one))
    stream.seek(0)

    read = [from_message("r", message) for message in iter(lambda: receive(stream), None)]  # type: ignore[arg-type]  # tuples

    assert read == found


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 20])
def test_a_message_that_was_cut_short_is_the_end(cut: int) -> None:
    stream = io.BytesIO()
    send(stream, ("listing", b"some", 1.5, True, None))

    assert receive(io.BytesIO(stream.getvalue()[:cut])) is None


def order(path: Path) -> io.BytesIO:
    stream = io.BytesIO()
    send(stream, {"path": os.fsencode(path), "exclude": (), "large": {}, "nice": 5})
    stream.seek(0)
    return stream


def told(stream: io.BytesIO) -> Iterator[object]:
    stream.seek(0)
    return iter(lambda: receive(stream), None)


def test_the_child_says_which_root_it_walks_and_that_it_came_to_the_end(tmp_path: Path) -> None:
    fill(tmp_path, "a", "d/b")
    out = io.BytesIO()
    niceness: list[int] = []

    child(order(tmp_path), out, nice=niceness.append)

    first, *between, last = told(out)
    status = tmp_path.stat()
    assert first == ("root", status.st_dev, status.st_ino)
    assert [message[:2] for message in between] == [("listing", b""), ("listing", b"d")]  # type: ignore[index]
    assert last == ("end",)
    assert niceness == [5]


def test_a_child_that_may_not_be_nice_walks_all_the_same(tmp_path: Path) -> None:
    """A hardened service is refused it."""

    def refused(_by: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    out = io.BytesIO()
    child(order(tmp_path), out, nice=refused)

    *_, last = told(out)
    assert last == ("end",)


def test_a_child_without_an_order_says_nothing() -> None:
    out = io.BytesIO()

    child(io.BytesIO(), out)

    assert out.getvalue() == b""


def test_a_child_whose_root_is_not_there_never_says_that_it_came_to_the_end(
    tmp_path: Path,
) -> None:
    out = io.BytesIO()

    with pytest.raises(FileNotFoundError):
        child(order(tmp_path / "none"), out, nice=lambda _: None)

    assert ("end",) not in list(told(out))
