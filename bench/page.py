"""A page of a hundred files of a million, by terms as applications ask them; of all and of a user.

A page is what the daemon makes of it: rows found, what is known of them read, JSON written. Each
sort of question is asked for its first page and for pages further on. The first question of a
connection is behind it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from bench.daemon import Daemon, House
from bench.gallery import Gallery
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from bench.search import server
from storewarden.api.reading import files
from storewarden.api.reading.as_json import as_json
from storewarden.api.reading.reader import Reader
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.client import Warden
from tests.catalogues import NOW
from tests.servers import postgres

_ALLOWED = 10.0  # ms
_PAGES = 9  # of each sort, one after the other
_FLOWS = 1_000
_USERS = 10  # who have a tenth of the files together
_ANY = "(id * 2654435761 % 4294967296) / 64"  # a number that has nothing to do with its neighbours
_DRESS = (
    "UPDATE files SET modified_ns = {now} - ({last} - id) * 1000000000",
    "UPDATE files SET kind = 'video', size = size + 1000000000 WHERE {any} % 50 = 0",
    (
        "INSERT INTO workflows (id, host_id, name, first_seen_ns, last_seen_ns)"
        " SELECT id, 1, 'story-' || id, {now}, {now} FROM files WHERE id <= {flows}"
    ),
    "UPDATE facts SET workflow_id = 1 + file_id % {flows} WHERE file_id % 2 = 0",
    (
        "INSERT INTO users (id, name, created_ns)"
        " SELECT id, 'user-' || id, {now} FROM files WHERE id <= {users}"
    ),
    (
        "INSERT INTO told_files (root_id, directory, name, waiting, file_id, owner_id, workflow_id,"
        " public, first_told_ns, told_ns) SELECT 1, d.path, f.name, 0, f.id,"
        " 1 + f.some / 10 % {users}, 1 + f.id % {flows},"
        " CASE WHEN f.some / 100 % 10 = 0 THEN 1 ELSE 0 END, {now}, {now}"
        " FROM (SELECT id, directory_id, name, {any} / 7 AS some FROM files) AS f"
        " JOIN directories d ON d.id = f.directory_id WHERE f.some % 10 = 0"
    ),
)


def run(ground: Ground) -> Iterator[Figure]:
    """Fill a catalogue in a file and one on a server, and ask both."""
    house = ground.house("page", ground.place("root"))
    ground.say(f"a catalogue of {ground.files:,} files")
    with closing(open_catalogue("sqlite", house.state, role="bench")) as engine:
        gallery = _fill(engine, ground.files)
        yield from _asked(engine, gallery, "SQLite", targeted=True)
    yield from _over_the_socket(house, gallery)
    if postgres.find_programs() is not None:
        yield from _on_a_server(ground)


def _on_a_server(ground: Ground) -> Iterator[Figure]:
    ground.say(f"{ground.files // 5:,} files in PostgreSQL")
    with server() as url, closing(open_catalogue(url, ground.directory, role="bench")) as engine:
        gallery = _fill(engine, ground.files // 5)
        yield from _asked(engine, gallery, "PostgreSQL", targeted=False)


def _fill(engine: Engine, count: int) -> Gallery:
    """Make the files, with workflows, and users who have a tenth of them."""
    gallery = Gallery(count)
    gallery.fill(engine)
    with engine.transaction():
        engine.no_time_limit()
        for sql in _DRESS:
            engine.execute(sql.format(any=_ANY, now=NOW, last=count, flows=_FLOWS, users=_USERS))
    engine.checkpoint()
    engine.learn()
    return gallery


def _sorts(gallery: Gallery) -> dict[str, list[str]]:
    """Return what applications ask for."""
    return {
        "all files": [],
        "kind=video": ["kind=video"],
        "workflow=…": ["workflow=story-74"],
        "model=…": ["model=flux1-dev-3"],
        "size>1GB": ["size>1000MB"],
        "modified<1d": ["modified<1d"],
        "modified>5d": ["modified>5d"],
        "a common word": [f"prompt={gallery.vocabulary[12]}"],
        "a rare word": [f"prompt={gallery.vocabulary[9_000]}"],
        "kind and model": ["kind=video", "model=flux1-dev-4"],
        "workflow and kind": ["workflow=story-50", "kind=video"],
    }


def _asked(engine: Engine, gallery: Gallery, where: str, *, targeted: bool) -> Iterator[Figure]:
    user = Who(3, "user-3", frozenset({"read"}))
    for who, name in ((MACHINE, "for the machine"), (user, "for a user")):
        reader = Reader(engine, who, 1, NOW)
        whole: list[float] = []
        for sort, terms in _sorts(gallery).items():
            taken = _pages(lambda after: _page(reader, terms, after))  # noqa: B023  # asked at once
            whole += taken
            yield Figure(
                f"{sort}, {name}, {where} with {gallery.files:,} files",
                Measured(statistics.median(taken), "ms"),
                Measured(max(taken), "ms", "the slowest"),
            )
        half = statistics.median(whole)
        target = Target(f"≤ {_ALLOWED:.0f} ms", half <= _ALLOWED) if targeted else None
        yield Figure(
            f"half of all pages {name}, {where} with {gallery.files:,} files",
            Measured(half, "ms"),
            Measured(max(whole), "ms", "the slowest"),
            target,
        )


def _page(reader: Reader, terms: list[str], after: str | None) -> str | None:
    page = files.page(reader, terms, 100, after)
    json.dumps(as_json(page))
    return page.next


def _pages(page: Callable[[str | None], str | None]) -> list[float]:
    """Return the milliseconds of each page, beginning anew after the last one."""
    taken: list[float] = []
    after = page(None)
    for number in range(_PAGES):
        began = time.perf_counter()
        after = page(after if number else None)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _over_the_socket(house: House, gallery: Gallery) -> Iterator[Figure]:
    """Ask a running daemon, as an application does."""
    whole: list[float] = []
    with Daemon(house), Warden(f"unix:{house.state}/api.sock") as warden:
        for terms in _sorts(gallery).values():
            for number in range(_PAGES + 1):
                began = time.perf_counter()
                list(warden.files(*terms, limit=100))
                if number:
                    whole.append(1000 * (time.perf_counter() - began))
    half = statistics.median(whole)
    yield Figure(
        f"half of all first pages, by the client over the unix socket, {gallery.files:,} files",
        Measured(half, "ms"),
        Measured(max(whole), "ms", "the slowest"),
        Target(f"≤ {_ALLOWED:.0f} ms", half <= _ALLOWED),
    )
