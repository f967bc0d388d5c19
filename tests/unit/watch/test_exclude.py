"""Which names are left alone."""

import pytest

from storewarden.watch.exclude import Exclusions, names_matching


@pytest.mark.parametrize(
    ("pattern", "directory", "excluded"),
    [
        ("cache", b"cache", True),
        ("cache", b"a/cache", True),
        ("cache", b"a/cache/below", True),
        ("cache", b"cached", False),
        ("cache", b"acache", False),
        ("*.d", b"a/x.d/y", True),
        ("node_modules/", b"a/node_modules", True),
        ("a/cache", b"a/cache", True),
        ("a/cache", b"a/cache/below", True),
        ("a/cache", b"b/a/cache", False),
        ("a/*/raw", b"a/x/raw", True),
        ("a/*/raw", b"a/x/y/raw", False),
        ("a/**/raw", b"a/x/y/raw", True),
        ("a/**/raw", b"a/raw", True),
        ("**/raw", b"x/raw", True),
        ("/top", b"top", True),
        ("/top", b"a/top", False),
        ("./top", b"top", True),
        ("[!a]b", b"cb", True),
        ("[!a]b", b"ab", False),
        ("[]x]", b"]", True),
        ("[z-a]", b"[z-a]", True),
        ("a[", b"a[", True),
        ("a.b", b"axb", False),
        ("n?", b"n\n", True),
        ("\udcff*", b"\xffname", True),
    ],
)
def test_directories(pattern: str, directory: bytes, *, excluded: bool) -> None:
    assert Exclusions((pattern,)).directory(directory) is excluded


@pytest.mark.parametrize(
    ("pattern", "directory", "name", "excluded"),
    [
        ("*.part", b"", b"a.part", True),
        ("*.part", b"a", b"a.part", True),
        ("*.part", b"a.part", b"x", True),
        ("*.part", b"a", b"a.partial", False),
        ("x/", b"a", b"x", False),
        ("x/", b"x", b"a", True),
        ("a/x", b"a", b"x", True),
        ("a/x", b"", b"x", False),
        ("a/*", b"a", b"x\ny", True),
        ("a/*", b"a/b", b"x", True),
        ("*", b"", b".hidden", True),
    ],
)
def test_files(pattern: str, directory: bytes, name: bytes, *, excluded: bool) -> None:
    assert Exclusions((pattern,)).file(directory, name) is excluded


def test_our_own_folder_is_always_left_alone_but_only_at_the_top() -> None:
    none = Exclusions()

    assert none.trivial
    assert none.directory(b".storewarden")
    assert none.directory(b".storewarden/trash/x")
    assert none.file(b".storewarden", b"root")
    assert none.file(b"", b".storewarden")
    assert not none.directory(b"a/.storewarden")
    assert not none.directory(b".storewardens")
    assert not none.file(b"a", b".storewarden")
    assert not none.directory(b"")
    assert not none.file(b"", b"a")


def test_only_patterns_with_a_path_can_change_by_a_rename() -> None:
    assert not Exclusions(("*.part", "cache/")).by_path
    assert Exclusions(("a/b",)).by_path
    assert Exclusions(("a/b/",)).by_path


def test_names_alone() -> None:
    partial = names_matching(["*.part", ".*.??????"])

    assert partial(b"a.part")
    assert partial(b".film.mp4.Xy12z3")
    assert not partial(b"film.mp4")
    assert not names_matching([])(b"anything")
