"""Which directory is which store is remembered by what a person said, and by nothing else."""

from pathlib import Path

import pytest

from storewarden.errors import StoreRefused, StoreUnavailable
from storewarden.store.known import Known, known, note

ONE = Known("0d1d5cb3-3a1c-4f8a-9a4e-6f6f1f6d0a11", "/mnt/cold")
OTHER = Known("1d1d5cb3-3a1c-4f8a-9a4e-6f6f1f6d0a11", "/mnt/c\udcffld")


def test_what_was_noted_is_known_and_what_was_not_is_not(tmp_path: Path) -> None:
    note(tmp_path, "cold", ONE)
    note(tmp_path, "odd", OTHER)

    assert known(tmp_path, "cold") == ONE
    assert known(tmp_path, "odd") == OTHER
    assert known(tmp_path, "warm") is None


def test_the_last_word_counts_and_nothing_else_is_left(tmp_path: Path) -> None:
    note(tmp_path, "cold", ONE)
    note(tmp_path, "cold", OTHER)

    assert known(tmp_path, "cold") == OTHER
    assert [path.name for path in tmp_path.rglob("*")] == ["stores", "cold.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"store": 1}', '{"store": "x", "path": "/"}'])
def test_a_changed_note_is_refused_with_what_mends_it(tmp_path: Path, text: str) -> None:
    note(tmp_path, "cold", ONE)
    (tmp_path / "stores/cold.json").write_text(text)

    with pytest.raises(StoreRefused, match="storewarden store prepare cold"):
        known(tmp_path, "cold")


def test_a_state_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("in the way")

    with pytest.raises(StoreUnavailable, match="the state directory must be writable"):
        note(tmp_path, "cold", ONE)
    with pytest.raises(StoreUnavailable, match="which directory is a store"):
        known(tmp_path, "cold")
