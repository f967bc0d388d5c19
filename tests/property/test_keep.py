"""What is kept of any backups by any rules: never nothing, more by more, the same again, chains."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from storewarden.databases.keep import NEWEST, Kept, kept
from storewarden.policy.rules import Keep

SECOND = 10**9
NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * SECOND
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia")


@dataclass(frozen=True)
class Made:
    id: int
    at_ns: int
    base_id: int | None
    good: bool


counts = st.none() | st.integers(1, 6)
lengths = st.none() | st.integers(60, 400 * 86_400).map(lambda seconds: seconds * SECOND)
rules = st.builds(Keep, counts, counts, counts, counts, counts, counts, lengths)
zones = st.sampled_from(ZONES).map(ZoneInfo)
ages = st.integers(-86_400, 3600) | st.integers(0, 86_400 * 3) | st.integers(0, 86_400 * 900)


@st.composite
def histories(draw: st.DrawFn) -> list[Made]:
    """Backups as they come to be: built on an earlier good one, and good only if that is."""
    found: list[Made] = []
    for number, age in enumerate(sorted(draw(st.lists(ages, max_size=25)), reverse=True), start=1):
        earlier = [one.id for one in found if one.good]
        base = draw(st.none() | st.sampled_from(earlier)) if earlier else None
        found.append(Made(number, NOW - age * SECOND, base, draw(st.integers(0, 5)) > 0))
    return draw(st.permutations(found))


def ids(found: list[Kept[Made]]) -> set[int]:
    return {one.backup.id for one in found if one.keep}


@given(histories(), rules, zones)
def test_the_newest_good_one_always_stays_and_all_are_told_of(
    backups: list[Made], keep: Keep, zone: tzinfo
) -> None:
    found = kept(backups, keep, NOW, zone)

    good = [one for one in backups if one.good]
    if good:
        newest = max(good, key=lambda one: (one.at_ns, one.id))
        assert [one.backup for one in found if NEWEST in one.reasons] == [newest]
    else:
        assert ids(found) == {one.id for one in backups}
    assert sorted(one.backup.id for one in found) == sorted(one.id for one in backups)
    assert all(one.keep == bool(one.reasons) for one in found)


@given(histories(), rules, zones)
def test_whatever_a_kept_one_is_built_on_is_kept(
    backups: list[Made], keep: Keep, zone: tzinfo
) -> None:
    stay = ids(kept(backups, keep, NOW, zone))

    assert all(one.base_id in stay for one in backups if one.id in stay and one.base_id)


@given(histories(), rules, zones)
def test_once_the_others_are_gone_the_same_rules_take_nothing_more(
    backups: list[Made], keep: Keep, zone: tzinfo
) -> None:
    first = ids(kept(backups, keep, NOW, zone))

    again = kept([one for one in backups if one.id in first], keep, NOW, zone)

    assert ids(again) == first


@given(histories(), rules, zones, st.data())
def test_who_says_more_keeps_no_less(
    backups: list[Made], keep: Keep, zone: tzinfo, data: st.DataObject
) -> None:
    said = {name: value for name, value in asdict(keep).items() if value is not None}
    if not said:
        return
    name = data.draw(st.sampled_from(sorted(said)))
    more = replace(keep, **{name: said[name] * data.draw(st.integers(2, 5))})

    assert ids(kept(backups, keep, NOW, zone)) <= ids(kept(backups, more, NOW, zone))


@given(histories(), rules, rules, zones)
def test_a_rule_beside_others_only_adds(
    backups: list[Made], one: Keep, other: Keep, zone: tzinfo
) -> None:
    both = Keep(**{**asdict(one), **{k: v for k, v in asdict(other).items() if v is not None}})
    if other == Keep() or one == Keep():
        return

    assert ids(kept(backups, other, NOW, zone)) <= ids(kept(backups, both, NOW, zone))


@given(histories(), rules, zones)
def test_no_more_are_kept_by_counts_than_they_add_up_to(
    backups: list[Made], keep: Keep, zone: tzinfo
) -> None:
    counted = replace(keep, within_ns=None)
    if counted == Keep():
        return
    whole = [replace(one, base_id=None, good=True) for one in backups]

    found = ids(kept(whole, counted, NOW, zone))

    assert len(found) <= sum(count for count in asdict(counted).values() if count)
