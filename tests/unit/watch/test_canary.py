"""A canary proves that events arrive."""

import os
from pathlib import Path

import pytest

from storewarden.watch import canary
from storewarden.watch.canary import prove
from storewarden.watch.inotify import Inotify


def test_events_arrive_here(tmp_path: Path) -> None:
    assert prove(os.fsencode(tmp_path)) is True
    assert prove(os.fsencode(tmp_path)) is True
    assert os.listdir(tmp_path / ".storewarden") == []


def test_silence_is_proof_that_they_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_sing", lambda _: None)

    assert prove(os.fsencode(tmp_path), seconds=0.05) is False


@pytest.mark.parametrize("obstacle", ["absent", "link", "no watch"])
def test_what_cannot_be_tried_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    root = tmp_path / "root"
    if obstacle != "absent":
        root.mkdir()
    if obstacle == "link":
        (root / ".storewarden").symlink_to(tmp_path)
    if obstacle == "no watch":
        monkeypatch.setattr(Inotify, "add", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))

    assert prove(os.fsencode(root)) is None
