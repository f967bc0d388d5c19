"""Sockets: an address, a name in the file system, and one that systemd hands over."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.config.schema import Listen
from storewarden.errors import StorewardenError
from storewarden.measure.listening import handed_over, left, opened, shown


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with opened(Listen(port=0)) as made:
        yield made


def at(path: Path) -> Listen:
    return Listen("", None, os.fsencode(path))


def test_a_port_that_is_taken_names_who_to_ask(taken: socket.socket) -> None:
    port = taken.getsockname()[1]

    with pytest.raises(StorewardenError) as caught:
        opened(Listen(port=port))
    assert str(caught.value) == (
        f"metrics cannot be served: 127.0.0.1:{port}: Address already in use; "
        f"`ss -ltnp 'sport = :{port}'` names who has it; "
        "http.listen in the configuration takes another"
    )


def test_an_address_that_is_not_ours_says_so() -> None:
    with pytest.raises(StorewardenError, match="no interface of this machine"):
        opened(Listen("203.0.113.1", 0))


def test_ipv6_loopback() -> None:
    try:
        made = opened(Listen("::1", 0))
    except StorewardenError:
        pytest.skip("no IPv6 here")
    with made:
        assert shown(made, tls=False).startswith("http://[::1]:")


def test_a_socket_in_the_file_system_is_for_its_group_and_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"

    with opened(at(path)) as made:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert shown(made, tls=False) == f"unix:{path}"
        left(made)

    assert not path.exists()


def test_a_socket_that_a_killed_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    opened(at(path)).close()
    assert path.is_socket()

    with opened(at(path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(path))


def test_a_socket_of_another_daemon_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with opened(at(path)):
        with pytest.raises(StorewardenError, match="Address already in use; `ss -lxp src"):
            opened(at(path))
        assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "http.sock"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")

    with pytest.raises(StorewardenError, match="Address already in use"):
        opened(at(path))
    assert path.is_symlink() or path.exists()


def test_a_directory_that_is_not_there_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(StorewardenError, match="make the directory it lies in"):
        opened(at(tmp_path / "none" / "http.sock"))


def test_nobody_else_is_told_of_sockets_that_were_handed_over() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http", "HOME": "/"}

    assert handed_over(environ) is None
    assert environ == {"HOME": "/"}


def test_two_sockets_are_one_too_many() -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}

    with pytest.raises(StorewardenError, match="2 sockets were handed over"):
        handed_over(environ)


SAY = """
import os
from storewarden.errors import StorewardenError
from storewarden.measure.listening import handed_over
os.environ["LISTEN_PID"] = str(os.getpid())
try:
    taken = handed_over()
except StorewardenError as error:
    print(error)
else:
    print(taken.getsockname()[1], taken.get_inheritable(), sorted(set(os.environ) & {"LISTEN_FDS"}))
"""


def handed(descriptor: int) -> str:
    """Return what a process says that was started with a descriptor as systemd hands it over."""

    def third() -> None:
        os.dup2(descriptor, 3, inheritable=True)

    done = subprocess.run(
        [sys.executable, "-c", SAY],
        env={**os.environ, "LISTEN_FDS": "1"},
        preexec_fn=third,
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_socket_that_systemd_hands_over_is_taken(taken: socket.socket) -> None:
    assert handed(taken.fileno()) == f"{taken.getsockname()[1]} False []"


def test_what_nobody_connects_to_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert handed(file.fileno()).startswith("the socket that systemd hands over cannot be used")
    with socket.socket() as idle:
        assert "none that connections come to" in handed(idle.fileno())
