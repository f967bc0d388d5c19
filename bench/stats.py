"""Statistics of a million files and a million calls: what is asked, and what keeping sums takes."""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

from bench.daemon import House, program
from bench.gallery import Gallery
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from bench.search import server
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.stats import BY, stats
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import slices, sums
from storewarden.catalogue.told.sums import DAY_NS, Called
from tests.catalogues import NOW
from tests.servers import postgres

_ALLOWED = 1000.0  # ms
_TIMES = 3  # that each question is asked
_DAYS = 365
_USERS = 10
_IN_FLOW = 50  # files, and calls, of a workflow, by one user
_AT_ONCE = 20_000
_MODELS = (
    *(("openai", "gpt-4o", "USD"), ("openai", "gpt-image-1", "USD"), ("runway", "gen-4", "USD")),
    *(("mistral", "mistral-large", "EUR"), ("ollama", "llama3", "USD")),
)
_DRESS = (
    "UPDATE files SET first_seen_ns = {now} - ({last} - id) * {days} / {last} * {day}",
    (
        "INSERT INTO workflows (id, host_id, name, first_seen_ns, last_seen_ns, created_ns,"
        " started_ns, ended_ns, status)"
        " SELECT id, 1, 'story-' || id, {now}, {now}, {now} - {days} * {day}, {now},"
        " {now} + id * 1000000, 'done' FROM files WHERE id <= {last} / {flow}"
    ),
    "UPDATE facts SET workflow_id = 1 + file_id / {flow} WHERE file_id / {flow} < {last} / {flow}",
    (
        "INSERT INTO users (id, name, created_ns)"
        " SELECT id, 'user-' || id, {now} FROM files WHERE id <= {users}"
    ),
    (
        "INSERT INTO told_files (root_id, directory, name, waiting, file_id, owner_id, workflow_id,"
        " first_told_ns, told_ns) SELECT 1, d.path, f.name, 0, f.id,"
        " 1 + f.id / {flow} % {users}, 1 + f.id / {flow}, {now}, {now}"
        " FROM files f JOIN directories d ON d.id = f.directory_id"
        " WHERE f.id / {flow} < {last} / {flow} AND f.id / {flow} % 2 = 0"
    ),
)


def run(ground: Ground) -> Iterator[Figure]:
    """Fill a catalogue in a file and one on a server, and ask both."""
    house = ground.house("stats", ground.place("root"))
    house.write()
    with closing(open_catalogue("sqlite", house.state, role="bench")) as engine:
        yield from _of(ground, engine, ground.files, "SQLite", targeted=True)
    yield _verb(house, ground.files)
    if postgres.find_programs() is not None:
        with (
            server() as url,
            closing(open_catalogue(url, ground.directory, role="bench")) as engine,
        ):
            yield from _of(ground, engine, ground.files // 5, "PostgreSQL", targeted=False)


def _of(
    ground: Ground, engine: Engine, count: int, where: str, *, targeted: bool
) -> Iterator[Figure]:
    ground.say(f"{count:,} files and {count:,} calls in {where}")
    Gallery(count).fill(engine, words=False)
    with engine.transaction():
        engine.no_time_limit()
        for sql in _DRESS:
            engine.execute(
                sql.format(now=NOW, day=DAY_NS, days=_DAYS, flow=_IN_FLOW, last=count, users=_USERS)
            )
    _call(engine, count)
    engine.checkpoint()
    engine.learn()
    what = f"{where} with {count:,} files and calls"
    began = time.perf_counter()
    stats(Reader(engine, MACHINE, 1, NOW), by="model")
    yield Figure(f"by model, nothing kept yet, {what}", Measured(_ms(began), "ms"))
    yield _kept(engine, what)
    for who, name in ((MACHINE, "the machine"), (Who(3, "user-3"), "a user")):
        reader = Reader(engine, who, 1, NOW)
        for by in (None, *BY):
            yield _asked(reader, by, name, what, targeted=targeted)
    with engine.transaction():
        slices.doubt(engine, [1])
    yield _asked(Reader(engine, MACHINE, 1, NOW), "model", "the machine after a change", what)


def _call(engine: Engine, count: int) -> None:
    """Tell of as many calls, each workflow's on one day and by one user."""
    chance = random.Random(7)  # the same in every run
    columns = ("host_id", "at_ns", "provider", "model", "calls", "cost_nano", "currency")
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        told = [_called(number, (count - number) * _DAYS // count, chance) for number in numbers]
        with engine.transaction():
            engine.no_time_limit()
            rows = [
                (1, one.at_ns, one.provider, one.model, 1, one.cost_nano, one.currency, NOW)
                for one in told
            ]
            engine.insert("api_usage", (*columns, "told_ns"), rows)
            sums.add(engine, 1, told)


def _called(number: int, ago: int, chance: random.Random) -> Called:
    flow = number // _IN_FLOW
    provider, model, currency = _MODELS[number % len(_MODELS)]
    return Called(
        *(NOW - ago * DAY_NS, provider, currency, 1, number % 97 == 0, model),
        workflow=f"story-{flow + 1}",
        user=f"user-{flow % _USERS + 1}",
        tokens_in=chance.randrange(2_000),
        tokens_out=chance.randrange(500),
        cost_nano=chance.randrange(10**9),
        duration_ns=int(chance.lognormvariate(0.5, 0.8) * 1e9),
    )


def _kept(engine: Engine, what: str) -> Figure:
    taken = []
    for number in slices.doubted(engine):
        began = time.perf_counter()
        slices.keep(engine, number)
        taken.append(_ms(began))
    return Figure(
        f"counting {slices.SIZE:,} files and keeping it, {what}",
        Measured(statistics.median(taken), "ms"),
        Measured(max(taken), "ms", "the slowest"),
    )


def _asked(
    reader: Reader, by: str | None, name: str, what: str, *, targeted: bool = False
) -> Figure:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        stats(reader, by=by, limit=None)
        taken.append(_ms(began))
    half = statistics.median(taken)
    target = Target(f"≤ {_ALLOWED:.0f} ms", half <= _ALLOWED) if targeted else None
    asked = f"by {by}" if by else "in all"
    return Figure(
        f"{asked}, for {name}, {what}",
        Measured(half, "ms"),
        Measured(max(taken), "ms", "the slowest"),
        target,
    )


def _verb(house: House, count: int) -> Figure:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        command = [*program(), "stats", "--by", "provider", "--json"]
        subprocess.run(command, env=house.environment, check=True, stdout=subprocess.DEVNULL)
        taken.append(_ms(began))
    return Figure(
        f"the verb from start to end, SQLite with {count:,} files and calls",
        Measured(statistics.median(taken), "ms"),
    )


def _ms(began: float) -> float:
    return 1000 * (time.perf_counter() - began)
