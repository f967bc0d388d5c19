"""Who only reads has one connection a thread, and gives it to the next."""

from __future__ import annotations

import threading

from storewarden.catalogue.readers import Readers


class Connection:
    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


def test_a_thread_keeps_its_connection_until_it_gives_it_back() -> None:
    readers = Readers(Connection)

    assert readers.is_closed()
    assert readers.connect(reuse_if_open=True)
    first = readers.connection()
    assert not readers.connect(reuse_if_open=True)
    readers.close()
    assert readers.is_closed()
    assert readers.connect(reuse_if_open=True)
    assert readers.connection() is first


def test_threads_have_connections_of_their_own() -> None:
    readers = Readers(Connection)
    readers.connect(reuse_if_open=True)
    others: list[object] = []

    def read() -> None:
        readers.connect(reuse_if_open=True)
        others.append(readers.connection())
        readers.close()

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()

    assert others != [readers.connection()]


def test_idle_connections_are_closed_and_those_in_use_are_not() -> None:
    readers = Readers(Connection)
    readers.connect(reuse_if_open=True)
    idle = readers.connection()
    readers.close()
    readers.close_idle()
    readers.connect(reuse_if_open=True)
    used = readers.connection()
    readers.close_idle()

    assert (idle.open, used.open) == (False, True)
    readers.manual_close()
    assert (used.open, readers.is_closed()) == (False, True)
