"""What `Warden` promises, the same by every way: daemon or catalogue, SQLite or PostgreSQL.

One daemon for each database serves all tests, and who opens the catalogue directly does so beside
it. Each test has a workflow and files of its own.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from storewarden.api import users
from storewarden.api.quota import Quota
from storewarden.api.who import Scope
from storewarden.catalogue.connect import open_catalogue
from storewarden.client import Phase, Warden
from storewarden.client.deeds import TellFile, TellWorkflow
from storewarden.client.errors import (
    AlreadyThere,
    Closed,
    NotAllowed,
    NotKnown,
    NotThere,
    PermanentError,
    QuotaExceeded,
    Unreachable,
    UsageError,
    Wrong,
)
from storewarden.client.returning import wait_for
from tests.catalogues import fresh_database
from tests.daemon import Daemon
from tests.servers import postgres
from tests.servers.shared import RUN
from tests.web import certificate

DATABASES = ("sqlite", "postgresql")
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=DATABASES)
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon over an empty root."""
    base = tmp_path_factory.mktemp(f"client-{request.param}")
    (base / "media").mkdir()
    if request.param == "sqlite":
        with Daemon(base, {"media": base / "media"}) as running:
            yield running
        return
    server = os.environ.get("STOREWARDEN_TEST_POSTGRES")
    url = server or request.config.stash[RUN].server("postgres", postgres.start).url
    with (
        fresh_database(url, "client") as database,
        Daemon(base, {"media": base / "media"}, catalogue=database) as running,
    ):
        yield running


@dataclass
class Here:
    """A client, and what its test may call its own."""

    warden: Warden
    daemon: Daemon
    flow: str

    @property
    def media(self) -> Path:
        return self.daemon.base / "media"

    def put(self, name: str, content: bytes = b"content") -> Path:
        """Make a file in the directory of this test."""
        path = self.media / self.flow / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def until(self, met: Callable[[], object]) -> None:
        self.daemon.until(met, "the daemon saw it")

    def seen(self, path: Path | bytes) -> bool:
        """Whether a file was recorded."""
        try:
            return self.warden.file(path).state == "present"
        except NotThere:
            return False


@pytest.fixture(params=["daemon", "directly"])
def here(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Here]:
    if request.param == "daemon":
        warden = Warden(config=daemon.config)
    else:
        warden = Warden(catalogue=daemon.config)
    with warden:
        yield Here(warden, daemon, f"flow-{next(_NUMBERS)}")


# -- workflows and scenes -------------------------------------------------------------------------


def test_a_workflow_is_made_changed_and_read(here: Here) -> None:
    started = datetime(2026, 1, 31, 12, tzinfo=UTC)

    made = here.warden.create_workflow(
        here.flow,
        title="The lighthouse",
        status="running",
        original_prompt="a keeper",
        started=started,
        phases=[Phase(name="script", status="done"), Phase(name="images", status="running")],
        more={"seed": 7},
    )
    changed = here.warden.update_workflow(
        here.flow, status="done", phases=[Phase(name="images", status="done")]
    )

    assert (made.what, made.created, made.workflow) == ("workflow", True, here.flow)
    assert (changed.id, changed.created) == (made.id, False)
    flow = here.warden.workflow(here.flow)
    assert (flow.title, flow.status, flow.original_prompt) == ("The lighthouse", "done", "a keeper")
    assert flow.started is not None
    assert datetime.fromisoformat(flow.started) == started
    assert [(phase.name, phase.status) for phase in flow.phases] == [
        ("script", "done"),
        ("images", "done"),
    ]
    assert flow.more == {"seed": 7}


def test_to_tell_of_a_workflow_again_changes_nothing_unless_it_must_be_new(here: Here) -> None:
    first = here.warden.create_workflow(here.flow, title="one")

    assert here.warden.create_workflow(here.flow, title="one").id == first.id
    with pytest.raises(AlreadyThere, match=here.flow):
        here.warden.create_workflow(here.flow, title="two", exist_ok=False)
    assert here.warden.workflow(here.flow).title == "one"


def test_a_workflow_that_is_not_there_is_not_changed(here: Here) -> None:
    with pytest.raises(NotThere, match="there is no such workflow"):
        here.warden.update_workflow(here.flow, status="done")
    with pytest.raises(NotThere, match="there is no such workflow"):
        here.warden.workflow(here.flow)


def test_scenes_come_in_their_order(here: Here) -> None:
    for number in (2, 1, 3):
        here.warden.add_scene(
            here.flow, f"scene {number}", number=number, prompt=f"prompt {number}"
        )
    here.warden.add_scene(here.flow, "scene 2", description="at dusk", image=here.media / "2.png")

    scenes = list(here.warden.scenes(here.flow))

    assert [scene.number for scene in scenes] == [1, 2, 3]
    assert (scenes[1].prompt, scenes[1].description) == ("prompt 2", "at dusk")
    assert scenes[1].image == f"{here.media}/2.png"


# -- files ----------------------------------------------------------------------------------------


def test_a_file_told_of_before_it_is_seen_is_one_row(here: Here) -> None:
    path = here.media / here.flow / "early.png"
    told = here.warden.add_generated_file(
        path, workflow=here.flow, scene="1", file_type="image", rating=4, tags=["dusk"]
    )
    assert (told.created, told.file) == (True, None)

    here.put("early.png")
    here.until(lambda: here.seen(path))
    here.until(lambda: here.warden.file(path).workflow == here.flow)

    file = here.warden.file(path)
    assert (file.scene, file.file_type, file.rating, file.tags) == ("1", "image", 4, ("dusk",))
    assert [one.id for one in here.warden.files(f"workflow={here.flow}")] == [file.id]


def test_a_file_seen_before_it_is_told_of_is_one_row(here: Here) -> None:
    path = here.put("late.png")
    here.until(lambda: here.seen(path))
    before = here.warden.file(path)

    told = here.warden.add_generated_file(path, workflow=here.flow, metadata={"take": 2})

    assert told.file == before.id
    after = here.warden.file(before.id)
    assert (after.id, after.workflow, after.metadata) == (before.id, here.flow, {"take": 2})
    assert [one.id for one in here.warden.files(f"workflow={here.flow}")] == [before.id]


def test_names_are_any_bytes(here: Here) -> None:
    name = os.fsencode(here.media / here.flow) + b"/\xff \n%2f?.png"
    here.put("x")
    Path(os.fsdecode(name)).write_bytes(b"x")
    here.warden.add_generated_file(name, workflow=here.flow)

    here.until(lambda: here.seen(name))
    here.until(lambda: here.warden.file(name).workflow == here.flow)

    (file,) = here.warden.files(f"workflow={here.flow}")
    assert os.fsencode(file.place) == name


def test_a_path_may_begin_with_the_name_of_its_root(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = here.put("a.png")
    here.until(lambda: here.seen(path))

    assert here.warden.add_generated_file(f"media/{here.flow}/a.png").file == (
        here.warden.file(path).id
    )


def test_what_is_below_no_root_is_refused_with_what_helps(here: Here) -> None:
    with pytest.raises(Wrong, match="below none of the roots") as raised:
        here.warden.add_generated_file("/elsewhere/a.png")

    assert raised.value.problems[0].pointer == "/path"
    assert "storewarden status" in str(raised.value)


def test_everything_that_is_wrong_is_told_at_once(here: Here) -> None:
    with pytest.raises(Wrong) as raised:
        here.warden.create_workflow("", status="runing", more={"x": float("nan")})

    assert {one.pointer for one in raised.value.problems} == {"/workflow", "/status", "/more"}
    assert "did you mean running" in " ".join(map(str, raised.value.problems))


def test_pages_follow_one_another_without_a_word(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [here.put(f"{number}.png") for number in range(7)]
    here.warden.tell(*(TellFile(path=str(path), workflow=here.flow) for path in paths))
    here.until(lambda: all(map(here.seen, paths)))
    here.until(lambda: len(list(here.warden.files(f"workflow={here.flow}"))) == 7)
    monkeypatch.setattr("storewarden.client.asking.PAGE", 2)

    found = [file.place for file in here.warden.files(f"workflow={here.flow}")]

    assert sorted(found) == sorted(map(str, paths))
    assert len(list(here.warden.files(f"workflow={here.flow}", limit=3))) == 3


def test_a_file_that_was_never_seen_is_not_there(here: Here) -> None:
    for ask in (here.warden.file, here.warden.why, here.warden.history):
        with pytest.raises(NotThere, match="there is no such file"):
            ask(here.media / "never.png")


def test_a_term_that_is_none_is_refused(here: Here) -> None:
    with pytest.raises((UsageError, Wrong), match="knd"):
        list(here.warden.files("knd=video"))


# -- costs ----------------------------------------------------------------------------------------


def test_calls_count_with_what_they_took(here: Here) -> None:
    here.warden.record_api_usage(
        "openai", "gpt", tokens_in=1200, tokens_out=80, cost="0.0125", workflow=here.flow
    )
    with here.warden.record_api_usage.timed("openai", "whisper", workflow=here.flow) as call:
        call.cost = Decimal("0.006")
    with pytest.raises(OSError, match="gone"):
        _fail(here)

    calls = list(here.warden.usage(workflow=here.flow))

    assert sum(one.cost or 0 for one in calls) == Decimal("0.0185")
    assert sorted(one.model or "" for one in calls) == ["", "gpt", "whisper"]
    assert [one.error for one in calls if one.error] == ["OSError: gone"]
    assert [one.tokens_in for one in calls if one.model == "gpt"] == [1200]
    assert all(one.duration is not None for one in calls if one.model != "gpt")


def _fail(here: Here) -> None:
    with here.warden.record_api_usage.timed("replicate", workflow=here.flow):
        raise OSError("gone")


def test_with_a_key_of_its_own_a_call_counts_once(here: Here) -> None:
    for _ in range(3):
        here.warden.record_api_usage("openai", workflow=here.flow, key=f"call of {here.flow}")

    assert len(list(here.warden.usage(workflow=here.flow))) == 1


# -- texts and chats ------------------------------------------------------------------------------


def test_what_is_said_in_a_file_is_kept_and_found(here: Here) -> None:
    path = here.put("film.mp4")
    here.until(lambda: here.seen(path))
    word = f"lamp{here.flow.replace('-', '')}"

    here.warden.add_transcript(path, f"The keeper lit the {word}", language="en", duration=1.5)
    here.warden.add_summary(path, "A keeper and his light", language="en", model="gpt")

    assert [(text.role, text.language) for text in here.warden.texts(path)] == [
        ("transcript", "en"),
        ("summary", "en"),
    ]
    (hit,) = here.warden.search(word)
    assert hit.file.place == str(path)


def test_questions_about_a_file_are_kept_once_each(here: Here) -> None:
    path = here.put("asked.mp4")
    here.until(lambda: here.seen(path))

    for number in (1, 2):
        here.warden.add_chat(
            path,
            f"what {number}?",
            "that",
            at=f"2026-01-0{number}T00:00:00Z",
            key=f"{here.flow} {number}",
        )
    here.warden.add_chat(path, "what 2?", "that", at="2026-01-02T00:00:00Z", key=f"{here.flow} 2")

    assert [chat.question for chat in here.warden.chats(path)] == ["what 2?", "what 1?"]


# -- what happens to files ------------------------------------------------------------------------


def test_a_pin_holds_until_it_is_taken_off(here: Here) -> None:
    path = here.put("kept.png")
    here.until(lambda: here.seen(path))

    here.warden.pin(path)
    assert here.warden.file(path).pinned
    assert "pinned" in [one.what for one in here.warden.history(path)]
    assert here.warden.why(path).state == "present"

    here.warden.unpin(path)
    assert not here.warden.file(path).pinned


def test_what_was_trashed_comes_back(here: Here) -> None:
    path = here.put("trashed.png", b"it cannot be made again")
    here.until(lambda: here.seen(path))
    assert here.daemon.verb("trash", str(path), "--yes").returncode == 0
    here.until(lambda: not path.exists())

    done = here.warden.restore(path)

    assert path.read_bytes() == b"it cannot be made again"
    assert done.file == here.warden.file(path).id
    with pytest.raises(AlreadyThere, match="where it belongs"):
        here.warden.restore(path)


def test_what_cannot_come_back_says_why(here: Here) -> None:
    path = here.put("gone.png")
    here.until(lambda: here.seen(path))
    path.unlink()
    here.until(lambda: here.warden.file(path).state == "missing")

    with pytest.raises(PermanentError, match="there is no copy of it"):
        here.warden.restore(path)
    with pytest.raises(NotThere):
        here.warden.restore(here.media / "never.png")


def test_what_came_back_is_not_put_over_another(here: Here) -> None:
    path = here.put("taken.png", b"first")
    here.until(lambda: here.seen(path))
    assert here.daemon.verb("trash", str(path), "--yes").returncode == 0
    here.until(lambda: not path.exists())
    path.write_bytes(b"second")

    with pytest.raises((PermanentError, AlreadyThere)):
        here.warden.restore(path)
    assert path.read_bytes() == b"second"


# -- what happens is heard ------------------------------------------------------------------------


def test_what_happens_is_heard_and_after_an_event_all_that_came_then(here: Here) -> None:
    first = here.warden.events(f"path={here.flow}/*", after="start", seconds=15)
    path = here.put("heard.png")
    made = next(event for event in first if event.event == "created")
    first.close()
    assert made.file is not None
    assert made.file.place == str(path)

    here.until(lambda: here.seen(path))
    here.warden.pin(path)

    later = here.warden.events(kinds=["pinned", "unpinned"], after=made.id, seconds=15)
    pinned = next(event for event in later if event.file and event.file.id == made.file.id)
    later.close()
    assert pinned.event == "pinned"


def test_listening_ends_when_its_time_is_over(here: Here) -> None:
    began = time.monotonic()

    assert list(here.warden.events("name=never-there", seconds=0.3)) == []
    assert time.monotonic() - began < 3


def test_who_listens_for_what_there_is_not_is_told(here: Here) -> None:
    with pytest.raises(UsageError, match="did you mean created"):
        list(here.warden.events(kinds=["craeted"], seconds=1))


def test_sums_of_calls_are_told(here: Here) -> None:
    here.warden.record_api_usage("openai", here.flow, cost="0.25", tokens_in=7)

    rows = {row.name: row for row in here.warden.stats(by="model").rows}

    assert rows[here.flow].calls is not None


# -- several at once ------------------------------------------------------------------------------


def test_of_several_deeds_all_are_kept_or_none(here: Here) -> None:
    path = here.media / "several.png"
    done = here.warden.tell(
        TellWorkflow(workflow=here.flow), TellFile(path=str(path), workflow=here.flow)
    )
    assert [one.what for one in done] == ["workflow", "file"]

    other = f"{here.flow}-other"
    with pytest.raises(Wrong):
        here.warden.tell(TellWorkflow(workflow=other), TellFile(path="/elsewhere/x"))
    with pytest.raises(NotThere):
        here.warden.workflow(other)


def test_any_number_of_threads_may_tell(here: Here) -> None:
    failed: list[BaseException] = []

    def tell(number: int) -> None:
        try:
            for turn in range(5):
                here.warden.record_api_usage("openai", f"{number}.{turn}", workflow=here.flow)
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    models = sorted(one.model or "" for one in here.warden.usage(workflow=here.flow))
    assert models == sorted(f"{number}.{turn}" for number in range(8) for turn in range(5))


def test_what_is_closed_says_so(here: Here) -> None:
    here.warden.close()

    with pytest.raises(Closed):
        here.warden.create_workflow(here.flow)


_FORKING = """
import os, sys
from storewarden.client import Warden
config, way, flow = sys.argv[1:]
with Warden(**{way: config}) as warden:
    warden.create_workflow(flow)
    child = os.fork()
    warden.add_scene(flow, "of the parent" if child else "of the child")
    if not child:
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("way", ["config", "catalogue"])
def test_a_process_and_its_child_may_both_go_on(daemon: Daemon, way: str) -> None:
    flow = f"flow-{next(_NUMBERS)}"
    command = [sys.executable, "-c", _FORKING, str(daemon.config), way, flow]

    subprocess.run(command, check=True, timeout=40)

    with Warden(config=daemon.config) as warden:
        scenes = {scene.scene for scene in warden.scenes(flow)}
    assert scenes == {"of the child", "of the parent"}


# -- when nobody answers --------------------------------------------------------------------------


def test_where_no_daemon_runs_it_says_so_in_time(tmp_path: Path) -> None:
    warden = Warden(f"unix:{tmp_path}/api.sock", timeout=0.2)
    began = time.monotonic()

    with pytest.raises(Unreachable, match="there is no such socket") as raised:
        warden.create_workflow("story")

    assert time.monotonic() - began < 1
    assert "storewarden run" in raised.value.remedy


# -- as a user, over a URL ------------------------------------------------------------------------


@pytest.fixture
def url(daemon: Daemon) -> str:
    return str(daemon.told("metrics are served")[-1]["url"]).removesuffix("/metrics")


def user(
    daemon: Daemon,
    name: str,
    *,
    files: int | None = None,
    scopes: Collection[Scope] = ("read", "write"),
) -> str:
    """Make a user; return a token of theirs."""
    engine = open_catalogue(daemon.catalogue, daemon.state, role="storewarden-test")
    try:
        now_ns = time.time_ns()
        users.add(engine, name, Quota(files=files), now_ns)
        token = users.give_token(engine, name, scopes, now_ns=now_ns, random=os.urandom)
    finally:
        engine.close()
    return token.reveal()


def test_a_user_sees_their_own_and_what_is_public(
    daemon: Daemon, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = next(_NUMBERS)
    ada, bob = f"ada-{number}", f"bob-{number}"
    monkeypatch.setenv("STOREWARDEN_TOKEN", user(daemon, ada))
    (tmp_path / "token").write_text(user(daemon, bob) + "\n")

    with Warden(url) as adas, Warden(url, token_file=tmp_path / "token") as bobs:
        adas.create_workflow(f"hers {number}", title="hers")
        adas.create_workflow(f"everybody's {number}", public=True)

        assert adas.workflow(f"hers {number}").owner == ada
        assert bobs.workflow(f"everybody's {number}").owner == ada
        with pytest.raises(NotThere, match="there is no such workflow"):
            bobs.workflow(f"hers {number}")
        assert [one.workflow for one in bobs.workflows()] == [f"everybody's {number}"]


def test_who_shows_no_token_or_a_wrong_one_is_told_so(daemon: Daemon, url: str) -> None:
    with Warden(url) as nobody, pytest.raises(NotKnown, match="token"):
        nobody.create_workflow("story")
    token = "sw_aaaaaaaaaaaa_" + "a" * 43
    with Warden(url, token=token) as stranger, pytest.raises(NotKnown) as raised:
        stranger.create_workflow("story")

    assert token not in str(raised.value) + repr(stranger)


def test_who_may_only_read_does_not_write(daemon: Daemon, url: str) -> None:
    name = f"reader-{next(_NUMBERS)}"

    with Warden(url, token=user(daemon, name, scopes=["read"])) as reader:
        assert list(reader.workflows()) == list(reader.workflows())
        with pytest.raises(NotAllowed, match="may not write"):
            reader.create_workflow("story")


def test_who_has_as_much_as_they_may_is_told_so(daemon: Daemon, url: str) -> None:
    name = f"full-{next(_NUMBERS)}"

    with Warden(url, token=user(daemon, name, files=1)) as full:
        full.add_generated_file(daemon.base / "media" / name / "1.png")
        with pytest.raises(QuotaExceeded, match=name):
            full.add_generated_file(daemon.base / "media" / name / "2.png")


def test_only_whose_it_is_has_a_file_brought_back(daemon: Daemon, url: str) -> None:
    number = next(_NUMBERS)
    path = daemon.base / "media" / f"hers-{number}.png"
    adas = Warden(url, token=user(daemon, f"ada-{number}"))
    bobs = Warden(url, token=user(daemon, f"bob-{number}"))
    with adas, bobs:
        adas.add_generated_file(path)
        path.write_bytes(b"hers")
        daemon.until(lambda: any(one.place == str(path) for one in adas.files()), "it is seen")
        assert daemon.verb("trash", str(path), "--yes").returncode == 0

        with pytest.raises(NotThere, match="there is no such file"):
            bobs.restore(path)
        assert not path.exists()
        asked = adas.restore(path)

        assert path.read_bytes() == b"hers"
        with pytest.raises(NotThere, match="there is no such request"):
            wait_for(bobs._backend, asked)


def test_a_certificate_has_to_be_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "media").mkdir()
    certificate(tmp_path)
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
    )
    http = {"listen": "127.0.0.1:0", "web_config": str(tmp_path / "web.yml")}
    with Daemon(tmp_path, {"media": tmp_path / "media"}, settings={"http": http}) as daemon:
        url = str(daemon.told("metrics are served")[-1]["url"]).removesuffix("/metrics")
        token = user(daemon, "ada")
        with (
            Warden(url, token=token) as doubting,
            pytest.raises(PermanentError, match=r"certificate is not believed.*SSL_CERT_FILE"),
        ):
            doubting.create_workflow("story")

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        with Warden(url, token=token) as believing:
            assert believing.create_workflow("story").created
            assert believing.workflow("story").owner == "ada"
