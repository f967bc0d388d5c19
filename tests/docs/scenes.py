"""The situations in which the pages' commands are typed, each built with real files."""

import errno
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from storewarden import watch_queries
from storewarden.act.kernel import Kernel
from storewarden.catalogue import clocks
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.roots import host_id, this_machine
from storewarden.daemon.tending import backing_up, restoring
from storewarden.databases import watching
from storewarden.store.disk import Disk
from tests.backing_up import database, say
from tests.docs.playing import House, noise

HELD_BACK = """\
  - id: drafts
    match: {name: "draft-*"}
    phases: [{after: 0s, do: trash}]
  - id: renders
    match: {name: "render-*"}
    phases: [{after: 0s, do: trash}]
    observe: false
    guard: {max_objects: 2, max_share: 100%, loosen: true}
  - id: films
    match: {name: "film-*"}
    phases: [{after: 0s, do: trash}]
    observe: false
    guard: {max_bytes: 100KB, max_share: 100%, loosen: true}
  - id: notes
    match: {name: "note-*"}
    phases: [{after: 0s, do: trash}]
    observe: false
  - id: keepsakes
    match: {name: "keepsake-*"}
    phases: [{after: 0s, do: archive, to: nas}]
    observe: false
    guard: {max_share: 100%, loosen: true}
  - id: clips
    match: {name: "clip-*"}
    phases: [{after: 0s, do: trash}]
    observe: false
    guard: {max_share: 100%, loosen: true}
"""


def held_back(house: House) -> None:
    """Each policy meets another limit, and one root is not what it was."""
    for name in ("draft", "render", "film", "note"):
        for number in range(1, 5):
            house.put(f"media/{name}-{number}.bin")
    for number in range(1, 11):
        house.put(f"media/keepsake-{number:02}.bin")
    house.put("uploads/clip-1.bin")
    roots = {name: {"path": str(house.here / name)} for name in ("media", "uploads")}
    house.configure(roots=roots)
    house.daemon.start()
    house.daemon.until(lambda: "root=uploads why=start" in house.daemon.said(), "it is scanned")
    house.daemon.stop()
    (house.here / "uploads").rename(house.here / "uploads.away")
    house.configure(HELD_BACK)
    house.daemon.start()
    house.daemon.until(lambda: house.daemon.said().count("work is held back") == 6, "all are held")


def clock(house: House) -> None:
    """The clock is noted as having jumped by a year, as the daemon notes it."""
    house.put("media/cat.png")
    house.scan()
    engine = open_catalogue("sqlite", house.here / "state", role="test")
    host, now_ns = host_id(engine, this_machine()), time.time_ns()
    assert host is not None
    year = 365 * 86_400 * 10**9
    clocks.note(engine, host, clocks.Clocks(now_ns, 1, "boot", year, now_ns))
    engine.close()
    house.commands["date"] = lambda _words: "Sat Nov 21 03:12:55 UTC 2026\n"


def acts(house: House) -> None:
    """Some files of a person, one of which a program is writing to."""
    house.put("media/film.mp4", noise("film", 400_000))
    house.put("media/story.txt", b"Once upon a time there was a disk. " * 2000)
    for name in ("idea.txt", "note.txt"):
        house.put(f"media/drafts/{name}", b"A cat that paints it.\n" * 1861)
    descriptor = os.open(house.put("media/open.bin"), os.O_WRONLY)
    house.over.append(partial(os.close, descriptor))


def trouble(house: House) -> None:
    """An act that waits, and one that was refused."""
    descriptor = os.open(house.put("media/render.mp4"), os.O_WRONLY)
    house.over.append(partial(os.close, descriptor))
    house.put("media/old.bin")
    house.prepare()
    house.scan()
    (house.here / "media/old.bin").unlink()
    assert house.run("trash", "media/old.bin").code == 1
    assert house.run("archive", "media/render.mp4").code == 1


# -- refused.md ------------------------------------------------------------------------------------

FAULTS: Final = {
    "read-only": errno.EROFS,
    "full": errno.ENOSPC,
    "not-allowed": errno.EACCES,
    "mounted": errno.EXDEV,
    "too-long": errno.ENAMETOOLONG,
    "busy": errno.EMFILE,
    "unsupported": errno.EINVAL,
    "failing": errno.EIO,
}


def refused(house: House) -> None:
    """Files that acts stumble over, each in its own way; disks that say no are made up."""
    names = ("cat", "dog", "hen", "fox", "owl", "bee", "ant", "elk", "yak", "gnu", "auk")
    for name in (*names, "night/moth", "taken", "twice"):
        house.put(f"media/{name}.png")
    database = house.put("media/app.db", b"")
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    os.link(house.here / "media/fox.png", house.here / "media/fox again.png")
    (house.here / "tape").mkdir()
    stores = {name: {"path": str(house.here / name)} for name in ("nas", "tape")}
    house.configure(stores=stores)
    house.prepare()
    house.prepare("tape")
    house.scan()

    house.put("media/cat.png", b"another picture", old=False)
    (house.here / "media/dog.png").unlink()
    for path, flags in (("hen.png", os.O_WRONLY), ("app.db", os.O_RDONLY)):
        descriptor = os.open(house.here / "media" / path, flags)
        house.over.append(partial(os.close, descriptor))
    (house.here / "media/night").rename(house.here / "media/day")
    (house.here / "media/night").symlink_to("day")
    (house.here / "media/owl.png").unlink()
    os.mkfifo(house.here / "media/owl.png")

    house.later |= {name: partial(_fails, house, number) for name, number in FAULTS.items()}
    house.later["well-again"] = house.heal


def _fails(house: House, number: int) -> None:
    """Let every rename below a root fail, as a disk would."""

    def rename(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    house.replace(Kernel, "rename", rename)


# -- stores.md -------------------------------------------------------------------------------------


def stores(house: House) -> None:
    """Files that lie in two stores, of which much can go wrong."""
    (house.here / "tape").mkdir()
    house.configure(stores={name: {"path": str(house.here / name)} for name in ("nas", "tape")})
    for name in ("cat", "dog", "hen", "fox", "owl", "bee", "ant", "elk", "yak"):
        house.put(f"media/{name}.png")
    house.prepare()
    house.scan()
    house.does("archive", "--to", "nas", *(f"media/{one}.png" for one in ("cat", "dog", "hen")))
    house.later = {
        "unmounted": partial(_unmount, house),
        "swapped": partial(_swap, house),
        "full": partial(_full, house),
        "well-again": house.heal,
        "lost": partial(_lose, house, "dog"),
        "flipped": partial(_flip, house, "hen"),
        "replaced": partial(_replace, house, "fox"),
    }
    house.commands["mount"] = partial(_mount, house)


def _unmount(house: House) -> None:
    """Leave the empty directory that a disk leaves behind that is not mounted."""
    (house.here / "nas").rename(house.here / "disk")
    (house.here / "nas").mkdir()


def _mount(house: House, _words: list[str]) -> str:
    (house.here / "nas").rmdir()
    (house.here / "disk").rename(house.here / "nas")
    return ""


def _swap(house: House) -> None:
    """Mount the disk of another store in the place of one."""
    (house.here / "nas").rename(house.here / "disk")
    shutil.copytree(house.here / "tape", house.here / "nas")
    house.commands["umount"] = partial(_umount, house)


def _umount(house: House, _words: list[str]) -> str:
    shutil.rmtree(house.here / "nas")
    (house.here / "nas").mkdir()
    return ""


def _full(house: House) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    house.replace(Disk, "write", write)


def _object(house: House, name: str) -> Path:
    (found,) = (
        path for path in house.here.glob(f"nas/media/{name}.png~*") if path.suffix != ".about"
    )
    return found


def _lose(house: House, name: str) -> None:
    """Let somebody take an object away of which there is a backup."""
    (house.here / "backup").mkdir()
    path = _object(house, name)
    path.rename(house.here / "backup" / path.name)


def _flip(house: House, name: str) -> None:
    """Change one bit, as an old disk does."""
    _flip_bit(_object(house, name))


def _flip_bit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        (byte,) = file.read(1)
        file.seek(1000)
        file.write(bytes([byte ^ 4]))


def _replace(house: House, name: str) -> None:
    """Put another file under the name of an object."""
    path = _object(house, name)
    path.unlink()
    path.write_bytes(b"something else")


# -- trash-and-recovery.md -------------------------------------------------------------------------


def trash(house: House) -> None:
    """Files to be put away, and all that can happen to them there."""
    for name in ("cat", "dog", "hen", "fox", "owl", "bee", "elk"):
        house.put(f"media/{name}.png")
    house.put("media/story.txt", b"Once upon a time. " * 1000)
    house.prepare()
    house.scan()
    house.does("catalogue", "backup")
    house.later = {
        "emptied": partial(_empty_trash, house),
        "failing": partial(_fails, house, errno.EIO),
        "well-again": house.heal,
        "killed": partial(_killed, house, "archive", "media/owl.png"),
        "unmounted": partial(_unmount, house),
    }
    house.commands["mount"] = partial(_mount, house)


def _empty_trash(house: House) -> None:
    for drawer in (house.here / "media/.storewarden/trash").iterdir():
        shutil.rmtree(drawer)


class _Killed(BaseException):
    """Ends a process where it stands, as far as its files can tell."""


def _killed(house: House, *words: str) -> None:
    """Let a verb be killed in the instant before a file is removed for good."""

    def unlink(*_: object) -> None:
        raise _Killed

    house.replace(Kernel, "unlink", unlink)
    assert house.run(*words).code == 1
    house.heal()


# -- disk-full.md and lost-catalogue.md ------------------------------------------------------------

UNDER_PRESSURE = """\
  - id: room
    match: {name: "*.mp4"}
    phases: [{after: 0s, do: archive, to: nas}]
    trigger: [{pressure: {high: HIGH, low: LOW, order: [size desc]}}]
    observe: false
    guard: {max_share: 100%, loosen: true}
"""


def disk_full(house: House) -> None:
    """A disk that is full by what its policy says of that, and files that may go and may not."""
    for name in ("film", "clip", "intro"):
        house.put(f"media/{name}.mp4", noise(name, 40_960))
    house.put("media/keep.bin", noise("keep", 200_000))
    house.put("media/old.bin", noise("old", 61_440))
    house.prepare()
    house.scan()
    house.does("trash", "media/old.bin")
    told = os.statvfs(house.here)
    used = 100 * (1 - told.f_bavail / told.f_blocks)
    house.configure(
        UNDER_PRESSURE.replace("HIGH", f"{used / 2:.3f}%").replace("LOW", f"{used / 3:.3f}%")
    )
    house.later["filled"] = partial(_filled, house)


def _filled(house: House) -> None:
    house.put("media/new.mp4", noise("new", 40_960))
    house.daemon.start()


def lost_catalogue(house: House) -> None:
    """Files here, in the trash and in a store, and then no catalogue any more."""
    for name in ("cat", "dog", "hen"):
        house.put(f"media/{name}.png")
    house.prepare()
    house.scan()
    house.does("catalogue", "backup")
    house.does("archive", "--to", "nas", "media/cat.png")
    house.does("trash", "media/dog.png")
    house.later = {"lost": lambda: _lost(house), "no-backups": lambda: _lost(house, backups=True)}


def _lost(house: House, *, backups: bool = False) -> None:
    state = house.here / "state"
    for path in state.glob("catalogue.db*"):
        path.unlink()
    if backups:
        shutil.rmtree(state / "backups")


# -- databases ------------------------------------------------------------------------------------

CHATS = """\
  - id: chats
    match: {kind: database, name: "chat*"}
    care: {backup: {every: 15min, keep_last: 4}}
"""


def databases(house: House) -> None:
    """Two applications' databases in a root."""
    house.configure(CHATS)
    house.prepare()
    database(house.here / "media/chat.db", rows=1000)
    database(house.here / "media/notes.db", rows=20)
    house.scan()
    house.later = {"more-is-said": lambda: say(house.here / "media/chat.db", 50)}
    house.commands["sqlite3"] = _sqlite3
    _on_a_rack(house)


def maintenance(house: House) -> None:
    """Two databases, the policies of the page, and an application that counts its statements."""
    page = (Path(__file__).resolve().parents[2] / "docs/guide/maintenance.md").read_text()
    (policies,) = re.findall(r"^```yaml policies\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    house.configure(policies.partition("policies:\n")[2])
    for name in ("chat.db", "notes.db"):
        database(house.here / "media" / name, rows=1000, journal="delete")
    house.later = {"an-application-asks": partial(_ask, house)}


def health(house: House) -> None:
    """A database of which there is no backup yet, and a root that is gone."""
    care = "{backup: {cron: '0 0 1 1 *'}, drill: {every: 300d}}"
    roots = {name: {"path": str(house.here / name)} for name in ("media", "uploads")}
    house.configure(f"  - {{id: all, match: {{kind: database}}, care: {care}}}\n", roots=roots)
    database(house.here / "media/chat.db", rows=100, journal="delete")
    house.later = {
        "uploads-are-back": partial((house.here / "uploads").mkdir),
        "it-is-seen": partial(_scores, house, 55),
        "mended": partial(_scores, house, 100),
    }


def _scores(house: House, score: int) -> None:
    """Wait until the daemon says so; it looks every few seconds, and gives back later."""
    what = f"the score is {score}"
    house.daemon.until(lambda: house.run("health", "--json").json["score"] == score, what, 60)


def disk_of_databases(house: House) -> None:
    """A database of which most was deleted, with backups beside the state."""
    path = database(house.here / "media/chat.db", rows=8000, journal="delete")
    policy = "  - {id: all, match: {kind: database}, care: {backup: {every: 1d, keep_last: %d}}}\n"
    house.configure(policy % 9)
    house.scan()
    for number in range(2):
        house.does("db", "backup", "chat.db", "--full")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DELETE FROM messages WHERE id % 8 > ?", (2 - number,))
            connection.commit()
    house.configure(policy % 1)
    long_ago = time.time() - 86_400
    os.utime(path, (long_ago, long_ago))


def rows(house: House) -> None:
    """An application with old conversations, some of them deleted by their users."""
    page = (Path(__file__).resolve().parents[2] / "docs/guide/rows.md").read_text()
    (policies,) = re.findall(r"^```yaml policies\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    table = {
        "database": str(house.here / "media/app.db"),
        "table": "conversations",
        "key": "id",
        "clock": "updated_at",
        "deleted": "deleted_at",
        "children": {"messages": "conversation_id"},
    }
    house.configure(policies.partition("policies:\n")[2], tables={"app.conversations": table})
    (house.here / "media").mkdir(exist_ok=True)
    with closing(sqlite3.connect(house.here / "media/app.db")) as connection:
        connection.execute(
            "CREATE TABLE conversations"
            " (id INTEGER PRIMARY KEY, title TEXT, updated_at TEXT, deleted_at TEXT)"
        )
        connection.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, conversation_id INTEGER, body TEXT)"
        )
        connection.execute("CREATE INDEX messages_of ON messages (conversation_id)")
        for number in range(20):
            deleted = "-10 days" if number in {3, 4} else None
            connection.execute(
                "INSERT INTO conversations VALUES (?, ?, datetime('now', ?), datetime('now', ?))",
                (number, f"talk {number}", f"-{number * 40} days", deleted),
            )
            for each in range(3):
                message = (number, f"hello {each}")
                connection.execute("INSERT INTO messages VALUES (NULL, ?, ?)", message)
        connection.execute("INSERT INTO messages VALUES (NULL, 999, 'lost')")
        connection.commit()
    house.scan()


def _ask(house: House) -> None:
    """Let an application ask something that takes its time."""
    house.patch.setenv(watching.VARIABLE, str(house.here / "state/queries"))
    watcher = watching.Watcher(every=3600.0)
    house.replace(watching, "_watcher", watcher)
    statement = "SELECT count(*) FROM messages a, messages b WHERE a.text || b.text LIKE '%nobody%'"
    with closing(watch_queries(sqlite3.connect(house.here / "media/chat.db"))) as connection:
        connection.execute(statement).fetchall()
    watcher.hand_over()
    told = "a statement of an application was slow"
    house.daemon.until(lambda: told in house.daemon.said(), "it is taken")


def failed_drill(house: House) -> None:
    """Two backups of a database; the bytes of the newer one changed on its disk."""
    _on_a_rack(house)
    house.configure()
    database(house.here / "media/chat.db", rows=1000)
    house.scan()
    house.does("db", "backup")
    before = set(_images(house))
    house.does("db", "backup", "--full")
    (newest,) = set(_images(house)) - before
    _flip_bit(newest)


def corrupt_database(house: House) -> None:
    """One with a good backup lost a page since, one an entry of its index, one is as it was."""
    _on_a_rack(house)
    house.configure()
    for name, rows in (("chat", 1000), ("notes", 20), ("songs", 5)):
        database(house.here / f"media/{name}.db", rows=rows)
    house.scan()
    house.does("db", "backup")
    chat, notes = house.here / "media/chat.db", house.here / "media/notes.db"
    with chat.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096)
    with closing(sqlite3.connect(notes)) as connection, connection:
        connection.execute("CREATE INDEX by_text ON messages(text)")
    with closing(sqlite3.connect(notes)) as connection, connection:
        connection.execute("PRAGMA writable_schema = 1")
        statement = "UPDATE sqlite_schema SET sql = replace(sql, '(text)', '(id)') WHERE name = ?"
        connection.execute(statement, ("by_text",))
    house.scan()
    house.commands["sqlite3"] = partial(_mending, house)


def _mending(house: House, words: list[str]) -> str:
    """Stand in for SQLite's own program where it mends."""
    with closing(sqlite3.connect(house.here / words[0])) as connection:
        if words[1] == "REINDEX":
            connection.execute("REINDEX")
        else:
            assert words[1:4] == [".recover", "|", "sqlite3"], words
            _picked_up(connection, house.here / words[4])
    return ""


def _picked_up(damaged: sqlite3.Connection, path: Path) -> None:
    """Put those rows into a new file that can be read."""
    with closing(sqlite3.connect(path)) as recovered, recovered:
        recovered.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT)")
        for number in range(1, 1001):
            with suppress(sqlite3.DatabaseError):
                row = damaged.execute("SELECT * FROM messages WHERE id = ?", (number,)).fetchone()
                recovered.execute("INSERT INTO messages VALUES (?, ?)", row)


def _on_a_rack(house: House) -> None:
    """Let this machine be called as the one on the page."""
    for module in (backing_up, restoring):
        house.replace(module, "this_machine", lambda: this_machine()._replace(name="rack"))


def _images(house: House) -> list[Path]:
    return list(house.here.glob("state/backups/~databases/*/chat.db/*.sqlite"))


def _sqlite3(words: list[str]) -> str:
    """Stand in for SQLite's own program, which is not everywhere."""
    path, statement = words
    (found,) = Path("/").glob(path.removeprefix("/"))
    with closing(sqlite3.connect(f"file:{quote(str(found))}?mode=ro", uri=True)) as connection:
        rows = connection.execute(statement).fetchall()
    return "".join("|".join(map(str, row)) + "\n" for row in rows)


SCENES: Final[dict[str, Callable[[House], None]]] = {
    "acts": acts,
    "clock": clock,
    "corrupt-database": corrupt_database,
    "databases": databases,
    "disk-full": disk_full,
    "disk-of-databases": disk_of_databases,
    "failed-drill": failed_drill,
    "health": health,
    "lost-catalogue": lost_catalogue,
    "maintenance": maintenance,
    "refused": refused,
    "rows": rows,
    "stores": stores,
    "trash": trash,
    "trouble": trouble,
    "held-back": held_back,
}
