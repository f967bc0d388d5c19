"""Policy files become the set that they say, and the same set however they are laid out."""

from pathlib import Path

import pytest
import yaml

from storewarden.facts.kinds import KINDS as REAL_KINDS
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.language.match import KINDS
from storewarden.policy.load import read
from storewarden.policy.rules import (
    Backup,
    Evaluate,
    Force,
    Guard,
    Keep,
    Order,
    Phase,
    Placement,
    PolicySet,
    Pressure,
    Timer,
    Triggers,
)
from tests.conftest import GOLDEN
from tests.fuzzing import PROJECT
from tests.unit.policy.reading import STORES, TABLES, policy, policy_set, problems

GOOD = sorted((GOLDEN / "policies/good").glob("*.yaml"))
SHIPPED = sorted((PROJECT / "policies").glob("*.yaml"))
DAY = 86_400 * 1_000_000_000
VIDEO = Term("kind", "=", ("video",), "video")
HOLD = "match: {kind: video}, hold: true"
TRASH = "match: {kind: video}, phases: [{after: 30d, do: trash}]"


def load(text: str) -> PolicySet:
    return read([("a.yaml", text.encode())], stores=(*STORES, "archive"), tables=TABLES)


@pytest.mark.parametrize("path", [*GOOD, *SHIPPED], ids=lambda path: path.stem)
def test_another_layout_means_the_same(path: Path) -> None:
    text = path.read_text()
    tree = yaml.load(text, yaml.BaseLoader)  # everything stays text

    def plain(node: object) -> str:
        if isinstance(node, dict):
            return "{" + ", ".join(f"{key}: {plain(one)}" for key, one in node.items()) + "}"
        if isinstance(node, list):
            return "[" + ", ".join(map(plain, node)) + "]"
        words = {"true", "false"}
        return str(node) if node in words else "'" + str(node).replace("'", "''") + "'"

    again = plain(tree)
    first, second = load(text), load("# another layout\n" + again + "\n")

    assert second.fingerprint == first.fingerprint
    assert second.policies == first.policies
    assert [one.facts for one in second.tests] == [one.facts for one in first.tests]


def test_a_set_remembers_its_texts_and_its_order() -> None:
    found = policy_set(
        f"version: 1\npolicies: [{{id: b, {HOLD}}}]\n",
        f"version: 1\npolicies: [{{id: a, {HOLD}}}]\n",
    )

    assert [one.id for one in found.policies] == ["b", "a"]
    assert [name for name, _ in found.sources] == ["a.yaml", "b.yaml"]
    assert found.sources[1][1].startswith("version: 1")


def test_classes_of_one_file_are_known_in_all() -> None:
    found = policy_set(
        "version: 1\nclasses: {film: {kind: video}}\n",
        "version: 1\npolicies: [{id: a, match: film, hold: true}]\n",
    )

    assert found.policies[0].match == Class("film", VIDEO)
    assert found.classes == (("film", VIDEO),)


def test_names_are_used_once_in_all_files() -> None:
    text = f"version: 1\nclasses: {{c: {{kind: video}}}}\npolicies: [{{id: a, {HOLD}}}]\n"

    first, second = problems(text, text)

    assert first == (
        "b.yaml:2:11: classes.c: is there twice, first in a.yaml, line 2; keep one of them"
    )
    assert second == (
        "b.yaml:3:12: policies.0.id: a is there twice, first in a.yaml, line 3; "
        "give one another name"
    )


def test_the_problems_of_all_files_are_told_at_once() -> None:
    told = problems("version: 1\npolices: []\n", "", "version: 2\n")

    assert [line.split(":")[0] for line in told] == ["a.yaml"] * 2 + ["b.yaml"] + ["c.yaml"] * 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{kind: video}", VIDEO),
        ("{kind: [video, image]}", Term("kind", "=", ("video", "image"), "video, image")),
        ('{kind: "!= video"}', Term("kind", "!=", ("video",), "!= video")),
        ('{size: ">= 1KiB"}', Term("size", ">=", (1024,), ">= 1KiB")),
        ('{age: "> 30d"}', Term("age", ">", (30 * DAY,), "> 30d")),
        ("{rating: 4}", Term("rating", "=", (4,), "4")),
        ("{pinned: false}", Term("pinned", "=", (False,), "false")),
        ("{seed: 18446744073709551615}", Term("seed", "=", (2**64 - 1,), str(2**64 - 1))),
        ("{name: no, scene: 0755}", All((
            Term("name", "=", ("no",), "no"), Term("scene", "=", ("0755",), "0755"),
        ))),
        ("{not: {kind: video}}", Not(VIDEO)),
        ("{any: [film, {kind: video}]}", Any((Class("film", VIDEO), VIDEO))),
        ("{class: film, not: film}", All((Class("film", VIDEO), Not(Class("film", VIDEO))))),
        ("film", Class("film", VIDEO)),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_say(written: str, meant: Condition) -> None:
    found = policy(f"match: {written}, hold: true", "classes: {film: {kind: video}}")

    assert found.match == meant


def test_phases_keep_their_order_and_times() -> None:
    found = policy(
        "match: {kind: video}, clock: last_used, phases: [{after: 1d, do: copy, to: cold}, "
        "{after: 30d, do: archive, to: cloud, compress: zstd}, {after_previous: 7d, do: trash}]"
    )

    assert found.clock == "last_used"
    assert found.phases == (
        Phase(Force.COPY, DAY, to="cold"),
        Phase(Force.ARCHIVE, 30 * DAY, to="cloud", compress="zstd"),
        Phase(Force.TRASH, 7 * DAY, after_previous=True),
    )


def test_rows_match_no_file_and_have_the_clock_of_their_table() -> None:
    found = policy("match: {rows: app.conversations}, phases: [{after: 1y, do: archive}]")

    assert found.rows == "app.conversations"
    assert found.match == Any(())
    assert found.clock == ""


def test_places_are_required_preferred_or_judged_by_use() -> None:
    judged = policy(
        "match: {kind: video}, place: {evaluate: {window: 30d, "
        'local_if: "opens_per_day >= 5", else: cloud, min_stay: 7d, hysteresis: 20%}}'
    )
    wanted = Term("opens_per_day", ">=", (5,), "5")

    assert judged.place == Placement((), (), Evaluate(30 * DAY, wanted, "cloud", 7 * DAY, 0.2))
    assert policy("match: {kind: video}, place: {required: local}").place == Placement(("local",))
    preferred = policy("match: {kind: video}, place: {preferred: [cold, local]}").place
    assert preferred == Placement((), ("cold", "local"))


def test_triggers_are_words_timers_and_pressure() -> None:
    assert policy(TRASH).triggers == Triggers()
    assert policy(f"{TRASH}, trigger: {{every: 1h}}").triggers == Triggers(
        event=False, timers=(Timer(every_ns=DAY // 24),)
    )
    both = policy(
        f"{TRASH}, trigger: [event, {{cron: '0  3 * * *'}}, "
        "{pressure: {high: 90%, low: 80%, order: 'size desc, age'}}]"
    )
    pressure = Pressure(0.9, 0.8, (Order("size", descending=True), Order("age")))
    assert both.triggers == Triggers(True, (Timer(cron="0 3 * * *"),), pressure)


def test_care_has_its_own_times() -> None:
    care = policy(
        "match: {kind: database}, care: {backup: {every: 1d, keep_last: 3, to: cold}, "
        "vacuum: {when: free_ratio > 25%}}"
    ).care

    assert care is not None
    assert care.backup == Backup(Timer(every_ns=DAY), Keep(last=3), to="cold")
    assert care.vacuum_when == Term("free_ratio", ">", (0.25,), "25%")


def test_backups_are_kept_by_the_hour_the_day_the_week_the_month_and_the_year() -> None:
    care = policy(
        "match: {kind: database}, care: {backup: {cron: '0 3 * * *', keep_last: 1, keep_hourly: 2,"
        " keep_daily: 3, keep_weekly: 4, keep_monthly: 5, keep_yearly: 6, keep_within: 7d,"
        " full: {every: 2w}, compress: none}}"
    ).care

    assert care is not None
    keep = Keep(last=1, hourly=2, daily=3, weekly=4, monthly=5, yearly=6, within_ns=7 * DAY)
    assert care.backup == Backup(
        Timer(cron="0 3 * * *"), keep, full=Timer(every_ns=14 * DAY), compress="none"
    )


def test_limits_are_inherited_tightened_freely_and_loosened_aloud() -> None:
    text = (
        "version: 1\nguard: {max_objects: 100}\npolicies:\n"
        f"  - {{id: plain, {TRASH}}}\n"
        f"  - {{id: tight, {TRASH}, guard: {{max_objects: 7, max_bytes: 1GiB}}}}\n"
        f"  - {{id: wide, {TRASH}, guard: {{max_objects: never, loosen: true}}}}\n"
    )

    plain, tight, wide = (one.guard for one in policy_set(text).policies)

    assert plain == Guard(max_objects=100)
    assert tight == Guard(max_objects=7, max_bytes=2**30)
    assert wide == Guard(max_objects=None)


def test_a_test_gives_facts_and_how_old_the_file_is() -> None:
    text = (
        "version: 1\nclasses: {render: {kind: video, root: save_outputs, size: '> 1KB'}}\n"
        f"policies: [{{id: a, {TRASH}}}]\n"
        "tests: [{given: {class: render, ext: mp4, last_used: 40d}, expect: {do: trash}}]\n"
    )

    (one,) = policy_set(text).tests

    assert dict(one.facts) == {
        "kind": "video",
        "last_used_ago_ns": 40 * DAY,
        "path": b"file.mp4",
        "root": "save_outputs",
        "size": 1001,
    }
    assert one.at_ns == 40 * DAY
    assert (one.do, one.policy) == ("trash", None)


# -- what stands for a meaning ------------------------------------------------------------------

CHANGES = [
    TRASH.replace("30d", "31d"),
    TRASH.replace("video", "image"),
    TRASH.replace("{kind: video}", "{not: {kind: video}}"),
    TRASH.replace("trash", "archive, to: cold"),
    f"{TRASH}, clock: modified",
    f"{TRASH}, guard: {{max_objects: 3}}",
    f"{TRASH}, trigger: {{every: 1h}}",
    HOLD,
]
SAME = [
    TRASH.replace("30d", "4w 2d"),
    TRASH.replace("{kind: video}", '{kind: "= video"}'),
    TRASH.replace("{kind: video}", "{kind: [video]}"),
    f"{TRASH}, clock: created",
    f"{TRASH}, trigger: event",
    f"{TRASH}, reason: because, category: big, observe: false",
]


@pytest.mark.parametrize("changed", CHANGES)
def test_another_meaning_has_another_fingerprint(changed: str) -> None:
    assert fingerprint(policy(changed)) != fingerprint(policy(TRASH))


@pytest.mark.parametrize("changed", SAME)
def test_the_same_meaning_has_the_same_fingerprint(changed: str) -> None:
    assert fingerprint(policy(changed)) == fingerprint(policy(TRASH))


def test_a_class_that_is_written_out_means_the_same() -> None:
    by_name = policy("match: film, hold: true", "classes: {film: {kind: video}}")

    assert fingerprint(by_name) == fingerprint(policy(HOLD))


def test_the_order_of_policies_is_a_part_of_the_meaning_and_tests_are_not() -> None:
    first = f"version: 1\npolicies: [{{id: a, {HOLD}}}, {{id: b, {TRASH}}}]\n"
    turned = f"version: 1\npolicies: [{{id: b, {TRASH}}}, {{id: a, {HOLD}}}]\n"
    tested = f"{first}tests: [{{given: {{kind: video}}, expect: nothing}}]\n"

    assert policy_set(first).fingerprint != policy_set(turned).fingerprint
    assert policy_set(first).fingerprint == policy_set(tested).fingerprint


def test_the_kinds_are_those_that_files_have() -> None:
    assert set(KINDS) == set(REAL_KINDS)
