"""What an act makes of a file in the catalogue is what policies foretell, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from storewarden.pipeline.judging import subjects
from storewarden.policy.life import done
from storewarden.policy.rules import LOCAL, Force
from storewarden.policy.subject import Subject
from tests.acting import Deeds
from tests.catalogues import Place
from tests.recording import NOW, SECOND, entry

DEEDS = (
    (Force.COPY, "cold"),
    (Force.MOVE, "cold"),
    (Force.MOVE, "cloud"),
    (Force.MOVE, LOCAL),
    (Force.ARCHIVE, "cold"),
    (Force.ARCHIVE, "cloud"),
    (Force.TRASH, None),
    (Force.PURGE, None),
)


@pytest.fixture
def deeds(place: Place) -> Deeds:
    return Deeds(place.made())


def can_follow(subject: Subject) -> Iterator[tuple[Force, str | None]]:
    """What policies may ask for of such a file."""
    for force, store in DEEDS:
        if force in {Force.COPY, Force.ARCHIVE}:
            possible = subject.stage == "present"
        elif force is Force.MOVE:
            possible = subject.stage == "present" and store != subject.lies
        else:
            possible = force is Force.PURGE or subject.state != "trashed"
        if possible:
            yield force, store


def does(deeds: Deeds, name: bytes, file_id: int, force: Force, store: str | None) -> None:
    """Carry it out, as far as the catalogue is told."""
    file = deeds.row(file_id)
    match force:
        case Force.COPY:
            deeds.copy(file, store=store or "")
        case Force.MOVE if store == LOCAL:
            deeds.restore(file, entry(name, file_id))
        case Force.MOVE:
            act = deeds.hold(deeds.plan("move", file, store=store))
            deeds.acted.moved(act, deeds.now_ns)
        case Force.ARCHIVE:
            act = deeds.hold(deeds.plan("archive", file, store=store))
            deeds.acted.archived(act, deeds.now_ns)
        case Force.TRASH:
            deeds.trash(file)
        case Force.PURGE:
            deeds.purge(file)


def known(deeds: Deeds, file_id: int) -> Subject:
    (subject,) = subjects(deeds.engine, [file_id])
    return subject


def like(subject: Subject) -> tuple[object, ...]:
    """What an act changes of a file; since when a file has been here matters to its place only."""
    copies = tuple(sorted(subject.copies))
    since = subject.state_ns if subject.state != "present" else None
    return subject.state, since, subject.lies, subject.placed_ns, copies


@pytest.mark.parametrize("first", DEEDS[:3] + DEEDS[4:7])
def test_every_way_of_a_file_is_the_one_that_was_foretold(
    deeds: Deeds, first: tuple[Force, str | None]
) -> None:
    for inode, ways in enumerate(itertools.product(DEEDS, repeat=2), 1000):
        name = b"%d.png" % inode
        deeds.now_ns += SECOND
        deeds.names(entry(name, inode))
        file_id = deeds.one(name).id
        foretold: Subject | None = known(deeds, file_id)
        for force, store in (first, *ways):
            if foretold is None or (force, store) not in list(can_follow(foretold)):
                break
            deeds.now_ns += SECOND
            does(deeds, name, file_id, force, store)
            foretold = done(foretold, force, store, deeds.now_ns)
            if foretold is None:
                assert deeds.row(file_id).state == "purged"
            else:
                assert like(known(deeds, file_id)) == like(foretold), (first, ways)


def test_what_a_person_restores_lies_here_since_then(deeds: Deeds) -> None:
    deeds.names(entry(b"a.png", 1))
    deeds.archive(deeds.one(b"a.png"))
    deeds.now_ns = NOW + 9 * SECOND
    deeds.restore(deeds.row(1), entry(b"a.png", 2))

    back = known(deeds, 1)
    assert (back.state, back.lies, back.placed_ns) == ("present", LOCAL, NOW + 9 * SECOND)
