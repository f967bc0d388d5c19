"""Each user has names of its own for workflows, and nobody takes or finds another's."""

from __future__ import annotations

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import Deed, TellFile, TellScene, TellUsage, TellWorkflow
from storewarden.api.done import Done
from storewarden.api.reading import flows
from storewarden.api.reading.reader import Reader
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue import migrate
from storewarden.catalogue.workflows import Told, Workflows
from storewarden.errors import NotAllowed, NotThere
from tests.catalogues import Place
from tests.recording import NOW, Book, entry
from tests.telling import user

STORY = TellWorkflow(workflow="story")


@pytest.fixture
def book(place: Place) -> Book:
    """A recorder over an empty catalogue."""
    return Book(place.made())


@pytest.fixture
def ada(book: Book) -> Who:
    return user(book.engine, "ada")


@pytest.fixture
def bob(book: Book) -> Who:
    return user(book.engine, "bob")


def tell(book: Book, who: Who, *deeds: Deed) -> list[Done]:
    with book.engine.transaction(durable=True):
        return carry_all(book.engine, book.ground.host_id, deeds, who, book.now_ns)


def one(book: Book, who: Who, deed: Deed) -> Done:
    (done,) = tell(book, who, deed)
    return done


def reading(book: Book, who: Who) -> Reader:
    return Reader(book.engine, who, book.ground.host_id, NOW)


def rows(book: Book) -> list[tuple[str, str | None, str | None]]:
    found = book.engine.execute(
        "SELECT w.name, u.name, w.title FROM workflows w LEFT JOIN users u ON u.id = w.owner_id"
        " ORDER BY w.id"
    )
    return [(name, owner, title) for name, owner, title in found]


def named_by_a_file(book: Book) -> int:
    """Let a file name the workflow, as the recorder does; return the row that it gets."""
    with book.engine.transaction():
        found = Workflows(book.engine).rows(book.ground.host_id, [Told("story")], NOW)
    (row,) = found.values()
    assert row.workflow is not None
    return row.workflow


def test_two_users_have_workflows_of_one_name_and_notice_nothing(
    book: Book, ada: Who, bob: Who
) -> None:
    adas = one(book, ada, TellWorkflow(workflow="story", title="Ada's", must="be_new"))
    bobs = one(book, bob, TellWorkflow(workflow="story", title="Bob's", must="be_new"))
    assert adas.created
    assert bobs.created
    tell(book, ada, TellScene(workflow="story", scene="1", prompt="a sea"))
    tell(book, bob, TellScene(workflow="story", scene="1", prompt="a fog"))
    tell(book, bob, TellUsage(provider="x", workflow="story"))
    assert rows(book) == [("story", "ada", "Ada's"), ("story", "bob", "Bob's")]
    for who, title, prompt in ((ada, "Ada's", "a sea"), (bob, "Bob's", "a fog")):
        reader = reading(book, who)
        assert flows.workflow(reader, "story").title == title
        assert [each.prompt for each in flows.scenes(reader, "story").scenes] == [prompt]


def test_what_must_be_there_is_there_for_its_owner_alone(book: Book, ada: Who, bob: Who) -> None:
    tell(book, ada, STORY)
    change = TellWorkflow(workflow="story", status="done", must="exist")
    missing = TellWorkflow(workflow="nothing", status="done", must="exist")
    tell(book, ada, change)
    refusals = []
    for deed in (change, missing):
        with pytest.raises(NotThere) as refused:
            tell(book, bob, deed)
        refusals.append(str(refused.value).replace("nothing", "story"))
    assert refusals[0] == refusals[1]
    tell(book, MACHINE, change)


def test_what_is_public_is_seen_and_not_changed_and_the_name_is_free(
    book: Book, ada: Who, bob: Who
) -> None:
    tell(book, ada, TellWorkflow(workflow="story", title="Ada's", public=True))
    assert flows.workflow(reading(book, bob), "story").title == "Ada's"
    with pytest.raises(NotAllowed):
        tell(book, bob, TellWorkflow(workflow="story", title="Bob's", must="exist"))
    tell(book, bob, TellWorkflow(workflow="story", title="Bob's"))
    assert flows.workflow(reading(book, bob), "story").title == "Bob's"
    assert flows.workflow(reading(book, ada), "story").title == "Ada's"


def test_what_a_file_named_is_the_first_users_who_tells_of_it(
    book: Book, ada: Who, bob: Who
) -> None:
    row = named_by_a_file(book)
    assert one(book, ada, STORY).id == row
    assert one(book, bob, STORY).id != row
    assert named_by_a_file(book) == row


def test_what_is_told_first_is_what_a_file_names(book: Book, bob: Who) -> None:
    assert one(book, bob, STORY).id == named_by_a_file(book)


def test_what_the_machine_told_is_nobody_elses(book: Book, ada: Who) -> None:
    tell(book, MACHINE, TellWorkflow(workflow="story", original_prompt="a secret"))
    tell(book, ada, TellWorkflow(workflow="story", title="Ada's"))
    assert flows.workflow(reading(book, ada), "story").original_prompt is None
    assert rows(book) == [("story", None, None), ("story", "ada", "Ada's")]
    tell(book, MACHINE, TellWorkflow(workflow="story", title="The machine's"))
    assert rows(book)[0] == ("story", None, "The machine's")


def test_a_file_that_the_machine_told_of_is_nobody_elses(book: Book, ada: Who) -> None:
    book.names(entry(b"a.png", 1), entry(b"b.png", 2))
    tell(book, MACHINE, TellFile(path="r/a.png", title="secret"))
    with pytest.raises(NotThere, match=r"there is no such file: r/a\.png"):
        tell(book, ada, TellFile(path="r/a.png"))
    assert one(book, ada, TellFile(path="r/b.png")).file == 2


def test_the_machine_tells_for_a_user_of_what_is_the_users(book: Book, ada: Who, bob: Who) -> None:
    for name in ("ada", "bob", "ada"):
        tell(book, MACHINE, TellWorkflow(workflow="story", owner=name, title=name))
        tell(book, MACHINE, TellFile(path=f"r/{name}.png", workflow="story", owner=name))
    assert rows(book) == [("story", "ada", "ada"), ("story", "bob", "bob")]
    found = book.engine.execute(
        "SELECT u.name, o.name FROM told_files t JOIN workflows w ON w.id = t.workflow_id"
        " JOIN users u ON u.id = w.owner_id JOIN users o ON o.id = t.owner_id ORDER BY 1"
    )
    assert found == [("ada", "ada"), ("bob", "bob")]


def test_going_back_a_version_keeps_every_workflow(book: Book, ada: Who, bob: Who) -> None:
    named_by_a_file(book)
    for who in (ada, bob):
        tell(book, who, STORY)
    migrate.rollback(book.engine, 6)
    names = [name for (name,) in book.engine.execute("SELECT name FROM workflows ORDER BY id")]
    assert names == ["story", "story #2"]
