"""Patterns against patterns: is there a text that meets these and misses those?"""

import pytest

from storewarden.policy.texts import Part, Pattern, meets


def patterns(*texts: str, part: Part = "whole") -> list[Pattern]:
    return [Pattern(text.encode(), part) for text in texts]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("*.png", "a*", True),
        ("*.png", "*.jpg", False),
        ("a*b", "*ab*", True),
        ("a?c", "ab", False),
        ("[a-c]x", "[!a-c]x", False),
        ("[c-a]x", "bx", True),  # a range that runs backwards is one that runs forwards
        ("a[", "a[", True),
        ("*", "", True),
    ],
)
def test_two_patterns_have_a_text_in_common(one: str, other: str, *, both: bool) -> None:
    assert meets([patterns(one), patterns(other)]) is both


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        ("*.png", "*.p*", False),
        ("*.p*", "*.png", True),
        ("[ab]", "?", False),
        ("*", "?*", True),  # nothing at all
        ("a*a", "a*", False),
    ],
)
def test_a_pattern_says_less_than_another(one: str, other: str, *, left: bool) -> None:
    assert meets([patterns(one)], patterns(other)) is left


def test_several_patterns_together_take_what_one_does_not() -> None:
    assert not meets([patterns("[a-z]")], patterns("[a-m]", "[n-z]"))
    assert meets([patterns("[a-z]")], patterns("[a-m]", "[o-z]"))


@pytest.mark.parametrize(
    ("name", "path", "both"),
    [
        ("a.db", "data/a.db", True),
        ("a.db", "data/b.db", False),
        ("a.db", "data/", True),
        ("a.db", "*.png", False),
        ("*.db", "data/*/x.db", True),
        ("d*", "d/e", False),
        ("a.db", "a.db", True),
    ],
)
def test_a_name_is_the_last_part_of_a_path(name: str, path: str, *, both: bool) -> None:
    assert meets([patterns(name, part="name"), patterns(path, part="path")]) is both


@pytest.mark.parametrize(
    ("ext", "name", "both"),
    [
        ("png", "A.PNG", True),
        ("png", "a.jpg", False),
        ("png", ".png", False),
        ("png", "png", False),
        ("jpeg", "x.jpg", False),
        ("tar.gz", "x.TAR.GZ", True),
        ("gz", "x.tar.gz", True),
    ],
)
def test_an_extension_ends_a_name(ext: str, name: str, *, both: bool) -> None:
    assert meets([patterns(ext, part="ext"), patterns(name, part="name")]) is both


def test_forty_names_against_the_same_forty_are_quick_and_none_is_left() -> None:
    names = patterns(*(f"database_{number}.db" for number in range(40)), part="name")

    assert not meets([names], names)
    assert meets([names], names[:-1])


def test_what_would_take_too_long_may_be() -> None:
    hard = "*".join("abcdefgh")

    assert meets([patterns(f"*{hard[at:]}*{hard}*") for at in range(8)], patterns("*a*"))
