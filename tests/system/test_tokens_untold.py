"""A token is told once, to whoever asked for it, and found nowhere afterwards."""

from __future__ import annotations

import base64
import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storewarden.client import Warden
from storewarden.errors import StorewardenError
from tests.asking import Api
from tests.daemon import Daemon
from tests.everyone import Interface, World, ask

ADDRESS = "metrics are served"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A user, an administrator and one who was disabled, at a daemon that says all that it can."""
    base = tmp_path_factory.mktemp("tokens")
    (base / "out").mkdir()
    settings = {"log": {"level": "debug"}, "api": {"loopback_without_token": "none"}}
    with Daemon(base, {"out": base / "out"}, settings=settings) as daemon:
        world = World(daemon)
        world.user("ada")
        world.user("root", "admin")
        world.user("gone")
        daemon.verb("user", "disable", "gone")
        yield world


def disguises(token: str) -> list[bytes]:
    """Return what a token's secret may look like: itself, its bytes, and what is made of them."""
    secret = token.split("_", 2)[2]
    raw = base64.urlsafe_b64decode(secret + "=")
    whole = token.encode()
    basic = base64.b64encode(whole)
    return [secret.encode(), raw, raw.hex().encode(), basic[3:-4], secret[:20].encode()]


def found(tokens: list[str], *texts: bytes) -> list[str]:
    return [
        token.split("_")[1]
        for token in tokens
        for secret in disguises(token)
        for text in texts
        if secret in text
    ]


def everything_below(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_token_is_in_no_log_no_error_no_metric_and_no_byte_of_the_state(world: World) -> None:
    daemon, tokens = world.daemon, list(world.tokens.values())
    address = urlsplit(str(daemon.told(ADDRESS)[-1]["url"])).netloc
    told: list[bytes] = []
    with world.api("root") as root:
        body = {"label": "over HTTP"}
        given = root("POST", "/users/ada/tokens", body, Idempotency_Key="once-and-never-again")
        assert given.status == 201
        tokens.append(given.json["token"])
        told.append(root("GET", "/users/ada").body)
    for who in world.tokens:
        with world.api(who) as api:
            told += [ask(api, one).body.encode() for one in Interface(world).questions()]
            told += [
                ask(api, one).body.encode() for one in Interface(world).sayings() if who != "root"
            ]
        with Api(address, world.tokens[who]) as api:
            told.append(api("GET", "/users/me").body)
            token = api.token
            told.append(api("GET", f"/files/{token}").body)
            told.append(api("GET", f"/search?q={token}&limit=0").body)
            told.append(api("GET", f"/{token}").body)
            told.append(api("POST", "/usage", {"provider": 7, "cost": "much"}).body)
            for header in (f"Bearer {token}x", f"Basic {token}", token, f"Bearer {token} {token}"):
                told.append(api("GET", "/users/me", Authorization=header).body)
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        told.append(answer.read())
    for words in (("status", "--json"), ("user", "show", "ada"), ("user", "list", "--json")):
        ran = daemon.verb(*words)
        told += [ran.stdout.encode(), ran.stderr.encode()]
    for line in (["show", tokens[0]], ["user", "revoke", "ada", tokens[1]], ["search", tokens[0]]):
        told.append(daemon.verb(*line).stderr.encode())

    assert len(told) > 200
    assert found(tokens, *told) == []
    assert found(tokens, daemon.log_file().read_bytes()) == []
    state = everything_below(daemon.state)
    assert any(path.name == "catalogue.db" for path in state)
    assert found(tokens, *state.values()) == []
    daemon.until(lambda: any("last_used" in one for one in _tokens(world, "ada")), "it was noted")


def test_a_client_does_not_show_its_token(world: World, tmp_path: Path) -> None:
    address = urlsplit(str(world.daemon.told(ADDRESS)[-1]["url"])).netloc
    token = world.tokens["ada"]
    (tmp_path / "token").write_text(token)
    shown: list[object] = []
    for warden in (
        Warden(f"http://{address}", token=token),
        Warden(f"http://{address}", token_file=tmp_path / "token"),
        Warden(f"http://{address}", token=world.tokens["gone"]),
    ):
        with warden:
            try:
                shown.append(list(warden.workflows()))
            except StorewardenError as error:
                shown += [error, vars(error), error.args]
            shown += [warden, warden._backend]
    told = "\n".join(f"{one} {one!r}" for one in shown)
    assert "the token is not known here" in told
    assert found(list(world.tokens.values()), told.encode()) == []


def _tokens(world: World, name: str) -> list[dict[str, object]]:
    ran = world.daemon.verb("user", "show", name, "--json")
    tokens: list[dict[str, object]] = json.loads(ran.stdout)["tokens"]
    return tokens


def test_a_token_is_in_no_list_of_processes(world: World, tmp_path: Path) -> None:
    """While it is made for a file, and while the daemon serves whoever shows it."""
    seen: list[bytes] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for place in Path("/proc").iterdir():
                if place.name.isdecimal():
                    try:
                        seen.append((place / "cmdline").read_bytes())
                    except OSError:
                        continue
            over.wait(0.005)

    watching = threading.Thread(target=look)
    watching.start()
    try:
        made = world.daemon.verb("user", "token", "ada", "--to", str(tmp_path / "token"))
        assert made.returncode == 0
        token = (tmp_path / "token").read_text().strip()
        with Api(world.daemon.state / "api.sock", token) as api:
            assert api("GET", "/users/me").status == 200
    finally:
        over.set()
        watching.join()
    assert any(b"user\0token\0ada" in line for line in seen)
    assert found([token, *world.tokens.values()], *set(seen)) == []
    assert os.stat(tmp_path / "token").st_mode & 0o077 == 0
    assert found([token], made.stdout.encode(), made.stderr.encode()) == []
