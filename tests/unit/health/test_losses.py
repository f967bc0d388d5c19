"""What is wrong is named: with its reason, its object, what is wrong, and a command that exists."""

from __future__ import annotations

import dataclasses
import re
import shlex

import click
import pytest

from storewarden.cli.door import door
from storewarden.config.schema import HEALTH_REASONS
from storewarden.health import probes, reasons
from storewarden.health.losses import DAY_NS, Loss, losses
from storewarden.health.probes import Probes

NOW = 1_795_246_201_000_000_000
GIB = 1 << 30
HOUR_NS = 3600 * 10**9

EVERYTHING = Probes(
    damaged=(
        probes.Damaged("app.db", "table t, page 3: never used"),
        probes.Damaged("two words.db", "index i", rows_whole=True),
    ),
    last_copies=(probes.LastCopies("cold", 1), probes.LastCopies("nas", 3)),
    unheeded=("app.db",),
    orphans=(probes.Orphans("app.talks", "memory", 1), probes.Orphans("app.talks", "context", 70)),
    slow=(probes.Slow("a.db", "a.db", 4.0), probes.Slow("/srv/b.db", "/srv/b.db", 7.5)),
    unseen=(
        probes.Unseen("up", "watches-exhausted", b"a/b", "no watch is left", "sudo sysctl x=1"),
        probes.Unseen("up", "directory-unreadable", b"c"),
        probes.Unseen("down", "frozen"),
    ),
    disks=(
        probes.Disk(("up", "down"), 96 * GIB, 4 * GIB),
        probes.Disk(("other",), 50 * GIB, 50 * GIB, NOW + 3 * DAY_NS),
        probes.Disk((), 99 * GIB, GIB, None, state=True),
    ),
    backed=(
        probes.Backed("app.db", HOUR_NS, NOW, NOW - 3 * HOUR_NS, None),
        probes.Backed("new.db", None, NOW - 2 * DAY_NS, None, None),
    ),
    care=(
        probes.Care("app.db", "check", NOW - 2 * DAY_NS, 0),
        probes.Care("app.db", "backup", NOW, 3, "no space left"),
        probes.Care("app.db", "look", NOW - 2 * DAY_NS, 0),
        *(
            probes.Care("app.db", what, NOW, 9)
            for what in ("drill", "analyze", "vacuum", "migrate")
        ),
    ),
    acts=(
        probes.Acts("renders", 12, NOW - 2 * DAY_NS),
        probes.Acts("", 1, NOW, "the store is full", failing=True),
    ),
    late=(probes.Late("up", 90.0), probes.Late("", 61.0, "disk full")),
)


def keys(found: list[Loss]) -> list[tuple[str, str]]:
    return [loss.key for loss in found]


def test_the_list_of_reasons_is_one() -> None:
    assert reasons.REASONS == HEALTH_REASONS


def test_nothing_is_wrong_with_nothing() -> None:
    assert losses(Probes(), NOW) == []


def test_everything_that_is_wrong_has_its_name_in_the_order_of_the_reasons() -> None:
    assert keys(losses(EVERYTHING, NOW)) == [
        ("integrity", "app.db"),
        ("integrity", "two words.db"),
        ("integrity", "store cold"),
        ("integrity", "store nas"),
        ("foreign_keys", "app.db"),
        ("orphans", "app.talks.context"),
        ("orphans", "app.talks.memory"),
        ("slow_queries", "/srv/b.db"),
        ("slow_queries", "a.db"),
        ("blind", "up"),
        ("blind", "down"),
        ("disk_full", "up, down"),
        ("disk_full", "other"),
        ("disk_full", "state"),
        ("drill", "app.db"),
        ("drill", "new.db"),
        ("backup", "app.db"),
        ("backup", "new.db"),
        ("jobs", "check of app.db"),
        ("jobs", "backup of app.db"),
        ("jobs", "look of app.db"),
        ("jobs", "drill of app.db"),
        ("jobs", "analyze of app.db"),
        ("jobs", "vacuum of app.db"),
        ("jobs", "migrate of app.db"),
        ("jobs", "policy renders"),
        ("jobs", "what people asked for"),
        ("behind", "up"),
        ("behind", "catalogue"),
    ]
    every = {field.name for field in dataclasses.fields(Probes)}
    assert all(getattr(EVERYTHING, name) for name in every)
    assert {loss.reason for loss in losses(EVERYTHING, NOW)} == set(reasons.REASONS)


COMMANDS = [
    loss.remedy
    for loss in losses(EVERYTHING, NOW)
    if not loss.remedy.startswith("sudo ")  # what the watch says of itself
]


@pytest.mark.parametrize("remedy", dict.fromkeys(COMMANDS))
def test_what_mends_it_is_a_command_that_exists(remedy: str) -> None:
    program, *words = shlex.split(remedy)
    assert program == "storewarden"
    command: click.Command = door
    context = click.Context(door, info_name="storewarden", **door.context_settings)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, parent=context)
    command.parse_args(context, words)  # raises when an option or an argument is none


def test_a_name_is_one_word_for_the_shell() -> None:
    (loss,) = losses(Probes(damaged=(probes.Damaged("a b; rm -rf ~", "x"),)), NOW)
    assert shlex.split(loss.remedy) == ["storewarden", "db", "restore", "a b; rm -rf ~"]


def test_what_acts_on_a_terminal_is_not_told() -> None:
    unseen = probes.Unseen("up", "not-there", b"a\x1b[2J\n", "gone\x07", "put \x1bit back")
    (loss,) = losses(Probes(unseen=(unseen,)), NOW)
    assert not re.search(r"[\x00-\x1f]", loss.detail + loss.remedy)


@pytest.mark.parametrize(("statements", "counts"), [(10.0, False), (10.1, True)])
def test_more_than_ten_slow_statements_count_whoever_asked_them(
    statements: float, *, counts: bool
) -> None:
    slow = (probes.Slow("a", "a", 6.0), probes.Slow("b", "b", statements - 6.0))
    assert bool(losses(Probes(slow=slow), NOW)) is counts


@pytest.mark.parametrize(
    ("used", "days", "before", "counts"),
    [
        (95, None, False, False),
        (96, None, False, True),
        (95, None, True, True),  # it comes back below 94 only
        (94, None, True, False),
        (50, 7.0, False, True),
        (50, 7.5, False, False),
        (50, 7.5, True, True),
        (50, 8.5, True, False),
        (50, -1.0, False, True),
    ],
)
def test_a_disk_counts_from_one_limit_on_and_back_from_another(
    used: int, days: float | None, *, before: bool, counts: bool
) -> None:
    full_ns = None if days is None else NOW + int(days * DAY_NS)
    disk = probes.Disk(("up",), used * GIB, (100 - used) * GIB, full_ns)
    was = {("disk_full", "up")} if before else set()
    assert bool(losses(Probes(disks=(disk,)), NOW, was)) is counts


def test_as_much_is_to_be_freed_as_helps() -> None:
    disk = probes.Disk(("up",), 97 * GIB, 3 * GIB)
    (loss,) = losses(Probes(disks=(disk,)), NOW)
    match = re.fullmatch(r"storewarden free (\d+)MiB --root up", loss.remedy)
    assert match is not None
    freed = int(match[1]) << 20
    after = disk._replace(used=disk.used - freed, free=disk.free + freed)
    assert losses(Probes(disks=(after,)), NOW, {loss.key}) == []


@pytest.mark.parametrize(
    ("late", "before", "counts"),
    [(59.0, False, False), (61.0, False, True), (31.0, True, True), (29.0, True, False)],
)
def test_the_catalogue_is_behind_from_a_minute_on(
    late: float, *, before: bool, counts: bool
) -> None:
    was = {("behind", "up")} if before else set()
    assert bool(losses(Probes(late=(probes.Late("up", late),)), NOW, was)) is counts


@pytest.mark.parametrize(("taken", "counts"), [(2 * HOUR_NS, False), (2 * HOUR_NS + 1, True)])
def test_a_backup_may_be_twice_as_old_as_its_schedule(taken: int, *, counts: bool) -> None:
    one = probes.Backed("app.db", HOUR_NS, NOW, NOW - taken, NOW)
    assert [loss.reason for loss in losses(Probes(backed=(one,)), NOW)] == ["backup"] * counts


def test_a_database_that_has_no_backup_yet_has_a_day_for_the_first() -> None:
    one = probes.Backed("app.db", None, NOW - DAY_NS, None, None)
    assert [loss.reason for loss in losses(Probes(backed=(one,)), NOW)] == ["drill"]
    assert [loss.reason for loss in losses(Probes(backed=(one,)), NOW + 1)] == ["drill", "backup"]


@pytest.mark.parametrize(
    ("care", "counts"),
    [
        (probes.Care("a", "backup", NOW, 2), False),  # trying again may mend it
        (probes.Care("a", "backup", NOW, 3), True),
        (probes.Care("a", "check", NOW - DAY_NS, 0), False),
        (probes.Care("a", "check", NOW - DAY_NS - 1, 0), True),
        (probes.Care("a", "vacuum", NOW - 9 * DAY_NS, 0, waits=True), False),
    ],
)
def test_jobs_count_that_fail_again_and_again_or_are_a_day_late(
    care: probes.Care, *, counts: bool
) -> None:
    assert bool(losses(Probes(care=(care,)), NOW)) is counts
