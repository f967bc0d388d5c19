"""Facts can be asked for, in both databases alike; what is not known meets nothing."""

import pytest

from storewarden.catalogue import find
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.words import Words
from storewarden.errors import UsageError
from tests.catalogues import COLUMNS, DAY, NOW, file_row

FACTS = (
    *("file_id", "inspector", "version", "outcome", "reason", "mime", "width", "height", "frames"),
    *("duration_ns", "codec", "bit_rate", "fps", "sample_rate", "channels", "pages"),
    *("workflow_id", "scene_id"),
)
PROMPTS = (
    *("file_id", "tool", "understood", "model", "loras", "prompt", "negative", "seed", "steps"),
    *("sampler", "guidance", "source_type"),
)
SECOND = 1_000_000_000
LARGE_SEED = "123456789012345678901234567890"

NONE = (None,) * 7
FILES = {
    1: "dusk.png",
    2: "fog.png",
    3: "film.mp4",
    4: "film.srt",
    5: "broken.png",
    6: "new.png",
    7: "raw.png",
}
INSPECTED = {*FILES} - {6}


@pytest.fixture
def known(engine: Engine) -> Engine:
    """Files of which much, little and nothing is known."""
    with engine.transaction():
        engine.execute("UPDATE roots SET usage_since_ns = ?", (NOW - 20 * DAY,))
        engine.insert(
            "files",
            ("id", *COLUMNS, "inspected_ns"),
            [
                (i, *file_row(name.encode(), first_seen_ns=NOW - 10 * DAY), NOW if i != 6 else None)
                for i, name in FILES.items()
            ],
        )
        seen = ("id", "host_id", "name", "first_seen_ns", "last_seen_ns")
        engine.insert("workflows", seen, [(1, 1, "story", NOW, NOW), (2, 1, "other", NOW, NOW)])
        engine.insert(
            "scenes", (*seen, "workflow_id"), [(1, 1, "7", NOW, NOW, 1), (2, 1, "08", NOW, NOW, 2)]
        )
        engine.insert("facts", FACTS, FACT_ROWS)
        engine.insert("prompts", PROMPTS, PROMPT_ROWS)
        engine.insert(
            "transcripts",
            ("file_id", "role", "language", "text"),
            [(4, "subtitle", "en", "at dusk"), (7, "caption", None, "raw")],
        )
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(4, 3, "subtitle")])
        engine.insert(
            "usage",
            ("file_id", "last_ns", "opens", "writes"),
            [(1, NOW - DAY, 100, 5), (2, NOW - 9 * DAY, 1, 0)],
        )
        today = NOW // DAY
        engine.insert(
            "usage_days",
            ("file_id", "day", "opens", "writes"),
            [
                (1, today, 20, 5),
                (1, today - 9, 10, 0),
                (1, today - 25, 70, 0),
                (2, today - 9, 1, 0),
            ],
        )
        Words(engine).index(FILES)
    return engine


FACT_ROWS = [
    (1, "png", 1, "read", "", "image/png", 1024, 768, 1, *NONE, 1, 1),
    (2, "png", 1, "read", "", "image/png", 512, 768, 1, *NONE, 2, 2),
    (
        *(3, "isobmff", 1, "read", "", "video/mp4", 1920, 1080, 48),
        *(2 * SECOND, "h264", 800_000, 30000 / 1001, 44_100, 2, None, 1, None),
    ),
    (4, "subtitle", 1, "read", "", "text/plain", None, None, None, *NONE, None, None),
    (5, "png", 1, "refused", "no IHDR", "image/png", None, None, None, *NONE, None, None),
    (7, "pdf", 1, "partly", "", "application/pdf", *(None,) * 9, 12, None, None),
]
PROMPT_ROWS = [
    (
        *(1, "comfyui", 1, "flux1-dev", '[{"name": "oil paint", "weight": 0.8}]'),
        *("A lighthouse at dusk", "fog, blurry", "42", 28, "euler", 3.5),
        "trainedAlgorithmicMedia",
    ),
    (
        *(2, "automatic1111", 1, "sd_xl", '[{"name": "grain", "weight": null}]'),
        *("fog at sea", None, LARGE_SEED, 20, "dpmpp_2m", 7.0, None),
    ),
    (7, "novelai", 0, None, "[]", None, None, None, None, None, None, None),
]

CASES: list[tuple[str, set[int]]] = [
    ("mime=image/png", {1, 2, 5}),
    ("mime=image/*,video/*", {1, 2, 3, 5}),
    ("mime!=image/*", {3, 4, 7}),
    ("width>=1024", {1, 3}),
    ("width<1024", {2}),
    ("width!=512", {1, 3}),
    ("height=768", {1, 2}),
    ("frames>1", {3}),
    ("duration>=2s", {3}),
    ("duration<1h", {3}),
    ("duration!=2s", set()),
    ("fps=29.97", {3}),
    ("fps>29.9", {3}),
    ("fps!=29.97", set()),
    ("pages>10", {7}),
    ("codec=h264,h265", {3}),
    ("codec!=h26*", set()),
    ("bit_rate<1000000", {3}),
    ("sample_rate=44100", {3}),
    ("channels=2", {3}),
    ("outcome=refused,partly", {5, 7}),
    ("outcome!=read", {5, 7}),
    ("inspected=no", {6}),
    ("inspected=yes", INSPECTED),
    ("inspected!=yes", {6}),
    ("sidecar=yes", {4}),
    ("sidecar=no", {*FILES} - {4}),
    ("workflow=story", {1, 3}),
    ("workflow!=story", {2}),
    ("workflow=st*,oth*", {1, 2, 3}),
    ("scene=7", {1}),
    ("scene=0*", {2}),
    ("tool=comfyui,novelai", {1, 7}),
    ("tool!=comfyui", {2, 7}),
    ("model=flux1-dev", {1}),
    ("model=flux*,sd_xl", {1, 2}),
    ("model!=flux*", {2}),
    ("lora=oil paint", {1}),
    ("lora=*", {1, 2}),
    ("lora!=oil*", {2}),
    ("prompt=dusk", {1}),
    ('prompt="at dusk"', {1}),
    ("prompt=fo*", {2}),
    ("prompt=at -fog", {1}),
    ("prompt!=fog", {1}),
    ("negative=fog", {1}),
    ("negative!=nothing", {1}),
    ("seed=42", {1}),
    ("seed=042", {1}),
    (f"seed={LARGE_SEED},1", {2}),
    ("seed!=42", {2}),
    ("steps>20", {1}),
    ("sampler=dpm*", {2}),
    ("guidance=3.5", {1}),
    ("guidance>3.5", {2}),
    ("source=trained*", {1}),
    ("language=en", {3, 4}),
    ("language!=en", set()),
    ("used<7d", {1}),
    ("used>7d", {2}),
    ("opens_per_day>=3", {1}),
    ("opens_per_day=3", {1}),
    ("opens_per_day<1", {*FILES} - {1}),
    ("opens_per_day=0", {*FILES} - {1, 2}),
    ("writes_per_day>0.1", {1}),
]


def ask(engine: Engine, *terms: str) -> set[int]:
    found = [row.id for row in find.files(engine, terms, NOW)]
    assert find.count(engine, terms, NOW)[0] == len(found) == len(set(found))
    return set(found)


def test_facts_are_asked_for(known: Engine) -> None:
    wrong = {term: found for term, wanted in CASES if (found := ask(known, term)) != wanted}
    assert wrong == {}


def test_how_it_is_found_changes_nothing(known: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "FEW", 0)

    wrong = {term: found for term, wanted in CASES if (found := ask(known, term)) != wanted}
    assert wrong == {}


def test_several_terms_hold_together(known: Engine) -> None:
    assert ask(known, "tool=comfyui", "width>=512", "prompt=dusk") == {1}
    assert ask(known, "model=flux1-dev", "seed=1") == set()


def test_where_nobody_counts_no_rate_is_known(known: Engine) -> None:
    with known.transaction():
        known.execute("UPDATE roots SET usage_since_ns = NULL")

    for compare in ("=", "!=", "<", ">="):
        assert ask(known, f"opens_per_day{compare}3") == set()
    assert ask(known, "used<7d") == {1}


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("width=wide", "'wide' is no number"),
        ("width=99999999999999999999", "beyond 64 bits"),
        ("fps=nan", "'nan' is no number"),
        ("fps=inf", "'inf' is no number"),
        ("duration=2", "2 has no unit"),
        ("seed>1", "seed does not go with >"),
        ("seed=abc", "'abc' is no whole number"),
        ("outcome=failed", "'failed' is no outcome"),
        ("inspected=maybe", "neither yes nor no"),
        ("model>a", "model does not go with >"),
        ("model=\udcff", "is no UTF-8"),
        ("used=7d", "used does not go with ="),
        ("prompt=-fog", "only says what shall not be there"),
        ("promt=dusk", "did you mean prompt"),
    ],
)
def test_what_cannot_be_asked_is_refused(known: Engine, term: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ask(known, term)
