"""Hostile databases by the hundred: each gets its answer, none is changed, a sound one is seen."""

from __future__ import annotations

from pathlib import Path

from tests.applications import made
from tests.contract.test_looking import House, outcomes
from tests.malformed import cases, schemas

MANY = 150


def lying(directory: Path) -> dict[str, tuple[int, ...]]:
    """Return what lies there; some of it is too vast to be read."""
    found = {path.name: path.stat() for path in directory.iterdir()}
    return {
        name: (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns)
        for name, one in found.items()
    }


def test_whatever_files_say_each_gets_its_answer_and_stays_as_it_is(tmp_path: Path) -> None:
    house = House(tmp_path, "sqlite")
    made(house.root / "sound.db", "wal")
    for number, case in enumerate([*schemas(), *cases(MANY, 7)]):
        case.put(house.root / f"{number}.db")
    house.scan()
    before = lying(house.root)

    told = outcomes(house.look())

    assert lying(house.root) == before
    assert told["sound.db"] == ("done", "")
    known = house.known()
    assert set(told) == set(known)
    assert {outcome for outcome, _ in told.values()} <= {"done", "failed", "put_off"}
    for name, (outcome, why) in told.items():
        assert bool(why) == (outcome != "done")
        assert known[name].trouble == why
        assert why.isprintable()
    again = [one.database for one in house.look().items if one.facts.get("opened")]
    assert again == []
