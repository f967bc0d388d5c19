"""Keys of objects: sure for any name that a file can have, and readable where that is possible."""

import re
from itertools import pairwise
from typing import Final
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storewarden.store.contract import LONGEST_KEY
from storewarden.store.key import is_proper, key_of
from tests.conftest import Golden

MARK: Final = "abcdefghij234567"
marks = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)
roots = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)
endings = st.sampled_from(["", ".zst"])
names = st.one_of(
    st.binary(min_size=1, max_size=255),
    st.text(min_size=1, max_size=60).map(lambda text: text.encode(errors="surrogatepass")),
    st.sampled_from(
        [b".", b"..", b"...", b".storewarden", b"lost+found", b"a.about", b"%2E", b"~"]
    ),
).map(lambda name: name.replace(b"/", b"|"))
paths = st.one_of(
    st.lists(names, min_size=1, max_size=40).map(b"/".join),
    st.binary(max_size=4096),  # what no file system would give us
)


@given(root=roots, path=paths, mark=marks, ending=endings)
@example(root="r" * 63, path=b"/".join([b"\xff" * 255] * 16), mark=MARK, ending=".zst")
@example(root="r", path=b"a/" * 450 + b"a", mark=MARK, ending="")
@example(root="r", path=b"", mark=MARK, ending="")
@example(root="r", path=b"../..//./", mark=MARK, ending=".zst")
def test_any_name_has_a_key_that_every_store_takes(
    root: str, path: bytes, mark: str, ending: str
) -> None:
    key = key_of(root, path, mark, ending)

    assert is_proper(key)
    assert len(key.encode()) <= LONGEST_KEY
    assert re.fullmatch(r"[A-Za-z0-9._+=,@()%~/-]+", key)
    assert key.startswith(f"{root}/")
    assert key.endswith(f"~{mark}{ending}")
    for part in key.split("/"):
        assert part not in {"", ".", ".."}
        assert len(part) <= 255 - len(".about")


@given(root=roots, path=paths, first=marks, second=marks, ending=endings)
def test_another_mark_makes_another_key_even_where_case_does_not_count(
    root: str, path: bytes, first: str, second: str, ending: str
) -> None:
    one, other = (key_of(root, path, mark, ending) for mark in (first, second))

    assert (one.casefold() == other.casefold()) == (first == second)


@given(root=roots, one=paths, other=paths, ending=endings)
@example(root="r", one=b"a/b", other=b"a%2Fb", ending="")
@example(root="r", one=b".", other=b"%2E", ending="")
@example(root="r", one=b"x" * 181, other=b"x" * 182, ending="")
@example(root="r", one=b"a/" * 460 + b"a", other=b"b/" * 460 + b"a", ending="")
@example(root="r", one=b"", other=b"~", ending="")
def test_another_path_makes_another_key(root: str, one: bytes, other: bytes, ending: str) -> None:
    first, second = (key_of(root, path, MARK, ending) for path in (one, other))

    assert (first == second) == (one == other)


@given(root=roots, path=st.lists(names.filter(lambda name: len(name) < 50), min_size=1, max_size=4))
def test_a_key_that_was_not_cut_tells_the_path(root: str, path: list[bytes]) -> None:
    key = key_of(root, b"/".join(path), MARK, ".zst")
    written = key.removeprefix(f"{root}/").removesuffix(f"~{MARK}.zst")

    assert [unquote_to_bytes(part) for part in written.split("/")] == path


@given(path=paths)
def test_no_byte_is_cut_in_two(path: bytes) -> None:
    key = key_of("r", path, MARK)

    assert re.sub(r"%[0-9A-F]{2}", "", key).count("%") == 0


@pytest.mark.parametrize("mark", ["", "a" * 15, "a" * 17, "A" * 16, "a" * 15 + "1", f"{MARK}\n"])
def test_what_is_no_mark_is_a_mistake_of_ours(mark: str) -> None:
    with pytest.raises(ValueError, match="no mark"):
        key_of("r", b"a", mark)


def test_files_of_one_directory_lie_together() -> None:
    """A prefix of a directory's path finds all below it, as long as nothing is too long."""
    keys = sorted(key_of("r", path, MARK) for path in (b"a/x", b"a/y", b"a/b/z"))

    assert all(key.startswith("r/a/") for key in keys)
    assert all(one != other for one, other in pairwise(keys))


def test_keys_are_what_they_always_were(golden: Golden) -> None:
    """They are in stores for years: a name that changed would not be found again."""
    known = [
        ("save_outputs", b"renders/scene 12.mp4", ".zst"),
        ("save_outputs", "räume/日本.png".encode(), ""),
        ("uploads", b"\xff\xfe\n", ""),
        ("uploads", b"../.", ""),
        ("uploads", b".hidden/~a%b", ".zst"),
        ("uploads", b"n" * 180, ""),
        ("uploads", b"n" * 181, ""),
        ("uploads", b"\xc3\xa4" * 100 + b"/" + b"b" * 255, ".zst"),
        ("uploads", b"/".join([b"deep"] * 300), ".zst"),
    ]

    golden("keys.txt", "".join(key_of(root, path, MARK, end) + "\n" for root, path, end in known))
