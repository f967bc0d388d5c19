"""Every database has a name of its own, and bringing in line what is in line changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.databases import telling_names

PART = st.sampled_from([b"a", b"b", b"app.db", b"x\n", b"x\\n", b"\xff", b"\\xff", b"a (2)", b"~1"])
PLACES = st.sets(
    st.lists(PART, min_size=1, max_size=4).map(lambda parts: b"/" + b"/".join(parts)), max_size=12
)
TAKEN = st.sets(
    st.sampled_from(["a", "b", "app.db", "a/b", "/a", "\\xff", "/x\\n", "/a (2)", "x\\n"])
)


@given(places=PLACES, taken=TAKEN)
def test_each_has_a_name_that_nobody_else_has(places: set[bytes], taken: set[str]) -> None:
    names = telling_names(places, taken)

    assert set(names) == places
    assert len({*names.values(), *taken}) == len(places) + len(taken)
    assert all(name and name.isprintable() for name in names.values())


@given(places=PLACES)
def test_a_name_is_the_shortest_end_that_tells_one_from_the_others(places: set[bytes]) -> None:
    texts = [place.decode("ascii", "replace") for place in places if place.isascii()]
    plain = {text.encode() for text in texts if text.isprintable() and "\\" not in text}
    names = telling_names(plain, [])

    for place, name in names.items():
        text = place.decode()
        assert text.endswith(name)
        shorter = name.partition("/")[2]
        others = [other.decode() for other in plain if other != place]
        if shorter:
            assert any(f"/{other}".endswith(f"/{shorter}") for other in others)


@given(places=PLACES, taken=TAKEN)
def test_the_names_do_not_depend_on_the_order(places: set[bytes], taken: set[str]) -> None:
    assert telling_names(sorted(places), taken) == telling_names(
        sorted(places, reverse=True), sorted(taken)
    )
