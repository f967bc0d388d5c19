"""A daemon that is played: it takes what verbs ask of it out of the catalogue, and answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storewarden.catalogue import requests
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.lease import Lease
from tests.unit.cli.conftest import NOW

Answer = Callable[[requests.Request], tuple[dict[str, Any], bool]]


@contextmanager
def played(lease: Lease, state: Path, answer: Answer) -> Iterator[list[requests.Request]]:
    """A daemon that answers every request in its own way, and the requests it got."""
    got: list[requests.Request] = []
    stop = threading.Event()

    def serve() -> None:
        engine = open_catalogue("sqlite", state, role="played")
        while not stop.wait(0.01):
            request = requests.take_next(engine, lease.epoch, NOW)
            if request is not None:
                got.append(request)
                requests.progress(engine, request.id, {"files": 2})
                outcome, failed = answer(request)
                requests.finish(engine, request.id, outcome, NOW, failed=failed)
        engine.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield got
    finally:
        stop.set()
        thread.join()
