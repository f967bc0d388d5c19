"""What was found out about a file, as lists, pipes, programs and `show` tell it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from storewarden.catalogue.known import Known, Used
from storewarden.catalogue.marks import Marks
from storewarden.catalogue.told.shown import Told
from storewarden.cli import groups, known
from storewarden.cli.reference import TABLE
from storewarden.model import Lora, Media, Outcome, Provenance, Transcript

NS = 1_795_246_201_000_000_000
MEDIA = Media(
    *(1920, 1080, 250, 10_000_000_000, "h264", "aac", 8_000_000, 25.0, 48_000, 2),
    *("yuv420p 8 bit", 90, 7),
)
MADE = Provenance(
    tool="comfyui",
    tool_version="0.3.44",
    model="flux1-dev",
    model_hash="875df240c1",
    loras=(Lora("oil paint", 0.8), Lora("grain")),
    prompt="a lighthouse at dusk,\noil on canvas",
    negative="storm",
    seed=2**64 - 1,
    steps=28,
    sampler="euler",
    scheduler="simple",
    guidance=3.5,
    width=512,
    height=384,
    source_type="trainedAlgorithmicMedia",
)
ALL = Known(
    inspector="isobmff",
    version=3,
    outcome=Outcome.PARTLY,
    reason="ends at byte 10",
    mime="video/mp4",
    media=MEDIA,
    more={"title": "Dusk", "c2pa.present": True},
    workflow="story",
    scene="7",
    provenance=MADE,
    transcript=Transcript("subtitle", "The ships came home.", "en"),
    sidecars=((b"a/film.en.srt", "subtitle"), (b"a/film\xff.json", "metadata")),
    sidecar_of=b"a/other.mp4",
    usage=Used(NS, 12, 1, 0.4, 0.033),
    told=Told(
        "story",
        "7",
        "scene_video",
        "Ships at dusk",
        "ada",
        True,
        {"take": 3},
        NS,
        Decimal("0.05"),
        "EUR",
    ),
    marks=Marks(pinned=True, rating=4.5, tags=("sea", "dusk")),
)
NONE = Known("none", 1, Outcome.NOTHING, mime="application/octet-stream")


def told(what: Known | None) -> str:
    """All that `show` tells, as one text."""
    looked = NS if what is not None else None
    told = groups.groups(what, looked)
    return "\n".join(f"{label}\t{text}" for group in told for label, text in group)


def test_json_has_every_fact_of_the_reference() -> None:
    kept = {fact.name for fact in TABLE if fact.of}

    assert kept == known.as_json(ALL, whole=True).keys()


def test_json_leaves_out_what_is_not_known() -> None:
    assert known.as_json(NONE) == {
        "mime": "application/octet-stream",
        "outcome": "nothing",
        "inspector": "none",
        "inspector_version": 1,
    }
    assert known.as_json(None) == known.as_json(Known()) == {}


def test_values_of_more_than_one_part_in_json() -> None:
    told = known.as_json(ALL)

    assert told["loras"] == [
        {"name": "oil paint", "weight": 0.8},
        {"name": "grain", "weight": None},
    ]
    assert told["sidecars"] == [
        {"path": "a/film.en.srt", "role": "subtitle"},
        {"path": r"a/film\xff.json", "path_hex": b"a/film\xff.json".hex(), "role": "metadata"},
    ]
    assert told["transcript"] == {"role": "subtitle", "language": "en"}
    assert known.as_json(ALL, whole=True)["transcript"]["text"] == "The ships came home."
    assert (told["seed"], told["used_ns"]) == (2**64 - 1, NS)


def test_zero_is_known() -> None:
    still = replace(ALL, media=Media(width=0), provenance=replace(MADE, seed=0, guidance=0.0))
    told = known.as_json(still)

    assert (told["width"], told["seed"], told["guidance"]) == (0, 0, 0.0)


def test_columns_for_pipes() -> None:
    assert known.columns(ALL) == (
        *("video/mp4", 1920, 1080, 10_000_000_000, "comfyui", "flux1-dev", 2**64 - 1),
        *("story", "7", "a lighthouse at dusk,\noil on canvas"),
    )
    assert known.columns(None) == ("",) * len(known.COLUMNS)


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (ALL, ["1920×1080", "10s", "7 pages", "flux1-dev"]),
        (replace(ALL, media=Media(pages=1)), ["1 page", "flux1-dev"]),
        (replace(ALL, media=Media(), provenance=Provenance("fooocus")), ["fooocus"]),
        (NONE, []),
        (None, []),
    ],
)
def test_the_few_facts_by_which_one_knows_a_file(what: Known | None, parts: list[str]) -> None:
    assert known.brief(what) == parts


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (80, "a lighthouse at dusk, oil on canvas"),
        (35, "a lighthouse at dusk, oil on canvas"),
        (34, "a lighthouse at dusk, oil on canv…"),
        (20, "a lighthouse at dus…"),
        (11, ""),
        (-5, ""),
    ],
)
def test_the_prompt_takes_the_room_that_is_left(room: int, words: str) -> None:
    assert known.first_words(ALL, room) == words


def test_wide_characters_take_two_columns() -> None:
    assert known.clipped("漢字漢字", 5) == "漢字…"
    assert known.clipped("漢字", 4) == "漢字"


def test_a_prompt_commands_no_terminal() -> None:
    evil = replace(ALL, provenance=replace(MADE, prompt="a\x1b[2J b\u202ec\r\nd", model="m\x07"))

    assert known.first_words(evil, 80) == r"a\x1b[2J b\u202ec d"
    assert r"m\x07" in known.brief(evil)
    assert "\x1b" not in told(evil)
    assert "\u202e" not in told(evil)


def test_show_tells_every_fact() -> None:
    text = told(ALL)

    for value in (
        *("video/mp4", "1920×1080", "250 frames", "25 a second", "h264", "yuv420p 8 bit"),
        *("orientation 90", "aac", "48,000 Hz", "2 channels", "10s", "8,000,000 bits a second"),
        *("Dusk", "c2pa.present", "comfyui 0.3.44", "flux1-dev", "875df240c1", "oil paint 0.8"),
        *("grain", "lighthouse", "oil on canvas", "storm", str(2**64 - 1), "28 steps", "euler"),
        *("simple", "guidance 3.5", "512×384", "trainedAlgorithmicMedia", "story", "scene\t7"),
        *("a/film.en.srt (subtitle)", r"a/film\xff.json (metadata)", "a/other.mp4", "en"),
        *("The ships came home.", "2026-11-21 07:30:01Z", "12 times, 0.4 a day"),
        *("once, 0.033 a day", "partly, by the isobmff reader, version 3", "ends at byte 10"),
        *("pages\t7", "scene_video", "Ships at dusk", "ada, public", "take\t3", "EUR 0.05"),
        *("no policy takes it away", "rating\t4.5", "sea, dusk"),
    ):
        assert value in text, value


def test_show_has_a_line_a_fact_for_programs() -> None:
    names = {str(values[0]) for values in groups.fields(ALL)}
    other = {"loras": "lora", "sidecars": "sidecar", "tags": "tag"}

    assert names == {other.get(fact.name, fact.name) for fact in TABLE if fact.of}
    assert [*groups.fields(None)] == [*groups.fields(Known())] == []


def test_show_says_that_a_file_still_waits() -> None:
    assert told(None) == "inspected\tnot yet looked into"
    assert [*groups.groups(Known(), None)] == [[("inspected", "not yet looked into")]]
    assert [*groups.groups(NONE, None)][-1][0] == ("inspected", "waits to be looked into again")


def test_show_says_what_is_not_understood() -> None:
    text = told(replace(NONE, provenance=Provenance("fooocus", understood=False)))

    assert "tool\tfooocus\n\twhat it wrote is not understood yet; --raw shows it" in text


def test_a_long_transcript_does_not_flood_the_screen() -> None:
    words = "word " * 1000
    text = told(replace(NONE, transcript=Transcript("transcript", words)))

    assert len(text) < 1300
    assert "(4,000 characters more; --json has all)" in text
    assert ("transcript", "transcript", "", words) in groups.fields(
        replace(NONE, transcript=Transcript("transcript", words))
    )


def test_sound_alone_has_its_codec_as_sound() -> None:
    text = told(replace(NONE, media=Media(codec="flac", sample_rate=44_100, channels=1)))

    assert "sound\tflac, 44,100 Hz, 1 channel" in text
    assert "picture" not in text
