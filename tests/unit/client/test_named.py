"""How an application may name a file."""

import os
from pathlib import Path

import pytest

from storewarden.client.named import named


def test_an_absolute_path_is_what_it_is() -> None:
    assert named("/srv/media/cat.png") == "/srv/media/cat.png"
    assert named(b"/srv/media/cat.png") == "/srv/media/cat.png"
    assert named(Path("/srv/media/cat.png")) == "/srv/media/cat.png"


def test_bytes_that_are_no_utf8_come_back_as_they_were() -> None:
    name = b"/srv/\xff\xfe\n.png"

    assert os.fsencode(named(name)) == name


def test_a_text_of_something_that_is_here_is_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "a.mp4").touch()

    assert named("uploads/a.mp4") == f"{tmp_path}/uploads/a.mp4"
    assert named("./uploads/../uploads/a.mp4") == f"{tmp_path}/uploads/a.mp4"


def test_a_text_of_nothing_here_begins_with_the_name_of_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert named("uploads/a.mp4") == "uploads/a.mp4"


def test_a_path_that_is_no_text_is_of_here_whether_it_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert named(Path("uploads/a.mp4")) == f"{tmp_path}/uploads/a.mp4"
    assert named(b"uploads/a.mp4") == f"{tmp_path}/uploads/a.mp4"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "to").symlink_to("/nowhere")

    assert named(tmp_path / "to" / "a.png") == f"{tmp_path}/to/a.png"
