"""What a path tells about what a file belongs to, and what is said of patterns that are none."""

from pathlib import Path

import pytest

from storewarden.config.places import first_complaint, place_of
from storewarden.config.schema import PLACES
from storewarden.model import Place
from tests.unit.config.asking import problems, settings

FLOW = "0b0e8bd4-6f9e-4c0c-9a55-3d7a5f0c1e2a"


@pytest.mark.parametrize(
    ("pattern", "path", "told"),
    [
        ("{workflow}/images/scene_{scene}.{ext}", b"w1/images/scene_7.png", Place("w1", "7")),
        ("{workflow}/images/scene_{scene}.{ext}", b"w1/images/scene_a.b.png", Place("w1", "a.b")),
        ("{workflow}/images/scene_{scene}.{ext}", b"w1/images/x/scene_7.png", Place()),
        ("{workflow}/images/scene_{scene}.{ext}", b"w1/images/scene_.png", Place()),
        ("{workflow}/images/scene_{scene}.{ext}", b"w1/images/scene_7", Place()),
        ("{workflow}/**", b"w1/a", Place("w1")),
        ("{workflow}/**", b"w1/a/b/c", Place("w1")),
        ("{workflow}/**", b"w1", Place()),
        ("**/{workflow}/out/*", b"a/b/c/out/x", Place("c")),
        ("**/{workflow}/out/*", b"c/out/x", Place("c")),
        ("**/{workflow}/out/*", b"out/x", Place()),
        ("a/**/s{scene}/**/b", b"a/s1/b", Place(None, "1")),
        ("a/**/s{scene}/**/b", b"a/x/s1/s2/b/b", Place(None, "1")),
        ("a/**/s{scene}/**/b", b"a/b", Place()),
        ("{scene:int}.png", b"007.png", Place(None, "7")),
        ("shot{scene:int}*", b"shot12b.mov", Place(None, "12")),
        ("{take}{scene:int}.mov", b"a12.mov", Place(None, "12", {"take": "a"})),
        ("{scene:int}.png", b"1234567890123456789.png", Place()),
        ("{n:int}", b"0012", Place(None, None, {"n": 12})),
        ("{when:date}_*", b"2026-11-21_a", Place(None, None, {"when": "2026-11-21"})),
        ("{when:date}_*", b"20261121_a", Place(None, None, {"when": "2026-11-21"})),
        ("{when:date}", b"2026_11_21", Place(None, None, {"when": "2026-11-21"})),
        ("{when:date}", b"2026-1121", Place()),
        ("{when:date}", b"2026-13-21", Place()),
        (
            "{a:date}-{b:date}",
            b"20260101-2026-01-02",
            Place(more={"a": "2026-01-01", "b": "2026-01-02"}),
        ),
        ("{workflow:uuid}/*", FLOW.upper().encode() + b"/x", Place(FLOW)),
        ("{workflow:uuid}/*", b"0" + FLOW.encode() + b"/x", Place()),
        ("{workflow:uuid}/*", FLOW.replace("-", "").encode() + b"/x", Place()),
        ("{style}_{workflow}", b"a_b_c", Place("b_c", None, {"style": "a"})),
        ("*-{workflow}-*", b"x-y-z-w", Place("y")),
        ("[{workflow}] {{{scene}}}?", b"[w] {s}?", Place("w", "s")),
        ("{workflow}/x", b"new\nline/x", Place("new\nline")),
        ("{workflow}/x", b"n\xff/x", Place("n\\xff")),
        ("ü/{workflow}", "ü/ä".encode(), Place("ä")),
    ],
)
def test_a_pattern_tells_what_stands_where_it_says(pattern: str, path: bytes, told: Place) -> None:
    assert first_complaint(pattern) is None
    assert place_of((pattern,), path) == told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{FLOW}/images/scene_3.png", Place(FLOW, "3")),
        (f"runs/{FLOW}/a/b/final.mp4", Place(FLOW)),
        ("w/scene_03/take.wav", Place(None, "3")),
        ("w/scene_3/other_scene_4b.wav", Place(None, "4")),
        ("holiday/beach.jpg", Place()),
        ("scene_", Place()),
    ],
)
def test_without_a_word_uuids_are_workflows_and_scene_numbers_scenes(
    path: str, told: Place
) -> None:
    assert place_of(PLACES, path.encode()) == told


def test_the_first_pattern_that_tells_a_thing_is_right_and_others_add_to_it() -> None:
    patterns = "{workflow}/*", "*/{workflow}_{scene}", "*/*_{mood}"

    assert place_of(patterns, b"a/b_c") == Place("a", "c", {"mood": "c"})


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "'' can match nothing; write the path from the root, as in {workflow}/images/*"),
        ("/{a}", "'/{a}' can match nothing; "),
        ("{a}/", "'{a}/' can match nothing; "),
        ("../{a}", "'../{a}' can match nothing; "),
        ("images/*", "'images/*' tells nothing; name a part of it, as in {workflow}/images/"),
        ("**", "'**' tells nothing; "),
        ("**/**/{a}", "'**/**/{a}' : ** stands twice; write it once"),
        ("{a}**", "'{a}**': ** is only a part of a name; write * inside a name, and ** alone"),
        ("{a}{b}", "'{a}{b}': nothing tells where one run ends and the next begins; put a sign"),
        ("{a}*", "'{a}*': nothing tells where one run ends"),
        ("{a}/{a}", "{a} stands twice; give each its own name"),
        ("{a:int}{b:date}", "'{a:int}{b:date}': nothing parts two values; put a sign between"),
        ("{a:int}0", "'{a:int}0': an int takes all digits, 0 cannot follow it; put another sign"),
        ("{A}", "'{A}': 'A' is no name; a name is a-z, then a-z 0-9 _ (32 at most)"),
        ("{}", "'{}': '' is no name; "),
        ("{a:uid}", "'{a:uid}': 'uid' is not known here; did you mean uuid? Known are uuid, date"),
        ("{a:}", "'{a:}': '' is not known here; known are uuid, date, int"),
        ("{a", "'{a': a { stands alone; write {name}, or {{ for the sign itself"),
        ("{a}}", "'{a}}': a } stands alone; write {name}, or }} for the sign itself"),
        ("{a}.{ext}/b", "'{a}.{ext}/b': {ext} is not at the end; end it with .{ext}"),
        ("{a}_{ext}", "{ext} does not follow a dot; write .{ext} at the end"),
        ("{a}.{ext:int}", "'{ext:int}': ext is a text; write .{ext} at the end"),
        ("{a}\0", "contains a zero byte; no file name holds one"),
        ("{a}" + "b" * 500, "is longer than 500 signs or 32 names; write ** for directories"),
        ("{a}" + "/b" * 32, "is longer than 500 signs or 32 names; "),
    ],
)
def test_what_is_no_pattern_is_said_with_what_to_write(pattern: str, said: str) -> None:
    complaint = first_complaint(pattern)

    assert complaint is not None
    assert said.replace(" :", ":") in "; ".join(complaint)
    assert place_of((pattern, "{b}/**"), b"a/x") == Place(None, None, {"b": "a"})


def test_every_wrong_pattern_is_told_at_its_place(tmp_path: Path) -> None:
    text = 'roots: {a: {path: /a, places: ["{workflow}/**", "{a", {b: c}, images/*]}}'

    assert problems(tmp_path, text) == [
        (
            "storewarden.yaml:1:49: roots.a.places.1: "
            "'{a': a { stands alone; write {name}, or {{ for the sign itself"
        ),
        "storewarden.yaml:1:55: roots.a.places.2: is not a pattern; put it in quotes",
        (
            "storewarden.yaml:1:63: roots.a.places.3: 'images/*' tells nothing; "
            "name a part of it, as in {workflow}/images/scene_{scene}.{ext}"
        ),
    ]


def test_patterns_come_from_the_file_and_from_the_environment(tmp_path: Path) -> None:
    text = 'roots: {a: {path: /a, places: ["{workflow}/**"]}, b: {path: /b, places: []}}'
    variable = {"STOREWARDEN_ROOTS_B_PLACES": "{scene}.png, {workflow}/*"}

    assert [root.places for root in settings(tmp_path, text).roots] == [("{workflow}/**",), ()]
    assert settings(tmp_path, text, variable).roots[1].places == ("{scene}.png", "{workflow}/*")


def test_usage_is_refused_where_no_event_comes(tmp_path: Path) -> None:
    text = "roots: {a: {path: /a, usage: true, watch: poll}, b: {path: /b, watch: poll}}"

    assert problems(tmp_path, text) == [
        (
            "storewarden.yaml:1:30: roots.a.usage: cannot be counted without events, "
            "and watch is poll; write watch: auto, or usage: false"
        )
    ]
