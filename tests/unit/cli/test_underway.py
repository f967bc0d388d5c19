"""What goes on, was put off, or is held back: told by status with the command that releases it."""

import json

import pytest

from storewarden.catalogue import copies, held_back, roots
from storewarden.catalogue.acts import Identity, Member, Planned
from storewarden.catalogue.copies import Copy
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.journal import Journal
from storewarden.catalogue.lease import Lease
from storewarden.cli import underway
from tests.conftest import Golden
from tests.unit.cli.conftest import MINUTE, NOW, Run


def host_of(engine: Engine) -> int:
    host = roots.host_id(engine, roots.this_machine())
    assert host is not None
    return host


@pytest.fixture
def busy(catalogue: Engine) -> Engine:
    """A catalogue with acts that go on, some put off, and a policy that a guard holds back."""
    journal = Journal(catalogue)
    identity = Identity(1, 2, 1_499_990, NOW, NOW)
    names = (b"cat.png", b"two\nlines \xff.png", b"renders/film.mp4", b"renders/last.mp4")
    planned = [
        Planned(
            *("archive", 1, (Member(name, identity),), "anna", "storewarden archive"),
            policy="renders" if at else None,
            store="cold",
            mark="abcdefgh234567a" + "abcd"[at],
        )
        for at, name in enumerate(names)
    ]
    acts = journal.plan(planned, NOW - 9 * MINUTE)
    second = acts[1]
    assert second is not None
    journal.put_off(second, "the store is away: cold", NOW + 4 * MINUTE, NOW - 5 * MINUTE)
    kept = HeldBack(
        *("renders", "max_objects", "renders: 1,204 files, at most 500 in one run", 1204, 3 << 30),
        *(0, "storewarden apply --policy renders"),
    )
    held_back.replace(catalogue, host_of(catalogue), "renders", [kept], NOW - 90 * MINUTE)
    return catalogue


def test_for_people(busy: Engine, golden: Golden) -> None:
    told = underway.lines(underway.read(busy, host_of(busy)), NOW)
    golden("cli/underway-people.txt", "".join(f"{line}\n" for line, _ in told))


def test_for_pipes(busy: Engine) -> None:
    told = list(underway.fields(underway.read(busy, host_of(busy))))
    assert told[0] == ("acts", 4, 1)
    assert told[1][:6] == ("held", "renders", "max_objects", 1204, 3 << 30, NOW - 90 * MINUTE)
    assert told[1][-1] == "storewarden apply --policy renders"


def test_the_verb_tells_it_in_every_form(busy: Engine, daemon: Lease, run: Run) -> None:
    acts = run("status", "--json").json["acts"]
    assert (acts["open"], acts["put_off"], len(acts["acts"])) == (4, 1, 4)
    assert acts["acts"][1]["path_hex"] == b"two\nlines \xff.png".hex()
    assert acts["acts"][1]["error"] == "the store is away: cold"
    assert [one["command"] for one in acts["held"]] == ["storewarden apply --policy renders"]

    assert "\nacts\t4\t1\nheld\trenders\tmax_objects\t1204\t" in run("status").out
    shown = run("status", terminal=True).out
    assert "acts       3 under way, 1 put off" in shown
    assert "→ storewarden apply --policy renders" in shown


def test_last_copies_that_are_damaged_are_told_with_what_to_do(catalogue: Engine, run: Run) -> None:
    with catalogue.transaction():
        copies.put(
            catalogue,
            [Copy(1, "cold", 9, b"d" * 32, NOW, "a/key", "none", 9, "v", -NOW)],
        )

    assert run("status", "--json").json["acts"]["damaged"] == [{"store": "cold", "copies": 1}]
    assert "\ndamaged\tcold\t1\n" in run("status").out
    shown = run("status", terminal=True).out
    assert "the last copy of 1 file in cold; nothing of them was removed" in shown
    assert "→ storewarden store scrub cold --all" in shown


def test_where_nothing_goes_on_nothing_is_told(catalogue: Engine, run: Run) -> None:
    assert run("status", "--json").json["acts"] == {
        "open": 0,
        "put_off": 0,
        "acts": [],
        "held": [],
        "damaged": [],
    }
    assert "acts" not in run("status").out
    assert json.loads(json.dumps(underway.as_json(underway.read(catalogue, None))))["open"] == 0
