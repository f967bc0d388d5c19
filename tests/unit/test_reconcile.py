"""What a row and a look at the same name mean together."""

import pytest

from storewarden.catalogue.reconcile import (
    FILE_ROW,
    ROW,
    Difference,
    Row,
    difference,
    newest,
    same_content,
)
from storewarden.model import Entry

ENTRY: Entry = (b"a", 7, 0o100644, 1, 1000, 1000, 5, 8, 100, 200)
AT = {name: at for at, name in enumerate(Row._fields[2:12])}


def row(**changed: object) -> Row:
    base: dict[str, object] = dict(zip(AT, ENTRY, strict=True))
    base |= {"id": 1, "directory_id": 1, "kind": "other", "state": "present", "growing": 0}
    base |= {"generation": 1, "recorded_ns": 300}
    return Row(**(base | changed))  # type: ignore[arg-type]  # by name


def seen(**changed: int) -> Entry:
    entry = list(ENTRY)
    for name, value in changed.items():
        entry[AT[name]] = value
    return tuple(entry)  # type: ignore[return-value]  # as long as it was


def test_a_row_has_the_order_of_an_entry_and_of_its_query() -> None:
    assert row()[2:12] == ENTRY
    assert tuple(ROW.split(", ")) == Row._fields
    assert tuple(FILE_ROW.split(", ")) == tuple(f"f.{name}" for name in Row._fields)


@pytest.mark.parametrize(
    ("before", "now", "growing", "expected"),
    [
        ({}, {}, False, Difference.SAME),
        ({"growing": 1}, {}, True, Difference.SAME),
        ({"growing": 1}, {}, False, Difference.TOUCHED),
        ({}, {}, True, Difference.TOUCHED),
        # content
        ({}, {"size": 6}, False, Difference.CHANGED),
        ({}, {"modified_ns": 101, "changed_ns": 201}, False, Difference.CHANGED),
        ({}, {"modified_ns": 99, "changed_ns": 201}, False, Difference.CHANGED),
        ({}, {"inode": 8}, False, Difference.CHANGED),
        ({}, {"size": 6}, True, Difference.CHANGED),
        # attributes
        ({}, {"mode": 0o100600, "changed_ns": 201}, False, Difference.TOUCHED),
        ({}, {"links": 2, "changed_ns": 201}, False, Difference.TOUCHED),
        ({}, {"uid": 0, "changed_ns": 201}, False, Difference.TOUCHED),
        ({}, {"gid": 0, "changed_ns": 201}, False, Difference.TOUCHED),
        ({}, {"blocks": 16}, False, Difference.TOUCHED),
        # a ctime that nothing else explains
        ({}, {"changed_ns": 201}, False, Difference.REHASH),
        ({}, {"changed_ns": 199}, False, Difference.REHASH),
        ({}, {"blocks": 16, "changed_ns": 201}, False, Difference.REHASH),
        # back, or something else in its place
        ({"state": "missing"}, {}, False, Difference.RETURNED),
        ({"state": "missing"}, {"changed_ns": 201, "links": 3}, False, Difference.RETURNED),
        ({"state": "missing"}, {"size": 6}, False, Difference.REPLACED),
        ({"state": "missing"}, {"inode": 8}, False, Difference.REPLACED),
        ({"state": "missing"}, {"modified_ns": 101}, False, Difference.REPLACED),
    ],
)
def test_what_became_of_a_file(
    before: dict[str, object],
    now: dict[str, int],
    growing: bool,  # noqa: FBT001  # a case
    expected: Difference,
) -> None:
    assert difference(row(**before), seen(**now), growing=growing) is expected


def test_only_changed_and_replaced_are_new_content() -> None:
    assert {one for one in Difference if one.new_content} == {
        Difference.CHANGED,
        Difference.REPLACED,
    }


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ({}, True),
        ({"changed_ns": 1, "mode": 0, "links": 9}, True),
        ({"inode": 8}, False),
        ({"size": 6}, False),
        ({"modified_ns": 101}, False),
    ],
)
def test_content_is_inode_size_and_modification_time(now: dict[str, int], *, same: bool) -> None:
    assert same_content(row(), seen(**now)) is same


def test_of_several_rows_of_a_name_the_one_that_is_there_counts() -> None:
    rows = [
        row(id=1, state="missing", recorded_ns=900),
        row(id=2, recorded_ns=100),
        row(id=3, state="missing", recorded_ns=500),
    ]

    for order in (rows, rows[::-1]):
        assert newest(order)[b"a"].id == 2


def test_else_the_one_that_went_last() -> None:
    rows = [
        row(id=1, state="missing", recorded_ns=100),
        row(id=2, state="missing", recorded_ns=900),
        row(id=3, state="missing", recorded_ns=500, name=b"b"),
    ]

    assert {name: one.id for name, one in newest(rows).items()} == {b"a": 2, b"b": 3}
    assert newest([]) == {}
