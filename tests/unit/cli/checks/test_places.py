"""What the doctor thinks of directories, real ones."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.cli.checks import places
from storewarden.cli.checks.finding import Finding, Level
from storewarden.config.schema import RootSettings
from storewarden.watch.identity import new_marker, write_marker
from storewarden.watch.mounts import Mount, MountTable

NFS = Mount(1, 0, "0:50", "nfs4", b"/", b"/", writable=True)


@pytest.fixture
def mounts() -> Iterator[MountTable]:
    table = MountTable()
    yield table
    table.close()


@pytest.fixture
def anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, whom the system lets do anything: ask the mode bits instead."""

    def access(path: str | bytes | os.PathLike[str], mode: int) -> bool:
        return os.stat(path).st_mode >> 6 & 7 & mode == mode

    monkeypatch.setattr(os, "access", access)


def settings(path: Path, **more: object) -> RootSettings:
    return RootSettings("uploads", os.fsencode(path), **more)  # type: ignore[arg-type]


def levels(findings: Iterator[Finding]) -> list[Level]:
    return [one.level for one in findings]


def test_a_state_directory_that_is_there_or_can_be_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    there = list(places.state_directory(tmp_path, (), sqlite=True))
    later = list(places.state_directory(tmp_path / "a" / "b", (), sqlite=True))

    assert levels(iter(there + later)) == [Level.OK, Level.OK]
    assert "(will be made)" in later[0].told


def test_a_state_directory_of_others_is_refused(tmp_path: Path, anyone: None) -> None:
    tmp_path.chmod(0o500)
    (finding,) = places.state_directory(tmp_path / "state", (), sqlite=True)
    tmp_path.chmod(0o700)

    assert finding.level is Level.FAIL
    assert finding.remedy == f"sudo install -d -m 700 -o $(id -un) {tmp_path}/state"


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    (finding,) = places.state_directory(tmp_path / "state", (), sqlite=True)

    assert (finding.level, finding.told) == (Level.FAIL, f"{tmp_path}/state is not a directory")


def test_sqlite_on_a_network_file_system_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert levels(places.state_directory(tmp_path, (NFS,), sqlite=True)) == [Level.OK, Level.FAIL]
    assert levels(places.state_directory(tmp_path, (NFS,), sqlite=False)) == [Level.OK]


def test_a_state_directory_that_others_can_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    *_, finding = places.state_directory(tmp_path, (), sqlite=True)

    assert (finding.level, finding.remedy) == (Level.WARN, f"chmod 700 {tmp_path}")


@pytest.mark.parametrize(
    ("free", "level"), [(50 << 20, Level.FAIL), (500 << 20, Level.WARN), (5 << 30, Level.OK)]
)
def test_space(free: int, level: Level) -> None:
    assert places.free_space("state directory", "/x", free).level is level


def test_a_healthy_root(tmp_path: Path, mounts: MountTable) -> None:
    marker = new_marker()
    write_marker(os.fsencode(tmp_path), marker)
    root = settings(tmp_path)

    findings = list(places.root(root, mounts, places.count_directories(root)))

    assert levels(iter(findings)) == [Level.OK] * 3
    assert "watched by" in findings[0].told
    assert (findings[1].told, findings[2].told) == (f"marked as {marker}", "1 directory")


def test_the_configured_mode_is_told(tmp_path: Path, mounts: MountTable) -> None:
    (first, *_) = places.root(settings(tmp_path, watch="poll"), mounts, None)

    assert "watched by poll (as configured)" in first.told


def test_a_root_that_is_not_there(tmp_path: Path, mounts: MountTable) -> None:
    gone = tmp_path / "it's gone"

    (finding,) = places.root(settings(gone), mounts, None)
    (made,) = places.root(settings(gone, create=True), mounts, None)

    assert (finding.level, made.level) == (Level.FAIL, Level.OK)
    assert finding.remedy.startswith("mount its disk, or put it back; if it is a new one: mkdir")
    assert finding.remedy.endswith(f"""mkdir -p '{tmp_path}/it'"'"'s gone'""")


def test_a_file_for_a_root(tmp_path: Path, mounts: MountTable) -> None:
    (tmp_path / "file").touch()

    (finding,) = places.root(settings(tmp_path / "file"), mounts, None)

    assert finding.told.endswith("is not a directory")


def test_a_root_that_may_not_be_read(tmp_path: Path, mounts: MountTable, anyone: None) -> None:
    tmp_path.chmod(0o200)
    (finding, *_) = places.root(settings(tmp_path), mounts, None)
    tmp_path.chmod(0o700)

    assert finding.level is Level.FAIL
    assert "setfacl" in finding.remedy


def test_a_root_that_may_not_be_written_has_no_marker(
    tmp_path: Path, mounts: MountTable, anyone: None
) -> None:
    tmp_path.chmod(0o500)
    _, finding = places.root(settings(tmp_path), mounts, None)
    tmp_path.chmod(0o700)

    assert finding.level is Level.WARN


def test_directories_are_counted_without_links_and_exclusions(tmp_path: Path) -> None:
    for name in ("a/b/c", "node_modules/x", ".storewarden/trash", "d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path)

    counted = places.count_directories(settings(tmp_path, exclude=("node_modules/",)))

    assert counted == places.Counted(5, (), whole=True)


def test_counting_ends_when_its_time_is_over(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    times = iter([0.0, 0.0, 100.0])

    counted = places.count_directories(settings(tmp_path), lambda: next(times))

    assert counted == places.Counted(6, (), whole=False)


def test_directories_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    found = places.Counted(7, (b"a\nb", b"c"), whole=False)

    first, second = places.below("root uploads", os.fsencode(tmp_path), found)

    assert first.told == "7 or more directories"
    assert (second.level, second.told) == (
        Level.WARN,
        r"2 directories cannot be read, the first is a\nb",
    )
