"""What reading objects again tells of copies, in both databases."""

import json
from collections.abc import Iterator

import pytest

from storewarden.catalogue import copies, scrubbed
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.scrubbed import Ages
from tests.acting import Deeds, check_stores
from tests.catalogues import Place
from tests.recording import NOW, SECOND, check_totals, entry

HOST = 1
PICTURE = b"a.png"


@pytest.fixture
def deeds(place: Place) -> Iterator[Deeds]:
    """A catalogue with a picture; at the end all figures that are kept must equal a count."""
    deeds = Deeds(place.made())
    deeds.names(entry(PICTURE, 1))
    yield deeds
    check_totals(deeds.engine, deeds.counts)
    check_stores(deeds.engine)


def copy_of(deeds: Deeds, file_id: int = 1, store: str = "cloud") -> Copy:
    (found,) = [
        one for one in copies.of_files(deeds.engine, [file_id])[file_id] if one.store == store
    ]
    return found


def undecided(deeds: Deeds) -> set[int]:
    found = {row[0] for row in deeds.engine.execute("SELECT file_id FROM undecided")}
    with deeds.engine.transaction():
        deeds.engine.execute("DELETE FROM undecided")
    return found


def detail(deeds: Deeds, event: str) -> dict[str, str]:
    ((text,),) = deeds.engine.execute("SELECT detail FROM history WHERE event = ?", (event,))
    found: dict[str, str] = json.loads(text)
    return found


def test_what_is_sound_is_noted_with_the_version_it_has_now(deeds: Deeds) -> None:
    deeds.archive(deeds.row(1))
    copy = copy_of(deeds)

    scrubbed.sound(deeds.engine, [(copy, "v2")], NOW + SECOND)

    assert copy_of(deeds) == copy._replace(version="v2", scrubbed_ns=NOW + SECOND)
    assert "copy-sound" not in deeds.history(1)


def test_a_damaged_copy_of_a_file_that_is_here_is_forgotten_and_made_anew(deeds: Deeds) -> None:
    deeds.copy(deeds.row(1))
    undecided(deeds)
    copy = copy_of(deeds)

    lost = scrubbed.damaged(deeds.engine, copy, "it has another digest", NOW + SECOND)

    assert lost is not None
    assert (lost.root, lost.path, lost.local, lost.others) == ("r", PICTURE, True, ())
    assert not lost.is_last
    assert copies.of_files(deeds.engine, [1]) == {}
    assert undecided(deeds) == {1}
    assert detail(deeds, "copy-lost") == {
        "store": "cloud",
        "key": copy.key,
        "why": "it has another digest",
    }


def test_the_other_copy_of_an_archived_file_is_told_and_read_next(deeds: Deeds) -> None:
    deeds.copy(deeds.row(1), store="disk")
    deeds.archive(deeds.row(1))
    other = copy_of(deeds, store="disk")

    lost = scrubbed.damaged(deeds.engine, copy_of(deeds), "damaged", NOW + SECOND)

    assert lost is not None
    assert (lost.local, [one.key for one in lost.others]) == (False, [other.key])
    assert copies.of_files(deeds.engine, [1])[1] == [other._replace(scrubbed_ns=0)]
    (first,) = copies.to_scrub(deeds.engine, HOST, "disk", NOW, 1)
    assert first.file_id == 1


def test_the_last_copy_of_a_file_is_never_forgotten(deeds: Deeds) -> None:
    deeds.archive(deeds.row(1))
    copy = copy_of(deeds)

    lost = scrubbed.damaged(deeds.engine, copy, "damaged", NOW + SECOND)

    assert lost is not None
    assert lost.is_last
    assert copy_of(deeds) == copy._replace(scrubbed_ns=-(NOW + SECOND))
    assert deeds.history(1)[-1] == "copy-damaged"
    assert scrubbed.ages(deeds.engine, HOST, "cloud", 0) == Ages(None, 1, 1)


def test_the_same_damage_is_told_once_and_its_end_as_well(deeds: Deeds) -> None:
    """Bytes that a bad cable changed may be right the next time."""
    deeds.archive(deeds.row(1))
    for _ in range(3):
        deeds.now_ns += SECOND
        scrubbed.damaged(deeds.engine, copy_of(deeds), "damaged", deeds.now_ns)
    assert deeds.history(1).count("copy-damaged") == 1

    scrubbed.sound(deeds.engine, [(copy_of(deeds), "v1")], deeds.now_ns)

    assert deeds.history(1)[-1] == "copy-sound"
    assert scrubbed.ages(deeds.engine, HOST, "cloud", 0) == Ages(deeds.now_ns, 0, 0)


def test_what_is_damaged_waits_for_its_own_turn(deeds: Deeds) -> None:
    deeds.archive(deeds.row(1))
    scrubbed.damaged(deeds.engine, copy_of(deeds), "damaged", NOW + SECOND)

    def due(after_ns: int, before_ns: int) -> list[int]:
        found = copies.to_scrub(deeds.engine, HOST, "cloud", before_ns, 9, after_ns=after_ns)
        return [one.file_id for one in found]

    assert due(-1, NOW + 9 * SECOND) == []
    assert due(-NOW, 0) == []  # it was damaged after that
    assert due(-(NOW + 2 * SECOND), 0) == [1]


@pytest.mark.parametrize("how", ["purged", "copied anew", "an act has it"])
def test_what_is_nobody_s_business_any_more_is_no_verdict(deeds: Deeds, how: str) -> None:
    deeds.copy(deeds.row(1))
    copy = copy_of(deeds)
    if how == "purged":
        deeds.trash(deeds.row(1))
        deeds.purge(deeds.row(1), removed=("cloud",))
    elif how == "copied anew":
        deeds.copy(deeds.row(1))
    else:
        deeds.plan("restore", deeds.row(1))
    before = copies.of_files(deeds.engine, [1])

    assert scrubbed.damaged(deeds.engine, copy, "missing", NOW + SECOND) is None

    assert copies.of_files(deeds.engine, [1]) == before
    assert "copy-lost" not in deeds.history(1)


def test_ages_and_shares_are_those_of_this_host_and_this_store(deeds: Deeds) -> None:
    deeds.names(entry(b"b", 2), entry(b"c", 3))
    for number in (3, 1, 2):
        deeds.now_ns += SECOND
        deeds.copy(deeds.row(number))
    deeds.copy(deeds.row(1), store="disk")

    def ages(since_ns: int, host: int = HOST) -> Ages:
        return scrubbed.ages(deeds.engine, host, "cloud", since_ns)

    assert ages(NOW) == Ages(NOW + SECOND, 0, 0)
    assert ages(NOW + 3 * SECOND) == Ages(NOW + SECOND, 2, 0)
    assert ages(NOW, host=2) == Ages(None, 0, 0)
    assert scrubbed.read_since(deeds.engine, HOST, "cloud", NOW) == 0

    scrubbed.sound(deeds.engine, [(copy_of(deeds, 3), "v1")], NOW + 9 * SECOND)

    assert scrubbed.read_since(deeds.engine, HOST, "cloud", NOW + 9 * SECOND) == 4 + 1
    assert scrubbed.read_since(deeds.engine, HOST, "cloud", NOW + 10 * SECOND) == 0
    assert scrubbed.read_since(deeds.engine, HOST, "disk", NOW) == 0
