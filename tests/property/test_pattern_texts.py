"""A text that meets patterns and misses others is never said not to exist."""

from hypothesis import given
from hypothesis import strategies as st

from storewarden import wildcard
from storewarden.policy.texts import Pattern, meets

PIECES = ("a", "b", "A", ".", "/", "*", "?", "[ab]", "[!a]", "[b-a]", "[", "]", "!")
patterns = st.lists(st.sampled_from(PIECES), max_size=5).map(lambda parts: "".join(parts).encode())
paths = st.text("abA./]![", min_size=1, max_size=6).map(str.encode)


def met(pattern: Pattern, path: bytes) -> bool:
    name = path.rpartition(b"/")[2]
    match pattern.part:
        case "name":
            return wildcard.matches(pattern.text, name)
        case "ext":
            end = b"." + pattern.text.lower()
            return len(name) > len(end) and name.lower().endswith(end)
        case "path" if pattern.text.endswith(b"/"):
            return wildcard.matches(pattern.text + b"*", path)
        case _:
            return wildcard.matches(pattern.text, path)


parts = st.sampled_from(("whole", "path", "name"))
some = st.lists(st.builds(Pattern, patterns, parts), min_size=1, max_size=3)
simple = st.builds(Pattern, st.sampled_from((b"a", b"b", b"Ab", b"a.b")), st.just("ext"))


@given(
    st.lists(st.one_of(some, simple.map(lambda one: [one])), max_size=3),
    st.one_of(st.just([]), some),
    paths,
)
def test_what_a_path_meets_exists(
    groups: list[list[Pattern]], none_of: list[Pattern], path: bytes
) -> None:
    fits = all(any(met(one, path) for one in group) for group in groups) and not any(
        met(one, path) for one in none_of
    )

    assert meets(groups, none_of) or not fits
