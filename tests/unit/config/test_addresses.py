"""Addresses that are taken, and how they come out; those refused are in test_messages."""

import pytest

from storewarden.config.addresses import (
    catalogue_address,
    listen_address,
    reached_from_outside,
)
from storewarden.config.schema import Listen
from storewarden.config.secret import redacted


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sqlite", "sqlite"),
        ("sqlite:///var/lib/x.db", "sqlite:///var/lib/x.db"),
        ("sqlite:////var/lib/x.db", "sqlite:///var/lib/x.db"),
        ("postgres://me@db/x", "postgresql://me@db/x"),
        ("postgresql:///x", "postgresql:///x"),
        ("postgresql:///?host=/run/pg&dbname=x", "postgresql:///?host=/run/pg&dbname=x"),
        ("postgresql://me:p%40ss@[::1]:5433/x", "postgresql://me:p%40ss@[::1]:5433/x"),
        ("postgresql://a:1,b:2/x", "postgresql://a:1,b:2/x"),
    ],
)
def test_a_catalogue_is_somewhere(text: str, address: str) -> None:
    assert catalogue_address(text) == address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9747", "127.0.0.1", 9747),
        ("127.0.0.2:0", "127.0.0.2", 0),
        ("localhost:80", "127.0.0.1", 80),
        ("[::1]:65535", "::1", 65535),
        ("none", "127.0.0.1", None),
    ],
)
def test_a_server_listens_on_loopback(text: str, host: str, port: int | None) -> None:
    read = listen_address(text)

    assert read == Listen(host, port)
    assert not reached_from_outside(read)
    assert listen_address(str(read)) == read


def test_a_server_listens_at_a_name_in_the_file_system() -> None:
    read = listen_address("unix:/run/storewarden/http.sock")

    assert read == Listen("", None, b"/run/storewarden/http.sock")
    assert not reached_from_outside(read)
    assert listen_address(str(read)) == read


@pytest.mark.parametrize("text", ["0.0.0.0:9747", "[::]:9747", "192.168.0.1:80"])
def test_other_machines_may_reach_other_addresses(text: str) -> None:
    assert reached_from_outside(listen_address(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:secret@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me:se/cr@et@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me@db:5432/x", "postgresql://me@db:5432/x"),
        (
            "postgresql://db/x?user=me&password=secret&a=b",
            "postgresql://db/x?user=me&password=***&a=b",
        ),
        ("host=db password='se cret' user=me", "host=db password=*** user=me"),
        ("sslpassword = secret", "sslpassword = ***"),
        ("/plain/path:with@signs", "/plain/path:with@signs"),
    ],
)
def test_what_is_secret_is_struck_out(text: str, shown: str) -> None:
    assert redacted(text) == shown
