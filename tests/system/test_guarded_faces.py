"""The pages of a real daemon behind TLS and a password, at a socket, and at one from systemd."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.missing import program
from tests.web import NAME, PASSWORD, web_file

SECONDS = 20.0
WHO = ["--user", f"{NAME}:{PASSWORD}"]


@contextmanager
def daemon(place: Path, http: str, *, handed: socket.socket | None = None) -> Iterator[str]:
    """Run a daemon until it is ready; yield what it logged until then."""
    (place / "outputs").mkdir()
    config = f"state: ./state\nhttp: {http}\nroots: {{outputs: ./outputs}}\n"
    (place / "storewarden.yaml").write_text(config)
    code = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid());"
    code += "from storewarden.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "run"]

    def third() -> None:
        if handed is not None:
            os.dup2(handed.fileno(), 3, inheritable=True)

    log = place / "log"
    with log.open("w") as told:
        process = subprocess.Popen(
            words,
            cwd=place,
            stderr=told,
            env={**os.environ, "LISTEN_FDS": "0" if handed is None else "1"},
            close_fds=handed is None,
            preexec_fn=third,  # noqa: PLW1509  # no thread runs here
        )
    try:
        end = time.monotonic() + SECONDS
        while " ready " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        yield log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0, log.read_text()


def curl(*words: str) -> str:
    """Return the status that curl is answered with."""
    asked = [program("curl"), "-s", "-o", os.devnull, "-w", "%{http_code}", *words]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout


def url_in(log: str) -> str:
    return log.split(" http=", 1)[1].split(maxsplit=1)[0]


def test_tls_and_a_password(tmp_path: Path) -> None:
    web_file(tmp_path)
    with daemon(tmp_path, "{listen: '127.0.0.1:0', web_config: web.yml}") as log:
        url, trust = url_in(log), ["--cacert", str(tmp_path / "server.pem")]

        assert url.startswith("https://127.0.0.1:")
        assert curl(*trust, *WHO, f"{url}/metrics") == "200"
        assert curl(*trust, f"{url}/metrics") == "401"
        assert curl(*trust, "--user", f"{NAME}:wrong", f"{url}/readyz") == "401"
        assert curl(*WHO, f"{url}/metrics") == "000"  # nobody vouches for the certificate
        assert PASSWORD not in log


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with daemon(tmp_path, f"{{listen: 'unix:{path}'}}") as log:
        assert url_in(log) == f"unix:{path}"
        assert curl("--unix-socket", str(path), "http://storewarden/readyz") == "200"

    assert not path.exists()


def test_a_socket_from_systemd_is_taken_and_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX) as given:
        given.bind(os.fspath(path))
        given.listen()
        with daemon(tmp_path, "{listen: none}", handed=given) as log:
            assert url_in(log) == f"unix:{path}"
            assert curl("--unix-socket", str(path), "http://storewarden/healthz") == "200"

        assert path.is_socket()
        # a scrape that comes while it starts anew waits for the next one: it was refused
        with socket.socket(socket.AF_UNIX) as scrape:
            scrape.connect(os.fspath(path))
        given.settimeout(1)
        given.accept()[0].close()


def test_a_socket_from_systemd_that_others_reach_needs_a_guard_as_well(tmp_path: Path) -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as given,
        pytest.raises(AssertionError, match="other machines reach it"),
        daemon(tmp_path, "{listen: none}", handed=given),
    ):
        pass


@pytest.mark.parametrize(
    ("web", "told"),
    [
        ("basic_auth_users: {ann: geheim}\n", "web.yml:1:25: basic_auth_users.ann: is no bcrypt"),
        ("tls_server_config: {cert_file: a, key_file: b}\n", "No such file or directory"),
    ],
)
def test_a_web_configuration_that_is_wrong_keeps_it_from_starting(
    tmp_path: Path, web: str, told: str
) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "web.yml").write_text(web)
    (tmp_path / "storewarden.yaml").write_text(
        "state: ./state\nhttp: {listen: '127.0.0.1:0', web_config: web.yml}\n"
        "roots: {outputs: ./outputs}\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "storewarden", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode in {1, 2}
    assert told in done.stderr
    assert "geheim" not in done.stderr
