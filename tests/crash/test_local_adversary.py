"""Whoever interferes, whenever: nothing is removed but exactly what was proven or allowed."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.drawers import Room
from storewarden.act.giveback import put_back
from storewarden.act.kernel import Kernel
from storewarden.act.leaving import Left, leave
from storewarden.act.members import Bundle
from storewarden.act.note import Note, Slip
from storewarden.act.refused import Refused
from storewarden.act.together import open_trash, survey, trash_together
from storewarden.act.trash import Purged, purge, restore, trash
from tests.adversary import DEEDS, ORIGINAL, VICTIM, WAITING, Adversary
from tests.interfering import MARK, NOW, Ground, Standing, proof_of

BESIDE = "abcdefgh23456733"
Strike = Callable[[int, str, Adversary], None]
# Nobody has a right to be in our drawer. Whoever is, and strikes between our last look and the
# removal, cannot be kept from it by anybody; before that last look he is seen.
IN_THE_DRAWER = frozenset(deed for deed in DEEDS if "drawer" in deed)


class Fight(NamedTuple):
    result: object
    calls: int
    robbed: bool


def leaving(ground: Ground, kernel: Kernel) -> object:
    bundle = ground.bundle(VICTIM)
    return leave(ground.fd, bundle, [proof_of(bundle.members[0])], kernel=kernel)


def trashing(ground: Ground, kernel: Kernel) -> object:
    return trash(ground.fd, ground.bundle(VICTIM), kernel=kernel)


def restoring(ground: Ground, kernel: Kernel) -> object:
    trash(ground.fd, ground.bundle(VICTIM), kernel=Standing())
    return restore(ground.fd, MARK, kernel=kernel)


def purging(ground: Ground, kernel: Kernel) -> object:
    trash(ground.fd, ground.bundle(VICTIM), kernel=Standing())
    allowance = allow_purge(ground.entry(), asked_by="renders", at_least_ns=0, now_ns=NOW)
    assert isinstance(allowance, Allowance)
    return purge(ground.fd, allowance, kernel=kernel)


def trashing_together(ground: Ground, kernel: Kernel) -> object:
    (first, *_) = together(ground, kernel)
    return first


def purging_together(ground: Ground, kernel: Kernel) -> object:
    together(ground, Standing())
    with open_trash(ground.fd, MARK, kernel) as opened:
        assert opened is not None
        entries = [opened.entry(mark) for mark in (MARK, BESIDE)]
        allowances = [
            allow_purge(entry, asked_by="renders", at_least_ns=0, now_ns=NOW)
            for entry in entries
            if entry is not None
        ]
        given = [one for one in allowances if isinstance(one, Allowance)]
        done = opened.purge(given, lambda: None)
    by_mark = {one.mark: told for one, told in zip(given, done, strict=True)}
    return by_mark.get(MARK, allowances[0])


def together(ground: Ground, kernel: Kernel) -> list[object]:
    """Trash the victim and a file beside it."""
    beside = ground.put(b"a/beside", b"what lies beside it")
    bundles = [
        ground.bundle(VICTIM)._replace(shared=MARK),
        Bundle((beside,), BESIDE, NOW, shared=MARK),
    ]
    surveyed = survey(ground.fd, bundles, kernel)
    slips = tuple(one for one in surveyed if isinstance(one, Slip))
    if len(slips) < len(bundles):
        return [one for one in surveyed if isinstance(one, Refused)]
    return list(trash_together(ground.fd, Note(MARK, slips), bundles, kernel, lambda: None))


def putting_back(ground: Ground, kernel: Kernel) -> object:
    trash(ground.fd, ground.bundle(VICTIM), kernel=Standing())
    return put_back(ground.fd, Room.TRASH, MARK, kernel=kernel)


ACTS = (
    *(leaving, trashing, restoring, purging, putting_back),
    *(trashing_together, purging_together),
)
REMOVING = {leaving, purging, purging_together}
Act = Callable[[Ground, Kernel], object]


def fight(place: Path, act: Act, strike: Strike, meant: Act) -> Fight:
    """Let an act and an adversary meet, and check that neither he nor anybody else was robbed."""
    place.mkdir()
    (place / "outside").mkdir()
    ground = Ground(place / "root")
    ground.put(VICTIM, ORIGINAL)
    adversary = Adversary(ground, place / "outside")
    adversary.watch(ground.path / "a" / "file")
    adversary.keep(ground.path / "bystander")
    kernel = Standing(lambda number, name: strike(number, name, adversary))
    result = act(ground, kernel)
    assert adversary.victim
    content = adversary.victim.content
    robbed = adversary.robbed()
    adversary.end()
    if robbed:
        assert meant in REMOVING
        removed = isinstance(result, Left | Purged) or (
            isinstance(result, Refused) and VICTIM in result.removed
        )
        assert removed, (result, "it was removed, and not told")
        assert content == ORIGINAL, "what was removed is not what was proven"
        assert not adversary.writes, "it was removed while somebody could write into it"
    elif isinstance(result, Left | Purged):
        assert adversary.ended or adversary.did, "it was not removed, but told so"
    if (
        isinstance(result, Refused)
        and meant in {leaving, trashing, trashing_together}
        and adversary.drawer_holds()
    ):
        assert result.kept or result.unsure, (result, "it was not put back, and not told")
    adversary.close()
    ground.close()
    return Fight(result, kernel.calls, robbed)


def at(boundary: int, deed: str) -> Strike:
    """Return who strikes once, before the N-th call of the act."""

    def strike(number: int, name: str, adversary: Adversary) -> None:
        if number == boundary and not (name == "unlink" and deed in IN_THE_DRAWER):
            adversary.strike(deed)

    return strike


def interleavings(place: Path, act: Act, deeds: tuple[str, ...]) -> Iterator[Fight]:
    """Yield what came of every deed at every boundary."""
    for deed in deeds:
        for boundary in itertools.count(1):
            done = fight(place / f"{deed}-{boundary}", act, at(boundary, deed), act)
            if boundary > done.calls:
                break
            yield done


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_no_deed_at_any_moment_makes_a_wrong_removal(act: Act, tmp_path: Path) -> None:
    fights = list(interleavings(tmp_path, act, DEEDS))

    assert len(fights) >= 300
    refused = sum(isinstance(one.result, Refused) for one in fights)
    if act in {*REMOVING, trashing, trashing_together}:
        assert 0 < refused < len(fights), "it must matter when he strikes"
    print(f"{act.__name__}: {len(fights)} interleavings")  # noqa: T201  # pytest -s tells how many


@pytest.mark.soak
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_no_two_deeds_at_any_moments_make_a_wrong_removal(act: Act, tmp_path: Path) -> None:
    chance = random.Random(act.__name__)
    for turn in range(4000):
        plan = {chance.randint(1, 40): chance.choice(DEEDS) for _ in range(chance.randint(2, 4))}
        fight(tmp_path / str(turn), act, after(plan), act)


def after(plan: dict[int, str]) -> Strike:
    """Return who strikes more than once."""

    def strike(number: int, name: str, adversary: Adversary) -> None:
        deed = plan.get(number)
        if deed and not (name == "unlink" and deed in IN_THE_DRAWER):
            adversary.strike(deed)

    return strike


def race(place: Path, act: Act, seed: int) -> Fight:
    """Let an adversary run beside an act, at its own pace."""
    chance = random.Random(seed)
    deeds = [WAITING, *(deed for deed in DEEDS if deed not in IN_THE_DRAWER)]
    begun = threading.Event()
    ended: list[threading.Thread] = []

    def run(adversary: Adversary) -> None:
        begun.wait()
        time.sleep(chance.random() * 0.002)
        for _ in range(chance.randint(1, 3)):
            adversary.strike(chance.choice(deeds))

    def start(number: int, _name: str, adversary: Adversary) -> None:
        if number == 1:
            thread = threading.Thread(target=run, args=(adversary,))
            ended.append(thread)
            thread.start()
            begun.set()

    def acted(ground: Ground, kernel: Kernel) -> object:
        try:
            return act(ground, kernel)
        finally:
            for thread in ended:
                thread.join()

    return fight(place, acted, start, act)


@pytest.mark.parametrize("act", [leaving, trashing, restoring], ids=lambda act: act.__name__)
def test_no_race_makes_a_wrong_removal(act: Act, tmp_path: Path) -> None:
    for seed in range(300):
        race(tmp_path / str(seed), act, seed)


@pytest.mark.soak
@pytest.mark.parametrize("act", [leaving, trashing, restoring], ids=lambda act: act.__name__)
def test_no_long_race_makes_a_wrong_removal(act: Act, tmp_path: Path) -> None:
    for seed in range(1000, 6000):
        race(tmp_path / str(seed), act, seed)
