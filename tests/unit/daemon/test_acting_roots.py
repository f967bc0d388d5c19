"""Roots are lent for acts when they are there and the ones that are known; else it is said why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.config.schema import RootSettings
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.errors import FileUnusable
from storewarden.policy.run import Frozen
from storewarden.watch.identity import RootIdentity, new_marker, read_identity, write_marker
from storewarden.watch.mounts import MountTable


class Known:
    """What a catalogue remembers of roots."""

    def __init__(self) -> None:
        self.roots: dict[str, RootIdentity] = {}

    def remember(self, name: str, path: Path) -> None:
        mounts = MountTable()
        self.roots[name] = read_identity(bytes(path), mounts)
        mounts.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "r"
    path.mkdir()
    write_marker(bytes(path), new_marker())
    return path


def opened(root: Path, known: Known) -> OpenRoots:
    roots = OpenRoots("host", known.roots.get)
    roots.want((RootSettings("r", bytes(root)),))
    return roots


def test_the_root_that_is_known_is_lent_once_more_to_who_has_it(root: Path) -> None:
    known = Known()
    known.remember("r", root)
    roots = opened(root, known)
    with roots.opened("r") as outer, roots.opened("r") as inner:
        assert inner is outer
        assert os.fstat(inner.descriptor).st_ino == root.stat().st_ino
        assert (inner.host, inner.uuid) == ("host", known.roots["r"].marker)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(outer.descriptor)
    assert roots.frozen() == {}
    assert roots.devices() == {"r": root.stat().st_dev}
    assert 0 < roots.spaces()["r"].used <= roots.spaces()["r"].total
    roots.close()


def test_a_root_that_was_never_scanned_or_is_another_is_refused_and_told(root: Path) -> None:
    known = Known()
    roots = opened(root, known)
    with pytest.raises(FileUnusable, match="storewarden scan r"), roots.opened("r"):
        pass
    assert roots.frozen() == {"r": Frozen("it was never scanned", "storewarden scan r")}
    known.remember("r", root)
    other = root.parent / "other"
    other.mkdir()
    write_marker(bytes(other), new_marker())
    root.rename(root.parent / "away")
    other.rename(root)
    assert list(roots.frozen()) == ["r"]
    root.rename(other)
    assert roots.frozen() == {"r": Frozen("No such file or directory")}
    assert roots.spaces() == {}
    roots.close()


def test_a_root_follows_the_configuration(root: Path) -> None:
    known = Known()
    known.remember("r", root)
    roots = opened(root, known)
    moved = root.rename(root.parent / "moved")
    assert list(roots.frozen()) == ["r"]
    known.roots["r"] = replace(known.roots["r"], location=os.fsencode(moved))
    roots.want((RootSettings("r", bytes(moved)),))
    assert roots.frozen() == {}
    roots.want(())
    with pytest.raises(FileUnusable, match="not configured"), roots.opened("r"):
        pass
    roots.close()


def test_where_only_a_scan_looked_the_directory_itself_is_proof(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    known = Known()
    known.remember("r", root)
    known.roots["r"] = replace(known.roots["r"], marker=new_marker())  # noted, never written
    roots = opened(root, known)
    assert roots.frozen() == {}
    root.rename(tmp_path / "away")
    root.mkdir()
    assert list(roots.frozen()) == ["r"]
    roots.close()
