"""Names and files as odd as a file system allows: recorded when regular, never opened when not."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.trees import burst, write

ROOT = "uploads"

NAMES = (
    b"new\nline.png",
    b"carriage\rreturn",
    b"\x1b[31mred\x1b[0m.png",
    b"not-utf-8-\xff\xfe.png",
    b"\xed\xa0\x80surrogate",
    b"-rf",
    b"--help",
    b" ",
    b" leading and trailing ",
    b"*?[a-z]{x,y}$(true)`id`;&|<>",
    b"quote'\"\\back",
    b"%s%n%d",
    "é\u0301\u202e\U0001f3ac.mp4".encode(),
    b"'; DROP TABLE files; --",
    b"n" * 255,
    b"\xff" * 255,
    b".hidden",
    b"..almost",
    b"tab\tand\x01control\x7f",
    b"null.png\x0b",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def fill(top: bytes) -> None:
    """Make files and directories of every odd name."""
    for name in NAMES:
        os.mkdir(top + b"/d" + name[:254])
        write(top + b"/d" + name[:254] + b"/" + name)
        write(top + b"/" + name)


def test_odd_names_by_events_and_by_a_scan(tmp_path: Path, root: Path) -> None:
    top = os.fsencode(root)
    os.mkdir(top + b"/before")
    fill(top + b"/before")
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        os.mkdir(top + b"/after")
        fill(top + b"/after")
        os.mkdir(top + b"/linked")
        for number, name in enumerate(NAMES):
            os.link(top + b"/before/" + name, top + b"/linked/%d" % number)
        daemon.settled()
        assert daemon.count() == 5 * len(NAMES)
        os.rename(top + b"/before", top + b"/r\xff\n")
        for name in NAMES[::2]:
            os.unlink(top + b"/after/" + name)
        daemon.settled()
        assert daemon.scans() == 1
        assert daemon.verb("files", "--json").returncode == 0
        shown = daemon.verb("files", "--json").stdout.splitlines()
        assert len(shown) == daemon.count(), "a line for each, whatever is in its name"
        assert daemon.get("/metrics")[0] == 200
        assert all(line["level"] != "raw" for line in daemon.log()), "no name forged a log line"
        assert daemon.stop() == 0
        daemon.start()
        daemon.settled()
        assert daemon.told("a root was scanned")[0].keys().isdisjoint({"added", "changed", "gone"})


@contextlib.contextmanager
def deep(top: Path, levels: int, name: bytes) -> Iterator[int]:
    """Make a chain of directories, level by level; lend a descriptor of the deepest."""
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=descriptor)
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def put(directory: int, name: str) -> None:
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=directory))


def test_paths_longer_than_the_kernel_takes(tmp_path: Path, root: Path) -> None:
    """4,096 bytes are the most that one call takes; trees go deeper."""
    name = b"d" * 240
    with deep(root, 30, name) as bottom:
        put(bottom, "before.png")
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        with deep(root, 30, name) as bottom:
            put(bottom, "event.png")
            os.mkdir("made", dir_fd=bottom)
            made = os.open("made", os.O_RDONLY, dir_fd=bottom)
            put(made, "inside.png")
            daemon.settled()
            put(made, "later.png")
            os.close(made)
            os.unlink("before.png", dir_fd=bottom)
            os.rename("event.png", "renamed.png", src_dir_fd=bottom, dst_dir_fd=bottom)
            daemon.settled()
            assert daemon.count() == 3
        (root / os.fsdecode(name)).rename(root / "moved")
        daemon.settled()
        assert daemon.scans() == 1
        assert daemon.status_of()["blind"] == []
        assert max(map(len, daemon.rows())) > 4096


def opened_by(daemon: Daemon) -> set[str]:
    """Return what the daemon and its children have open."""
    children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
    found: set[str] = set()
    for pid in (str(daemon.pid), *children):
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    found.add(str(descriptor.readlink()))
    return found


def test_special_files_are_never_opened(tmp_path: Path, root: Path) -> None:
    """A fifo would hang who opens it, a device would answer, a link would lead elsewhere."""
    outside = tmp_path / "outside"
    burst(outside, 5)

    def special(top: Path) -> None:
        top.mkdir()
        os.mkfifo(top / "fifo.png")
        (top / "outside").symlink_to(outside)
        (top / "file.png").symlink_to(outside / "f000001.png")
        (top / "dangling").symlink_to("nowhere")
        (top / "loop").symlink_to(".")
        (top / "loop2").symlink_to("../" + top.name)
        (top / "self").symlink_to("self")
        listener = socket.socket(socket.AF_UNIX)
        before = os.getcwd()
        os.chdir(top)  # a socket's address has room for 108 bytes
        listener.bind("socket.png")
        os.chdir(before)
        listener.close()
        with contextlib.suppress(PermissionError):
            os.mknod(top / "zero.png", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        write(top / "regular.png")

    special(root / "before")
    with Daemon(tmp_path / "daemon", {ROOT: root}) as daemon:
        daemon.settled()
        special(root / "after")
        daemon.settled()
        assert set(daemon.rows()) == {b"before/regular.png", b"after/regular.png"}
        # A regular file gives way to each of them, and the other way round
        for name in ("fifo.png", "zero.png", "file.png"):
            with contextlib.suppress(FileNotFoundError):
                (root / "after" / name).rename(root / "after" / "regular.png")
                daemon.settled()
                (root / "after" / "regular.png").unlink()
                write(root / "after" / "regular.png")
                daemon.settled()
        hashed = "SELECT count(*) FROM files WHERE digest IS NOT NULL AND state = 'present'"
        daemon.until(lambda: daemon.query(hashed) > [(0,)], "what is regular is hashed")
        assert not any("outside" in path or "fifo" in path for path in opened_by(daemon))
        assert daemon.scans() == 1


def test_what_is_excluded_is_neither_watched_nor_recorded(tmp_path: Path, root: Path) -> None:
    roots = {ROOT: {"path": str(root), "exclude": ["*.bak", "cache/*/raw", "node_modules/"]}}
    for place in ("", "deep/er", "cache/one/raw", "node_modules/x", "cache/one/kept"):
        (root / place).mkdir(parents=True, exist_ok=True)

    def everywhere(stem: str) -> None:
        for place in ("", "deep/er", "cache/one/raw", "node_modules/x", "cache/one/kept"):
            write(root / place / f"{stem}.png")
            write(root / place / f"{stem}.bak")

    everywhere("before")
    wanted = {b"", b"deep/er/", b"cache/one/kept/"}
    with Daemon(tmp_path / "daemon", roots) as daemon:
        expected = {place + b"before.png" for place in wanted}
        daemon.until(lambda: set(daemon.rows()) == expected, "only what is wanted")
        everywhere("after")
        expected |= {place + b"after.png" for place in wanted}
        daemon.until(lambda: set(daemon.rows()) == expected, "by events as well")
        (root / "deep" / "er" / "after.png").rename(root / "deep" / "er" / "gone.bak")
        expected.remove(b"deep/er/after.png")
        daemon.until(lambda: set(daemon.rows()) == expected, "a rename to such a name")
        write(root / ".storewarden" / "ours.png")
        (root / "sub" / ".storewarden").mkdir(parents=True)
        write(root / "sub" / ".storewarden" / "theirs.png")
        expected.add(b"sub/.storewarden/theirs.png")
        daemon.until(lambda: set(daemon.rows()) == expected, "only the top's folder is ours")
