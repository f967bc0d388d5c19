"""What a backup is in a store, and what it tells of itself: nothing of it is believed unread."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from storewarden.act.codec import Codec
from storewarden.databases import objects
from storewarden.databases.about import FOLDER, About, Base, from_bytes, key_for, to_bytes
from storewarden.errors import ObjectDamaged, ObjectExists, ObjectMissing, WorkStopped
from storewarden.store.contract import LARGEST_ABOUT, Store
from storewarden.store.directory import DirectoryStore
from storewarden.store.key import is_proper
from storewarden.store.memory import MemoryStore

NOW = 1_795_246_201_000_000_000
CONTENT = os.urandom(3000) + bytes(2_000_000)
WHOLE = About(
    host="rack",
    name="chat",
    place=b"/srv/chat\xff.db",
    kind="full",
    base=None,
    taken_ns=NOW,
    page_size=4096,
    pages=489,
    digest=blake3(CONTENT).digest(),
    schema_digest=b"s" * 32,
    codec="none",
    packed_bytes=0,
    content_digest=bytes(32),
    content_bytes=0,
    mode=0o640,
    uid=1000,
    gid=1000,
    modified_ns=NOW - 5,
    mark="abcdefghijklmnop",
    rows={"messages": 12, 'a "name"': 0},
)
BUILT = replace(WHOLE, kind="increment", base=Base("~databases/x", b"d" * 32), codec="zstd")


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore("backups")
    (tmp_path / "store").mkdir()
    made = DirectoryStore("backups", str(tmp_path / "store"))
    made.prepare()
    return made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "image").write_bytes(CONTENT)
    descriptor = os.open(tmp_path / "image", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_what_was_put_is_read_back_and_comes_out_again(
    store: Store, file: int, tmp_path: Path, codec: Codec
) -> None:
    about, stored = objects.put(store, file, replace(WHOLE, codec=codec))

    assert objects.met(store, stored.key) == (about, stored)
    assert about.content_digest == WHOLE.digest
    assert about.packed_bytes == stored.bytes
    assert (stored.bytes == len(CONTENT)) == (codec == "none")
    objects.read_back(store, stored, about)
    with (tmp_path / "back").open("wb") as back:
        objects.fetch(store, stored, about, back.fileno())
    assert (tmp_path / "back").read_bytes() == CONTENT


def test_a_whole_one_in_a_directory_is_the_very_file(tmp_path: Path, file: int) -> None:
    made = DirectoryStore("backups", str(tmp_path))
    made.prepare()

    _, stored = objects.put(made, file, WHOLE)

    assert (tmp_path / stored.key).read_bytes() == CONTENT
    assert stored.key == "~databases/rack/chat/20261121T073001Z-full~abcdefghijklmnop.sqlite"


def test_an_object_that_another_took_the_place_of_is_not_what_was_put(
    store: Store, file: int
) -> None:
    about, stored = objects.put(store, file, WHOLE)
    assert objects.remove(store, stored.key)
    other, now = objects.put(store, file, replace(WHOLE, rows={"messages": 13}))

    with pytest.raises((ObjectDamaged, ObjectMissing)):
        objects.read_back(store, stored, about)
    with pytest.raises(ObjectDamaged, match="another backup"):
        objects.read_back(store, now, about)
    objects.read_back(store, now, other)


def test_bytes_that_changed_are_noticed(tmp_path: Path, file: int) -> None:
    made = DirectoryStore("backups", str(tmp_path))
    made.prepare()
    about, stored = objects.put(made, file, WHOLE)
    with (tmp_path / stored.key).open("r+b") as damaged:
        damaged.seek(1_000_000)
        damaged.write(b"x")
    _, found = objects.met(made, stored.key)

    with pytest.raises(ObjectDamaged, match="another digest"):
        objects.read_back(made, found, about)


def test_what_is_not_there_is_said_and_removed_once(store: Store, file: int) -> None:
    _, stored = objects.put(store, file, WHOLE)

    with pytest.raises(ObjectExists):
        objects.put(store, file, WHOLE)
    assert objects.remove(store, stored.key)
    assert not objects.remove(store, stored.key)
    with pytest.raises(ObjectMissing):
        objects.met(store, stored.key)


def test_who_wants_an_end_leaves_nothing(store: Store, file: int) -> None:
    with pytest.raises(WorkStopped):
        objects.put(store, file, WHOLE, objects.stopping(lambda: True))

    assert list(store.list()) == []


# -- what an object tells of itself -------------------------------------------------------------


@pytest.mark.parametrize("about", [WHOLE, BUILT, replace(WHOLE, rows=None, modified_ns=-1)])
def test_what_is_told_is_understood_again(about: About) -> None:
    assert from_bytes(to_bytes(about), "x") == about
    assert is_proper(key_for(about))


def test_rows_of_too_many_tables_are_left_out() -> None:
    many = replace(WHOLE, rows={f"table of messages {number}": number for number in range(9000)})

    told = to_bytes(many)

    assert len(told) <= LARGEST_ABOUT
    assert from_bytes(told, "x") == replace(many, rows=None)


@pytest.mark.parametrize("name", ["..", "a/b", "", " ", "\n", "x" * 5000, "Größe", "."])
def test_any_name_of_a_database_makes_a_key(name: str) -> None:
    about = replace(WHOLE, name=name, host=name)

    assert is_proper(key_for(about))
    assert key_for(about).startswith(f"{FOLDER}/")


@pytest.mark.parametrize(
    "changed",
    [
        {"what": "a file"},
        {"version": 2},
        {"version": True},
        {"kind": "diff"},
        {"kind": "increment"},
        {"base": {"key": "x", "blake3": "00" * 32}},
        {"base": 3},
        {"base": {"key": "x"}},
        {"taken_ns": -1},
        {"taken_ns": 1.5},
        {"pages": True},
        {"pages": 2**33},
        {"page_size": "4096"},
        {"blake3": "00"},
        {"blake3": "0G" * 32},
        {"codec": "gzip"},
        {"codec": []},
        {"mode": 0o10777},
        {"uid": 2**32 - 1},
        {"place": "!!"},
        {"place": "ü"},
        {"name": ""},
        {"name": 7},
        {"mark": "../../etc"},
        {"rows": []},
        {"rows": {"a": -1}},
        {"rows": {"a": "1"}},
        {"host": None},
    ],
    ids=str,
)
def test_nothing_else_is_believed(changed: dict[str, Any]) -> None:
    told = json.loads(to_bytes(WHOLE)) | changed

    with pytest.raises(ObjectDamaged, match="cannot be used"):
        from_bytes(json.dumps(told).encode(), "cloud: x")


@pytest.mark.parametrize("written", [b"", b"[]", b"{}", b"\xff", b"[" * 9000, b"null", b"1"])
def test_neither_is_what_is_no_document(written: bytes) -> None:
    with pytest.raises(ObjectDamaged, match="cannot be used"):
        from_bytes(written, "cloud: x")


def test_a_document_that_lacks_anything_is_none() -> None:
    told = json.loads(to_bytes(BUILT))

    for name in told:
        with pytest.raises(ObjectDamaged):
            from_bytes(json.dumps({k: v for k, v in told.items() if k != name}).encode(), "x")
