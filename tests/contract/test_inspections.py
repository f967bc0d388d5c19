"""What inspection finds out is stored for the file that was read, and for no other one."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from storewarden.catalogue.digests import Digested
from storewarden.errors import CatalogueFull
from storewarden.model import Lora, Media, Outcome, Place, Provenance, Transcript
from tests.catalogues import Place as Catalogue
from tests.faults import Faults
from tests.inspecting import Shelf
from tests.recording import NOW, SECOND, check_totals, entry, listing

DIGEST = b"d" * 32
MADE = Provenance(
    tool="comfyui",
    tool_version="0.3.40",
    model="flux1-dev.safetensors",
    model_hash="ab12",
    loras=(Lora("film", 0.8), Lora("plain")),
    prompt="a lighthouse at dusk",
    negative="fog",
    seed=2**64 + 1,
    steps=20,
    sampler="euler",
    scheduler="karras",
    guidance=3.5,
    width=1024,
    height=768,
    source_type="trainedAlgorithmicMedia",
    raw=b"\x28\xb5\x2f\xfd\0",
)


@pytest.fixture
def shelf(place: Catalogue) -> Iterator[Shelf]:
    """Files that have something in them; at the end the totals must equal a count."""
    shelf = Shelf(place.made())
    yield shelf
    check_totals(shelf.engine, shelf.counts)


def names(shelf: Shelf) -> list[bytes]:
    return [one.name for one in shelf.waiting()]


def tables(shelf: Shelf) -> dict[str, list[Any]]:
    wanted = ("files", "facts", "prompts", "transcripts", "sidecars", "workflows", "scenes")
    return {name: shelf.engine.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in wanted}


# -- what waits -----------------------------------------------------------------------------------


def test_a_recorded_file_waits_until_it_was_inspected(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 7, size=11), path=b"d")
    (file,) = shelf.waiting()

    assert file[1:] == ("r", b"d", b"a.png", 7, 11, NOW - 60 * SECOND)
    assert shelf.inspect() == 1
    assert shelf.waiting() == []
    assert shelf.words.indexed == [file.id]


def test_what_grows_what_is_missing_and_what_is_in_other_roots_does_not_wait(shelf: Shelf) -> None:
    shelf.names(entry(b"grows", 1), entry(b"goes", 2), entry(b"stays", 3), growing=[b"grows"])
    shelf.names(entry(b"other", 4), root="s")
    shelf.gone(b"goes")

    assert [one.name for one in shelf.inspections.wanted(["r"], 0, 10)] == [b"stays"]
    assert shelf.inspections.wanted([], 0, 10) == []


def test_what_waits_comes_in_slices_in_the_order_of_its_ids(shelf: Shelf) -> None:
    shelf.names(*(entry(b"%d" % number, number) for number in range(1, 6)))
    first = shelf.inspections.wanted(["r", "s"], 0, 2)
    rest = shelf.inspections.wanted(["r", "s"], first[-1].id, 10)

    assert [one.name for one in (*first, *rest)] == [b"1", b"2", b"3", b"4", b"5"]


def test_new_content_waits_anew_and_new_attributes_do_not(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1), entry(b"b.png", 2), entry(b"c.png", 3))
    shelf.inspect()

    shelf.names(entry(b"a.png", 1, changed=NOW, mode=0o100600))
    shelf.names(entry(b"b.png", 2, size=6, changed=NOW))
    shelf.names(entry(b"c.png", 3, changed=NOW))  # nothing accounts for it: maybe other content

    assert names(shelf) == [b"b.png", b"c.png"]


def test_a_renamed_file_waits_and_so_do_those_of_a_renamed_directory(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1), entry(b"b.png", 2))
    shelf.names(entry(b"c.png", 3), path=b"old")
    shelf.names(entry(b"d.png", 4), path=b"old/er")
    shelf.inspect()

    shelf.names(entry(b"e.png", 1, changed=NOW))
    assert names(shelf) == [b"e.png"]

    shelf.inspect()
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"old", b"new", NOW)
    assert shelf.sweep_on() == 1
    assert shelf.sweep_on() == 1
    assert [one.path + b"/" + one.name for one in shelf.waiting()] == [
        b"new/c.png",
        b"new/er/d.png",
    ]


def test_a_directory_merged_into_another_waits(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1), path=b"old")
    shelf.names(entry(b"a.png", 2), path=b"new")
    shelf.inspect()
    with shelf.recorder.batch():
        shelf.departures.moved("r", b"old", b"new", NOW)

    assert names(shelf) == [b"a.png"]
    assert shelf.one(b"new/a.png").inode == 1


def test_a_file_that_is_back_waits(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    shelf.inspect()
    shelf.gone(b"a.png")
    shelf.names(entry(b"a.png", 1))

    assert names(shelf) == [b"a.png"]


def test_a_file_that_went_on_elsewhere_waits_there(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    shelf.inspect()
    was = shelf.one(b"a.png")
    shelf.give_digest(was, DIGEST)
    shelf.gone(b"a.png")
    shelf.names(entry(b"a.png", 9), path=b"disk", device=8)
    shelf.inspect()
    new = shelf.one(b"disk/a.png")
    with shelf.recorder.batch():
        (there,) = shelf.digests.wanted(["r"], 0, 10)
        shelf.digests.store([Digested(there.id, *there[4:], DIGEST)], NOW)

    assert shelf.one(b"disk/a.png").id == was.id != new.id
    assert names(shelf) == [b"a.png"]
    shelf.inspect()
    assert shelf.column(b"disk/a.png", "inspector") == "png"


# -- what is stored -------------------------------------------------------------------------------


def test_all_that_was_found_out_is_stored(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    media = Media(
        *(1024, 768, 3, 12_345_678_901, "h264", "aac", 800_000, 23.976, 48_000, 2),
        *("yuv420p 8 bit", 6, 4),
    )
    told = Transcript("summary", "It dawns.", "en")
    more = {"camera.make": "Någon", "hdr": True, "gamma": 2.2, "count": 3}
    shelf.say(1, media=media, provenance=MADE, transcript=told, more=more, mime="image/apng")
    (file,) = shelf.waiting()
    done = shelf.store(shelf.look(file))

    columns = (
        "inspector, version, outcome, reason, mime, width, height, frames, duration_ns, codec,"
        " audio_codec, bit_rate, fps, sample_rate, channels, colour, orientation, pages"
    )
    assert shelf.engine.execute(f"SELECT {columns} FROM facts") == [
        ("png", 1, "read", "", "image/apng", *_values(media))
    ]
    assert json.loads(shelf.column(b"a.png", "more")) == more
    ((_, source, *made),) = shelf.engine.execute("SELECT * FROM prompts")
    loras = json.loads(made.pop(5))
    assert source is None
    assert loras == [{"name": "film", "weight": 0.8}, {"name": "plain"}]
    assert made == [
        *("comfyui", 1, "0.3.40", "flux1-dev.safetensors", "ab12", "a lighthouse at dusk", "fog"),
        *("18446744073709551617", 20, "euler", "karras", 3.5, 1024, 768),
        *("trainedAlgorithmicMedia", MADE.raw),
    ]
    assert shelf.engine.execute("SELECT role, language, text FROM transcripts") == [
        ("summary", "en", "It dawns.")
    ]
    assert shelf.engine.execute("SELECT inspected_ns FROM files") == [(shelf.now_ns,)]
    assert (done.files, dict(done.outcomes)) == (1, {("png", "read"): 1})
    assert dict(done.tools) == {("comfyui", True): 1}


def _values(media: Media) -> tuple[Any, ...]:
    return tuple(getattr(media, name) for name in Media.__dataclass_fields__)


def test_what_is_found_out_takes_the_place_of_what_was(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    shelf.say(1, provenance=MADE, transcript=Transcript("caption", "A light."))
    shelf.inspect()
    shelf.names(entry(b"a.png", 1, size=9, changed=NOW))
    shelf.say(1, outcome=Outcome.REFUSED, reason="it ends in its header")
    shelf.inspect()

    facts = shelf.engine.execute("SELECT outcome, reason, width FROM facts")
    assert facts == [("refused", "it ends in its header", None)]
    assert shelf.engine.execute("SELECT count(*) FROM prompts") == [(0,)]
    assert shelf.engine.execute("SELECT count(*) FROM transcripts") == [(0,)]


@pytest.mark.parametrize("change", ["content", "time", "inode", "name", "directory", "gone"])
def test_facts_of_a_file_that_is_another_now_are_not_stored(shelf: Shelf, change: str) -> None:
    shelf.names(entry(b"a.png", 1), path=b"d")
    (file,) = shelf.waiting()
    looked = shelf.look(file)
    match change:
        case "content":
            shelf.names(entry(b"a.png", 1, size=6, changed=NOW), path=b"d")
        case "time":
            shelf.names(entry(b"a.png", 1, modified=NOW, changed=NOW), path=b"d")
        case "inode":
            shelf.names(entry(b"a.png", 2, changed=NOW), path=b"d")
        case "name":
            shelf.names(entry(b"b.txt", 1, changed=NOW), path=b"d")
        case "directory":
            with shelf.recorder.batch():
                shelf.departures.moved("r", b"d", b"e", NOW)
        case _:
            shelf.gone(b"a.png", path=b"d")
    before = tables(shelf)

    assert shelf.store(looked).files == 0
    assert tables(shelf) == before


def test_what_was_looked_at_twice_in_one_go_counts_once(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    looked = shelf.look(shelf.waiting()[0])

    assert shelf.store(looked, looked).files == 1


# -- kinds ----------------------------------------------------------------------------------------


def test_the_kind_is_what_the_content_says_and_the_totals_say_so(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1, size=5), entry(b"b", 2, size=7))
    shelf.say(1, kind="video")
    shelf.say(2, kind="image")
    shelf.inspect()

    assert {one.name: one.kind for one in shelf.present().values()} == {
        b"a.png": "video",
        b"b": "image",
    }
    assert shelf.counts.totals["r", "video", "present"] == (1, 5)
    assert shelf.counts.totals["r", "image", "present"] == (1, 7)


@pytest.mark.parametrize(
    "seen",
    [
        entry(b"b", 2, changed=NOW, mode=0o100600),
        entry(b"b", 2, size=9, changed=NOW),
        entry(b"b", 7, size=9, changed=NOW),
    ],
    ids=["touched", "rewritten", "replaced"],
)
def test_recording_a_file_anew_keeps_the_kind_of_its_content(shelf: Shelf, seen: Any) -> None:
    shelf.names(entry(b"b", 2))
    shelf.say(2, kind="image")
    shelf.inspect()
    shelf.names(seen)

    assert shelf.one(b"b").kind == "image"


def test_a_file_saved_over_another_keeps_the_kind_of_its_content(shelf: Shelf) -> None:
    shelf.names(entry(b"b", 2))
    shelf.say(2, kind="image")
    shelf.inspect()
    shelf.names(entry(b"b.tmp", 3, changed=NOW))
    shelf.names(entry(b"b", 3, changed=NOW))

    assert (shelf.one(b"b").kind, names(shelf)) == ("image", [b"b"])


def test_a_new_name_that_says_nothing_else_keeps_the_kind_and_one_that_does_tells_it(
    shelf: Shelf,
) -> None:
    shelf.names(entry(b"b", 2))
    shelf.say(2, kind="video")
    shelf.inspect()

    shelf.names(entry(b"c", 2, changed=NOW))
    assert shelf.one(b"c").kind == "video"
    shelf.names(entry(b"c.png", 2, changed=NOW))
    assert shelf.one(b"c.png").kind == "image"


# -- strangers' values ----------------------------------------------------------------------------

NUL = "a\0b"
ALONE = "a\ud800b"
HOSTILE: list[dict[str, Any]] = [
    {"reason": NUL, "mime": NUL, "kind": NUL},
    {"reason": ALONE, "mime": ALONE, "kind": ALONE},
    {"mime": "", "kind": ""},
    {"more": {NUL: ALONE, ALONE: NUL, "nan": math.nan, "inf": math.inf, "": 1, "no": ""}},
    {"media": Media(width=2**63, height=-1, duration_ns=2**200, frames=-(2**80))},
    {"media": Media(fps=math.nan, codec=NUL, colour=ALONE)},
    {"media": Media(fps=math.inf, orientation=-7, audio_codec="")},
    {"media": Media(fps=-1.0)},
    {"provenance": Provenance("x", prompt=NUL, negative=ALONE, seed=-(2**300), steps=-1)},
    {"provenance": Provenance(NUL, guidance=math.nan, width=2**63, height=-1)},
    {"provenance": Provenance("", model="'; DROP TABLE files; --", loras=(Lora(NUL, math.inf),))},
    {"provenance": Provenance("x", guidance=-math.inf, loras=(Lora(ALONE, math.nan),))},
    {"provenance": Provenance("x", understood=False, raw=b"\0" * 70_000)},
    {"transcript": Transcript(NUL, ALONE, NUL)},
    {"transcript": Transcript("", "", "")},
    {"workflow": NUL, "scene": ALONE},
    {"workflow": "", "scene": ""},
    {"workflow": "w" * 70_000},
]


@pytest.mark.parametrize("told", HOSTILE, ids=str)
def test_no_value_keeps_a_file_from_being_stored(shelf: Shelf, told: dict[str, Any]) -> None:
    if len(str(told.get("workflow"))) > 4_000:
        told = {"workflow": told["workflow"][:4_000]}  # longer ones are cut where they arrive
    shelf.names(entry(b"a.png", 1), entry(b"b.png", 2))
    shelf.say(1, **told)
    shelf.inspect()

    assert shelf.engine.execute("SELECT count(*) FROM facts") == [(2,)]
    for (more,) in shelf.engine.execute("SELECT more FROM facts"):
        assert None not in json.loads(more).values()
    for (loras,) in shelf.engine.execute("SELECT loras FROM prompts"):
        assert isinstance(json.loads(loras), list)


def test_every_number_that_a_column_holds_comes_back(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    shelf.say(1, media=Media(width=2**63 - 1, height=0, fps=0.0))
    shelf.inspect()

    row = shelf.engine.execute("SELECT width, height, fps FROM facts")
    assert row == [(2**63 - 1, 0, 0.0)]


# -- whole or not at all --------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_fault_at_any_statement_leaves_nothing_half_done(shelf: Shelf) -> None:
    shelf.names(
        *(entry(name, inode) for inode, name in enumerate((b"a.png", b"a.txt", b"b.mp4"), 1))
    )
    for inode in (1, 2, 3):
        shelf.say(
            inode,
            kind="video",
            provenance=MADE,
            transcript=Transcript("caption", "A light."),
            workflow="w",
            scene="1",
        )
    looked = [shelf.look(one) for one in shelf.waiting()]
    before, totals = tables(shelf), dict(shelf.counts.totals)
    faults = Faults(shelf.engine)
    for calls in range(1_000):
        faults.after(calls)
        with contextlib.suppress(CatalogueFull):
            shelf.store(*looked)
        if faults.failed == calls:  # there was no such call any more
            break
        assert tables(shelf) == before
        assert shelf.counts.totals == totals
    faults.mend()

    assert faults.failed > 15
    assert shelf.waiting() == []


def test_a_place_that_the_path_tells_is_stored_beside_what_the_file_says(shelf: Shelf) -> None:
    shelf.names(entry(b"a.png", 1))
    shelf.places[b"a.png"] = Place(more={"take": "3", "depth": 9})
    shelf.say(1, more={"depth": 8, "title": "x"})
    shelf.inspect()

    assert json.loads(shelf.column(b"a.png", "more")) == {"take": "3", "depth": 9, "title": "x"}


def test_recording_beside_inspection_agrees_with_recording_alone(shelf: Shelf) -> None:
    seen = [entry(b"%d.png" % number, number) for number in range(1, 30)]
    shelf.listings(listing(b"d", seen))
    shelf.inspect(at_once=7)
    again = shelf.listings(listing(b"d", seen))

    assert (again.recorded.unchanged, again.recorded.written()) == (29, 0)
