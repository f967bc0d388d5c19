"""Whether there is a catalogue, asked by whoever may or may not look."""

import os
import pwd
from pathlib import Path

import pytest

from storewarden.catalogue.connect import is_there, open_catalogue
from storewarden.errors import CatalogueUnavailable


def test_who_may_not_look_is_told_who_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", closed)

    with pytest.raises(CatalogueUnavailable) as told:
        open_catalogue("sqlite", tmp_path, readonly=True, role="test")

    owner = pwd.getpwuid(os.geteuid()).pw_name
    assert told.value.where == str(tmp_path / "catalogue.db")
    assert f"sudo -u {owner} storewarden" in told.value.remedy


def test_what_is_not_there_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "is").touch()

    assert is_there(tmp_path / "is")
    assert not is_there(tmp_path / "is not")
