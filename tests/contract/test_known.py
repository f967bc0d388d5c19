"""All that is known of files is read at once, as it was stored."""

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.known import Known, Used, known
from storewarden.model import Lora, Media, Outcome, Provenance, Transcript
from tests.catalogues import COLUMNS, DAY, NOW, file_row

NAMES = [b"film.mp4", b"film.srt", b"film.txt", b"new.png", b"film\xff.json"]
FACTS = (
    *("file_id", "inspector", "version", "outcome", "reason", "mime", "width", "fps", "more"),
    *("workflow_id", "scene_id"),
)


@pytest.fixture
def engine_with_facts(engine: Engine) -> Engine:
    with engine.transaction():
        engine.execute("UPDATE roots SET usage_since_ns = ?", (NOW - 4 * DAY,))
        engine.insert(
            "directories", ("id", "root_id", "path", "device", "inode"), [(2, 1, b"a/b", 1, 2)]
        )
        engine.insert(
            "files",
            ("id", *COLUMNS),
            [
                (i, *file_row(name, directory_id=2, first_seen_ns=NOW - 90 * DAY))
                for i, name in enumerate(NAMES, 1)
            ],
        )
        seen = ("id", "host_id", "name", "first_seen_ns", "last_seen_ns")
        engine.insert("workflows", seen, [(1, 1, "story", NOW, NOW)])
        engine.insert("scenes", seen, [(1, 1, "7", NOW, NOW)])
        more = '{"title": "Dusk", "c2pa.present": true, "model.layers": 12}'
        engine.insert(
            "facts",
            FACTS,
            [(1, "isobmff", 3, "partly", "it ends early", "video/mp4", 1920, 23.976, more, 1, 1)],
        )
        engine.insert(
            "prompts",
            (
                *(
                    "file_id",
                    "from_id",
                    "tool",
                    "understood",
                    "loras",
                    "prompt",
                    "seed",
                    "guidance",
                ),
                "raw",
            ),
            [
                (
                    *(1, 5, "comfyui", 1, '[{"name": "grain", "weight": 0.5}, {"name": "oil"}]'),
                    *("at dusk", str(2**70), 3.5, b"\x28\xb5"),
                )
            ],
        )
        engine.insert(
            "transcripts",
            ("file_id", "role", "language", "text"),
            [(2, "subtitle", "en", "At dusk."), (3, "transcript", None, "We came back.")],
        )
        engine.insert(
            "sidecars",
            ("file_id", "of_id", "role"),
            [(2, 1, "subtitle"), (3, 1, "transcript"), (5, 1, "metadata")],
        )
        engine.insert("usage", ("file_id", "last_ns", "opens", "writes"), [(1, NOW - DAY, 90, 2)])
        engine.insert(
            "usage_days",
            ("file_id", "day", "opens", "writes"),
            [(1, NOW // DAY - 1, 8, 2), (1, NOW // DAY - 20, 70, 0)],
        )
    return engine


def test_a_file_is_told_whole(engine_with_facts: Engine) -> None:
    told = known(engine_with_facts, [1, 4711], whole=True, now_ns=NOW)

    assert told == {
        1: Known(
            inspector="isobmff",
            version=3,
            outcome=Outcome.PARTLY,
            reason="it ends early",
            mime="video/mp4",
            media=Media(width=1920, fps=23.976),
            more={"title": "Dusk", "c2pa.present": True, "model.layers": 12},
            workflow="story",
            scene="7",
            provenance=Provenance(
                "comfyui",
                loras=(Lora("grain", 0.5), Lora("oil")),
                prompt="at dusk",
                seed=2**70,
                guidance=3.5,
                raw=b"\x28\xb5",
            ),
            transcript=Transcript("transcript", "We came back."),
            sidecars=(
                (b"a/b/film.srt", "subtitle"),
                (b"a/b/film.txt", "transcript"),
                (b"a/b/film\xff.json", "metadata"),
            ),
            usage=Used(NOW - DAY, 90, 2, 2.0, 0.5),
        )
    }


def test_a_list_of_files_reads_no_long_texts(engine_with_facts: Engine) -> None:
    (told,) = known(engine_with_facts, [1], now_ns=NOW).values()

    assert told.transcript == Transcript("transcript", "")
    assert told.provenance is not None
    assert told.provenance.raw == b""
    assert told.provenance.prompt == "at dusk"


def test_a_sidecar_tells_what_it_belongs_to(engine_with_facts: Engine) -> None:
    told = known(engine_with_facts, [2, 3, 4, 5], whole=True, now_ns=NOW)

    assert told[2] == Known(
        transcript=Transcript("subtitle", "At dusk.", "en"), sidecar_of=b"a/b/film.mp4"
    )
    assert told[5] == Known(sidecar_of=b"a/b/film.mp4")
    assert 4 not in told


def test_a_sidecar_that_is_gone_is_not_told(engine_with_facts: Engine) -> None:
    with engine_with_facts.transaction():
        engine_with_facts.execute("UPDATE files SET state = 'missing', gone_ns = 1 WHERE id = 2")

    (told,) = known(engine_with_facts, [1], now_ns=NOW).values()
    assert [path for path, _ in told.sidecars] == [b"a/b/film.txt", b"a/b/film\xff.json"]


def test_where_nobody_counts_there_are_no_rates(engine_with_facts: Engine) -> None:
    with engine_with_facts.transaction():
        engine_with_facts.execute("UPDATE roots SET usage_since_ns = NULL")

    (told,) = known(engine_with_facts, [1], now_ns=NOW).values()
    assert told.usage == Used(NOW - DAY, 90, 2)
    assert known(engine_with_facts, []) == {}
