"""What is found by words, and in which order, is the same in both databases and in plain Python."""

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from storewarden.catalogue import search as room
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.search import Answer, search
from storewarden.catalogue.tokens import tokens
from storewarden.catalogue.words import Words
from storewarden.errors import UsageError
from tests.catalogues import NOW, Place, fresh_database
from tests.corpora import Asked, Bounds, Corpus, Doc, expected

GALLERY = [
    Doc("old.png", prompt="A lighthouse at dusk, golden hour", model="flux1-dev.safetensors"),
    Doc("sea.png", prompt="dusk at the sea, a lighthouse", negative="fog, blurry"),
    Doc("café.png", prompt="Un CAFÉ à Paris", model="sd_xl base 1.0"),
    Doc("灯台.png", prompt="夕暮れの灯台、金色の光 😀"),
    Doc("talk.mp4", transcript="We went to the lighthouse. At dusk we came back."),
    Doc("film.mp4", beside=(("subtitle", "nobody at home"), ("summary", "A lighthouse keeper"))),
    Doc("fog.png", prompt="a mountain", negative="lighthouse"),
    Doc("2025-11-20_scene_07.png"),
]


@pytest.fixture
def gallery(engine: Engine) -> Engine:
    Corpus(GALLERY).fill(engine)
    return engine


def names(answer: Answer) -> list[str]:
    return [hit.file.name.decode() for hit in answer.hits]


CASES: list[tuple[str, list[str]]] = [
    ("lighthouse at dusk", ["old.png", "talk.mp4", "sea.png"]),
    ('"lighthouse at dusk"', ["talk.mp4", "old.png"]),
    ("LIGHTHOUSE", ["sea.png", "old.png", "film.mp4", "talk.mp4", "fog.png"]),
    ("lighthouse -sea", ["old.png", "film.mp4", "talk.mp4", "fog.png"]),
    ('lighthouse -"at dusk"', ["sea.png", "film.mp4", "fog.png"]),
    ("lighthouse -fog", ["sea.png", "old.png", "film.mp4", "talk.mp4"]),
    ("cafe", ["café.png"]),
    ("Café", ["café.png"]),
    ("灯台", ["灯台.png"]),
    ("夕暮", ["灯台.png"]),
    ("台灯", []),
    ("gold*", ["old.png"]),
    ("sd_xl", ["café.png"]),
    ("model:flux*", ["old.png"]),
    ("prompt:lighthouse", ["sea.png", "old.png"]),
    ("negative:lighthouse", ["fog.png"]),
    ("summary:keeper", ["film.mp4"]),
    ("transcript:nobody", ["film.mp4"]),
    ("-path:png dusk", ["talk.mp4"]),
    ("scene_07", ["2025-11-20_scene_07.png"]),
    ("2025-11-20", ["2025-11-20_scene_07.png"]),
    ("AND", []),
    ("dusk OR sea", []),
    ("NEAR(dusk sea)", []),
    ("prompt : dusk", []),
    ("dusk'; DROP TABLE words; --", []),
    ("\\ 'dusk' & | ! <-> :*", ["sea.png", "old.png", "talk.mp4"]),
]


def test_words_find_what_says_them(gallery: Engine) -> None:
    wrong = {}
    for query, wanted in CASES:
        found = names(search(gallery, query, [], NOW))
        if sorted(found) != sorted(wanted):
            wrong[query] = found
    assert wrong == {}


def test_the_best_comes_first(gallery: Engine) -> None:
    assert names(search(gallery, "lighthouse at dusk", [], NOW)) == [
        *("old.png", "talk.mp4", "sea.png")
    ]
    assert names(search(gallery, "lighthouse", [], NOW))[-1] == "fog.png"


def test_words_and_terms_hold_together(gallery: Engine) -> None:
    assert names(search(gallery, "lighthouse", ["ext=mp4"], NOW)) == ["film.mp4", "talk.mp4"]
    assert names(search(gallery, "lighthouse", ["prompt=sea"], NOW)) == ["sea.png"]
    assert names(search(gallery, "lighthouse", ["state=missing"], NOW)) == []
    assert names(search(gallery, "lighthouse", [], NOW, host_id=4711)) == []


def test_files_that_are_gone_are_left_out(gallery: Engine) -> None:
    with gallery.transaction():
        gallery.execute(
            "UPDATE files SET state = 'missing', gone_ns = 1 WHERE name = ?", (b"sea.png",)
        )
        gallery.execute("DELETE FROM files WHERE name = ?", (b"talk.mp4",))

    assert names(search(gallery, "dusk", [], NOW)) == ["old.png"]
    assert names(search(gallery, "dusk", ["state=any"], NOW)) == ["sea.png", "old.png"]


def test_there_may_be_more(gallery: Engine) -> None:
    answer = search(gallery, "lighthouse", [], NOW, limit=2)

    assert (len(answer.hits), answer.more) == (2, True)
    assert not search(gallery, "lighthouse", [], NOW, limit=5).more


def test_a_snippet_shows_why(gallery: Engine) -> None:
    hit = search(gallery, '"golden hour" dusk', [], NOW).hits[0]

    (snippet,) = hit.snippets
    assert snippet.field == "prompt"
    assert [snippet.text[begin:end] for begin, end in snippet.marks] == ["dusk", "golden hour"]


def test_what_changed_is_found_as_it_is_now(gallery: Engine) -> None:
    with gallery.transaction():
        gallery.execute("UPDATE prompts SET prompt = 'a castle' WHERE file_id = 1")
        gallery.execute("DELETE FROM prompts WHERE file_id = 2")
        Words(gallery).index([1, 2, 4711])

    assert names(search(gallery, "castle", [], NOW)) == ["old.png"]
    assert names(search(gallery, "dusk", [], NOW)) == ["talk.mp4"]
    assert names(search(gallery, "sea", [], NOW)) == ["sea.png"]


def test_a_sidecar_is_found_by_its_path_alone(gallery: Engine) -> None:
    beside = search(gallery, "9", [], NOW).hits
    assert [hit.file.name for hit in beside] == [b"-9"]
    assert names(search(gallery, "nobody", [], NOW)) == ["film.mp4"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "there is no word in it"),
        (" - & ", "there is no word in it"),
        ("-fog", "only says what shall not be there"),
        ('"at dusk', "a quotation mark is not closed"),
        ("promt:dusk", "did you mean prompt"),
        ("x" * 10_001, "at most 10000"),
        ("a " * 101, "at most 100"),
    ],
)
def test_what_cannot_be_searched_is_refused(gallery: Engine, query: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        search(gallery, query, [], NOW)


# -- long transcripts ---------------------------------------------------------------------------

# 20,000 words: PostgreSQL keeps 16,383 positions, and 256 of one word
LONG = ["rain"] * 20_000
BORDER_AT = 16_382


def spoken(*placed: tuple[int, str]) -> str:
    words = list(LONG)
    for at, text in placed:
        words[at : at + len(text.split())] = text.split()
    return " ".join(words)


TALKS = [
    Doc("early.mp4", transcript=spoken((10, "the old harbour"))),
    Doc("border.mp4", transcript=spoken((BORDER_AT - 2, "the old harbour"))),
    Doc("late.mp4", transcript=spoken((19_000, "the old harbour"))),
    Doc("apart.mp4", transcript=spoken((16_000, "the"), (17_000, "old"), (18_000, "harbour"))),
    Doc("often.mp4", transcript=spoken(*((at, "old town") for at in range(16_100, 19_900, 7)))),
    Doc("parts.mp4", transcript=spoken((19_999, "old")), beside=(("subtitle", "harbour wall"),)),
    Doc("short.mp4", transcript="the old harbour"),
]

TALK_CASES: list[tuple[str, set[str]]] = [
    ('"old harbour"', {"early.mp4", "border.mp4", "late.mp4", "short.mp4"}),
    ('"the old harbour"', {"early.mp4", "border.mp4", "late.mp4", "short.mp4"}),
    ('"harbour rain"', {"early.mp4", "border.mp4", "late.mp4", "apart.mp4"}),
    (
        '"rain rain rain" harbour',
        {f"{n}.mp4" for n in ("early", "border", "late", "apart")} | {"parts.mp4"},
    ),
    ('"old har"*', {"early.mp4", "border.mp4", "late.mp4", "short.mp4"}),
    ('harbour -"old harbour"', {"apart.mp4", "parts.mp4"}),
    ('old -"old town" -harbour', set()),
    ('old -"harbour rain"', {"often.mp4", "parts.mp4", "short.mp4"}),
    ("old harbour", {f"{n}.mp4" for n in ("early", "border", "late", "apart", "parts", "short")}),
    ('"town old"', set()),
    ('"old town rain"', {"often.mp4"}),
    ("town", {"often.mp4"}),
]


def test_phrases_in_long_transcripts_are_found_wherever_they_stand(engine: Engine) -> None:
    Corpus(TALKS).fill(engine)

    found = {query: set(names(search(engine, query, [], NOW))) for query, _ in TALK_CASES}
    assert found == dict(TALK_CASES)


def test_the_end_of_an_endless_text_is_not_searched_but_its_path_is(engine: Engine) -> None:
    endless = " ".join(f"w{number}" for number in range(120_000))
    Corpus([Doc("endless.txt", transcript=endless)]).fill(engine)

    assert names(search(engine, "w70000 endless", [], NOW)) == ["endless.txt"]
    assert names(search(engine, "w119999", [], NOW)) == []


# -- any corpus, any query ----------------------------------------------------------------------

VOCABULARY = [
    *("a", "at", "dusk", "light", "lighthouse", "Café", "e\u0301té", "ÉTÉ", "straße", "灯", "灯台"),
    *("夕暮れ", "한국", "ﾊﾝｶｸ", "x2", "1.5", "sd_xl", "don't", "naïve", "😀 at", "ǅ", "ﬁre", "i̇s"),
    "w" * 70,
]
GAP = st.sampled_from(
    [" ", ", ", "\n", " - ", "_", ":", "\u3000", "…", '"', "'", "\\", "|", "&", "(", "*"]
)
FEW_WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=4, unique=True)
FIELD = st.sampled_from([None] * 5 + ["prompt", "negative", "transcript", "path", "model"])
AnyWord = st.SearchStrategy[str]


@st.composite
def sentence(draw: st.DrawFn, word: AnyWord, most: int = 8) -> str:
    words = draw(st.lists(word, min_size=1, max_size=most))
    return "".join(word + draw(GAP) for word in words)


@st.composite
def spoken_long(draw: st.DrawFn, word: AnyWord) -> str:
    """Words in a rain of others, near and beyond what PostgreSQL keeps the positions of."""
    spots = st.sampled_from([0, 254, 255, 256, 16_379, 16_381, 16_383, 19_990])
    placed = draw(st.lists(st.tuples(spots, sentence(word, 4)), max_size=4))
    words = [draw(st.just("rain") | word)] * 20_000
    for at, text in placed:
        words[at : at + len(text.split())] = text.split()
    return " ".join(words)


def files(word: AnyWord) -> st.SearchStrategy[Doc]:
    some = st.none() | sentence(word)
    beside = st.tuples(st.sampled_from(["subtitle", "summary", "caption"]), sentence(word, 4))
    return st.builds(
        Doc,
        name=word.map(lambda name: name.replace("/", "")[:20]),
        prompt=some,
        negative=st.none() | sentence(word, 3),
        model=st.none() | sentence(word, 2),
        transcript=some,
        beside=st.lists(beside, max_size=2).map(tuple),
        width=st.sampled_from([None, 256, 512, 1024]),
    )


@st.composite
def part(draw: st.DrawFn, word: AnyWord, *, excluded: bool) -> Asked:
    words = draw(st.lists(word, min_size=1, max_size=draw(st.sampled_from([1, 1, 2, 3]))))
    prefix = draw(st.integers(0, 3)) == 0
    if prefix and draw(st.booleans()):
        words[-1] = words[-1][:2]
    text = " ".join(words)
    assume(tokens(text))
    return Asked(text, draw(FIELD), phrase=True, prefix=prefix, excluded=excluded)


@st.composite
def cases(draw: st.DrawFn, *, long: bool = False) -> tuple[list[Doc], list[Asked]]:
    """Files and a query of the same few words."""
    word = st.sampled_from(draw(FEW_WORDS))
    docs = files(word)
    if long:
        talks = st.builds(Doc, name=st.just("talk"), transcript=spoken_long(word))
        docs = talks | docs
    query = draw(st.lists(part(word, excluded=False), min_size=1, max_size=3))
    query += draw(st.lists(part(word, excluded=True), max_size=1))
    return draw(st.lists(docs, min_size=1, max_size=3 if long else 7)), draw(st.permutations(query))


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, Engine]]:
    """A catalogue in each database."""
    with contextlib.ExitStack() as stack:
        server = request.getfixturevalue("postgres_url")
        places = [
            Place("sqlite", tmp_path_factory.mktemp("state")),
            Place(
                stack.enter_context(fresh_database(server, "storewarden_search")),
                tmp_path_factory.mktemp("state"),
            ),
        ]
        for place in places:
            stack.callback(place.close)
        file, server_engine = (place.furnished() for place in places)
        yield file, server_engine


def agree(pair: tuple[Engine, Engine], docs: list[Doc], query: list[Asked], bounds: Bounds) -> None:
    corpus = Corpus(
        [Doc(**{**doc.__dict__, "name": f"{n} {doc.name}"}) for n, doc in enumerate(docs)]
    )
    answers = []
    with (
        patch.object(room, "CANDIDATES", bounds.candidates),
        patch.object(room, "RECENT", bounds.recent),
    ):
        for engine in pair:
            corpus.fill(engine)
            for terms, ids in (([], corpus.ids), (["width>=512"], corpus.large)):
                answer = search(engine, " ".join(map(str, query)), terms, NOW, limit=bounds.limit)
                found = [(hit.file.id, hit.score) for hit in answer.hits], answer.more
                assert found == expected(ids, query, bounds, corpus.last)
                answers.append([hit.snippets for hit in answer.hits])
    assert answers[:2] == answers[2:]


SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BOUNDS = st.builds(
    Bounds,
    limit=st.integers(1, 4),
    candidates=st.sampled_from([1, 2, 500]),
    recent=st.sampled_from([2, 1000]),
)


@settings(SETTINGS, max_examples=150)
@given(case=cases(), bounds=BOUNDS)
def test_databases_and_python_agree(
    pair: tuple[Engine, Engine], case: tuple[list[Doc], list[Asked]], bounds: Bounds
) -> None:
    agree(pair, *case, bounds)


@settings(SETTINGS, max_examples=12)
@given(case=cases(long=True), bounds=BOUNDS)
def test_databases_and_python_agree_on_long_transcripts(
    pair: tuple[Engine, Engine], case: tuple[list[Doc], list[Asked]], bounds: Bounds
) -> None:
    agree(pair, *case, bounds)
