"""Applications speak to a real daemon over its socket and its address, and it keeps its word."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import pytest
from PIL import Image

from tests.asking import Api
from tests.daemon import Daemon
from tests.web import web_file


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    base = tmp_path_factory.mktemp("http")
    root = base / "out"
    root.mkdir()
    Image.new("RGB", (64, 48), "navy").save(root / "here.png")
    with Daemon(base, {"out": root}, settings={"api": {"loopback_without_token": "read"}}) as one:
        yield one


@pytest.fixture
def api(daemon: Daemon) -> Iterator[Api]:
    asking = Api(daemon.state / "api.sock")
    yield asking
    asking.close()


def address(daemon: Daemon) -> str:
    return urlsplit(str(daemon.told("metrics are served")[-1]["url"])).netloc


def token(daemon: Daemon, name: str, *scopes: str) -> str:
    assert daemon.verb("user", "add", name).returncode == 0
    asked = daemon.verb("user", "token", name, "--scope", ",".join(scopes), "--json")
    return str(json.loads(asked.stdout)["token"])


def here(daemon: Daemon, name: str = "here.png") -> str:
    return f"{daemon.root().decode()}/{name}"


def test_what_is_told_is_asked_for_on_the_same_connection(daemon: Daemon, api: Api) -> None:
    phases = [{"name": "script", "status": "done"}, {"name": "images", "status": "running"}]
    made = api("PUT", "/workflows/trailer", {"title": "Trailer", "phases": phases})
    again = api("PUT", "/workflows/trailer", {"status": "running"})
    scene = api("PUT", "/workflows/trailer/scenes/1", {"number": 1, "prompt": "a harbour"})
    file = api(
        "POST",
        "/files",
        {"path": here(daemon), "workflow": "trailer", "scene": "1", "metadata": {"style": "noir"}},
    )

    assert [made.status, again.status, scene.status] == [201, 200, 201]
    assert file.status in {200, 201}  # other tests tell of it, too
    assert file.json["file"] == api.file(here(daemon)).json["id"]
    workflow = api("GET", "/workflows/trailer").json
    assert (workflow["title"], workflow["status"]) == ("Trailer", "running")
    assert [phase["name"] for phase in workflow["phases"]] == ["script", "images"]
    told = api.file(here(daemon)).json
    assert (told["workflow"], told["scene"], told["metadata"]) == (
        "trailer",
        "1",
        {"style": "noir"},
    )
    found = api("GET", "/files?term=workflow%3Dtrailer&term=kind%3Dimage").json["files"]
    assert [one["place"] for one in found] == [here(daemon)]
    assert api("GET", "/workflows/trailer/scenes").json["scenes"][0]["prompt"] == "a harbour"
    assert api("GET", "/workflows/trailer/scenes/1").json["number"] == 1


def test_texts_chats_and_costs_are_kept_with_a_file(daemon: Daemon, api: Api) -> None:
    path = here(daemon)
    api("POST", "/texts", {"path": path, "text": "the lighthouse keeper waves", "language": "en"})
    api("POST", "/chats", {"path": path, "question": "who waves?", "answer": "the keeper"})
    cost = {"provider": "openai", "cost": "0.000000001", "path": path, "duration": 0.5}
    api("POST", "/usage", cost)

    assert api.file(path, "/texts").json["texts"][0]["language"] == "en"
    assert api.file(path, "/chats").json["chats"][0]["answer"] == "the keeper"
    assert api("GET", "/usage?provider=openai").json["usage"][0]["cost"] == "0.000000001"
    hits = api("GET", "/search?q=lighthouse").json["hits"]
    assert [hit["file"]["place"] for hit in hits] == [path]
    rows = api("GET", "/stats?by=provider").json["rows"]
    assert "openai" in {row["name"] for row in rows}


def test_why_and_history_of_a_file_are_told(daemon: Daemon, api: Api) -> None:
    api("POST", "/pins", {"path": "out/here.png"})

    assert api.file("out/here.png").json["pinned"] is True
    why = api.file("out/here.png", "/why", **{"not": "trash"}).json
    assert why["path"] == "here.png"
    assert why["not"]["action"] == "trash"
    assert api.file("out/here.png", "/history").json["history"][0]["what"] == "pinned"


def test_several_deeds_are_kept_together_or_not_at_all(daemon: Daemon, api: Api) -> None:
    good: list[dict[str, Any]] = [
        {"deed": "workflow", "workflow": "together"},
        {"deed": "scene", "workflow": "together", "scene": "1"},
    ]
    bad = {"deed": "file", "path": "/nowhere/at/all.png"}

    refused = api("POST", "/deeds", {"deeds": [*good, bad]})
    assert (refused.status, refused.pointers) == (422, ["/deeds/2/path"])
    assert api("GET", "/workflows/together").status == 404

    kept = api("POST", "/deeds", {"deeds": good})
    assert [one["what"] for one in kept.json["done"]] == ["workflow", "scene"]
    assert api("GET", "/workflows/together").status == 200


def test_a_request_with_a_key_is_carried_out_once(daemon: Daemon, api: Api) -> None:
    cost = {"provider": "once", "cost": 1}
    first = api("POST", "/usage", cost, Idempotency_Key="k-1")
    second = api("POST", "/usage", cost, Idempotency_Key="k-1")
    other = api("POST", "/usage", cost | {"cost": 2}, Idempotency_Key="k-1")
    wrong = api("POST", "/usage", cost, Idempotency_Key="with space")

    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert second.headers["idempotency-replayed"] == "true"
    assert (other.status, other.pointers) == (422, ["/Idempotency-Key"])
    assert (wrong.status, wrong.pointers) == (422, ["/Idempotency-Key"])
    assert len(api("GET", "/usage?provider=once").json["usage"]) == 1


def test_one_key_that_comes_from_many_at_once_counts_once(daemon: Daemon) -> None:
    answers: list[bytes] = []

    def tell() -> None:
        one = Api(daemon.state / "api.sock")
        said = {"provider": "crowd"}
        answers.append(one("POST", "/usage", said, Idempotency_Key="same").body)
        one.close()

    crowd = [threading.Thread(target=tell) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1
    asking = Api(daemon.state / "api.sock")
    assert len(asking("GET", "/usage?provider=crowd").json["usage"]) == 1
    asking.close()


def test_a_workflow_may_have_to_be_new_or_to_be_there(daemon: Daemon, api: Api) -> None:
    assert api("PUT", "/workflows/must", {}, If_Match="*").status == 404
    assert api("PATCH", "/workflows/must", {"title": "x"}).status == 404
    assert api("PUT", "/workflows/must", {}, If_None_Match="*").status == 201
    assert api("PUT", "/workflows/must", {}, If_None_Match="*").status == 409
    assert api("PUT", "/workflows/must", {}, If_Match="*").status == 200
    assert api("PUT", "/workflows/must", {}, If_Match='"v1"').pointers == ["/If-Match"]


def test_lists_are_paged_by_key(daemon: Daemon, api: Api) -> None:
    names = [f"page-{number}" for number in range(5)]
    for name in names:
        api("PUT", f"/workflows/{name}", {})

    seen, after = [], ""
    while True:
        page = api("GET", f"/workflows?limit=2{after}").json
        seen += [one["workflow"] for one in page["workflows"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert [name for name in seen if name.startswith("page-")] == names[::-1]
    assert len(set(seen)) == len(seen)
    assert api("GET", "/workflows?after=nonsense").status == 422


@pytest.mark.parametrize(
    ("method", "path", "said", "status", "kind"),
    [
        ("GET", "/nothing", None, 404, "not-there"),
        ("GET", "/workflows/nobody", None, 404, "not-there"),
        ("GET", "/files/999999", None, 404, "not-there"),
        ("GET", f"/files/{'9' * 400}", None, 404, "not-there"),
        ("DELETE", "/files/1", None, 405, "no-such-method"),
        ("GET", "/files?limit=0", None, 422, "wrong"),
        ("GET", "/files?limit=1&limit=2", None, 422, "wrong"),
        ("GET", "/files?colour=red", None, 422, "wrong"),
        ("GET", "/files?term=size%3Ebig", None, 422, "wrong"),
        ("GET", "/files/1/why?not=explode", None, 422, "wrong"),
        ("GET", "/events?event=exploded", None, 422, "wrong"),
        ("GET", "/stats?by=colour", None, 422, "wrong"),
        ("POST", "/files", {"path": "/nowhere/x.png"}, 422, "wrong"),
        ("POST", "/files", {}, 422, "wrong"),
        ("POST", "/files", [], 422, "wrong"),
        ("POST", "/deeds", {"deeds": []}, 422, "wrong"),
        ("POST", "/deeds", {"deeds": [{"deed": "flie"}]}, 422, "wrong"),
        ("PUT", "/workflows/a", {"workflow": "b"}, 422, "wrong"),
        ("GET", "/users", None, 403, "not-allowed"),
        ("POST", "/users", {"name": "eve"}, 403, "not-allowed"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    api: Api, method: str, path: str, said: Any, status: int, kind: str
) -> None:
    told = api(method, path, said)

    assert (told.status, told.kind) == (status, kind)
    assert told.json["status"] == status
    assert told.json["title"]


def test_a_body_that_is_no_json_is_refused(api: Api) -> None:
    target = "/api/v1/files"
    json_type = {"Content-Type": "application/json"}

    assert api.raw("POST", target, b"a=b", {"Content-Type": "text/plain"}).kind == "no-json"
    assert api.raw("POST", target, b"{}", {}).kind == "no-json"
    for broken in (b"", b"{", b"\xff", b"NaN", b"[" * 100_000, b"1" * 10_000):
        assert api.raw("POST", target, broken, json_type).kind in {"malformed", "wrong"}
    assert api("GET", "/workflows").status == 200  # on the same connection


def test_a_body_that_is_too_large_is_refused_before_it_is_read(daemon: Daemon, api: Api) -> None:
    told = api.raw(
        "POST",
        "/api/v1/files",
        None,
        {"Content-Type": "application/json", "Content-Length": "99999999999"},
    )

    assert (told.status, told.kind) == (413, "too-large")
    assert told.headers["connection"] == "close"


def test_from_this_machine_one_may_read_without_a_token_where_that_is_allowed(
    daemon: Daemon,
) -> None:
    asking = Api(address(daemon))

    assert asking("GET", "/workflows").status == 200
    assert asking("POST", "/files", {"path": here(daemon)}).kind == "not-allowed"
    # a proxy on this machine speaks for others, and a page of a stranger has another Host
    assert asking("GET", "/workflows", X_Forwarded_For="203.0.113.5").kind == "not-known"
    assert asking("GET", "/workflows", Host="evil.example").kind == "not-known"
    assert asking("GET", "/workflows", Authorization="Basic eDp5").kind == "not-known"
    asking.close()


def test_a_token_is_known_until_it_is_revoked(daemon: Daemon) -> None:
    reads, admin = token(daemon, "reader", "read"), token(daemon, "boss", "admin")
    reader, boss = Api(address(daemon), reads), Api(address(daemon), admin)

    assert reader("GET", "/users/me").json["scopes"] == ["read"]
    assert reader("POST", "/files", {"path": here(daemon)}).kind == "not-allowed"
    assert {"boss", "reader"} <= {one["name"] for one in boss("GET", "/users").json["users"]}
    given = boss("POST", "/users/reader/tokens", {"scopes": ["read"], "label": "second"})
    assert given.status == 201
    second = Api(address(daemon), given.json["token"])
    assert second("GET", "/users/me").json["name"] == "reader"
    assert boss("DELETE", f"/users/reader/tokens/{given.json['id']}").status == 204
    assert second("GET", "/users/me").kind == "not-known"
    assert boss("PATCH", "/users/reader", {"disabled": True}).status == 200
    assert reader("GET", "/users/me").kind == "not-known"
    assert boss("PUT", "/users/reader/quota", {"quota_files": 5}).json["quota_files"] == 5
    for one in (reader, boss, second):
        one.close()
    log = daemon.log_file().read_text()
    for secret in (reads, admin, given.json["token"]):
        assert secret.split("_")[2] not in log


def test_what_is_not_ones_own_is_not_there(daemon: Daemon, api: Api) -> None:
    eve = Api(address(daemon), token(daemon, "eve", "read", "write"))
    api("PUT", "/workflows/secret", {"title": "mine"})

    assert eve("GET", "/workflows/secret").body == eve("GET", "/workflows/secret").body
    hidden, absent = eve("GET", "/workflows/secret"), eve("GET", "/workflows/absent")
    assert hidden.body.replace(b"secret", b"absent") == absent.body
    assert eve("GET", "/files").json["files"] == []
    eve.close()


def test_events_flow_from_where_one_left_off(daemon: Daemon) -> None:
    connection = Api(daemon.state / "api.sock").connection
    connection.request("GET", "/api/v1/events?last_event_id=start&event=created")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")

    Image.new("RGB", (8, 8)).save(here(daemon, "new.png"))
    heard: list[dict[str, Any]] = []
    while not any(one["file"]["path"] == "new.png" for one in heard):
        line = answer.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            heard.append(json.loads(line[6:]))
    assert heard[0]["file"]["path"] == "here.png"
    connection.close()


def test_the_document_names_every_route_and_is_served_to_all(daemon: Daemon) -> None:
    asking = Api(address(daemon))
    document = asking("GET", "/openapi.json").json

    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/files"]["post"]["operationId"] == "tell_file"
    page = asking("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    for path in document["paths"]:
        assert f"/api/v1{path}" in page.body.decode()
    asking.close()


def test_other_pages_are_served_beside(daemon: Daemon) -> None:
    asking = http.client.HTTPConnection(address(daemon), timeout=10)
    asking.request("GET", "/healthz")

    assert asking.getresponse().status == 200
    asking.close()


def test_a_daemon_that_stops_answers_what_is_under_way_and_frees_its_name(tmp_path: Path) -> None:
    root = tmp_path / "a"
    root.mkdir()
    with Daemon(tmp_path / "d", {"a": root}) as daemon:
        path = daemon.state / "api.sock"
        idle, listening = Api(path), Api(path)
        assert idle("GET", "/workflows").status == 200
        listening.connection.request("GET", "/api/v1/events")
        flow = listening.connection.getresponse()
        assert daemon.stop(5.0) == 0
        assert flow.read().startswith(b"retry: ")  # it ended in order
        assert not path.exists()
        idle.close()
        listening.close()


def test_a_socket_has_the_name_that_is_wanted_however_long(tmp_path: Path) -> None:
    root, deep = tmp_path / "a", tmp_path / ("x" * 120)
    root.mkdir()
    deep.mkdir()
    settings = {"api": {"socket": str(deep / "s"), "socket_without_token": "read"}}
    with Daemon(tmp_path / "d", {"a": root}, settings=settings) as daemon:
        asking = Api(deep / "s")
        assert asking("GET", "/workflows").status == 200
        assert asking("PUT", "/workflows/a", {}).kind == "not-allowed"
        daemon.configure(api=settings["api"] | {"socket_without_token": "none"})
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: asking("GET", "/workflows").status == 401, "it is taken over")
        asking.close()
        daemon.kill()  # leaves the name behind
        daemon.start()
        again = Api(deep / "s")
        assert again("GET", "/workflows").status == 401
        again.close()


def test_without_a_socket_nothing_is_listened_at(tmp_path: Path) -> None:
    root = tmp_path / "a"
    root.mkdir()
    settings = {"api": {"socket": "none"}}
    with Daemon(tmp_path / "d", {"a": root}, settings=settings) as daemon:
        assert not (daemon.state / "api.sock").exists()
        assert daemon.told("applications are served") == []


def test_who_says_half_a_request_is_told_so(daemon: Daemon) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(15)
        one.connect(str(daemon.state / "api.sock"))
        one.sendall(b"GET /api/v1/workflows HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 400 ")


def test_over_tls_a_token_is_all_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    web = os.fsdecode(web_file(tmp_path))
    http_ = {"listen": "127.0.0.1:0", "web_config": web}
    with Daemon(tmp_path / "d", {"a": tmp_path / "a"}, settings={"http": http_}) as daemon:
        secret = token(daemon, "far", "read", "write")
        trusted = ssl.create_default_context(cafile=tmp_path / "server.pem")
        with Api(address(daemon), secret) as api:
            api.connection = http.client.HTTPSConnection(address(daemon), context=trusted)
            for number in range(3):  # one connection
                assert api("PUT", f"/workflows/{number}", {}).status == 201
            assert len(api("GET", "/workflows").json["workflows"]) == 3
            assert api("GET", "/workflows", Authorization="").kind == "not-known"


def test_while_the_catalogue_cannot_be_written_one_is_told_to_come_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with (
        Daemon(tmp_path / "d", {"a": tmp_path / "a"}) as daemon,
        Api(daemon.state / "api.sock") as api,
        closing(apsw.Connection(str(daemon.state / "catalogue.db"))) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        refused = api("PUT", "/workflows/w", {})
        assert (refused.status, refused.kind) == (503, "later")
        assert int(refused.headers["retry-after"]) >= 1
        (line,) = daemon.told("a request is answered later")
        assert line["by"] == f"process {os.getpid()} of user {os.getuid()}"
        assert api("GET", "/workflows").status == 200  # reading waits for nobody
        other.execute("ROLLBACK")
        assert api("PUT", "/workflows/w", {}).status == 201


def test_idle_connections_make_way_and_nobody_is_starved(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with Daemon(tmp_path / "d", {"a": tmp_path / "a"}) as daemon, ExitStack() as open_:
        crowd = [open_.enter_context(Api(daemon.state / "api.sock")) for _ in range(140)]
        for number, one in enumerate(crowd):
            assert one("GET", f"/workflows?limit={number + 1}").status == 200
        with Api(address(daemon)) as scraper:
            assert scraper.raw("GET", "/metrics", None, {}).status == 200


def test_the_same_is_kept_in_a_catalogue_on_a_server(
    tmp_path: Path, postgres_database: str
) -> None:
    (tmp_path / "a").mkdir()
    roots = {"a": tmp_path / "a"}
    with (
        Daemon(tmp_path / "d", roots, catalogue=postgres_database) as daemon,
        Api(daemon.state / "api.sock") as api,
    ):
        key = {"Idempotency_Key": "k"}
        assert api("POST", "/usage", {"provider": "p", "cost": 1}, **key).status == 201
        again = api("POST", "/usage", {"provider": "p", "cost": 1}, **key)
        assert again.headers["idempotency-replayed"] == "true"
        assert api("POST", "/files", {"path": "a/x.png", "workflow": "w"}).status == 201
        assert len(api("GET", "/usage").json["usage"]) == 1
        assert api("GET", "/stats?by=provider").json["calls"]["calls"] == 1
        assert api("GET", "/search?q=x").status == 200
