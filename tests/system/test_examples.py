"""The two applications that teach run against a real daemon, and show every row of W and V.

Each test is a row of the requirements. One daemon with both applications' work serves those of a
worker; what a row needs besides is done in its test.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storewarden.client import Warden
from storewarden.client.errors import NotThere
from tests.adopting import video_analyzer
from tests.catalogues import fresh_database
from tests.daemon import Daemon
from tests.makers.media import need_ffmpeg
from tests.servers import postgres
from tests.servers.shared import RUN

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FLOW = "storyboard-1"


@dataclass
class World:
    """A daemon over both applications' directories, after both did their work."""

    daemon: Daemon
    ann: str  # tokens
    bob: str

    @property
    def outputs(self) -> Path:
        return self.daemon.base / "save_outputs"

    @property
    def video(self) -> Path:
        return self.daemon.base / "uploads/grafting.mp4"

    def warden(self, token: str | None = None) -> Warden:
        return Warden(f"unix:{self.daemon.state}/api.sock", token=token)

    def told(self, *verb: str) -> dict[str, Any]:
        ran = self.daemon.verb(*verb, "--json")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer


def example(daemon: Daemon, name: str, *words: str) -> str:
    """Run an example as a person would, with the daemon's configuration."""
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**daemon.environment(), "STOREWARDEN_CONFIG": str(daemon.config)},
        cwd=daemon.base,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def begun(base: Path, catalogue: str = "sqlite") -> Daemon:
    """Return a daemon over the directories of both applications."""
    need_ffmpeg()
    for name in ("save_outputs", "uploads", "cold"):
        (base / name).mkdir(parents=True)
    return Daemon(
        base,
        {name: base / name for name in ("save_outputs", "uploads")},
        catalogue=catalogue,
        settings={
            "policies": ["shipped:workflow-app"],
            "stores": {"cloud": {"path": str(base / "cold")}},
        },
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with begun(tmp_path_factory.mktemp("examples")) as daemon:
        for name in ("ann", "bob"):
            assert daemon.verb("user", "add", name).returncode == 0
            token = str(daemon.base / f"{name}.token")
            assert daemon.verb("user", "token", name, "--to", token).returncode == 0
        # the one file of which the application says nothing
        (daemon.base / "save_outputs/notes.txt").write_text("a fox, a lantern")
        example(daemon, "storyboard", "a fox finds a lantern")
        example(daemon, "video_questions", "--token-file", "ann.token")
        tokens = [(daemon.base / f"{name}.token").read_text().strip() for name in ("ann", "bob")]
        one = World(daemon, *tokens)
        with one.warden() as warden:
            daemon.until(
                lambda: len(list(warden.files("inspected=yes"))) == 6, "all is looked into"
            )
        yield one


@pytest.mark.parametrize("name", ["storyboard", "video_questions"])
def test_an_example_is_short_and_imports_no_more_than_the_client(name: str) -> None:
    lines = (EXAMPLES / f"{name}.py").read_text().splitlines()

    assert len(lines) < 150
    ours = [line for line in lines if line.startswith(("from storewarden", "import storewarden"))]
    assert ours
    assert [line for line in ours if not line.startswith("from storewarden.client")] == []
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))  # importing does nothing


# -- W: the workflow application ------------------------------------------------------------------


def test_w1_every_file_that_lands_is_recorded_without_a_word(world: World) -> None:
    notes = world.told("show", str(world.outputs / "notes.txt"))
    assert (notes["root"], notes["path"], notes["size"]) == ("save_outputs", "notes.txt", 16)
    assert notes["history"] == []

    # what the picture itself tells
    picture = world.told("show", str(world.outputs / FLOW / "scene_02.png"))
    assert (picture["mime"], picture["width"], picture["height"]) == ("image/png", 320, 180)
    assert "follows a sound into the dark" in picture["prompt"]
    assert (picture["seed"], picture["model"]) == (2, "sketch")
    # and what the application told of it
    assert picture["metadata"] == {"scene_number": 2, "style": "ink and lantern light"}


def test_w2_workflows_scenes_files_usage_and_users_are_in_the_catalogue_and_linked(
    world: World,
) -> None:
    with world.warden() as warden:
        flow = warden.workflow(FLOW)
        assert (flow.status, flow.original_prompt) == ("done", "a fox finds a lantern")
        assert flow.enhanced_story is not None
        assert flow.enhanced_story.count("a fox finds a lantern") == 3
        assert [(one.name, one.status) for one in flow.phases] == [
            ("script", "done"),
            ("images", "done"),
            ("video", "done"),
        ]
        scenes = list(warden.scenes(FLOW))
        assert [one.number for one in scenes] == [1, 2, 3]
        assert [one.description for one in scenes if one.prompt and one.image] == [
            one.description for one in scenes
        ]
        usage = list(warden.usage(workflow=FLOW))
        assert sorted((one.provider, one.calls) for one in usage) == [
            ("openai", 1),
            *[("replicate", 1)] * 3,
        ]
        assert all(one.duration is not None for one in usage)
        files = {one.path: (one.scene, one.file_type) for one in warden.files(f"workflow={FLOW}")}
    assert files == {
        f"{FLOW}/scene_01.png": ("1", "scene_image"),
        f"{FLOW}/scene_02.png": ("2", "scene_image"),
        f"{FLOW}/scene_03.png": ("3", "scene_image"),
        f"{FLOW}/storyboard.mp4": (None, "video"),
    }
    rows = world.daemon.query(
        "SELECT g.file_name, g.file_type, g.file_size > 0, g.metadata FROM generated_files g"
        " JOIN workflows w ON w.id = g.workflow_id WHERE w.name = ? AND g.file_path = ?",
        (FLOW, str(world.outputs / FLOW / "scene_01.png")),
    )
    ((name, kind, filled, metadata),) = rows
    assert (name, kind, filled, json.loads(metadata)["scene_number"]) == (
        "scene_01.png",
        "scene_image",
        1,
        1,
    )
    assert {one["name"] for one in world.told("user", "list")["users"]} == {"ann", "bob"}


class Unix(http.client.HTTPConnection):
    """Speaks HTTP to a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connect as the system does it, below a directory of any depth."""
        self.sock = socket.socket(socket.AF_UNIX)
        directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{directory}/{self._path.name}")
        finally:
            os.close(directory)


def test_w3_an_application_may_tell_it_from_python_and_over_http(world: World) -> None:
    with world.warden() as warden:  # from Python, as the example did
        made = warden.create_workflow("by-python", original_prompt="an owl")
        assert (made.what, made.workflow, made.created) == ("workflow", "by-python", True)

    connection, said = Unix(world.daemon.state / "api.sock"), {}
    for method, path, document, status in (
        ("PUT", "workflows/by-http", {"original_prompt": "an owl"}, 201),
        ("PUT", "workflows/by-http/scenes/1", {"prompt": "it sits"}, 201),
        ("POST", "files", {"path": str(world.outputs / "owl.png"), "workflow": "by-http"}, 201),
        ("POST", "usage", {"provider": "openai", "cost": "0.5", "workflow": "by-http"}, 201),
        ("PUT", "workflows/by-http", {"status": "runing"}, 422),
    ):
        body = json.dumps(document)
        headers = {"Content-Type": "application/json"}
        connection.request(method, f"/api/v1/{path}", body, headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == status, said
    assert "did you mean running?" in json.dumps(said)
    connection.request("GET", "/api/v1/workflows/by-http/scenes/1")
    assert json.loads(connection.getresponse().read())["prompt"] == "it sits"
    connection.close()


def test_w4_workflows_survive_a_restart_and_what_they_cost_can_be_asked(world: World) -> None:
    with world.warden() as warden:
        before = warden.workflow(FLOW), list(warden.usage(workflow=FLOW))
    world.daemon.kill()
    world.daemon.start()
    with world.warden() as warden:
        assert (warden.workflow(FLOW), list(warden.usage(workflow=FLOW))) == before

    stats = world.told("stats", "--by", "workflow")
    (row,) = [one for one in stats["rows"] if one.get("name") == FLOW]
    assert row["calls"]["cost"] == [{"currency": "USD", "amount": "0.0125"}]
    assert (row["calls"]["calls"], row["calls"]["tokens_in"]) == (4, 21)
    cost = 'api_cost_total{currency="USD",provider="whisper"}'
    world.daemon.until(lambda: world.daemon.metric(cost) == 0.006, "the cost is a metric")
    assert world.daemon.metric('api_calls_total{provider="replicate"}') == 3


def test_w5_cleanup_backups_migrations_and_health_are_there(world: World) -> None:
    later = world.told("plan", "--at", "+100d")  # cleanup: what the shipped policies would do
    acts = {item["path"]: (item["action"], item["blocked"]) for item in later["items"]}
    assert acts[f"{FLOW}/scene_01.png"][0] == "archive"
    assert acts[f"{FLOW}/storyboard.mp4"] == ("archive", "held")  # its rating keeps it

    backup = world.daemon.verb("catalogue", "backup", "--json")
    assert backup.returncode == 0, backup.stderr
    assert world.told("catalogue", "backups")["backups"]
    status = world.told("catalogue", "status")
    assert status["version"] >= 7
    tried = world.daemon.verb("catalogue", "test", "--json")  # every migration up, down, up again
    assert tried.returncode == 0, tried.stderr
    health = json.loads(world.daemon.verb("health", "--json").stdout)
    assert health["score"] > 0
    assert "database_integrity_ok" in world.daemon.get("/metrics")[1]


@pytest.fixture(scope="module")
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon whose catalogue is on a server, after the storyboard was made."""
    server = os.environ.get("STOREWARDEN_TEST_POSTGRES")
    url = server or request.config.stash[RUN].server("postgres", postgres.start).url
    base = tmp_path_factory.mktemp("shared")
    with fresh_database(url, "examples") as database, begun(base, database) as daemon:
        example(daemon, "storyboard", "an owl counts stars")
        yield daemon


def test_w6_many_users_share_a_server_with_one_line_of_configuration(shared: Daemon) -> None:
    with Warden(f"unix:{shared.state}/api.sock") as warden:
        assert warden.workflow(FLOW).status == "done"
        shared.until(lambda: len(list(warden.files(f"workflow={FLOW}"))) == 4, "all is seen")
        words = "lantern light"
        shared.until(lambda: len(warden.search(words)) == 3, "found by words, as on SQLite")
    paths = shared.query("SELECT file_path FROM generated_files ORDER BY file_path")
    assert str(shared.base / "save_outputs" / FLOW / "scene_01.png") in [p for (p,) in paths]


# -- V: the video analyzer ------------------------------------------------------------------------


def test_v1_uploads_have_duration_codec_and_size_and_what_is_said_is_found(world: World) -> None:
    with world.warden(world.ann) as warden:
        known = warden.file(world.video)
        assert (known.duration_ns, known.codec, known.audio_codec) == (2 * 10**9, "h264", "aac")
        assert known.size == world.video.stat().st_size
        assert [(one.role, one.language) for one in warden.texts(world.video)] == [
            ("transcript", "en"),
            ("summary", "en"),
        ]
        for words, field in (("rootstock wax", "transcript"), ("grafting apple", "summary")):
            (hit,) = warden.search(words)
            assert hit.file.path == "grafting.mp4"
            assert field in {one.field for one in hit.snippets}
    found = world.daemon.verb("search", "rootstock", "--json").stdout
    assert json.loads(found)["path"] == "grafting.mp4"


def test_v2_questions_and_answers_are_kept_with_their_times_as_long_as_is_said(
    world: World,
) -> None:
    with world.warden(world.ann) as warden:
        told = [(one.question, one.answer) for one in warden.chats(world.video)]
        times = [one.at for one in warden.chats(world.video)]
    assert told == [
        (
            "With what is it bound to the rootstock?",
            "Then we bind it to the rootstock with tape and seal it with wax.",
        ),
        ("When is the scion cut?", "We cut the scion in late winter, while it is dormant."),
    ]
    assert times == sorted(times, reverse=True)

    def talks() -> int:
        with world.warden(world.ann) as warden:
            return len(list(warden.chats(world.video)))

    with world.warden(world.ann) as warden:
        warden.add_chat(world.video, "Long ago?", "Yes.", at="2020-01-01T00:00:00Z")
    assert talks() == 3
    assert world.daemon.stop() == 0
    world.daemon.configure(api={"keep_chats": "30d"})
    world.daemon.start()
    world.daemon.until(lambda: talks() == 2, "what is old is forgotten")


def test_v3_every_row_of_a_sqlite_database_moves_to_the_server_and_that_is_proven(
    shared: Daemon, world: World
) -> None:
    for name in ("cat.mp4", "dog.mp4"):
        (shared.base / "uploads" / name).write_bytes(b"12345")
    video_analyzer(shared.base / "videos.db")

    def moved() -> list[tuple[str, int, int, int]]:
        ran = shared.verb("adopt", "videos.db", "--json")
        told = json.loads(ran.stdout)
        assert [one["row"] for one in told["remarks"]] == [[3]]  # a question about no video
        return [(one["tells"], one["rows"], one["new"], one["known"]) for one in told["tables"]]

    assert moved() == [("user", 1, 1, 0), ("file", 2, 2, 0), ("text", 2, 2, 0), ("chat", 3, 2, 0)]
    # told again, each row is met where it went
    assert moved() == [("user", 1, 0, 1), ("file", 2, 0, 2), ("text", 2, 0, 2), ("chat", 3, 0, 2)]
    assert shared.query("SELECT question FROM chat_history ORDER BY at_ns") == [
        ("Who speaks?",),
        ("And here?",),
    ]
    with Warden(f"unix:{shared.state}/api.sock") as warden:
        shared.until(lambda: len(warden.search("meow")) == 1, "found by words")

    pooled = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    assert 1 < shared.query(pooled)[0][0] < 20
    wanted = {"chat_history_at", "api_usage_at"}  # by time, on both
    assert wanted <= {name for (name,) in shared.query("SELECT indexname FROM pg_indexes")}
    assert wanted <= {name for (name,) in world.daemon.query("SELECT name FROM sqlite_schema")}


def test_v4_development_staging_and_production_differ_by_a_file_or_the_environment(
    world: World, tmp_path: Path
) -> None:
    def state(config: str, **environ: str) -> str:
        ran = subprocess.run(
            [*world.daemon.command()[:1], "--config", config, "catalogue", "status", "--json"],
            capture_output=True,
            text=True,
            env={**world.daemon.environment(), **environ},
            cwd=tmp_path,
            check=False,
        )
        return ran.stdout + ran.stderr

    for name in ("development", "staging", "production"):
        (tmp_path / f"{name}.yaml").write_text(f"state: ./{name}\nroots: {{uploads: ./uploads}}\n")
        assert f"{tmp_path}/{name}/" in state(f"{name}.yaml")
    # any key has its form in the environment, which wins
    said = state("production.yaml", STOREWARDEN_STATE=str(tmp_path / "elsewhere"))
    assert f"{tmp_path}/elsewhere/" in said


def test_v5_a_private_file_is_its_owners_and_a_public_one_everybodys(world: World) -> None:
    ann, bob = world.warden(world.ann), world.warden(world.bob)
    with ann, bob:
        assert ann.file(world.video).owner == "ann"
        assert [one.path for one in ann.files()] == ["grafting.mp4"]
        assert list(bob.files()) == []
        assert bob.search("rootstock") == []
        for asked in (bob.file, bob.texts, lambda path: list(bob.chats(path))):
            with pytest.raises(NotThere):
                asked(world.video)
        try:
            ann.add_generated_file(world.video, public=True)
            assert [one.path for one in bob.files()] == ["grafting.mp4"]
            assert [one.file.path for one in bob.search("rootstock")] == ["grafting.mp4"]
        finally:
            ann.add_generated_file(world.video, public=False)
        assert list(bob.files()) == []


def test_v6_totals_today_processing_times_and_a_backup_that_comes_back(world: World) -> None:
    stats = world.told("stats", "--by", "provider")
    assert stats["files"]["files"] >= stats["files_today"]["files"] >= 6
    assert stats["calls_today"]["calls"] >= 6
    assert stats["calls"]["took"]["p90"] >= stats["calls"]["took"]["p50"] > 0
    assert stats["files_took"]["times"] > 0
    assert {one.get("name") for one in stats["rows"]} >= {"openai", "replicate", "whisper"}

    with world.warden(world.ann) as warden:
        before = list(warden.chats(world.video))
        made = world.told("catalogue", "backup")
        warden.add_chat(world.video, "After the backup?", "Yes.")
        assert len(list(warden.chats(world.video))) == len(before) + 1
    assert world.daemon.stop() == 0
    assert world.daemon.verb("catalogue", "restore", made["name"]).returncode == 0
    world.daemon.start()
    with world.warden(world.ann) as warden:  # as it was at that moment
        assert list(warden.chats(world.video)) == before
