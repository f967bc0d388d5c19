"""What every test may ask for: golden files, and PostgreSQL and S3 as real servers."""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import peewee  # noqa: F401  # first, with every driver: a SQLite catalogue would leave some out
import pytest
from hypothesis import Phase, settings

from tests.missing import missing
from tests.servers import postgres, swift
from tests.servers.shared import RUN, Run

# Explaining why an example fails runs it with every line traced: with policies that took longer
# than a test may take, and only the time-out was told, not what failed.
settings.register_profile("ours", phases=tuple(phase for phase in Phase if phase != Phase.explain))
settings.load_profile("ours")

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our own options to pytest."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/golden/ with what the code says now, to be read in the diff",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the run, or enter the one this worker belongs to."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is None:
        config.stash[RUN] = Run.begin()
    else:
        config.stash[RUN] = Run(Path(workerinput["run_directory"]), workerinput["run_owner"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    run: Run = node.config.stash[RUN]  # type: ignore[attr-defined]  # xdist publishes no types
    node.workerinput |= {  # type: ignore[attr-defined]
        "run_directory": str(run.directory),
        "run_owner": run.owner,
    }


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers where the run began."""
    run = config.stash.get(RUN, None)
    if run is not None and run.owner == os.getpid():
        run.end()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back what verbs that are run in this process say of logging: others read the log."""
    root, ours = logging.getLogger(), logging.getLogger("storewarden")
    before = (root.level, ours.level, threading.excepthook)
    yield
    for handler in root.handlers[:]:
        if getattr(handler, "ours", False):  # the others are pytest's
            root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])
    threading.excepthook = before[2]
    logging.captureWarnings(capture=False)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with tests/golden/NAME: `golden("errors.txt", text)`."""
    update = request.config.getoption("--update-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        expected = path.read_text() if path.exists() else ""
        assert expected == text, f"differs from tests/golden/{name}; --update-golden rewrites it"

    return compare


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """A PostgreSQL server's URL; one server for the whole run, shared by all workers."""
    if given := os.environ.get("STOREWARDEN_TEST_POSTGRES"):
        return given
    return request.config.stash[RUN].server("postgres", postgres.start).url


@pytest.fixture(scope="session")
def s3_url(request: pytest.FixtureRequest) -> str:
    """An S3 server's URL; one server for the whole run, shared by all workers."""
    if given := os.environ.get("STOREWARDEN_TEST_S3"):
        return given
    return request.config.stash[RUN].server("swift", swift.start).url


@pytest.fixture
def postgres_database(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database for this test alone."""
    try:
        import psycopg
    except ImportError:
        missing("psycopg", "make setup")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    test = re.sub(r"\W+", "_", request.node.name.lower())[:30]
    name = f"storewarden_{os.getpid()}_{worker}_{test}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        try:
            yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
