"""What the doctor thinks of machines it was given."""

import resource
from importlib import metadata
from pathlib import Path

import pytest

from storewarden.cli.checks import machine
from storewarden.cli.checks.finding import Finding, Level

SYSCTL = "sudo sysctl -w fs.inotify."


def lacking(*names: str) -> str:
    def version(name: str) -> str:
        if name in names:
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    return machine.libraries(version).told


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (machine.python((3, 10, 4)), Level.FAIL),
        (machine.python((3, 13, 0)), Level.OK),
        (machine.watches(65536, 1000, 0.75), Level.OK),
        (machine.watches(65536, 40_000, 0.75), Level.WARN),
        (machine.watches(65536, 50_000, 0.75), Level.FAIL),
        (machine.watches(None, 1, 0.75), Level.FAIL),
        (machine.instances(128, 3), Level.OK),
        (machine.instances(128, 125), Level.WARN),
        (machine.instances(None, 0), Level.OK),
        (machine.queue(16384), Level.OK),
        (machine.queue(1024), Level.WARN),
        (machine.queue(None), Level.OK),
        (machine.inspection(frozenset({"limits", "landlock", "seccomp"})), Level.OK),
        (machine.inspection(frozenset({"limits", "seccomp"})), Level.WARN),
        (machine.inspection(frozenset({"limits", "landlock"})), Level.WARN),
        (machine.inspection(frozenset()), Level.FAIL),
        (machine.open_files(1024), Level.OK),
        (machine.open_files(256), Level.WARN),
        (machine.open_files(resource.RLIM_INFINITY), Level.OK),
        (machine.clock(1_795_246_201, in_step=True), Level.OK),
        (machine.clock(1_795_246_201, in_step=False), Level.WARN),
        (machine.clock(0, in_step=True), Level.FAIL),
        (machine.clock(5_000_000_000, in_step=True), Level.FAIL),
    ],
)
def test_levels(finding: Finding, level: Level) -> None:
    assert finding.level is level
    assert bool(finding.remedy) == (level is not Level.OK)


def test_too_few_watches_name_the_command_that_gives_twice_the_need() -> None:
    finding = machine.watches(8192, 60_000, 0.75)

    assert finding.told.startswith("60,000 directories, 6,144 of 8,192 watches may be ours")
    assert finding.remedy.startswith(f"{SYSCTL}max_user_watches=160000 && ")


def test_counting_use_takes_a_second_watch_of_each_directory() -> None:
    finding = machine.watches(65536, 30_000, 0.75, 25_000)

    assert finding.level is Level.FAIL
    assert finding.told.startswith(
        "30,000 directories, 25,000 of them watched for their use as well, 49,152 of 65,536 "
    )


def test_what_is_missing_is_named() -> None:
    assert machine.libraries(lambda _name: "1.0").level is Level.OK
    assert lacking("rich").endswith("without rich (optional)")
    assert lacking("c2pa-python").endswith("without c2pa-python (optional)")
    assert lacking("apsw", "rich") == "missing: apsw"


def test_this_machine_can_be_looked_at() -> None:
    findings = list(machine.machine(10, 0.75))

    assert [one.subject for one in findings] == [
        "python",
        "libraries",
        "inotify watches",
        "inotify instances",
        "inotify queue",
        "inspection",
        "open files",
        "clock",
        "systemd",
    ]


def test_instances_are_counted_for_this_user_alone(tmp_path: Path) -> None:
    for pid, links in {"12": ["anon_inode:inotify", "/x"], "13": ["anon_inode:inotify"]}.items():
        (tmp_path / pid / "fd").mkdir(parents=True)
        for number, link in enumerate(links):
            (tmp_path / pid / "fd" / str(number)).symlink_to(link)
    (tmp_path / "14").mkdir()
    (tmp_path / "self").mkdir()

    assert machine.instances_in_use(tmp_path) == 2
