"""What was told of files is found: by terms, by words, and as the view of generated files."""

from __future__ import annotations

from decimal import Decimal

import pytest

from storewarden.api.carry import carry_all
from storewarden.api.deeds import Deed, Pin, TellFile, TellText, TellUsage
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue import find
from storewarden.catalogue.search import search
from storewarden.catalogue.words import Words
from tests.catalogues import Place
from tests.inspecting import Shelf
from tests.recording import NOW, entry
from tests.telling import user


@pytest.fixture
def shelf(place: Place) -> Shelf:
    """Four files: two whose paths say where they belong, one that waits to be looked into."""
    shelf = Shelf(place.made())
    shelf.inspections._words = Words(shelf.engine)  # the words themselves are asked for here
    shelf.say(1, workflow="film", scene="1")
    shelf.say(2, workflow="film", scene="2")
    shelf.names(*(entry(b"%d.png" % number, number) for number in (1, 2, 3)))
    shelf.inspect()
    shelf.names(entry(b"4.png", 4))
    return shelf


def tell(shelf: Shelf, *deeds: Deed, who: Who = MACHINE) -> None:
    with shelf.engine.transaction(durable=True):
        carry_all(shelf.engine, shelf.ground.host_id, deeds, who, NOW)


def files(shelf: Shelf, *terms: str) -> str:
    return " ".join(sorted(row.name[:1].decode() for row in find.files(shelf.engine, terms, NOW)))


def test_what_was_told_of_workflow_and_scene_wins(shelf: Shelf) -> None:
    assert files(shelf, "workflow=film") == "1 2"
    tell(shelf, TellFile(path="r/1.png", workflow="poster"))
    tell(shelf, TellFile(path="r/4.png", workflow="film", scene="2"))

    assert files(shelf, "workflow=film") == "2 4"
    assert files(shelf, "workflow=post*") == "1"
    assert files(shelf, "workflow!=film") == "1"
    assert files(shelf, "scene=2") == "2 4"


def test_what_people_and_applications_said_is_asked_for(shelf: Shelf) -> None:
    anna = user(shelf.engine, "anna")
    tell(
        shelf,
        TellFile(path="r/1.png", file_type="poster", rating=4.5, tags=("a", "b"), public=True),
        TellFile(path="r/2.png", file_type="still", rating=2, tags=("b",)),
        Pin(path="r/2.png"),
    )
    tell(shelf, TellFile(path="r/4.png"), who=anna)

    assert files(shelf, "file_type=poster,panel") == "1"
    assert files(shelf, "file_type!=poster") == "2"
    assert files(shelf, "rating>=4") == "1"
    assert files(shelf, "tag=b") == "1 2"
    assert files(shelf, "tag!=a") == "2 3 4"
    assert files(shelf, "pinned=yes") == "2"
    assert files(shelf, "pinned=no") == "1 3 4"
    assert files(shelf, "public=yes") == "1"
    assert files(shelf, "owner=an*") == "4"


def test_what_making_a_file_cost_is_asked_for(shelf: Shelf) -> None:
    def cost(path: str, amount: str, currency: str = "USD") -> TellUsage:
        return TellUsage(
            provider="fal",
            path=path,
            cost=Decimal(amount),
            currency=currency,
            key=f"{path}{amount}",
        )

    tell(shelf, cost("r/1.png", "0.25"), cost("r/1.png", "0.5"), cost("r/2.png", "0.1"))
    tell(shelf, cost("r/1.png", "0.5"))  # once more: it counts once
    tell(shelf, cost("r/3.png", "1"), cost("r/3.png", "2", "EUR"))

    assert files(shelf, "cost=0.75") == "1"
    assert files(shelf, "cost<0.75") == "2"
    assert files(shelf, "cost>0") == "1 2"  # of two currencies nothing can be said


@pytest.mark.parametrize("first", ["told", "seen"])
def test_told_texts_are_found_by_their_words(shelf: Shelf, first: str) -> None:
    text = TellText(path="r/5.mp4", text="The lighthouse at dusk", language="en")
    summary = TellText(path="r/5.mp4", text="A film of the sea", role="summary")
    if first == "told":
        tell(shelf, text, summary)
    shelf.names(entry(b"5.mp4", 5))
    shelf.inspect()
    if first == "seen":
        tell(shelf, text, summary)

    def hits(words: str) -> list[bytes]:
        return [hit.file.name for hit in search(shelf.engine, words, (), NOW).hits]

    assert hits("dusk lighthouse") == [b"5.mp4"]
    assert hits("summary:sea") == [b"5.mp4"]
    assert hits("transcript:sea") == []
    assert files(shelf, "language=en") == "5"
    (hit,) = search(shelf.engine, "lighthouse", (), NOW).hits
    assert "lighthouse" in str(hit.snippets[0]).lower()

    tell(shelf, TellText(path="r/5.mp4", text="The harbour at dawn", language="en"))
    assert (hits("lighthouse"), hits("harbour")) == ([], [b"5.mp4"])
