"""However many read the figures, and however slowly: what happens in the roots is recorded."""

import contextlib
import http.client
import os
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storewarden.measure.listener import THREADS
from tests.daemon import Daemon
from tests.trees import burst

SCRAPERS = 50
SLOW = 20
FILES = 1000
WORKERS = 20  # threads of the daemon that answer nobody, at most


class Scraper(threading.Thread):
    """Reads the figures again and again, as fast as it is answered."""

    def __init__(self, port: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port, self._over = port, over
        self.answers: Counter[int] = Counter()

    def run(self) -> None:
        while not self._over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            try:
                connection.request("GET", "/metrics")
                answer = connection.getresponse()
                body = answer.read()
                whole = answer.status != 200 or body.endswith(b"\n")
                self.answers[answer.status if whole else -1] += 1
            except OSError:  # turned away before it asked
                self.answers[0] += 1
            finally:
                connection.close()


def threads(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/task"))


@pytest.mark.timeout(120)
def test_fifty_scrapers_and_a_slow_loris_disturb_no_recording(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with Daemon(tmp_path / "daemon", {"uploads": root}) as daemon:
        port = urlsplit(str(daemon.told("metrics are served")[-1]["url"])).port
        assert port is not None
        over = threading.Event()
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(SLOW)]
        for one in slow:
            one.send(b"GET /metrics HTTP/1.1\r\nX: ")  # and never the rest
        scrapers = [Scraper(port, over) for _ in range(SCRAPERS)]
        for scraper in scrapers:
            scraper.start()

        burst(root / "many", FILES)
        most = 0
        deadline = time.monotonic() + 60
        while daemon.count() < FILES:
            assert time.monotonic() < deadline, f"{daemon.count()} recorded; {daemon.said()}"
            most = max(most, threads(daemon))
            for one in slow:
                with contextlib.suppress(OSError):  # it was dropped by now
                    one.send(b"x")
            time.sleep(0.2)
        over.set()
        for scraper in scrapers:
            scraper.join(30)
        daemon.settled()
        daemon.until(lambda: daemon.get("/metrics")[0] == 200, "who asks once is answered", 30)
        for one in slow:
            one.close()

        answers = sum((scraper.answers for scraper in scrapers), Counter())
        assert set(answers) <= {0, 200, 503}, answers
        assert answers[200] > 0, answers
        assert most <= THREADS + WORKERS
        assert daemon.get("/healthz")[0] == 200
        assert daemon.metric('overflows_total{root="uploads"}') == 0
        assert daemon.metric('worker_stuck{worker="recorder"}') == 0
