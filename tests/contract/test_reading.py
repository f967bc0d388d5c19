"""Applications are answered the same by both databases, and each user what it may see."""

import dataclasses
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storewarden.api.carry import carry_out
from storewarden.api.deeds import (
    Deed,
    Phase,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellUsage,
    TellWorkflow,
)
from storewarden.api.done import Done
from storewarden.api.reading import (
    deciding,
    files,
    flows,
    happened,
    said,
    searching,
    spent,
)
from storewarden.api.reading.as_json import as_json
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.records import Files, WholeFile
from storewarden.api.who import MACHINE, Scope, Who
from storewarden.catalogue import find, pages, ways
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.ways import Way
from storewarden.catalogue.words import Words
from storewarden.cli.listing import record, with_facts
from storewarden.cli.reference import TABLE
from storewarden.errors import NotAllowed, NotThere, StorewardenError, UsageError
from storewarden.policy.load import read
from tests.catalogues import COLUMNS, DAY, NOW, file_row

TOP = "/srv/uploads"
ODD = b"line\nbreak \xff\xfe.png"
ADA, BOB = 11, 12

Tell = Callable[..., Done]


@pytest.fixture
def machine(engine: Engine) -> Reader:
    return Reader(engine, MACHINE, 1, NOW)


@pytest.fixture
def users(engine: Engine) -> dict[str, Who]:
    with engine.transaction():
        engine.insert("users", ("id", "name", "created_ns"), [(ADA, "ada", NOW), (BOB, "bob", NOW)])
    scopes = frozenset[Scope]({"read", "write"})
    return {"ada": Who(ADA, "ada", scopes), "bob": Who(BOB, "bob", scopes)}


@pytest.fixture
def tell(engine: Engine) -> Tell:
    def telling(deed: Deed, who: Who = MACHINE) -> Done:
        with engine.transaction(durable=True):
            (done,) = carry_out(engine, 1, [(deed, who)], NOW)
        if isinstance(done, StorewardenError):
            raise done
        return done

    return telling


def seen(engine: Engine, *names: bytes, **columns: Any) -> list[int]:
    """Record files in the root's directory; return their numbers."""
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(name, **columns) for name in names])
        rows = engine.fetch_in("SELECT name, id FROM files WHERE name IN ({in})", names)
        Words(engine).index(number for _, number in rows)
    by_name = {bytes(name): number for name, number in rows}
    return [by_name[name] for name in names]


def every(reader: Reader, terms: list[str], limit: int) -> Iterator[Files]:
    after = None
    while True:
        page = files.page(reader, terms, limit, after)
        yield page
        if page.next is None:
            return
        after = page.next


# -- pages --------------------------------------------------------------------------------------


def gallery(engine: Engine, count: int = 300) -> None:
    """Files of every sort, some with facts, prompts and workflows."""
    numbers = random.Random(5)
    kinds, models = ["image", "image", "image", "video"], ["flux", "sdxl", "wan"]
    with engine.transaction():
        engine.insert(
            "files",
            ("id", *COLUMNS),
            [
                (
                    i,
                    *file_row(
                        b"f%04d" % i,
                        inode=i,
                        kind=numbers.choice(kinds),
                        size=numbers.randint(1, 10_000),
                        modified_ns=NOW - numbers.randint(0, 100) * DAY,
                        state=numbers.choice(["present"] * 9 + ["missing"]),
                        gone_ns=NOW,
                    ),
                )
                for i in range(1, count + 1)
            ],
        )
        engine.insert(
            "workflows",
            ("id", "host_id", "name", "first_seen_ns", "last_seen_ns"),
            [(1, 1, "story", NOW, NOW), (2, 1, "song", NOW, NOW)],
        )
        facts = ("file_id", "inspector", "version", "outcome", "reason", "mime", "workflow_id")
        some = [i for i in range(1, count + 1) if i % 5]
        engine.insert(
            "facts",
            facts,
            [(i, "png", 1, "read", "", "image/png", numbers.choice([None, 1, 2])) for i in some],
        )
        engine.insert(
            "prompts",
            ("file_id", "tool", "understood", "model", "seed", "prompt"),
            [
                (i, "comfyui", 1, numbers.choice(models), str(i % 9), f"dusk {i % 7} sea")
                for i in some
            ],
        )
        Words(engine).index(range(1, count + 1))
        engine.insert(
            "marks",
            ("file_id", "pinned", "rating", "tags", "owner"),
            [
                (i, i % 2, numbers.choice([None, 2.0, 4.5]), '["sea"]' if i % 4 else "[]", "ada")
                for i in range(3, count + 1, 3)
            ],
        )
        told = ("root_id", "directory", "name", "waiting", "file_id", "workflow_id", "file_type")
        engine.insert(
            "told_files",
            (*told, "public", "first_told_ns", "told_ns"),
            [
                (1, b"", b"f%04d" % i, 0, i, 1 + i % 2, "scene_video", i % 3 % 2, NOW, NOW)
                for i in range(2, count + 1, 5)
            ],
        )


@pytest.mark.parametrize("limit", [7, 100])
def test_pages_together_are_what_the_verb_lists(
    engine: Engine, machine: Reader, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery(engine)
    monkeypatch.setattr(ways, "FIRST", 5)
    asked = [
        *([], ["kind=video"], ["size>5000B"], ["size>9900B"], ["modified<10d", "size<500B"]),
        *(["model=flux"], ["model=flux,wan", "kind=image"], ["seed=3"], ["seed=3,4"], ["seed!=3"]),
        *(["tool=comfyui"], ["tool=nothing"], ["workflow=story"], ["workflow=st*"]),
        *(["workflow=story,song", "seed=1"], ["workflow!=story"], ["prompt=dusk 3"]),
        *(["prompt=dusk", "model=sdxl"], ["prompt!=dusk 3"], ["state=any", "kind=video"]),
        *(["owner=ada"], ["owner!=ada"], ["pinned=yes"], ["pinned=no", "kind=video"], ["tag=sea"]),
        *(["tag!=sea", "seed=3"], ["rating>=4"], ["rating!=2"], ["public=yes"], ["public!=yes"]),
        *(["file_type=scene_video"], ["file_type=scene*"], ["owner=bob"], ["pinned!=no"]),
        *(["state=missing"], ["name=f00*"], ["inspected=no", "size>9000B"]),
    ]
    for terms in asked:
        got = [file.id for page in every(machine, terms, limit) for file in page.files]
        wanted = {row.id for row in find.files(engine, terms, NOW, host_id=1)}
        assert got == sorted(wanted, reverse=True), terms


def test_a_page_is_full_though_an_index_leads_to_many_that_do_not_meet(
    engine: Engine, machine: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery(engine)
    terms = ["tool=comfyui", "size>9000B"]

    def hasty(*asked: Any) -> Way | None:
        way = ways.best(*asked)
        return way and way._replace(patience=20)

    monkeypatch.setattr(pages, "best", hasty)
    monkeypatch.setattr(ways, "FIRST", 5)
    monkeypatch.setattr(ways, "FEW", 1)
    got = [file.id for page in every(machine, terms, 3) for file in page.files]
    assert got == sorted((r.id for r in find.files(engine, terms, NOW)), reverse=True)


def test_files_that_come_meanwhile_are_on_the_first_page_only(
    engine: Engine, machine: Reader
) -> None:
    seen(engine, b"a", b"b", b"c", b"d")
    first = files.page(machine, [], 2)
    seen(engine, b"e")

    second = files.page(machine, [], 2, first.next)
    assert [f.path for f in (*first.files, *second.files)] == ["d", "c", "b", "a"]
    assert second.next is None


def test_another_host_has_its_own_files(engine: Engine) -> None:
    (number,) = seen(engine, b"a.png")
    theirs = Reader(engine, MACHINE, 4711, NOW)

    assert files.page(theirs).files == ()
    with pytest.raises(NotThere):
        files.whole(theirs, number)


def test_what_cannot_be_asked_is_refused(machine: Reader) -> None:
    for terms, limit, after, says in (
        (["knd=video"], 10, None, "did you mean kind"),
        (["size>huge"], 10, None, "huge"),
        ([], 0, None, "between 1 and 1000"),
        ([], 1001, None, "between 1 and 1000"),
        ([], 10, "x", "no page begins there"),
    ):
        with pytest.raises(UsageError, match=says):
            files.page(machine, terms, limit, after)


# -- one file -----------------------------------------------------------------------------------


def test_a_name_that_is_no_text_is_shown_and_can_be_sent_back(
    engine: Engine, machine: Reader, tell: Tell
) -> None:
    (number,) = seen(engine, ODD)
    (file,) = files.page(machine).files

    told = json.loads(json.dumps(as_json(file)))
    assert told["path"] == r"line\nbreak \xff\xfe.png"
    assert bytes.fromhex(told["path_hex"]) == ODD
    assert os.fsencode(told["place"]) == os.fsencode(TOP) + b"/" + ODD
    assert files.whole(machine, told["place"]).id == number
    tell(TellFile(path=told["place"], title="Odd"))
    assert files.whole(machine, number).title == "Odd"


def test_one_file_has_all_that_is_known_of_it(engine: Engine, machine: Reader, tell: Tell) -> None:
    (number,) = seen(engine, b"film.mp4", kind="video", digest=bytes(32))
    with engine.transaction():
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(number, NOW, "renamed", '{"was": "old.mp4"}')],
        )
    path = f"{TOP}/film.mp4"
    tell(TellWorkflow(workflow="story"))
    tell(TellScene(workflow="story", scene="7"))
    tell(
        TellFile(
            path=path,
            workflow="story",
            scene="7",
            file_type="scene_video",
            title="Dusk",
            metadata={"take": 3},
            rating=4.5,
            tags=("sea",),
        )
    )
    tell(TellText(path=path, text="The ships came home.", language="en", duration=1.5))

    file = files.whole(machine, path)

    assert (file.workflow, file.scene, file.file_type, file.title) == (
        *("story", "7"),
        *("scene_video", "Dusk"),
    )
    assert (file.metadata, file.rating, file.tags, file.public) == (
        {"take": 3},
        4.5,
        ("sea",),
        False,
    )
    assert (file.mode, file.inode, file.digest) == ("-rw-r--r--", 100, "00" * 32)
    assert [(text.role, text.language, text.text) for text in file.texts] == [
        ("transcript", "en", "The ships came home.")
    ]
    assert "renamed" in [event.event for event in file.history]
    listed = files.page(machine, ["kind=video"]).files[0]
    wide = {each.name for each in dataclasses.fields(listed)}
    assert all(getattr(listed, name) == getattr(file, name) for name in wide)


def test_what_was_never_seen_is_not_there(machine: Reader, tell: Tell) -> None:
    tell(TellText(path=f"{TOP}/later.mp4", text="soon"))

    with pytest.raises(NotThere):
        files.whole(machine, f"{TOP}/later.mp4")
    for nothing in (f"{TOP}/none.mp4", 4711, 0, -1, 2**70):
        for question in (files.whole, said.texts, said.chats, happened.history):
            with pytest.raises(NotThere, match="there is no such file"):
                question(machine, nothing)
    assert [text.text for text in said.texts(machine, "uploads/later.mp4").texts] == ["soon"]


def test_history_is_of_all_files_that_had_a_path(engine: Engine, machine: Reader) -> None:
    old = seen(engine, b"a.png", state="missing", gone_ns=NOW)[0]
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"a.png")])
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(old, NOW, "missing", "{}"), (old + 1, NOW + 1, "changed", '{"by": "ada"}')],
        )

    both = happened.history(machine, f"{TOP}/a.png").history
    assert [(line.what, line.by) for line in both] == [("changed", "ada"), ("missing", None)]
    assert [line.what for line in happened.history(machine, old).history] == ["missing"]
    assert files.whole(machine, f"{TOP}/a.png").id == old + 1


POLICIES = b"""
version: 1
policies:
  - id: renders
    match: {kind: video}
    phases:
      - {after: 30d, do: trash}
"""


def test_why_says_every_policy_term_by_term(engine: Engine, machine: Reader) -> None:
    (number,) = seen(engine, b"film.mp4", kind="video")
    policies = read([("p.yaml", POLICIES)])

    why = deciding.why(machine, number, policies, "archive")

    assert why.next is not None
    assert (why.next.action, why.next.policy, why.next.due_ns) == (
        "trash",
        "renders",
        NOW + 30 * DAY,
    )
    assert [(a.id, a.result, [t.result for t in a.terms]) for a in why.policies] == [
        ("renders", "wins", [True])
    ]
    told = as_json(why)
    assert told["not"]["action"] == "archive"
    assert json.loads(json.dumps(told)) == told
    with pytest.raises(UsageError, match="no such action"):
        deciding.why(machine, number, policies, "burn")


# -- workflows, calls, words --------------------------------------------------------------------


def test_workflows_and_scenes_are_what_was_told(
    engine: Engine, machine: Reader, tell: Tell
) -> None:
    seen(engine, b"s.png")
    tell(
        TellWorkflow(
            workflow="story",
            title="A story",
            status="running",
            original_prompt="ships",
            started="2026-01-31T12:00:00.5Z",
            phases=(Phase(name="script", status="done"), Phase(name="art", status="running")),
            more={"style": "oil"},
        )
    )
    for name, number in (("last", None), ("b", 2), ("a", 1)):
        tell(TellScene(workflow="story", scene=name, number=number))
    tell(TellScene(workflow="story", scene="a", image=f"{TOP}/s.png", description="harbour"))
    tell(TellWorkflow(workflow="song"))

    story = flows.workflow(machine, "story")
    assert [phase.name for phase in story.phases] == ["script", "art"]
    assert (story.title, story.status, story.started) == (
        "A story",
        "running",
        "2026-01-31T12:00:00.5Z",
    )
    assert story.more == {"style": "oil"}
    first = flows.workflows(machine, 1)
    second = flows.workflows(machine, 1, first.next)
    assert [w.workflow for w in (*first.workflows, *second.workflows)] == ["song", "story"]
    assert second.next is None
    names, after = [], None
    for _ in range(3):
        page = flows.scenes(machine, "story", 1, after)
        names += [scene.scene for scene in page.scenes]
        after = page.next
    assert (names, after) == (["a", "b", "last"], None)
    scene = flows.scene(machine, "story", "a")
    assert (scene.image, scene.description, scene.number) == (f"{TOP}/s.png", "harbour", 1)
    assert files.whole(machine, scene.image_id or 0).path == "s.png"
    with pytest.raises(NotThere, match="no such workflow"):
        flows.workflow(machine, "none")
    with pytest.raises(NotThere, match="no such scene"):
        flows.scene(machine, "story", "none")


def test_calls_and_chats_come_the_newest_first(engine: Engine, machine: Reader, tell: Tell) -> None:
    seen(engine, b"film.mp4")
    path = f"{TOP}/film.mp4"
    for day in (1, 3, 2):
        at = f"2026-01-0{day}T00:00:00Z"
        tell(TellUsage(provider="openai", model=f"m{day}", at=at, path=path, key=f"k{day}"))
        tell(TellChat(path=path, question=f"q{day}", answer="a", at=at, key=f"k{day}"))
    tell(TellUsage(provider="other", at="2025-01-01T00:00:00Z"))

    first = spent.usage(machine, provider="openai", limit=2)
    rest = spent.usage(machine, provider="openai", limit=2, after=first.next)
    assert [one.model for one in (*first.usage, *rest.usage)] == ["m3", "m2", "m1"]
    assert rest.next is None
    assert rest.usage[0].place == path
    asked = said.chats(machine, path, 2)
    assert [one.question for one in asked.chats] == ["q3", "q2"]
    assert [one.question for one in said.chats(machine, path, 2, asked.next).chats] == ["q1"]
    assert len(spent.usage(machine).usage) == 4


def test_search_shows_where_the_words_are(engine: Engine, machine: Reader) -> None:
    gallery(engine, 30)

    hits = searching.search(machine, "dusk", ["seed=3"], 2)
    assert hits.more
    assert [(s.field, s.text[slice(*s.marks[0])]) for s in hits.hits[0].snippets] == [
        ("prompt", "dusk")
    ]
    assert hits.hits[0].file.seed == 3


# -- who sees what ------------------------------------------------------------------------------


def test_users_see_their_own_and_what_is_public(
    engine: Engine, machine: Reader, tell: Tell, users: dict[str, Who]
) -> None:
    names = (b"ada.png", b"bob.png", b"open.png", b"nobody.png")
    ids = dict(zip(names, seen(engine, *names), strict=True))
    tell(TellWorkflow(workflow="adas"), users["ada"])
    tell(TellScene(workflow="adas", scene="1", image=f"{TOP}/ada.png"), users["ada"])
    tell(TellWorkflow(workflow="shared", public=True), users["bob"])
    tell(TellFile(path=f"{TOP}/ada.png", title="secret lighthouse"), users["ada"])
    tell(TellFile(path=f"{TOP}/bob.png"), users["bob"])
    tell(TellFile(path=f"{TOP}/open.png", public=True), users["bob"])
    tell(TellChat(path=f"{TOP}/ada.png", question="what?", answer="sea"), users["ada"])
    tell(TellUsage(provider="openai", workflow="adas"), users["ada"])
    ada, bob = (Reader(engine, who, 1, NOW) for who in (users["ada"], users["bob"]))
    admin = Reader(engine, Who(99, "root", frozenset({"read", "admin"})), 1, NOW)

    def shown(reader: Reader) -> list[str]:
        return [file.path for page in every(reader, [], 1) for file in page.files]

    assert shown(ada) == ["open.png", "ada.png"]
    assert shown(bob) == ["open.png", "bob.png"]
    assert shown(machine) == shown(admin) == ["nobody.png", "open.png", "bob.png", "ada.png"]
    for terms in (["kind=image"], ["size>1B"], ["state=any"]):
        assert [file.path for file in files.page(bob, terms).files] == ["open.png", "bob.png"]
    assert {hit.file.path for hit in searching.search(bob, "png").hits} == {"open.png", "bob.png"}
    assert [w.workflow for w in flows.workflows(bob).workflows] == ["shared"]
    assert [w.workflow for w in flows.workflows(ada).workflows] == ["shared", "adas"]
    assert [u.user for u in spent.usage(ada).usage] == ["ada"]
    assert spent.usage(bob).usage == ()
    hidden: list[int | str] = [
        ids[b"ada.png"],
        f"{TOP}/ada.png",
        "uploads/ada.png",
        ids[b"nobody.png"],
    ]
    for of in hidden:
        for question in (files.whole, said.texts, said.chats, happened.history):
            assert refusal(question, bob, of) == refusal(question, bob, missing(of)).replace(
                str(missing(of)), str(of)
            )
    for name in ("adas", "none"):
        with pytest.raises(NotThere, match=f"there is no such workflow: {name}$"):
            flows.scenes(bob, name)
    assert said.chats(ada, f"{TOP}/ada.png").chats[0].answer == "sea"


def missing(of: int | str) -> int | str:
    """What is like it, and not there."""
    return 999_999 if isinstance(of, int) else of.replace("ada.png", "xyz.png")


def refusal(question: Callable[..., Any], reader: Reader, of: int | str) -> str:
    with pytest.raises(NotThere) as refused:
        question(reader, of)
    return str(refused.value)


def test_the_picture_of_a_scene_is_shown_to_whom_it_may_be(
    engine: Engine, tell: Tell, users: dict[str, Who]
) -> None:
    seen(engine, b"mine.png")
    tell(TellWorkflow(workflow="shared", public=True), users["ada"])
    tell(TellScene(workflow="shared", scene="1", image=f"{TOP}/mine.png"), users["ada"])

    ada, bob = (Reader(engine, who, 1, NOW) for who in (users["ada"], users["bob"]))
    assert flows.scene(ada, "shared", "1").image == f"{TOP}/mine.png"
    assert flows.scene(bob, "shared", "1").image is None


def test_what_lies_beside_a_file_is_told_unless_it_is_anothers(
    engine: Engine, machine: Reader, tell: Tell, users: dict[str, Who]
) -> None:
    film, own, others, free = seen(engine, b"film.mp4", b"film.srt", b"film.txt", b"film.json")
    with engine.transaction():
        engine.insert(
            "sidecars",
            ("file_id", "of_id", "role"),
            [(own, film, "subtitle"), (others, film, "transcript"), (free, film, "metadata")],
        )
        engine.insert(
            "transcripts",
            ("file_id", "role", "text"),
            [(own, "subtitle", "mine"), (others, "transcript", "hers")],
        )
    for name, who in ((b"film.mp4", "bob"), (b"film.srt", "bob"), (b"film.txt", "ada")):
        tell(TellFile(path=f"{TOP}/{name.decode()}"), users[who])
    ada, bob = (Reader(engine, users[name], 1, NOW) for name in ("ada", "bob"))

    def beside(reader: Reader) -> tuple[set[str], str | None]:
        file = files.whole(reader, film)
        said = file.transcript.text if file.transcript else None
        return {each.path for each in file.sidecars or ()}, said

    assert beside(machine) == ({"film.srt", "film.txt", "film.json"}, "hers")
    assert beside(bob) == ({"film.srt", "film.json"}, "mine")
    assert files.whole(bob, own).sidecar_of == "film.mp4"
    assert files.whole(ada, others).sidecar_of is None
    tell(TellFile(path=f"{TOP}/film.mp4", public=True), users["bob"])
    assert files.whole(ada, others).sidecar_of == "film.mp4"


def test_a_users_page_is_found_by_what_is_theirs(engine: Engine, users: dict[str, Who]) -> None:
    gallery(engine)
    with engine.transaction():
        engine.execute("DELETE FROM told_files")
        columns = ("root_id", "directory", "name", "waiting", "file_id", "owner_id", "public")
        engine.insert(
            "told_files",
            (*columns, "first_told_ns", "told_ns"),
            [
                (1, b"", b"f%04d" % i, 0, i, (ADA, BOB)[i % 2], int(i % 11 == 0), NOW, NOW)
                for i in range(1, 300, 3)
            ],
        )
    bob = Reader(engine, users["bob"], 1, NOW)
    mine = {i for i in range(1, 300, 3) if i % 2 or i % 11 == 0}

    for terms in ([], ["kind=video"], ["model=flux"], ["size>5000B"], ["prompt=dusk"]):
        got = [file.id for page in every(bob, terms, 8) for file in page.files]
        wanted = {row.id for row in find.files(engine, terms, NOW)} & mine
        assert got == sorted(wanted, reverse=True), terms


def test_who_may_not_read_reads_nothing(engine: Engine) -> None:
    with pytest.raises(NotAllowed):
        Reader(engine, Who(ADA, "ada", frozenset({"write"})), 1, NOW)


# -- the words of the verbs ---------------------------------------------------------------------


def test_json_of_a_file_is_what_the_verbs_write(
    engine: Engine, machine: Reader, tell: Tell
) -> None:
    gallery(engine, 40)
    film, odd = 1001, 1002
    with engine.transaction():
        engine.insert(
            "files",
            ("id", *COLUMNS),
            [(film, *file_row(b"film.mp4", kind="video")), (odd, *file_row(ODD))],
        )
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(odd, film, "metadata")])
        engine.insert(
            "prompts",
            ("file_id", "tool", "understood", "loras"),
            [(film, "comfyui", 0, '[{"name": "grain"}, {"name": "oil", "weight": 0.5}]')],
        )
        engine.insert("transcripts", ("file_id", "role", "text"), [(film, "subtitle", "Hello")])
        engine.insert("usage", ("file_id", "last_ns", "opens", "writes"), [(film, NOW, 2, 0)])
    tell(TellFile(path=f"{TOP}/film.mp4", metadata={"a": {"b": [1, None]}}, public=True))
    rows = list(find.files(engine, [], NOW))

    verbs = {row.id: record(row, known) for row, known in with_facts(engine, rows)}
    told = {file.id: as_json(file) for page in every(machine, [], 20) for file in page.files}

    assert told.keys() == verbs.keys()
    for number, file in told.items():
        assert os.fsencode(file.pop("place")).startswith(os.fsencode(TOP))
        assert file.pop("id") == number
        assert file == known_of(verbs[number])
    assert verbs[film]["sidecars"][0]["path_hex"] == ODD.hex()


def known_of(value: Any) -> Any:
    """What is known of it: answers leave out what is not."""
    if isinstance(value, dict):
        return {
            key: each if key == "metadata" else known_of(each)
            for key, each in value.items()
            if each is not None
        }
    return [known_of(each) for each in value] if isinstance(value, list | tuple) else value


def test_every_fact_of_the_reference_is_answered() -> None:
    names = {field.name for field in dataclasses.fields(WholeFile)}

    assert {fact.name for fact in TABLE} - names == {"raw"}
