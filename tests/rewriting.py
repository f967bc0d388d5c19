"""Kill or fail the rewriting of a database at each call that writes, and look what is left.

Run by hand:  python -m tests.rewriting DIRECTORY JOURNAL HOW FIRST STEP
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import apsw

from storewarden.databases.rewriting import vacuum
from storewarden.errors import StorewardenError

ROWS = 300
_MOST = 100_000  # calls: it takes some hundreds
Content = dict[str, list[Any]]


def make(path: Path, journal: str) -> None:
    """A database of small pages, a third of which is free."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA page_size = 512")
    connection.execute(f"PRAGMA journal_mode = {journal}").fetchall()
    connection.execute(
        f"""
        CREATE TABLE plain(a);
        CREATE TABLE keyed(id INTEGER PRIMARY KEY, t TEXT);
        CREATE INDEX by_text ON keyed(t);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
            INSERT INTO keyed SELECT i, hex(zeroblob(40)) || i FROM n;
        INSERT INTO plain SELECT t FROM keyed;
        DELETE FROM keyed WHERE id % 2; DELETE FROM plain WHERE rowid % 3;
        """
    )
    connection.close()


def content(path: Path) -> Content:
    """Open it as its application would; return all rows with their numbers."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        found: Content = {"check": connection.execute("PRAGMA integrity_check").fetchall()}
        for table in ("plain", "keyed"):
            statement = f"SELECT rowid, * FROM {table} ORDER BY rowid"
            found[table] = connection.execute(statement).fetchall()
        return found
    finally:
        connection.close()


class Standing(apsw.VFS):
    """Lets so many calls that write through; at the next one it strikes, and at all after it."""

    def __init__(self, left: int, how: str) -> None:
        self.left, self.how = left, how
        super().__init__("standing", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's word
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001
        self.strike()
        super().xDelete(filename, syncdir)

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return os.path.realpath(name)  # apsw takes "there was a link on the way" for an error

    def strike(self) -> None:
        self.left -= 1
        if self.left >= 0:
            return
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise apsw.FullError if self.how == "full" else apsw.IOError


class _File(apsw.VFSFile):
    def __init__(self, vfs: Standing, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        super().__init__("unix", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._vfs.strike()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._vfs.strike()

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._vfs.strike()
        super().xTruncate(size)


def strike(directory: Path, original: bytes, number: int, how: str) -> str:
    """Rewrite a fresh copy and strike at one of its calls; return how that ended."""
    there, scratch = directory / "there", directory / "scratch"
    for each in (there, scratch):
        each.mkdir(exist_ok=True)
        for left in each.iterdir():
            left.unlink()
    (there / "app.db").write_bytes(original)
    return rewritten(directory, number, how)


def rewritten(directory: Path, number: int, how: str, *, ours: bool = False) -> str:
    """Rewrite what is there in a process of its own; return how that ended."""
    process = os.fork()
    if not process:
        ended = 2
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # SQLite's errors, which are meant
            vfs = Standing(number, how)
            places = (directory / "there", directory / "scratch")
            descriptors = [os.open(each, os.O_RDONLY) for each in places]
            vacuum({"name": b"app.db", "ours": ours}, descriptors, lambda _told: None)
            ended = 0 if vfs.left >= 0 else 3
        except StorewardenError:
            ended = 1
        finally:
            os._exit(ended)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return {0: "done", 1: "refused", 3: "done late", -signal.SIGKILL: "killed"}.get(status, "died")


def main() -> None:
    """Strike at each call from the first on, so many apart, until none is left to strike at."""
    directory, journal, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    first, step = int(sys.argv[4]), int(sys.argv[5])
    make(directory / "original", journal)
    original = (directory / "original").read_bytes()
    expected = content(directory / "original")
    points, wrong = 0, []
    for number in range(first, _MOST, step):
        ended = strike(directory, original, number, how)
        if ended == "done":
            break
        points += 1
        if points % 2 and how == "kill":  # every other time the next to open it are we
            again = rewritten(directory, _MOST, how, ours=True)
            ended = ended if again == "done" else f"{ended}, then {again}"
        try:
            same = content(directory / "there/app.db") == expected
        except apsw.Error as error:
            same, ended = False, f"{ended}: {error}"
        if not same or "died" in ended or "then" in ended:
            wrong.append((number, ended))
    left = sorted(os.listdir(directory / "there"))
    size = (directory / "there/app.db").stat().st_size
    gained = len(original) - size
    told = {"points": points, "wrong": wrong, "left": left, "gained": gained}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
