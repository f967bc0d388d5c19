"""Whatever stands in a file, telling it acts on no terminal, forges no line, and breaks no JSON."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.known import Known, Used
from storewarden.catalogue.search import Snippet
from storewarden.cli import groups, known
from storewarden.cli.output import width
from storewarden.cli.search import highlighted
from storewarden.measure.shown import shown
from storewarden.model import Lora, Media, Outcome, Provenance, Transcript

ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
maybe = st.none() | words
count = st.none() | st.integers(0, 2**62)
made = st.builds(
    Provenance,
    tool=words.filter(bool),
    understood=st.booleans(),
    model=maybe,
    loras=st.lists(st.builds(Lora, words, st.none() | st.floats(-9, 9)), max_size=3).map(tuple),
    prompt=maybe,
    negative=maybe,
    seed=st.none() | st.integers(-(2**70), 2**70),
    sampler=maybe,
    guidance=st.none() | st.floats(0, 99),
    width=count,
)
facts = st.builds(
    Known,
    inspector=st.sampled_from(["", "png"]),
    outcome=st.sampled_from(Outcome),
    reason=words,
    mime=words,
    media=st.builds(Media, width=count, height=count, codec=maybe, colour=maybe, pages=count),
    more=st.dictionaries(words, words | st.booleans() | st.integers(), max_size=4),
    workflow=maybe,
    scene=maybe,
    provenance=st.none() | made,
    transcript=st.none() | st.builds(Transcript, words, words, maybe),
    sidecars=st.lists(st.tuples(st.binary(max_size=9), words), max_size=3).map(tuple),
    sidecar_of=st.none() | st.binary(max_size=9),
    usage=st.none() | st.builds(Used, st.integers(-(2**62), 2**62), st.integers(0), st.integers(0)),
)


@given(facts, st.integers(-5, 200))
def test_lists_tell_facts_on_one_line(what: Known, room: int) -> None:
    told = "".join((*known.brief(what), known.first_words(what, room)))

    assert not ACTS.search(told)
    assert width(known.first_words(what, room)) <= max(room, 0)


@given(facts)
def test_show_tells_facts_on_lines_of_their_own(what: Known) -> None:
    for group in groups.groups(what, 0):
        for label, text in group:
            assert not ACTS.search(label)
            assert not any(ACTS.search(line) for line in text.split("\n"))


@given(st.dictionaries(words, words, max_size=4))
def test_texts_as_they_were_found_act_on_nothing(texts: dict[str, str]) -> None:
    for label, text in groups.raw(texts):
        assert not ACTS.search(label)
        assert not any(ACTS.search(line) for line in text.split("\n"))


@given(facts)
def test_a_pipe_has_a_line_a_fact(what: Known) -> None:
    lines = ["\t".join(map(shown, values)) for values in groups.fields(what)]

    assert not any(ACTS.search(line.replace("\t", "")) for line in lines)


@given(facts)
def test_json_holds_texts_as_they_are(what: Known) -> None:
    told = json.loads(json.dumps(known.as_json(what, whole=True)))

    if what.provenance is not None:
        assert told.get("prompt") == (what.provenance.prompt or None)
        assert told.get("seed") == what.provenance.seed
    assert told.get("more", {}) == what.more


@given(words, st.data())
def test_a_snippet_is_one_line_with_all_its_words(text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    marks = tuple(zip(edges[::2], edges[1::2], strict=False))
    cells = list(highlighted(Snippet("prompt", text, marks)))

    assert not ACTS.search("".join(cell.text for cell in cells))
    assert sum(cell.style == "found" for cell in cells) == len(marks)
