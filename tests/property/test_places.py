"""Any pattern is a pattern or told what is wrong; any path is asked in time that grows with it."""

import re

from hypothesis import given
from hypothesis import strategies as some

from storewarden.config.places import compiled, first_complaint, place_of
from storewarden.model import Place

pieces = some.sampled_from(
    [
        "{a}",
        "{b}",
        "{c:int}",
        "{d:uuid}",
        "{e:date}",
        "*",
        "**",
        "/",
        "/**/",
        "{{",
        "x",
        "1",
        ".",
        "_",
    ]
)
near_patterns = some.lists(pieces | some.text(max_size=2), max_size=12).map("".join)
parts = some.binary(max_size=8).map(lambda raw: raw.replace(b"/", b"").replace(b"\0", b""))
some_paths = some.lists(parts | some.sampled_from([b"x", b"1", b"_", b"x_1"]), max_size=8)
paths = some_paths.map(b"/".join)


@given(near_patterns, paths)
def test_any_text_is_a_pattern_or_told_what_is_wrong(pattern: str, path: bytes) -> None:
    complaint = first_complaint(pattern)
    place = place_of((pattern,), path)

    assert complaint is None or (all(complaint) and place == Place())
    assert compiled(pattern) if complaint is None else True
    assert "\0" not in str(place)


simple = some.lists(some.sampled_from(["*", "{a}", "x", "_", "1", "x_"]), min_size=1, max_size=6)


@given(some.lists(simple.map("".join) | some.just("**"), min_size=1, max_size=4), some_paths)
def test_a_path_fits_exactly_when_a_plain_expression_says_so(
    names: list[str], path: list[bytes]
) -> None:
    """For patterns without types; the other expression may try again as often as it likes."""
    pattern = "/".join(names)
    if first_complaint(pattern) is not None:
        return
    whole = "/".join(names)
    expression = re.escape(whole).replace(re.escape("{a}"), "[^/]+")
    expression = expression.replace(r"/\*\*/", "/(?:[^/]*/)*")
    expression = re.sub(r"\A\\\*\\\*/", "(?:[^/]*/)*", expression)
    expression = re.sub(r"/\\\*\\\*\Z", "/.*", expression).replace(r"\*", "[^/]*")
    joined = b"/".join(path)

    plain = re.fullmatch(expression.encode(), joined, re.DOTALL) is not None

    assert (compiled(pattern).tells(joined.split(b"/")) is not None) == plain


def test_the_longest_hostile_path_is_a_matter_of_milliseconds() -> None:
    """Nothing is timed: a pattern that tried again would not end within the test's timeout."""
    patterns = (
        "_".join(f"*{{a{n}:int}}" for n in range(20)),
        "x".join(f"{{a{n}}}" for n in range(60)) + "y",
        "**/" + "/**/".join(f"*{{a{n}}}x" for n in range(12)).replace("*{", "{"),
        "**/*a*a*a*a*a*a*a{b}a",
        "**/*{a:uuid}*/**/*{b:date}*/**/{c}.{ext}",
    )
    for text in (b"x", b"1", b"_1", b"x/", b"1/", b"a", b"a/", b"1-", b".", b"2026-01-01", b"0a-"):
        path = (text * 4096)[:4096]
        for repeated in range(20):
            place_of(patterns, path[repeated:])
