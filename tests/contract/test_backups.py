"""The states of backups, in both databases: what counts, what has to stay, what is known again."""

import pytest

from storewarden.catalogue import backups
from storewarden.catalogue.backups import Backup, Begun, Checked, Written
from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueRefused
from tests.catalogues import DAY, NOW

CHAT, OTHER = 1, 2
FOUND = Checked(b"s" * 32, {"messages": 3, "a b": 0})


@pytest.fixture(autouse=True)
def databases(engine: Engine) -> None:
    columns = ("host_id", "name", "place", "engine", "first_seen_ns")
    rows = [(1, "chat", b"/srv/chat.db", "sqlite", NOW), (1, "o", b"/srv/o.db", "sqlite", NOW)]
    with engine.transaction():
        engine.insert("databases", columns, rows)


def begun(engine: Engine, day: int, base: int | None = None, database: int = CHAT) -> int:
    kind = "full" if base is None else "increment"
    key = f"~databases/h/{database}/{day}-{kind}"
    wanted = Begun(database, kind, base, "backups", key, "test", "care")  # type: ignore[arg-type]
    return backups.begin(engine, wanted, NOW + day * DAY)


def written(engine: Engine, day: int, base: int | None = None, database: int = CHAT) -> int:
    number = begun(engine, day, base, database)
    what = Written(NOW + day * DAY, 4096 * 3, 900, 4096, 3, bytes([day]) * 32, f"v{day}")
    backups.written(engine, number, what)
    return number


def good(engine: Engine, day: int, base: int | None = None, database: int = CHAT) -> int:
    number = written(engine, day, base, database)
    assert backups.good(engine, number, FOUND, NOW + day * DAY + 1)
    return number


def one(engine: Engine, number: int, database: int = CHAT) -> Backup:
    (found,) = [each for each in backups.of_database(engine, database) if each.id == number]
    return found


def test_what_was_read_back_is_good_and_bears_all_that_is_known_of_it(engine: Engine) -> None:
    number = good(engine, 1)

    found = one(engine, number)
    assert found == Backup(
        *(number, CHAT, "full", None, "backups", "~databases/h/1/1-full", "good", "care", "test"),
        *(NOW + DAY, NOW + DAY, NOW + DAY + 1, 4096 * 3, 900, 4096, 3, b"\x01" * 32, b"s" * 32),
        *({"messages": 3, "a b": 0}, "v1", NOW + DAY + 1, None, ""),
    )
    assert found.good
    assert found.at_ns == NOW + DAY


def test_what_was_only_written_does_not_count(engine: Engine) -> None:
    earlier = good(engine, 1)
    written(engine, 2)

    newest = backups.newest_good(engine, CHAT)

    assert newest is not None
    assert newest.id == earlier
    assert [each.state for each in backups.of_database(engine, CHAT)] == ["writing", "good"]


def test_what_was_never_written_cannot_be_good(engine: Engine) -> None:
    number = begun(engine, 1)

    assert not backups.good(engine, number, FOUND, NOW)
    assert backups.newest_good(engine, CHAT) is None


def test_the_newest_of_a_time_is_none_of_later(engine: Engine) -> None:
    first, second = good(engine, 1), good(engine, 3)
    good(engine, 2, database=OTHER)

    def at(ns: int) -> int | None:
        found = backups.newest_good(engine, CHAT, ns)
        return found and found.id

    assert (at(NOW), at(NOW + DAY), at(NOW + 3 * DAY - 1)) == (None, first, first)
    assert at(NOW + 3 * DAY) == second


def test_nothing_is_built_on_what_is_not_good_or_of_another_database(engine: Engine) -> None:
    unread, foreign = written(engine, 1), good(engine, 1, database=OTHER)

    for base in (unread, foreign, 99):
        with pytest.raises(CatalogueRefused, match="not good"):
            begun(engine, 2, base)


def test_a_chain_is_told_from_the_whole_one_on(engine: Engine) -> None:
    whole = good(engine, 1)
    first = good(engine, 2, whole)
    second = good(engine, 3, first)

    assert [each.id for each in backups.chain(engine, one(engine, second))] == [
        *(whole, first, second),
    ]


def test_what_is_built_on_a_bad_one_is_bad_as_well(engine: Engine) -> None:
    earlier, whole = good(engine, 1), good(engine, 2)
    first = good(engine, 3, whole)
    second = written(engine, 4, first)

    counted = backups.bad(engine, whole, "it was changed", NOW + 9)

    assert counted == [whole, first]
    newest = backups.newest_good(engine, CHAT)
    assert newest is not None
    assert newest.id == earlier
    assert {each.id for each in backups.of_database(engine, CHAT) if each.state == "bad"} == {
        *(whole, first, second),
    }
    assert one(engine, whole).trouble == "it was changed"
    assert one(engine, second).trouble.endswith("1/2-full: it was changed")
    assert not backups.good(engine, second, FOUND, NOW + 10)
    assert backups.bad(engine, whole, "again", NOW + 11) == []


def test_one_that_lost_its_base_while_it_was_read_back_is_not_good(engine: Engine) -> None:
    whole = good(engine, 1)
    number = begun(engine, 2, whole)
    with engine.transaction():
        engine.execute("UPDATE backups SET state = 'bad' WHERE id = ?", (whole,))
    backups.written(engine, number, Written(NOW + 2 * DAY, 1, 1, 512, 1, b"d" * 32, "v"))

    assert not backups.good(engine, number, FOUND, NOW + 3)
    assert one(engine, number).state == "bad"


def test_the_newest_good_one_and_what_is_built_upon_never_leave(engine: Engine) -> None:
    lone, whole = good(engine, 1), good(engine, 2)
    first = good(engine, 3, whole)

    assert not backups.leave(engine, first, NOW)
    assert not backups.leave(engine, whole, NOW)
    assert backups.leave(engine, lone, NOW)
    assert not backups.leave(engine, lone, NOW)
    assert one(engine, lone).state == "leaving"


def test_a_bad_one_stays_until_a_newer_one_is_good(engine: Engine) -> None:
    good(engine, 1)
    number = written(engine, 2)
    backups.bad(engine, number, "cut off", NOW)

    assert not backups.leave(engine, number, NOW)
    good(engine, 3)
    assert backups.leave(engine, number, NOW)


def test_what_is_gone_is_told_of_no_more_and_forgotten_in_the_end(engine: Engine) -> None:
    first = good(engine, 1)
    built = good(engine, 2, first)
    good(engine, 3)
    for number in (built, first):
        assert backups.leave(engine, number, NOW)
        backups.gone(engine, number, NOW + 5)

    assert [each.at_ns for each in backups.of_database(engine, CHAT)] == [NOW + 3 * DAY]
    assert backups.forget(engine, NOW + 5, 10) == 0
    assert backups.forget(engine, NOW + 6, 10) == 1, "what it was built on is forgotten after it"
    assert backups.forget(engine, NOW + 6, 10) == 1


def test_a_good_one_is_never_said_to_be_gone(engine: Engine) -> None:
    number = good(engine, 1)

    backups.gone(engine, number, NOW)

    assert one(engine, number).good


def test_what_was_under_way_is_known_when_we_come_back(engine: Engine) -> None:
    first = good(engine, 1)
    good(engine, 2)
    writing = begun(engine, 3)
    backups.leave(engine, first, NOW)

    assert [(each.id, each.state) for each in backups.unfinished(engine, 1)] == [
        (first, "leaving"),
        (writing, "writing"),
    ]
    assert backups.unfinished(engine, 2) == []


def test_a_proof_is_of_a_good_one(engine: Engine) -> None:
    number, unread = good(engine, 1), written(engine, 2)

    backups.proven(engine, number, NOW + 7)
    backups.proven(engine, unread, NOW + 7)

    assert (one(engine, number).proven_ns, one(engine, unread).proven_ns) == (NOW + 7, None)


def test_backups_are_known_by_the_keys_of_their_objects(engine: Engine) -> None:
    number = good(engine, 1)

    found = backups.of_keys(engine, "backups", ["~databases/h/1/1-full", "~databases/h/1/7-full"])

    assert {key: each.id for key, each in found.items()} == {"~databases/h/1/1-full": number}
    assert backups.of_keys(engine, "cloud", ["~databases/h/1/1-full"]) == {}


def test_what_the_next_is_built_on_is_told_of_each_database_and_store(engine: Engine) -> None:
    good(engine, 1)
    good(engine, 2)
    good(engine, 3, database=OTHER)
    written(engine, 4)

    assert sorted(backups.digests_of_newest(engine, 1)) == [b"\x02" * 32, b"\x03" * 32]
    assert backups.digests_of_newest(engine, 2) == []
