"""What of a file's texts goes into the index: all that PostgreSQL can hold, on both databases."""

from storewarden.catalogue.entry import BORDER, FARTHEST, POSITIONS, entry
from storewarden.catalogue.words import BEYOND, vector


def test_fields_are_cut_into_words() -> None:
    told = entry({"path": ["a/b_c.png"], "prompt": ["At Dusk"], "negative": [], "model": ["…"]})

    assert told == {"path": ["a", "b", "c", "png"], "prompt": ["at", "dusk"]}


def test_no_phrase_runs_from_one_text_into_the_next() -> None:
    assert entry({"transcript": ["one two", "", "three"]}) == {
        "transcript": ["one", "two", BORDER, "three"]
    }


def test_a_prompt_has_no_more_of_a_word_than_can_be_told() -> None:
    prompt = "masterpiece " * 300 + "dusk"
    (words,) = entry({"prompt": [prompt]}).values()

    assert words.count("masterpiece") == POSITIONS
    assert words[-1] == "dusk"
    assert len(entry({"prompt": [" ".join(map(str, range(20_000)))]})["prompt"]) == FARTHEST


def test_of_a_transcript_every_word_is_kept() -> None:
    words = ["rain"] * 20_000 + ["dusk"]

    assert entry({"transcript": [" ".join(words)]})["transcript"] == words


def test_what_is_short_is_indexed_whatever_else_there_is() -> None:
    told = entry(
        {
            "transcript": [" ".join(f"t{number}" for number in range(200_000))],
            "summary": ["short"],
            "path": ["film.mp4"],
        }
    )

    assert told["path"] == ["film", "mp4"]
    assert told["summary"] == ["short"]
    assert 50_000 < len(told["transcript"]) < 100_000


def test_words_of_every_script_fit_into_a_megabyte() -> None:
    letters = [chr(code) for code in range(0x10400, 0x10428)]  # four bytes each, no case folding
    long = " ".join("".join(letters[(n >> s) % 36] for s in range(0, 18, 3)) for n in range(99_000))
    told, clipped = vector(entry({"transcript": [long + " x" * 50_000], "path": ["x"]}))

    assert sum(len(part.encode()) for part in told.split()) > 0
    lexemes = [part.split(":")[0].strip("'").encode() for part in told.split()]
    positions = sum(part.count(",") + 1 for part in told.split())
    assert sum(map(len, lexemes)) + 4 * len(lexemes) + 2 * positions < 2**20
    assert clipped


def test_a_vector_says_where_it_does_not_know() -> None:
    few, clipped = vector({"path": ["a"], "transcript": ["b", BORDER, "b"]})
    assert (few, clipped) == ("'Fa':1 'Tb':1,3", 0)

    many, clipped = vector({"transcript": ["b"] * 300})
    assert clipped == 1
    assert many.endswith(f",{POSITIONS},{BEYOND}")

    far, clipped = vector({"transcript": ["b"] + ["c"] * FARTHEST + ["b"]})
    assert clipped == 1
    assert f"'Tb':1,{BEYOND} " in far
