"""What a process inside the cage cannot do, each tried in a real process by the real call."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEFORE = """
import errno, os, resource, signal, socket, sys, threading, zlib
from storewarden.facts.cage import allow_processor_time, enter
path = sys.argv[1]
standing = enter()
"""
TRIED = """
try:
    {}
except OSError as error:
    print(errno.errorcode[error.errno])
except MemoryError:
    print("MemoryError")
else:
    print("done")
"""


def caged(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    done = subprocess.run(
        [sys.executable, "-I", "-c", BEFORE + code, str(victim)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert victim.read_bytes() == b"precious"
    return done


def tried(tmp_path: Path, statement: str) -> str:
    done = caged(tmp_path, TRIED.format(statement))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_all_walls_stand_on_this_kernel(tmp_path: Path) -> None:
    assert caged(tmp_path, "print(*standing)").stdout.split()[:1] == ["limits"]
    assert "seccomp" in caged(tmp_path, "print(*standing)").stdout


@pytest.mark.parametrize(
    "statement",
    [
        "socket.socket()",
        "socket.socketpair()",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.unlink(path)",
        "os.rename(path, path + '2')",
        "os.link(path, path + '2')",
        "os.symlink(path, path + '2')",
        "os.truncate(path, 0)",
        "os.chmod(path, 0)",
        "os.utime(path)",
        "os.setxattr(path, 'user.a', b'b')",
        "os.mkdir(path + '2')",
        "os.kill(os.getppid(), 0)",
    ],
)
def test_what_changes_anything_outside_is_refused(tmp_path: Path, statement: str) -> None:
    assert tried(tmp_path, statement) == "EPERM"


def test_of_what_root_may_only_reading_is_left(tmp_path: Path) -> None:
    told = caged(tmp_path, "print(open('/proc/self/status').read())").stdout
    sets = {
        line.split(":")[0]: int(line.split()[1], 16)
        for line in told.splitlines()
        if line.startswith(("CapEff", "CapPrm", "CapInh", "CapAmb"))
    }
    assert len(sets) == 4
    reading = 1 << 2 | 1 << 3  # CAP_DAC_READ_SEARCH and CAP_FOWNER, where we had them
    assert sets["CapEff"] in {0, reading}
    assert sets["CapPrm"] == sets["CapEff"]
    assert sets["CapInh"] == sets["CapAmb"] == 0
    if os.geteuid() == 0:
        assert sets["CapEff"] == reading


def test_no_file_can_be_opened_for_writing(tmp_path: Path) -> None:
    if "landlock" not in caged(tmp_path, "print(*standing)").stdout:
        pytest.skip("this kernel has no Landlock: seccomp and the limits remain")
    for flags in ("os.O_WRONLY", "os.O_RDWR", "os.O_RDONLY | os.O_TRUNC"):
        assert tried(tmp_path, f"os.open(path, {flags})") == "EACCES"
    assert tried(tmp_path, "os.open(path + '2', os.O_CREAT | os.O_WRONLY)") == "EACCES"


def test_nothing_can_be_written_into_a_file(tmp_path: Path) -> None:
    """Should one be open for writing, the limit of size stops it, without Landlock as well."""
    code = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    os.write(os.open(path, os.O_WRONLY), b"x")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    assert caged(tmp_path, code).stdout.strip() in {"EFBIG", "EACCES"}


def test_memory_has_an_end(tmp_path: Path) -> None:
    assert tried(tmp_path, "bytearray(300 << 20)") == "MemoryError"
    assert tried(tmp_path, "bytearray(100 << 20)") == "done"


def test_processor_time_has_an_end(tmp_path: Path) -> None:
    done = caged(tmp_path, "allow_processor_time(1)\nwhile True: pass")
    assert done.returncode < 0


def test_what_it_is_for_can_be_done(tmp_path: Path) -> None:
    code = """
descriptor = os.open(path, os.O_RDONLY)
print(os.pread(descriptor, 8, 0).decode(), os.fstat(descriptor).st_size)
thread = threading.Thread(target=lambda: print("thread"))
thread.start(); thread.join()
print(len(zlib.compress(b"x" * 1000)) < 100)
"""
    assert caged(tmp_path, code).stdout.split() == ["precious", "8", "thread", "True"]
