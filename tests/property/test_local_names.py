"""Whatever a file is called and wherever it lies, the trash knows it and gives it back."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import given
from hypothesis import strategies as st

from storewarden.act.entries import entries
from storewarden.act.identity import Identity
from storewarden.act.members import Bundle
from storewarden.act.note import Note, Noted, Slip, decode, encode
from storewarden.act.refused import Refused
from storewarden.act.trash import Restored, Trashed, restore, trash
from storewarden.watch.exclude import OURS
from tests.interfering import MARK, NOW, Ground, Standing

names = (
    st.binary(min_size=1, max_size=255)
    .map(lambda name: name.translate(None, b"\0/"))
    .filter(lambda name: name not in {b"", b".", b"..", OURS, b"bystander"})
)
paths = st.lists(names, min_size=1, max_size=4).map(b"/".join)
numbers = st.integers(-(2**63), 2**64)
noted = st.builds(
    Noted,
    path=st.binary(),
    identity=st.builds(Identity, numbers, numbers, numbers, numbers, numbers),
    mode=numbers,
    uid=numbers,
    gid=numbers,
    accessed_ns=numbers,
    above=st.lists(numbers).map(tuple),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@contextmanager
def ground() -> Iterator[Ground]:
    above = Path(mkdtemp(prefix="storewarden-"))
    made = Ground(above / "root")
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(above)


@given(st.lists(paths, min_size=1, max_size=4, unique=True))
def test_every_name_comes_back(wanted: list[bytes]) -> None:
    with ground() as root:
        put = []
        for path in wanted:
            try:
                put.append(root.put(path, b"content of " + path))
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue  # one of them is a directory of another
        members = tuple(root.member(one.path) for one in put)
        before = root.census()

        assert isinstance(trash(root.fd, Bundle(members, MARK, NOW), kernel=Standing()), Trashed)
        (entry,) = entries(root.fd)
        assert not isinstance(entry, Refused)
        assert [file.noted.path for file in entry.files if file.noted] == [
            member.path for member in members
        ]
        assert not any(os.path.lexists(os.fsencode(root.path) + b"/" + one.path) for one in put)
        assert isinstance(restore(root.fd, MARK, kernel=Standing()), Restored)

        assert root.census() == before


marks = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)
slips = st.builds(Slip, marks, numbers, st.lists(noted).map(tuple), st.just({"by": "me"}))


@given(st.lists(slips, max_size=4, unique_by=lambda one: one.mark).map(tuple))
def test_a_note_says_what_was_written(slips: tuple[Slip, ...]) -> None:
    note = decode(encode(Note(MARK, slips)))

    assert note is not None
    assert note == Note(MARK, slips)
    for slip in slips:
        found = note.of(slip.mark)
        assert found is not None
        start, told = found
        assert told == slip
        numbers = range(start, start + len(told.files))
        assert tuple(map(note.file, numbers)) == slip.files
        assert set(numbers) <= set(note.numbers)


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_note_is_none(text: bytes) -> None:
    assert decode(text) is None


@given(st.sampled_from(("version", "mark", "acts", "since_ns", "told", "files")), anything)
def test_a_note_that_somebody_spoiled_stops_nobody(key: str, value: object) -> None:
    whole = json.loads(encode(Note(MARK, (Slip(MARK, NOW, (), {}),))))
    (whole if key in whole else whole["acts"][0])[key] = value

    note = decode(json.dumps(whole).encode())

    assert note is None or isinstance(note, Note)
