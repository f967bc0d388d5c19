"""What one would write in an afternoon: watchdog's stock observer, a queue, and sqlite3.

``python watchdog_script.py ROOT DATABASE`` prints a line once it watches. It is written as well as
it can be with these parts: the event handler only queues, one thread stats and inserts, commits
are in batches, and the log is write-ahead.
"""

import os
import queue
import sqlite3
import sys
import threading
import time

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_BATCH = 1000
_SECONDS = 0.25


class Handler(FileSystemEventHandler):
    """Queues every file that was closed after writing, or moved."""

    def __init__(self, paths: "queue.SimpleQueue[str]") -> None:
        self.paths = paths

    def on_closed(self, event: FileSystemEvent) -> None:
        """Take a file that is finished."""
        if not event.is_directory:
            self.paths.put(os.fsdecode(event.src_path))

    def on_moved(self, event: FileSystemEvent) -> None:
        """Take a file that was moved here."""
        if not event.is_directory:
            self.paths.put(os.fsdecode(event.dest_path))


def record(paths: "queue.SimpleQueue[str]", database: str) -> None:
    """Insert what is queued, for ever."""
    rows = sqlite3.connect(database)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("PRAGMA synchronous = NORMAL")
    rows.execute(
        "CREATE TABLE files (path TEXT PRIMARY KEY, inode INT, mode INT, uid INT, gid INT,"
        " size INT, mtime_ns INT, ctime_ns INT)"
    )
    rows.commit()
    pending, since = 0, time.monotonic()
    while True:
        try:
            path = paths.get(timeout=_SECONDS)
        except queue.Empty:
            path = ""
        if path:
            try:
                s = os.lstat(path)
            except FileNotFoundError:
                continue
            row = (path, s.st_ino, s.st_mode, s.st_uid, s.st_gid)
            row += (s.st_size, s.st_mtime_ns, s.st_ctime_ns)  # type: ignore[assignment]
            rows.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            pending += 1
        if pending and (pending >= _BATCH or time.monotonic() - since > _SECONDS):
            rows.commit()
            pending, since = 0, time.monotonic()


def main(root: str, database: str) -> None:
    """Watch until killed."""
    paths: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=record, args=(paths, database), daemon=True).start()
    observer = Observer()
    observer.schedule(Handler(paths), root, recursive=True)
    observer.start()
    print("watching", flush=True)
    observer.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
