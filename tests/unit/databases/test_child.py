"""Work on a database happens in a process that may die, hang, lie and flood: it costs one job."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from storewarden.databases.child import run_job
from storewarden.databases.wire import of_error, packed, to_error, unpacked
from storewarden.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseUnusable,
    UsageError,
    WorkStopped,
)

# Work of many kinds, each a line of Python; `c` stands in the cage.
WORK = """
import os, resource, signal, sys, time
from storewarden.databases import child, jobs
from storewarden.errors import DatabaseBusy
def work(arguments, descriptors, tell):
    return eval(arguments["do"], {**globals(), **locals()}) or {}
jobs.JOBS["do"] = jobs.Job("__main__:work")
jobs.JOBS["caged"] = jobs.Job("__main__:work", caged=True)
def busy():
    raise DatabaseBusy("a database is in use", where="a.db", why="why", remedy="remedy")
if __name__ == "__main__":
    child.main(int(sys.argv[-1]))
"""
COMMAND = (sys.executable, "-c", WORK)


def do(what: str, kind: str = "do", **more: Any) -> Mapping[str, Any]:
    arguments = {"do": what, **more.pop("arguments", {})}
    return run_job(kind, arguments, command=COMMAND, **more)


def children() -> list[str]:
    """Return the jobs that are there; other tests of this process have children of their own."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for one in (task / "children").read_text().split():
            words = Path(f"/proc/{one}/cmdline").read_bytes()
            if not words or b"storewarden.databases.child" in words:  # of a zombie nothing is left
                found.append(one)
    return found


def test_what_it_is_asked_arrives_and_what_it_found_comes_back() -> None:
    found = do(
        "{'name': arguments['name'], 'path': arguments['path'] + b'!'}",
        arguments={"name": "a\n", "path": b"\xff\0"},
    )

    assert found == {"name": "a\n", "path": b"\xff\0!"}
    assert children() == []


def test_progress_is_heard_in_its_order() -> None:
    heard: list[Any] = []

    do("[tell({'at': at}) for at in range(1000)] and {}", progress=heard.append)

    assert heard == [{"at": at} for at in range(1000)]


def test_descriptors_arrive_and_the_scratch_directory_comes_last(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    scratch = os.open(tmp_path, os.O_RDONLY)
    first, second = os.pipe()
    os.write(second, b"heard")
    try:
        found = do(
            "{'read': os.read(descriptors[0], 9), 'names': os.listdir(descriptors[-1])}",
            descriptors=(first,),
            scratch=scratch,
        )
    finally:
        for one in (scratch, first, second):
            os.close(one)

    assert found == {"read": b"heard", "names": ["here"]}


def test_pipes_that_are_full_on_all_sides_stop_nobody() -> None:
    found = do(
        "[sys.stderr.write('x' * 4000) for _ in range(500)] and"
        " [tell({'x': 'y' * 4000}) for _ in range(500)] and {'n': len(arguments['much'])}",
        arguments={"much": b"z" * 3_000_000},
    )

    assert found == {"n": 3_000_000}


def test_what_is_printed_beside_is_no_answer() -> None:
    assert do("print('{\"done\": {\"lie\": 1}}') or os.system('echo lie') and {}") == {}


def test_an_error_of_ours_comes_back_as_itself() -> None:
    with pytest.raises(DatabaseBusy, match=r"a database is in use: a\.db: why; remedy") as raised:
        do("busy()")
    assert raised.value.transient


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("os._exit(3)", "ended with 3"),
        ("1 / 0", "ended with 1"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "computed for too long"),
        ("bytearray(2 << 30)", "more memory"),
        ("os.write(3 if False else 1, b'') or os.closerange(0, 100)", "ended with 1"),
        ("tell({'x': 'y' * (17 << 20)})", "more than anybody reads"),
        ("[tell({'x': 'y' * (8 << 20)}) for _ in range(9)] and {}", "more than anybody reads"),
        ("{1, 2}", "ended with 1"),
    ],
)
def test_what_becomes_of_it_costs_this_job_only(what: str, why: str) -> None:
    with pytest.raises(DatabaseUnusable, match=why):
        do(what)
    assert children() == []


def test_lines_that_nobody_understands_end_it() -> None:
    for said in (b"nonsense\n", b"[1]\n", b'{"done": 1}\n', b"[" * 100_000 + b"\n"):
        command = (sys.executable, "-c", f"import os; os.write(1, {said!r})")
        with pytest.raises(DatabaseUnusable):
            run_job("do", {}, command=command)


def test_one_that_does_not_read_what_it_is_told_is_ended_in_time() -> None:
    command = (sys.executable, "-c", "import time; time.sleep(1000)")
    began = time.monotonic()
    with pytest.raises(DatabaseUnusable, match="too long"):
        run_job("do", {"much": "x" * 1_000_000}, command=command, seconds=0.3)
    assert time.monotonic() - began < 5
    assert children() == []


def test_one_that_hangs_is_ended_when_somebody_wants_to_stop() -> None:
    began = time.monotonic()
    with pytest.raises(WorkStopped):
        do("time.sleep(1000)", stopping=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 5
    assert children() == []


def test_what_progress_raises_ends_it() -> None:
    def disturbed(_told: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do("tell({}) or time.sleep(1000)", progress=disturbed)
    assert children() == []


def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = f"""
from storewarden.databases.child import run_job
run_job("do", {{"do": "open({str(told)!r}, 'w').write(str(os.getpid())) and time.sleep(1000)"}},
        command={COMMAND!r})
"""
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        while not (told.exists() and told.read_text()):
            time.sleep(0.01)
        child = int(told.read_text())
        parent.kill()
    while Path(f"/proc/{child}").exists() and "Z (zombie)" not in _status(child):
        time.sleep(0.01)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "Z (zombie)"


def test_many_at_once_hold_none_of_each_other_open() -> None:
    found: list[Mapping[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(do("time.sleep(0.1) or {'ok': 1}")))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert found == [{"ok": 1}] * 8
    assert children() == []


def test_in_the_cage_it_writes_only_in_its_scratch_directory(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "scratch").mkdir()
    scratch = os.open(tmp_path / "scratch", os.O_RDONLY)
    try:
        assert do(
            "os.write(os.open('a', os.O_CREAT | os.O_RDWR, dir_fd=descriptors[-1]), b'x')"
            " and (os.unlink('a', dir_fd=descriptors[-1])"
            " or {'left': os.listdir(descriptors[-1])})",
            kind="caged",
            scratch=scratch,
        ) == {"left": []}
        for refused in ("__import__('socket').socket()", "os.fork()", "os.rename('/a', '/b')"):
            with pytest.raises(DatabaseUnusable):
                do(refused, kind="caged", scratch=scratch)
        with pytest.raises(DatabaseUnusable):
            do(f"open({str(tmp_path / 'more')!r}, 'w').write('x')", kind="caged")
    finally:
        os.close(scratch)

    assert (tmp_path / "precious").read_text() == "precious"


def test_there_is_no_work_of_an_unknown_kind() -> None:
    with pytest.raises(UsageError, match="no such work: never"):
        run_job("never", {})


def test_errors_that_are_none_of_ours_are_not_believed() -> None:
    for kind in ("SystemExit", "ConfigError", "annotations", "FAILED", 3, None):
        assert type(to_error({"type": kind, "what": "x"})) is DatabaseUnusable
    told = to_error(of_error(DatabaseDamaged("what", where="where", why="why", remedy="remedy")))
    assert str(told) == "what: where: why; remedy"
    assert type(told) is DatabaseDamaged


def test_bytes_travel_and_what_looks_like_them_does_not_fool() -> None:
    document = {"a": b"\xff\0", "b": [{"c": b""}], "d": {"__bytes__": 1}}
    assert unpacked(packed(document)) == document
    with pytest.raises(ValueError, match="base64"):
        unpacked(b'{"a": {"__bytes__": "!"}}')


def test_who_asks_for_work_loads_nothing_that_opens_a_database() -> None:
    """A connection in the daemon would lose its locks by any file that is closed there."""
    asking = ("child", "image.take", "image.prove", "image.increment", "found")
    code = "import sys\n" + "".join(f"import storewarden.databases.{one}\n" for one in asking)
    code += "print(*sorted({'apsw', 'sqlite3', 'xxhash'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
