"""Files beside each other that are one thing find each other, whoever comes first, and part."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from storewarden.catalogue.inspections import Inspections
from storewarden.model import Entry, Provenance, Transcript
from tests.catalogues import Place as Catalogue
from tests.inspecting import Bundled, Shelf
from tests.recording import NOW, check_totals, entry

MADE = Provenance("comfyui", prompt="a lighthouse")
OTHER = Provenance("invokeai", prompt="a harbour")


@pytest.fixture
def shelf(place: Catalogue) -> Iterator[Shelf]:
    """Files that have something in them; at the end the totals must equal a count."""
    shelf = Shelf(place.made())
    yield shelf
    check_totals(shelf.engine, shelf.counts)


def put(shelf: Shelf, *names: bytes, path: bytes = b"") -> None:
    """Record and inspect files, one after the other."""
    for name in names:
        inode = 1 + shelf.engine.execute("SELECT coalesce(max(inode), 0) FROM files")[0][0]
        shelf.names(entry(name, inode), path=path)
        shelf.inspect()


def pairs(shelf: Shelf) -> dict[bytes, bytes]:
    return {one.sidecar: one.owner for one in shelf.bundles()}


@pytest.mark.parametrize(
    ("owner", "sidecar", "role"),
    [
        (b"clip.mp4", b"clip.srt", "subtitle"),
        (b"clip.mp4", b"clip.en.vtt", "subtitle"),
        (b"clip.mp4", b"clip.mp4.json", "metadata"),
        (b"clip.mp4", b"clip.info.json", "metadata"),
        (b"clip.mp4", b"clip.txt", "transcript"),
        (b"clip.mp4", b"clip.whisper.json", "transcript"),
        (b"a.png", b"a.txt", "caption"),
        (b"a.png", b"a.png.xmp", "metadata"),
        (b"app.db", b"app.db-wal", "database"),
        (b"data", b"data-journal", "database"),
        (b"\xff\n.png", b"\xff\n.txt", "caption"),
    ],
)
@pytest.mark.parametrize("first", ["owner", "sidecar", "both"])
def test_a_sidecar_and_its_owner_find_each_other_whoever_comes_first(
    shelf: Shelf, owner: bytes, sidecar: bytes, role: str, first: str
) -> None:
    if first == "both":
        shelf.names(entry(owner, 1), entry(sidecar, 2), path=b"d")
        shelf.inspect()
    else:
        put(shelf, *((owner, sidecar) if first == "owner" else (sidecar, owner)), path=b"d")

    assert shelf.bundles() == {Bundled(b"d/" + sidecar, b"d/" + owner, role)}


@pytest.mark.parametrize(
    "names",
    [
        (b"a.png", b"b.txt"),
        (b"clip.mp4", b"clip2.srt"),
        (b"a.png", b"a.srt"),
        (b"a.txt", b"a.json"),
        (b"a.png", b"a.png"),
    ],
)
def test_what_is_not_called_so_stays_alone(shelf: Shelf, names: tuple[bytes, bytes]) -> None:
    put(shelf, *names)

    assert shelf.bundles() == set()


def test_what_lies_in_another_directory_or_root_stays_alone(shelf: Shelf) -> None:
    put(shelf, b"clip.mp4", path=b"d")
    put(shelf, b"clip.srt", path=b"d/e")
    shelf.names(entry(b"clip.srt", 9), path=b"d", root="s", device=8)
    shelf.inspect()

    assert shelf.bundles() == set()


LIKELIEST = [
    # the whole name, then the longest part of it, then what is not a picture of another
    ({b"clip.mp4.json": b"clip.mp4"}, (b"clip.mp4", b"clip.mp4.png", b"clip.mkv")),
    ({b"a.png.json": b"a.png"}, (b"a.png", b"a.png.mp4")),
    ({b"clip.en.srt": b"clip.en.mp4"}, (b"clip.mp4", b"clip.en.mp4")),
    ({b"clip.info.json": b"clip.webm"}, (b"clip.jpg", b"clip.webm", b"clip.webp")),
    ({b"model.json": b"model.safetensors"}, (b"model.png", b"model.safetensors")),
    ({b"a.txt": b"a.jpg", b"a.png.txt": b"a.png"}, (b"a.jpg", b"a.png")),
]


@pytest.mark.parametrize(("wanted", "owners"), LIKELIEST, ids=str)
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_the_likeliest_owner_gets_it_in_whatever_order_they_come(
    shelf: Shelf, wanted: dict[bytes, bytes], owners: tuple[bytes, ...]
) -> None:
    for number, order in enumerate(itertools.permutations((*wanted, *owners))):
        directory = b"%d" % number
        put(shelf, *order, path=directory)
        found = {
            each.sidecar.rpartition(b"/")[2]: each.owner.rpartition(b"/")[2]
            for each in shelf.bundles()
            if each.sidecar.startswith(directory + b"/")
        }
        assert found == wanted, order


def test_a_likelier_owner_takes_a_sidecar_over_and_the_other_forgets_it(shelf: Shelf) -> None:
    shelf.names(entry(b"clip.jpg", 1), entry(b"clip.json", 2))
    shelf.say(2, provenance=MADE)
    shelf.inspect()
    assert shelf.column(b"clip.jpg", "prompt", "prompts") == "a lighthouse"

    put(shelf, b"clip.mp4")

    assert pairs(shelf) == {b"clip.json": b"clip.mp4"}
    assert shelf.column(b"clip.mp4", "prompt", "prompts") == "a lighthouse"
    assert shelf.column(b"clip.jpg", "prompt", "prompts") is None


def test_two_that_could_belong_to_each_other_stay_alone(shelf: Shelf) -> None:
    shelf.inspections = Inspections(
        shelf.engine,
        shelf.counts,
        lambda name, owner: "caption" if name[:2] == owner[:2] else None,
        shelf.words,
    )
    shelf.say(1, transcript=Transcript("caption", "one"))
    shelf.say(2, transcript=Transcript("caption", "two"))
    put(shelf, b"a.txt", b"a.md")

    assert shelf.bundles() == set()


# -- what a sidecar says of its owner -------------------------------------------------------------


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["owner first", "sidecar first"])
def test_a_file_that_says_nothing_of_itself_has_what_its_sidecar_says(
    shelf: Shelf, order: tuple[int, int]
) -> None:
    seen = {1: entry(b"a.png", 1), 2: entry(b"a.json", 2)}
    shelf.say(2, provenance=MADE)
    for inode in order:
        shelf.names(seen[inode])
        shelf.inspect()

    source = shelf.column(b"a.png", "from_id", "prompts")
    assert source == shelf.one(b"a.json").id
    assert shelf.column(b"a.png", "prompt", "prompts") == "a lighthouse"
    assert shelf.column(b"a.json", "from_id", "prompts") is None


def test_what_a_file_says_of_itself_goes_before_what_its_sidecar_says(shelf: Shelf) -> None:
    shelf.say(1, provenance=MADE)
    shelf.say(2, provenance=OTHER)
    put(shelf, b"a.png", b"a.json")

    assert shelf.column(b"a.png", "prompt", "prompts") == "a lighthouse"
    assert shelf.column(b"a.png", "from_id", "prompts") is None


def test_what_is_understood_goes_before_what_is_not(shelf: Shelf) -> None:
    shelf.say(2, provenance=Provenance("unknown", understood=False, raw=b"?"))
    shelf.say(3, provenance=OTHER)
    put(shelf, b"a.png", b"a.json", b"a.txt")

    assert shelf.column(b"a.png", "prompt", "prompts") == "a harbour"


def test_a_sidecar_with_other_content_says_something_else(shelf: Shelf) -> None:
    shelf.say(2, provenance=MADE)
    put(shelf, b"a.png", b"a.json")
    shelf.names(entry(b"a.json", 2, size=9, changed=NOW))
    shelf.say(2, provenance=OTHER)
    shelf.inspect()
    assert shelf.column(b"a.png", "prompt", "prompts") == "a harbour"

    shelf.names(entry(b"a.json", 2, size=10, changed=NOW))
    shelf.say(2)
    shelf.inspect()
    assert shelf.column(b"a.png", "prompt", "prompts") is None
    assert shelf.bundles() == {Bundled(b"a.json", b"a.png", "metadata")}


@pytest.mark.parametrize("how", ["gone", "renamed", "moved", "saved over"])
def test_a_sidecar_that_leaves_takes_along_what_it_said(shelf: Shelf, how: str) -> None:
    shelf.say(2, provenance=MADE)
    put(shelf, b"a.png", b"a.json")
    leave(shelf, how, entry(b"a.json", 2, changed=NOW))
    shelf.inspect()

    assert shelf.bundles() == set()
    assert shelf.column(b"a.png", "prompt", "prompts") is None


@pytest.mark.parametrize("how", ["gone", "renamed", "moved", "saved over"])
def test_an_owner_that_leaves_leaves_the_sidecar_to_the_next_likeliest(
    shelf: Shelf, how: str
) -> None:
    put(shelf, b"clip.jpg", b"clip.json", b"clip.mp4")
    assert pairs(shelf) == {b"clip.json": b"clip.mp4"}
    leave(shelf, how, entry(b"clip.mp4", 3, changed=NOW))
    shelf.inspect()

    assert pairs(shelf) == {b"clip.json": b"clip.jpg"}


def leave(shelf: Shelf, how: str, file: Entry) -> None:
    """Let a file of the root's top leave its place."""
    name = file[0]
    match how:
        case "gone":
            shelf.gone(name)
        case "renamed":
            shelf.names((b"other", *file[1:]))
        case "moved":
            shelf.names(file, path=b"d")
        case _:
            shelf.names(entry(b"over", 77))
            shelf.inspect()
            shelf.names((b"over", *file[1:]))


def test_both_that_come_back_are_together_again(shelf: Shelf) -> None:
    put(shelf, b"clip.mp4", b"clip.srt")
    shelf.gone(b"clip.mp4", b"clip.srt")
    shelf.inspect()
    assert shelf.bundles() == set()

    shelf.names(entry(b"clip.mp4", 1), entry(b"clip.srt", 2))
    shelf.inspect()
    assert pairs(shelf) == {b"clip.srt": b"clip.mp4"}


def test_a_bundle_in_a_renamed_directory_stays_one(shelf: Shelf) -> None:
    put(shelf, b"clip.mp4", b"clip.srt", path=b"old")
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"old", b"new", NOW)
    assert pairs(shelf) == {b"new/clip.srt": b"new/clip.mp4"}

    while shelf.sweep_on():
        shelf.inspect()
    assert pairs(shelf) == {b"new/clip.srt": b"new/clip.mp4"}


def test_a_bundle_moved_file_by_file_is_one_there(shelf: Shelf) -> None:
    put(shelf, b"clip.mp4", b"clip.srt")
    shelf.names(entry(b"clip.srt", 2, changed=NOW), path=b"d")
    shelf.inspect()
    assert shelf.bundles() == set()
    shelf.names(entry(b"clip.mp4", 1, changed=NOW), path=b"d")
    shelf.inspect()

    assert pairs(shelf) == {b"d/clip.srt": b"d/clip.mp4"}


# -- words ----------------------------------------------------------------------------------------


def test_the_words_of_a_sidecar_are_what_it_is_to_its_owner(shelf: Shelf) -> None:
    shelf.say(1, transcript=Transcript("caption", "Good evening."))
    put(shelf, b"clip.de.txt")
    assert shelf.column(b"clip.de.txt", "role", "transcripts") == "caption"
    assert shelf.column(b"clip.de.txt", "language", "transcripts") == "de"

    put(shelf, b"clip.mp4")
    assert shelf.column(b"clip.de.txt", "role", "transcripts") == "transcript"


def test_a_summary_stays_one_beside_whatever_it_lies(shelf: Shelf) -> None:
    shelf.say(1, transcript=Transcript("summary", "It dawns.", "en"))
    put(shelf, b"clip.de.txt", b"clip.mp4")

    assert shelf.column(b"clip.de.txt", "role", "transcripts") == "summary"
    assert shelf.column(b"clip.de.txt", "language", "transcripts") == "en"


def test_the_words_of_all_whom_it_concerns_are_written_anew(shelf: Shelf) -> None:
    shelf.say(1, transcript=Transcript("subtitle", "Good evening."))
    put(shelf, b"clip.srt")
    shelf.words.indexed.clear()
    put(shelf, b"clip.mp4")

    ids = {shelf.one(b"clip.srt").id, shelf.one(b"clip.mp4").id}
    assert set(shelf.words.indexed) == ids
    shelf.words.indexed.clear()
    shelf.gone(b"clip.srt")
    shelf.inspect()
    assert shelf.words.indexed == [shelf.one(b"clip.mp4").id]


def test_a_database_is_not_inspected_each_time_its_log_grows(shelf: Shelf) -> None:
    put(shelf, b"app.db", b"app.db-wal")
    for size in range(10, 15):
        shelf.names(entry(b"app.db-wal", 2, size=size, changed=NOW))

        assert shelf.inspect() == 1
    assert pairs(shelf) == {b"app.db-wal": b"app.db"}


def test_a_thousand_names_that_begin_alike_cost_no_thousand_looks_each(shelf: Shelf) -> None:
    shots = [entry(b"shot.%04d.png" % number, number) for number in range(1, 1_500)]
    shelf.names(*shots, entry(b"shot.mp4", 9_001), entry(b"shot.srt", 9_002))
    rows: list[int] = []
    fetch = shelf.engine.fetch_each
    shelf.engine.fetch_each = lambda sql, values: _counted(rows, fetch(sql, values))  # type: ignore[method-assign]
    shelf.inspect()

    assert sum(rows) < 10_000


def _counted(rows: list[int], found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    rows.append(len(found))
    return found
