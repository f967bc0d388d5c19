"""One Python process that only walks, stats and inserts with apsw: the least that a scan can do.

``python one_process.py ROOT DATABASE`` fills one table with the columns that the catalogue has from
a stat, under one unique index: no parts, no comparison, no totals, nothing that survives a kill.
"""

import os
import sys
from collections.abc import Iterator

import apsw

_Row = tuple[object, ...]


def walk(root: bytes) -> Iterator[_Row]:
    """Yield a row for each regular file below the root."""
    stack = [b""]
    number = 0
    while stack:
        path = stack.pop()
        number += 1
        with os.scandir(root + b"/" + path) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(path + b"/" + entry.name)
                elif entry.is_file(follow_symlinks=False):
                    s = entry.stat(follow_symlinks=False)
                    yield (
                        *(number, entry.name, s.st_ino, s.st_mode, s.st_nlink, s.st_uid),
                        *(s.st_gid, s.st_size, s.st_blocks, s.st_atime_ns, s.st_mtime_ns),
                        *(s.st_ctime_ns, "other", "present", 0, 1, 0, 0),
                    )


def main(root: str, database: str) -> None:
    """Fill a new database."""
    connection = apsw.Connection(database)
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE files (id INTEGER PRIMARY KEY, directory_id INT NOT NULL, name BLOB NOT NULL,"
        " inode INT, mode INT, links INT, uid INT, gid INT, size INT, blocks INT, accessed_ns INT,"
        " modified_ns INT, changed_ns INT, kind TEXT, state TEXT, growing INT, generation INT,"
        " first_seen_ns INT, recorded_ns INT, UNIQUE (directory_id, name)) STRICT"
    )
    marks = ", ".join("?" * 18)
    with connection:
        connection.executemany(
            f"INSERT INTO files VALUES (NULL, {marks})",
            walk(os.fsencode(root)),
        )
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
