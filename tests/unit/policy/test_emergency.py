"""What goes when room is needed at once: the safest first, what is kept never, and no more."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.decision import Blocked
from storewarden.policy.emergency import Freeing, Kept, Safety, Spare, freeing, keeps
from storewarden.policy.rules import Force

DAY = 86_400 * 1_000_000_000
NOW = 20_000 * DAY


def spare(id_: int, blocks: int = 2, **more: Any) -> Spare:
    return Spare(
        *(id_, "present", None, blocks, 1, False, None, False, False, False, False, False),
        *(None, None, None, None, Blocked.NO),
    )._replace(**more)


COPIED: dict[str, Any] = {"copied": ("cold", NOW - DAY)}
TRASHED: dict[str, Any] = {"state": "trashed", "state_ns": NOW - 3 * DAY}
ARCHIVED_SOON: dict[str, Any] = {
    "action": Force.ARCHIVE,
    "policy": "renders",
    "due_ns": NOW + 5 * DAY,
    "store": "cold",
}


def went(found: Freeing) -> list[tuple[int, str]]:
    return [(each.file_id, each.action.word) for each in found.files]


def test_the_safest_goes_first_and_no_more_than_is_needed() -> None:
    several = [
        spare(1, **ARCHIVED_SOON),
        spare(2, **ARCHIVED_SOON)._replace(due_ns=NOW - DAY),
        spare(3, **TRASHED),
        spare(4, **COPIED),
        spare(5, regenerable=True),
        spare(6, regenerable=True, **COPIED),
        spare(7),
    ]
    order = [
        *((4, "archive"), (6, "archive"), (5, "purge"), (3, "purge")),
        *((2, "archive"), (1, "archive")),
    ]
    for count in range(1, 7):
        found = freeing(count * 1024, several, NOW)
        assert went(found) == order[:count]
        assert (found.bytes, found.missing) == (count * 1024, 0)
        assert went(freeing(count * 1024, several[::-1], NOW)) == order[:count]
    assert freeing(7 * 1024, several, NOW)[1:] == (6 * 1024, 1024, {Kept.NO_REASON: 1})


def test_every_file_that_goes_has_a_reason() -> None:
    several = [
        *(spare(1, regenerable=True), spare(2, **COPIED), spare(3, **TRASHED)),
        *(spare(4, **ARCHIVED_SOON), spare(5, **ARCHIVED_SOON)._replace(due_ns=NOW)),
    ]
    assert [each.why for each in freeing(10**9, several, NOW).files] == [
        "cold has a copy of it, verified 2024-10-03",
        "it can be made again: its tool, model, prompt and seed are known",
        "it is in the trash since 2024-10-01",
        "renders asks for it, due since 2024-10-04: archive to cold",
        "renders asks for it, due from 2024-10-09 on: archive to cold",
    ]


def test_among_the_equally_safe_the_largest_goes_first_and_the_oldest_of_the_trash() -> None:
    several = [spare(1, 2, **COPIED), spare(2, 8, **COPIED), spare(3, 4, **COPIED)]
    assert went(freeing(4096, several, NOW)) == [(2, "archive")]
    trash = [spare(at, **TRASHED)._replace(state_ns=NOW - at * DAY) for at in (1, 2, 3)]
    assert [id_ for id_, _ in went(freeing(2048, trash, NOW))] == [3, 2]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"held": True}, Kept.HELD),
        ({"pinned": True}, Kept.PINNED),
        ({"required": True}, Kept.REQUIRED),
        ({"sidecar": True}, Kept.SIDECAR),
        ({"growing": True}, Kept.GROWING),
        ({"links": 2}, Kept.NO_ROOM),
        ({"blocks": 0}, Kept.NO_ROOM),
    ],
)
@pytest.mark.parametrize("safe", [{"regenerable": True}, COPIED, TRASHED, ARCHIVED_SOON])
def test_what_is_kept_stays_however_safe_it_would_be(
    safe: dict[str, Any], more: dict[str, Any], kept: Kept
) -> None:
    found = freeing(1, [spare(1, **(safe | more))], NOW)
    assert (found.files, found.missing, found.kept) == ((), 1, {kept: 1})


@pytest.mark.parametrize(
    "more",
    [
        {"regenerable": None},  # nobody knows
        {"action": Force.TRASH, "due_ns": NOW},  # frees nothing at once
        {"action": Force.COPY, "due_ns": NOW},
        {"action": Force.PURGE, "due_ns": NOW + 1},  # is never done before its time
        {**ARCHIVED_SOON, "blocked": Blocked.UNKNOWN},
        {**ARCHIVED_SOON, "due_ns": None},
        {"state": "archived", "regenerable": True, **COPIED},  # takes no room here
    ],
)
def test_what_nothing_speaks_for_stays(more: dict[str, Any]) -> None:
    assert freeing(1, [spare(1, **more)], NOW).kept == {Kept.NO_REASON: 1}


def test_what_is_due_to_be_purged_may_go() -> None:
    purged = spare(1, action=Force.PURGE, policy="p", due_ns=NOW)
    (freed,) = freeing(1, [purged], NOW).files
    assert (freed.action, freed.safety) == (Force.PURGE, Safety.DUE)


def test_nothing_goes_where_nothing_is_wanted() -> None:
    assert freeing(0, [spare(1, **COPIED)], NOW).files == ()


def test_of_many_files_only_those_that_go_are_remembered() -> None:
    template = spare(0, **COPIED)
    several = (template._replace(file_id=at, blocks=at % 3) for at in range(50_000))
    tracemalloc.start()
    found = freeing(10 * 1024, several, NOW)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000
    assert [each.file_id for each in found.files] == list(range(2, 32, 3))


some_spares = st.lists(
    st.builds(
        Spare,
        st.integers(1, 10**6),
        st.sampled_from(("present", "present", "trashed", "archived")),
        st.none() | st.integers(0, NOW),
        st.integers(0, 9),
        st.sampled_from((1, 1, 1, 2)),
        st.sampled_from((None, True, False)),
        st.none() | st.tuples(st.just("cold"), st.integers(0, NOW)),
        *(st.sampled_from((False, False, False, False, True)) for _ in range(5)),
        st.none() | st.sampled_from(tuple(Force)),
        st.just("p"),
        st.none() | st.integers(NOW - 5, NOW + 5),
        st.none(),
        st.sampled_from(tuple(Blocked)),
    ),
    max_size=30,
    unique_by=lambda each: each.file_id,
)


@given(some_spares, st.integers(0, 60_000))
def test_never_what_is_kept_and_never_a_file_too_many(spares: list[Spare], wanted: int) -> None:
    found = freeing(wanted, spares, NOW)
    by_id = {each.file_id: each for each in spares}
    assert not any(keeps(by_id[each.file_id]) for each in found.files)
    assert found.bytes == sum(each.bytes for each in found.files)
    assert found.missing == max(0, wanted - found.bytes)
    assert found.bytes - (found.files[-1].bytes if found.files else 0) < max(wanted, 1)
    whole = list(_all(spares))
    assert found.files == tuple(whole[: len(found.files)])
    assert not found.missing or len(whole) == len(found.files)


def _all(spares: list[Spare]) -> Iterator[object]:
    """All that could go, in order."""
    yield from freeing(10**12, spares, NOW).files
