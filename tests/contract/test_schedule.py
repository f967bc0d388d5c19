"""Whatever changes of a file, in whatever order: in the end the schedule says what is decided."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storewarden.catalogue import due, policy_sets, undecided, usage
from storewarden.catalogue.due import Act
from storewarden.pipeline.deciding import Deciding, InForce
from tests.catalogues import Place
from tests.deciding import DAY, REFUSED, Anything, ByHand, Desk
from tests.recording import NOW, entry


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    desk = Desk(place.made())
    yield desk
    desk.check()


def test_what_lands_is_decided(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1, size=100), entry(b"b.png", 2), path=b"new")
    desk.names(entry(b"c.png", 3), path=b"old")
    desk.check()

    assert len(desk.schedule()) == 3
    assert desk.schedule()[desk.one(b"old/c.png").id][5] == 3


def test_who_gives_memory_back_is_told_of_no_more_work_than_there_was(desk: Desk) -> None:
    worked: list[int] = []
    desk.deciding.worked = worked.append
    for number in range(1, 4):  # a trickle: one file after the other
        desk.names(entry(b"%d.png" % number, number), path=b"new")
        desk.settle()

    assert sum(worked) == 3
    assert not desk.deciding.going_on


def test_what_is_decided_is_not_written_again(desk: Desk) -> None:
    desk.names(*(entry(b"%d.png" % number, number) for number in range(1, 50)), path=b"old")
    desk.check()
    changes = desk.engine.execute

    assert desk.settle() == 0
    with desk.engine.transaction():
        undecided.mark(desk.engine, [one.id for one in desk.present().values()])
        if desk.engine.dialect == "sqlite":
            before = changes("SELECT total_changes()")
            desk.deciding._schedule.decide(desk.render(NOW), [desk.one(b"old/1.png").id])
            assert changes("SELECT total_changes()") == before


@pytest.mark.parametrize("size", [5, 100, 101])
def test_a_rewritten_file_is_decided_anew(desk: Desk, size: int) -> None:
    desk.names(entry(b"a.png", 1, size=100))
    desk.check()
    desk.names(entry(b"a.png", 1, size=size, modified=NOW, changed=NOW))
    desk.check()

    assert desk.schedule()[desk.one(b"a.png").id][1] == (desk.policy if size >= 100 else 0)


def test_a_file_that_leaves_has_no_future_and_one_that_returns_has_one(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1, size=100))
    desk.check()
    desk.gone(b"a.png")
    assert desk.schedule() == {}
    desk.names(entry(b"a.png", 1, size=100))
    desk.check()

    assert len(desk.schedule()) == 1


def test_what_is_gone_before_it_was_decided_is_not_decided(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1, size=100))
    desk.gone(b"a.png")
    desk.check()

    assert desk.schedule() == {}


def test_a_renamed_file_and_a_renamed_directory(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1), path=b"new")
    desk.names(*(entry(b"%d.png" % number, 10 + number) for number in range(500)), path=b"old/x")
    desk.check()
    desk.names(entry(b"b.png", 1, changed=NOW), path=b"old")
    with desk.recorder.batch():
        assert desk.departures.moved("r", b"old/x", b"away", desk.now_ns)
    desk.check()

    assert desk.schedule()[desk.one(b"old/b.png").id][2] == desk.policy
    assert desk.schedule()[desk.one(b"away/7.png").id][2] == 0


def test_a_directory_that_moves_while_its_files_are_decided(desk: Desk) -> None:
    desk.names(*(entry(b"%03d" % number, 1 + number) for number in range(900)), path=b"a")
    desk.check()
    for new, old in ((b"old", b"a"), (b"b", b"old"), (b"old", b"b")):
        with desk.recorder.batch():
            desk.departures.moved("r", old, new, desk.now_ns)
        desk.clock.advance(1.0)
        desk.deciding._limit = 100
        assert desk.deciding.step() == 0.0  # a slice of it


def test_a_directory_that_moves_again_just_when_it_is_done_is_decided_from_its_beginning(
    desk: Desk,
) -> None:
    desk.names(*(entry(b"%03d" % number, 1 + number) for number in range(150)), path=b"a")
    desk.check()
    for new, old in ((b"old", b"a"), (b"b", b"old")):
        with desk.recorder.batch():
            desk.departures.moved("r", old, new, desk.now_ns)
        desk.clock.advance(1.0)
        desk.deciding._limit = 100
        assert [desk.deciding.step() for _ in range(2)] == [0.0, 0.0]  # and nothing is looked for


def test_what_comes_between_does_not_begin_a_large_directory_again(desk: Desk) -> None:
    desk.names(*(entry(b"%03d" % number, 1 + number) for number in range(300)), path=b"a")
    desk.check()
    with desk.recorder.batch():
        desk.departures.moved("r", b"a", b"old", desk.now_ns)
    for number in range(4):
        desk.clock.advance(1.0)
        desk.deciding._limit = 100
        assert desk.deciding.step() == 0.0
        with desk.engine.transaction():
            undecided.mark(desk.engine, [desk.one(b"old/%03d" % number).id])
        desk.deciding.step()

    assert desk.engine.execute("SELECT 1 FROM directories WHERE undecided <> 0") == []


def test_facts_links_and_use(desk: Desk) -> None:
    desk.names(entry(b"a.mp4", 1), entry(b"a.srt", 2), path=b"d")
    desk.check()
    desk.inspect()
    desk.check()
    image, words = desk.one(b"d/a.mp4").id, desk.one(b"d/a.srt").id
    assert desk.schedule()[image][3] == desk.policy
    assert desk.schedule()[words][8] == 5  # it goes where its owner goes
    desk.use_file(b"d", b"a.mp4")
    desk.check()
    assert desk.schedule()[image][0] == desk.policy
    desk.gone(b"a.mp4", path=b"d")
    desk.check()
    assert desk.schedule()[words][8] == 0


def test_a_file_that_grows(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1), growing=[b"a.png"])
    desk.check()
    assert [row[8] for row in desk.schedule().values()] == [6]
    desk.names(entry(b"a.png", 1))
    desk.check()
    assert [row[8] for row in desk.schedule().values()] == [0]


def test_time_alone_decides_otherwise(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1), entry(b"b.png", 2))
    desk.check()
    assert len(desk.schedule()) == 2
    desk.clock.advance(2 * 86_400.0)
    desk.check()

    assert desk.schedule() == {}  # nothing is to be said of them any more


def test_what_a_time_does_not_change_is_not_asked_for_again(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1))
    desk.settle()
    with desk.engine.transaction():
        desk.engine.execute("UPDATE schedule SET again_ns = 1")
    late = ByHand(desk.policy, 0)
    desk.deciding.put(InForce(desk.deciding._in_force.set_id, lambda _now: late))  # type: ignore[union-attr]  # it was put there

    assert desk.settle() < 5
    with desk.engine.transaction():
        undecided.mark(desk.engine, [desk.one(b"a.png").id])
    desk.use("second")


def test_another_set_of_policies_decides_everything_anew(desk: Desk) -> None:
    desk.names(*(entry(b"%d.png" % number, number) for number in range(1, 300)), path=b"old")
    desk.check()
    first = desk.policy
    desk.use("second", "q")
    desk.check()
    assert desk.policy != first
    assert {row[4] for row in desk.schedule().values()} == {desk.policy}

    steps = len(desk.asked)
    desk.use("second", "q")  # the same again
    assert desk.settle() == 0
    assert len(desk.asked) == steps


def test_a_number_that_is_given_out_again_is_a_new_file(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1), entry(b"b.png", 2), entry(b"c.png", 3))
    desk.check()
    with desk.engine.transaction():
        desk.engine.execute("DELETE FROM files WHERE id >= 2")
        undecided.recede(desk.engine, [2, 3])
    desk.directories.forget()
    desk.names(entry(b"new.png", 9, size=100))
    desk.check()

    assert desk.schedule()[desk.one(b"new.png").id][1] == desk.policy


def test_a_root_whose_use_is_counted_from_now_on(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1), path=b"d")
    desk.check()
    usage.begin(desk.engine, desk.ground.roots["r"], desk.now_ns, counted=True)

    assert due.undecided(desk.engine, desk.host) == 1


def test_what_cannot_be_decided_keeps_no_other_out(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    entries = [entry(b"%d.png" % number, number) for number in range(1, 300)]
    bad = entry(b"bad.png", 400, size=REFUSED)
    desk.names(*entries, bad, path=b"old")
    desk.settle()

    assert len(desk.schedule()) == 299
    assert caplog.text.count("a file cannot be decided") == 1
    assert not desk.deciding.stopped
    desk.gone(b"bad.png", path=b"old")


def test_policies_that_can_decide_nothing_are_given_up_and_recording_goes_on(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Nonsense(ByHand):
        def query(self, where: str) -> str:
            return f"SELECT nothing FROM nowhere WHERE {where}"

    desk.deciding.put(InForce(1, lambda now_ns: Nonsense(1, now_ns)))
    desk.names(*(entry(b"%d.png" % number, number) for number in range(1, 300)))
    desk.settle()

    assert "nothing is decided any more by these policies" in caplog.text
    assert desk.deciding.stopped
    desk.deciding.step()
    assert not desk.deciding.going_on
    desk.use("second")


def test_nothing_is_decided_while_a_burst_is_on(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1))
    desk.deciding.busy = lambda: True
    desk.clock.advance(1.0)

    assert desk.deciding.step() > 0.0
    assert desk.schedule() == {}
    desk.deciding.busy = lambda: False


def test_other_hosts_decide_for_themselves(desk: Desk) -> None:
    engine = desk.engine
    with engine.transaction():
        engine.execute(
            "INSERT INTO hosts (id, name, machine_id, first_seen_ns) VALUES (77, 'o', 'o', 1)"
        )
        engine.execute(
            "INSERT INTO roots (id, host_id, name, path, uuid) VALUES (77, 77, 'o', ?, 'u')",
            (b"/o",),
        )
    desk.names(entry(b"a.png", 1, size=100))
    desk.check()
    other = Deciding(engine, 77, desk.clock)
    stored = policy_sets.put_in_force(engine, 77, "x", [], {}, NOW)
    other.put(InForce(stored.id, desk.render))
    desk.clock.advance(1.0)
    while other.step() == 0.0:
        pass

    assert len(desk.schedule()) == 1
    assert due.undecided(engine, 77) == 0


def test_what_is_due_is_counted(desk: Desk) -> None:
    desk.names(*(entry(b"%d.png" % number, number) for number in range(1, 4)), path=b"old")
    desk.names(entry(b"big.png", 8, size=100), entry(b"small", 9))
    desk.names(entry(b"grows", 10), path=b"old", growing=[b"grows"])
    desk.check()
    won = due.won(desk.engine, desk.host)
    assert won.named == {desk.policy: 5}
    assert won.uncovered == {"other": 1}
    assert not due.waits(desk.engine, desk.host, desk.now_ns).due

    desk.clock.advance(2 * 86_400.0)
    desk.check()
    waits = due.waits(desk.engine, desk.host, desk.now_ns)
    assert waits.due == {Act(desk.policy, 3): 3}
    assert waits.blocked == {6: 1}
    assert waits.oldest == {desk.policy: desk.one(b"old/1.png").first_seen_ns + DAY}


def test_a_catalogue_without_policies_waits_for_none(desk: Desk) -> None:
    desk.names(entry(b"a.png", 1))
    with desk.engine.transaction():
        desk.engine.execute("DELETE FROM policy_sets")

    assert due.undecided(desk.engine, desk.host) == 0
    assert due.won(desk.engine, desk.host).uncovered == {"image": 1}
    desk.use("again")


@pytest.mark.parametrize("seed", range(6))
def test_after_anything_the_schedule_is_right(desk: Desk, seed: int) -> None:
    happen = Anything(desk, seed)
    for turn in range(80):
        happen()
        if turn % 10 == 9:
            desk.check()
