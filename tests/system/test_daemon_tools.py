"""What real tools leave behind is in the catalogue a moment later, by events alone."""

import contextlib
import functools
import http.server
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.missing import program
from tests.trees import burst, write

Tool = Callable[[Path, Path], None]  # a populated tree outside the root, and the root


def run(*command: str | Path, cwd: Path | None = None) -> None:
    environment = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with what trees have: depth, an empty file, a link, a read-only file, old times."""
    top = tmp_path / "source"
    burst(top / "renders", 60, size=3000)
    burst(top / "a" / "b" / "c" / "d", 20, size=10)
    (top / "empty").mkdir()
    write(top / "nothing.txt", b"")
    write(top / "locked.db", b"content")
    (top / "locked.db").chmod(0o400)
    os.link(top / "nothing.txt", top / "a" / "linked.txt")
    (top / "a" / "to-renders").symlink_to("../renders")
    for number in range(20):
        os.utime(top / "renders" / f"f{number:06d}.png", ns=(10**18, 10**18 + number))
    return top


def rsync(source: Path, root: Path) -> None:
    run(program("rsync"), "-aH", f"{source}/", root / "synced")
    run(program("rsync"), "-aH", "--inplace", f"{source}/", root / "in-place")


def tar(source: Path, root: Path) -> None:
    archive = source.parent / "source.tar.gz"
    run(program("tar"), "czf", archive, "-C", source, ".")
    (root / "unpacked").mkdir()
    run(program("tar"), "xzf", archive, "-C", root / "unpacked")


def unzip(source: Path, root: Path) -> None:
    archive = source.parent / "source.zip"
    run(program("zip"), "-rqy", archive, ".", cwd=source)
    run(program("unzip"), "-q", archive, "-d", root / "unzipped")


def git_clone(source: Path, root: Path) -> None:
    git, bare = program("git"), source.parent / "bare.git"
    who = ("-c", "user.name=n", "-c", "user.email=n@localhost")
    run(git, "init", "-q", cwd=source)
    run(git, *who, "add", "-A", cwd=source)
    run(git, *who, "commit", "-qm", "all", cwd=source)
    run(git, "clone", "-q", "--bare", source, bare)
    run(git, "clone", "-q", bare, root / "clone")


def copies(source: Path, root: Path) -> None:
    run("cp", "-r", source, root / "copied")
    run("cp", "-rp", source, root / "kept")
    run("cp", "-al", root / "copied", root / "linked")


def download(source: Path, root: Path) -> None:
    curl = program("curl")
    with served(source) as url:
        for number in range(15):
            name = f"renders/f{number:06d}.png"
            run(curl, "-sS", "-o", root / f"got{number}.png", f"{url}/{name}")
        run(curl, "-sS", "-R", "-O", f"{url}/renders/f000003.png", cwd=root)


@contextlib.contextmanager
def served(directory: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
            pass

    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ffmpeg(source: Path, root: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=2")
    quiet = (program("ffmpeg"), "-nostdin", "-loglevel", "error", *picture)
    run(*quiet, root / "clip.mkv")
    run(*quiet, "-movflags", "+faststart", "-c:v", "mpeg4", root / "clip.mp4")
    (root / "frames").mkdir()
    run(*quiet, root / "frames" / "%04d.png")


def moves(source: Path, root: Path) -> None:
    """A populated tree is renamed in, inside, and a part of it out again."""
    shutil.copytree(source, source.parent / "second", symlinks=True)
    source.rename(root / "moved-in")
    (root / "moved-in").rename(root / "renamed")
    (root / "renamed" / "a").rename(root / "a")
    (source.parent / "second").rename(root / "second")
    (root / "second" / "renders").rename(source.parent / "out")
    (root / "a" / "b" / "c").rename(root / "c")
    write(root / "c" / "d" / "after.png")


def atomic_writers(source: Path, root: Path) -> None:
    """A temporary name, then the real one: over nothing, and over what was there."""
    for number in range(40):
        for content in (b"first", b"the second, longer"):
            temporary = root / f".{number}.{os.urandom(3).hex()}"
            write(temporary, content)
            temporary.rename(root / f"atomic{number}.json")
    directory = os.open(root, os.O_RDONLY)  # given to link() so that it follows the link in /proc
    for number in range(10):
        unnamed = os.open(root, os.O_TMPFILE | os.O_WRONLY, 0o600)
        os.write(unnamed, b"published whole")
        name = f"/proc/self/fd/{unnamed}"
        os.link(name, root / f"unnamed{number}.json", src_dir_fd=directory)
        os.close(unnamed)
    os.close(directory)


def rewrites(source: Path, root: Path) -> None:
    """The same size in the same place, cut off, appended, given old times and other rights."""
    burst(root / "again", 30, size=4096)
    for number in range(30):
        file = root / "again" / f"f{number:06d}.png"
        if number % 3 == 0:
            run("dd", "if=/dev/urandom", f"of={file}", "bs=512", "count=2", "conv=notrunc")
        elif number % 3 == 1:
            run("touch", "-d", "2001-02-03 04:05:06.789", file)
            file.chmod(0o600)
        else:
            with file.open("ab") as grows:
                grows.write(b"tail")
    run("truncate", "-s", "1T", root / "sparse.img")
    (root / "again" / "f000000.png").unlink()
    run("rm", "-r", root / "again" / "f000001.png", root / "again" / "f000002.png")


def rotations(source: Path, root: Path) -> None:
    """Names change places: log files are rotated, two files and two directories are swapped."""
    logs = [root / "app.log", *(root / f"app.log.{number}" for number in range(1, 6))]
    for turn in range(8):
        for older, newer in itertools.pairwise(reversed(logs)):
            if newer.exists():
                newer.rename(older)
        write(logs[0], b"%d" % turn)
    burst(root / "one", 10, size=5)
    burst(root / "two", 10, size=7)
    for number in range(10):
        name = f"f{number:06d}.png"
        swap(root / "one" / name, root / "two" / name)
        swap(root / "one" / name, root / "one" / f"f{(number + 3) % 10:06d}.png")
    swap(root / "one", root / "two")


def swap(one: Path, two: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)


TOOLS: tuple[Tool, ...] = (
    *(rsync, tar, unzip, git_clone, copies, download),
    *(ffmpeg, moves, atomic_writers, rewrites, rotations),
)


def test_names_that_changed_places_while_no_daemon_ran(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": root}) as daemon:
        rotations(source, root)
        daemon.settled()
        for _ in range(3):
            assert daemon.stop() == 0
            rotations(source, root)
            daemon.start()
            daemon.settled()
            assert daemon.scans() == 1


def test_a_polled_root_follows_as_well(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    roots = {"uploads": {"path": str(root), "watch": "poll", "poll": "1s", "missing_share": "100%"}}
    with Daemon(tmp_path / "daemon", roots) as daemon:
        assert daemon.status_of()["mode"] == "poll"
        for tool in (rewrites, rotations, moves):
            tool(source, root)
            daemon.settled()
        shutil.rmtree(root / "a")
        daemon.settled()
        assert daemon.metric('watches{root="uploads"}') == 0


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_what_a_tool_wrote_is_in_the_catalogue(tool: Tool, source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": root}) as daemon:
        tool(source, root)
        daemon.settled()
        assert len(daemon.rows()) >= 3
        assert daemon.scans() == 1, "events alone were enough"
        assert daemon.metric('oldest_pending_seconds{root="uploads"}') < 5


def test_what_all_tools_wrote_is_in_postgresql(
    source: Path, tmp_path: Path, postgres_database: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": root}, catalogue=postgres_database) as daemon:
        for tool in (rsync, tar, atomic_writers, rewrites, copies, moves):
            tool(source, root)
        daemon.settled()
        assert daemon.scans() == 1, "events alone were enough"
        assert daemon.stop() == 0
        # The next start agrees: nothing is written anew
        daemon.start()
        assert daemon.told("a root was scanned")[0].keys().isdisjoint({"added", "changed", "gone"})
        daemon.settled()
