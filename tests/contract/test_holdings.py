"""How much each user has is kept in step with what happens to files, on both databases."""

from __future__ import annotations

import pytest

from storewarden.api.carry import Group, carry_groups
from storewarden.api.deeds import TellFile
from storewarden.api.quota import Quota
from storewarden.api.taking_in import take_in
from storewarden.api.who import Who
from storewarden.catalogue.told import holdings
from storewarden.catalogue.told import users as kept
from storewarden.catalogue.told.holdings import Holding
from storewarden.errors import QuotaExceeded
from tests.acting import Deeds
from tests.catalogues import Place
from tests.recording import NOW, entry
from tests.telling import counted, own, user


@pytest.fixture
def deeds(place: Place) -> Deeds:
    """A catalogue with two files of 10 bytes."""
    deeds = Deeds(place.made())
    deeds.names(entry(b"a.png", 1, size=10), entry(b"b.png", 2, size=10))
    return deeds


@pytest.fixture
def ada(deeds: Deeds) -> Who:
    return user(deeds.engine, "ada")


def has(deeds: Deeds, who: Who) -> tuple[int, int]:
    """Return what a user has by the sums, once they are the same as what is counted."""
    assert who.user_id is not None
    while holdings.settle(deeds.engine):
        pass
    sums = holdings.of_users(deeds.engine)
    there = {user_id: tuple(held) for user_id, held in sums.items() if held != Holding()}
    assert there == counted(deeds.engine)
    assert holdings.of(deeds.engine, [who.user_id]) == {
        user_id: held for user_id, held in sums.items() if user_id == who.user_id
    }
    mine = sums.get(who.user_id, Holding())
    return mine.files, mine.bytes


def tell(deeds: Deeds, name: bytes, who: Who, file_id: int | None = None) -> int:
    with deeds.engine.transaction():
        told = own(deeds.engine, name, who, file_id)
        take_in(deeds.engine, [told])
    return told


def test_who_was_told_of_nothing_has_nothing(deeds: Deeds, ada: Who) -> None:
    assert has(deeds, ada) == (0, 0)
    assert not holdings.noted(deeds.engine)


def test_a_file_counts_from_the_telling_and_its_bytes_once_it_is_seen(
    deeds: Deeds, ada: Who
) -> None:
    tell(deeds, b"a.png", ada, 1)
    assert has(deeds, ada) == (1, 10)
    waiting = tell(deeds, b"later.png", ada)
    assert has(deeds, ada) == (2, 10)
    deeds.names(entry(b"later.png", 3, size=100))
    with deeds.engine.transaction():
        row = deeds.one(b"later.png").id
        deeds.engine.update("told_files", ("id",), ("file_id", "waiting"), [(row, 0, waiting)])
        holdings.note(deeds.engine, [row])
    assert has(deeds, ada) == (2, 110)


def test_a_file_that_grows_or_shrinks_counts_as_large_as_it_is(deeds: Deeds, ada: Who) -> None:
    tell(deeds, b"a.png", ada, 1)
    deeds.names(entry(b"a.png", 1, size=25))
    assert has(deeds, ada) == (1, 25)
    deeds.names(entry(b"a.png", 1, size=5, modified=9))
    assert has(deeds, ada) == (1, 5)


def test_what_is_gone_no_longer_counts_and_counts_again_when_it_returns(
    deeds: Deeds, ada: Who
) -> None:
    tell(deeds, b"a.png", ada, 1)
    deeds.gone(b"a.png")
    assert has(deeds, ada) == (0, 0)
    deeds.names(entry(b"a.png", 1, size=10))
    assert has(deeds, ada) == (1, 10)


def test_what_is_put_away_counts_until_it_is_purged(deeds: Deeds, ada: Who) -> None:
    tell(deeds, b"a.png", ada, 1)
    tell(deeds, b"b.png", ada, 2)
    deeds.archive(deeds.row(1))
    assert has(deeds, ada) == (2, 20)
    deeds.trash(deeds.row(2))
    assert has(deeds, ada) == (2, 20)
    deeds.purge(deeds.row(2))
    assert has(deeds, ada) == (1, 10)
    deeds.restore(deeds.row(1), entry(b"a.png", 9, size=10))
    assert has(deeds, ada) == (1, 10)


def test_a_renamed_file_stays_its_owners(deeds: Deeds, ada: Who) -> None:
    tell(deeds, b"a.png", ada, 1)
    deeds.gone(b"a.png")
    deeds.names(entry(b"c.png", 1, size=10))
    assert has(deeds, ada) == (1, 10)


def test_another_owner_has_it_then(deeds: Deeds, ada: Who) -> None:
    bob = user(deeds.engine, "bob")
    told = tell(deeds, b"a.png", ada, 1)
    with deeds.engine.transaction():
        deeds.engine.update("told_files", ("id",), ("owner_id",), [(bob.user_id, told)])
        take_in(deeds.engine, [told])
    assert has(deeds, ada) == (0, 0)
    assert has(deeds, bob) == (1, 10)
    with deeds.engine.transaction():
        deeds.engine.update("told_files", ("id",), ("owner_id",), [(None, told)])
        take_in(deeds.engine, [told])
    assert has(deeds, bob) == (0, 0)


def test_what_came_to_nothing_is_not_counted(deeds: Deeds, ada: Who) -> None:
    def fail() -> None:
        with deeds.engine.transaction():
            take_in(deeds.engine, [own(deeds.engine, b"a.png", ada, 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert has(deeds, ada) == (0, 0)


def test_more_than_the_quota_is_refused_and_nothing_else_happens(deeds: Deeds) -> None:
    eve = user(deeds.engine, "eve", Quota(bytes=15))
    tell(deeds, b"a.png", eve, 1)
    with pytest.raises(QuotaExceeded, match=r"eve: there would be 20 B of 15 B"):
        tell(deeds, b"b.png", eve, 2)
    assert has(deeds, eve) == (1, 10)
    assert {file.state for file in (deeds.row(1), deeds.row(2))} == {"present"}


def test_who_is_over_may_tell_anew_of_what_it_has(deeds: Deeds) -> None:
    eve = user(deeds.engine, "eve", Quota(files=1))
    told = tell(deeds, b"a.png", eve, 1)
    assert eve.user_id is not None
    kept.set_quota(deeds.engine, eve.user_id, None, 0)
    with deeds.engine.transaction():
        take_in(deeds.engine, [told])
    with pytest.raises(QuotaExceeded):
        tell(deeds, b"b.png", eve, 2)
    assert has(deeds, eve) == (1, 10)


def test_a_file_that_outgrew_the_quota_is_noticed_with_the_next_telling(deeds: Deeds) -> None:
    eve = user(deeds.engine, "eve", Quota(bytes=15))
    tell(deeds, b"a.png", eve, 1)
    deeds.names(entry(b"a.png", 1, size=1000))
    with pytest.raises(QuotaExceeded, match="1000 B of 15 B"):
        tell(deeds, b"not-yet.png", eve)
    assert has(deeds, eve) == (1, 1000)
    deeds.gone(b"a.png")
    tell(deeds, b"not-yet.png", eve)
    assert has(deeds, eve) == (1, 0)


def test_many_are_counted_so_many_at_a_time(deeds: Deeds, ada: Who) -> None:
    engine = deeds.engine
    names = [b"%d.png" % number for number in range(2_500)]
    deeds.names(*(entry(name, 100 + at, size=3) for at, name in enumerate(names)))
    with engine.transaction():
        told = [own(engine, name, ada, deeds_id) for name, deeds_id in ids(deeds, names)]
        take_in(engine, told)
    assert has(deeds, ada) == (2_500, 7_500)
    deeds.names(*(entry(name, 100 + at, size=4, modified=9) for at, name in enumerate(names)))
    assert holdings.settle(engine)
    assert has(deeds, ada) == (2_500, 10_000)


def ids(deeds: Deeds, names: list[bytes]) -> list[tuple[bytes, int]]:
    there = deeds.present()
    return [(name, there[name].id) for name in names]


def test_of_many_who_tell_at_once_only_who_has_too_much_is_refused(deeds: Deeds, ada: Who) -> None:
    eve = user(deeds.engine, "eve", Quota(files=1))
    groups = [
        Group((TellFile(path=f"r/{who.name}-{number}.png"),), who)
        for number in range(3)
        for who in (ada, eve)
    ]
    with deeds.engine.transaction():
        outcomes = carry_groups(deeds.engine, deeds.ground.host_id, groups, NOW)
    refused = [isinstance(one, QuotaExceeded) for one in outcomes]
    assert refused == [False, False, False, True, False, True]
    assert has(deeds, ada) == (3, 0)
    assert has(deeds, eve) == (1, 0)
