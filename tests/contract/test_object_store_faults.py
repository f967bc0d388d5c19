"""What a network does to requests: whatever fails, an object is whole or it is not there."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import pytest
from blake3 import blake3

from storewarden.act.identity import Identity
from storewarden.act.proof import Content, prove_copy
from storewarden.errors import ObjectDamaged, ObjectExists, StorewardenError
from storewarden.store.contract import Opened, Stored
from storewarden.store.key import key_of
from storewarden.store.limits import Limits, Sizes
from storewarden.store.object import ObjectStore
from tests.objects import FUTURE_NS, HASTY, KIB, PATIENT, Bench, leftovers
from tests.servers.proxy import Fault, Proxy, Rule, Seen, proxy_to
from tests.stores import content_of, source_of, whole

AT_ONCE = 6
# A call makes up to a dozen requests and looks; when all of them hang, each ends by its own limit.
LONGEST = 45.0
MARK = "abcdefgh234567aa"


class Sort(NamedTuple):
    """A sort of object: they differ in the requests that are made for them."""

    size: int
    about: bytes
    requests: int  # that a put makes when nothing fails
    own: range  # those of them that other sorts do not make


SORTS = {
    "small": Sort(1000, b"about", 2, range(1, 3)),
    "with companion": Sort(1000, b"about" * 900, 3, range(1, 2)),
    "in parts": Sort(250 * KIB, b"about", 9, range(1, 10)),
}
TINY = Sizes(whole=8 * KIB, part=100 * KIB, flight=220 * KIB, range=100 * KIB)
sorts = pytest.mark.parametrize("sort", SORTS.values(), ids=list(SORTS))
faults = pytest.mark.parametrize("fault", list(Fault), ids=[fault.name for fault in Fault])
FAULTS = list(Fault)
# The server takes most of the time: of the requests every fifth has its fault in `make test`,
# another one for each sort of fault, so that each request meets some and each sort some request.
EVERY = 5
extents = pytest.mark.parametrize(
    "all_of_them", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["some", "all"]
)
_Each = TypeVar("_Each")


def some(cases: Sequence[_Each], turn: int = 0, *, all_of_them: bool) -> list[_Each]:
    """Return cases that are tried, others for each turn."""
    if all_of_them:
        return list(cases)
    return list(cases[turn % min(EVERY, len(cases)) :: EVERY])


class Case(NamedTuple):
    """A fault at one request, or at each from there on."""

    fault: Fault
    at: int
    lasting: bool = False

    def rule(self) -> Rule:
        def rule(seen: Seen) -> Fault | None:
            hit = seen.number >= self.at if self.lasting else seen.number == self.at
            return self.fault if hit else None

        return rule


@dataclass
class Trial:
    """Puts under faults, and what came of them."""

    bench: Bench
    sort: Sort
    limits: Limits = HASTY
    direct: ObjectStore = field(init=False)
    kept: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.direct = self.bench.store(sizes=TINY)
        self.content = content_of(self.sort.size)

    def key(self, number: int) -> str:
        return key_of("root", b"renders/%d.mp4" % number, MARK)

    def put(self, store: ObjectStore, key: str) -> Stored:
        return store.put(key, source_of(self.content), lambda: self.sort.about)

    def run(self, number: int, rule: Rule) -> None:
        """Put an object under a rule; it is whole afterwards, or not there."""
        key, stored = self.key(number), None
        began = time.monotonic()
        with proxy_to(self.bench.url) as proxy:
            store = self.bench.store(proxy.url, limits=self.limits, sizes=TINY)
            proxy.rule = rule
            try:
                stored = self.put(store, key)
            except StorewardenError as error:
                assert_passing(error)
            assert time.monotonic() - began < LONGEST
        met = self.direct.find(key)
        assert stored is None or met == stored
        if met is not None:
            self.assert_whole(met)
        self.kept, self.failed = self.kept + (met is not None), self.failed + (stored is None)

    def assert_whole(self, met: Stored) -> None:
        assert met.bytes == self.sort.size
        assert whole(self.direct, met.key) == self.content
        assert self.direct.about(met.key) == self.sort.about

    def end(self) -> None:
        """After a sweep nothing is left but objects, and those are as whole as before."""
        self.direct.sweep(FUTURE_NS)
        assert leftovers(self.direct) == 0
        listed = list(self.direct.list())
        assert len(listed) == self.kept
        for entry in listed[-2:]:
            met = self.direct.find(entry.key)
            assert met is not None
            self.assert_whole(met)


def assert_passing(error: StorewardenError) -> None:
    """Whatever a network does, trying again can help."""
    assert error.transient, error


def all_at_once(work: Iterator[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(each) for each in work]:
            done.result()


def ways(trial: Trial, cases: list[Case]) -> Iterator[Callable[[], None]]:
    for number, case in enumerate(cases):
        yield lambda number=number, case=case: trial.run(number, case.rule())  # type: ignore[misc]


@sorts
def test_a_put_makes_so_many_requests(s3_url: str, sort: Sort) -> None:
    """What the other tests go through one by one."""
    trial = Trial(Bench.at(s3_url), sort)
    with proxy_to(s3_url) as proxy:
        trial.put(trial.bench.store(proxy.url, sizes=TINY), trial.key(0))

        assert len(proxy.seen) == sort.requests


def test_a_small_object_is_put_and_proven_with_one_request_each(s3_url: str) -> None:
    """Once it is known that what a server says when it takes an object is what it says later."""
    trial = Trial(Bench.at(s3_url), SORTS["small"])
    content = Content(Identity(1, 2, 1000, 3, 4), blake3(trial.content).digest())
    with proxy_to(s3_url) as proxy:
        store = trial.bench.store(proxy.url, sizes=TINY)
        trial.put(store, trial.key(0))
        proxy.seen.clear()
        stored = trial.put(store, trial.key(1))
        prove_copy(store, stored, content, pieces)

        assert [one.method for one in proxy.seen] == ["PUT", "GET"]


@extents
@sorts
@faults
def test_a_fault_at_any_request_of_a_put(
    s3_url: str, sort: Sort, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), sort)
    cases = [Case(fault, at) for at in sort.own]

    all_at_once(ways(trial, some(cases, FAULTS.index(fault), all_of_them=all_of_them)))

    trial.end()


@extents
@sorts
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.REPLY_LOST], ids=["BUSY", "REPLY_LOST"])
def test_a_store_that_fails_from_some_request_on(
    s3_url: str, sort: Sort, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), sort)

    cases = [Case(fault, at, lasting=True) for at in sort.own]
    cases = some(cases, FAULTS.index(fault), all_of_them=all_of_them)
    all_at_once(ways(trial, cases))

    assert trial.failed == len(cases)
    trial.end()


@extents
@sorts
def test_after_a_failed_put_the_same_is_put_again(
    s3_url: str, sort: Sort, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), sort)

    def one(number: int, case: Case) -> None:
        trial.run(number, case.rule())
        if trial.direct.find(trial.key(number)) is None:
            trial.put(trial.direct, trial.key(number))
        met = trial.direct.find(trial.key(number))
        assert met is not None
        trial.assert_whole(met)

    cases = [Case(Fault.REPLY_LOST, at, lasting=True) for at in range(1, sort.requests + 1)]
    cases = some(cases, all_of_them=all_of_them)
    all_at_once(
        (lambda number=number, case=case: one(number, case))  # type: ignore[misc]
        for number, case in enumerate(cases)
    )

    trial.kept = len(cases)
    trial.end()


@extents
@sorts
def test_one_lost_reply_is_no_failure(s3_url: str, sort: Sort, *, all_of_them: bool) -> None:
    """The second request meets the object of the first, and knows it for its own."""
    trial = Trial(Bench.at(s3_url), sort, PATIENT)
    cases = [Case(Fault.REPLY_LOST, at) for at in range(1, sort.requests + 1)]
    cases = some(cases, 1, all_of_them=all_of_them)

    all_at_once(ways(trial, cases))

    assert (trial.failed, trial.kept) == (0, len(cases))


@extents
@sorts
def test_what_takes_the_key_at_any_moment_is_not_written_over(
    s3_url: str, sort: Sort, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), sort)

    def one(at: int) -> None:
        key = trial.key(at)
        rivals: list[Stored] = []

        def rule(seen: Seen) -> Fault | None:
            if seen.number == at:
                rivals.append(trial.direct.put(key, source_of(b"rival"), lambda: b"of it"))
            return None

        with proxy_to(s3_url) as proxy:
            store = trial.bench.store(proxy.url, sizes=TINY)
            proxy.rule = rule
            with pytest.raises(ObjectExists):
                trial.put(store, key)
        assert [trial.direct.find(key)] == rivals
        assert whole(trial.direct, key) == b"rival"
        assert trial.direct.about(key) == b"of it"

    # After the last but one the object is there, and the rival is who comes too late.
    moments = some(range(1, sort.requests), 1, all_of_them=all_of_them)
    for at in moments:
        one(at)
    trial.direct.sweep(FUTURE_NS)
    assert leftovers(trial.direct) == 0
    assert len(list(trial.direct.list())) == len(moments)


def pieces(opened: Opened) -> Iterator[bytes]:
    return iter(lambda: opened.read(1 << 20), b"")


def through(proxy: Proxy, bench: Bench, case: Case) -> ObjectStore:
    store = bench.store(proxy.url, limits=HASTY, sizes=TINY)
    proxy.rule = case.rule()
    return store


@extents
@faults
def test_what_is_read_under_faults_is_proven_or_not_believed(
    s3_url: str, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), SORTS["in parts"])
    stored = trial.put(trial.direct, trial.key(0))
    digest = blake3(trial.content).digest()
    content = Content(Identity(1, 2, trial.sort.size, 3, 4), digest)
    with proxy_to(s3_url) as proxy:
        prove_copy(trial.bench.store(proxy.url, sizes=TINY), stored, content, pieces)
        requests = len(proxy.seen)
    assert requests == 4

    def one(case: Case) -> None:
        began = time.monotonic()
        with proxy_to(s3_url) as proxy:
            try:
                prove_copy(through(proxy, trial.bench, case), stored, content, pieces)
            except StorewardenError as error:
                changed = fault is Fault.FLIPPED_BACK
                if not (changed and isinstance(error, ObjectDamaged)):
                    assert_passing(error)
        assert time.monotonic() - began < LONGEST

    cases = [Case(fault, at, lasting) for at in range(1, requests + 1) for lasting in (False, True)]
    cases = some(cases, FAULTS.index(fault), all_of_them=all_of_them)
    all_at_once((lambda case=case: one(case)) for case in cases)  # type: ignore[misc]


@extents
@faults
def test_what_is_there_is_never_told_to_be_missing(
    s3_url: str, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), SORTS["with companion"])
    stored = {trial.put(trial.direct, trial.key(0))}

    def one(case: Case) -> None:
        with proxy_to(s3_url) as proxy:
            store = through(proxy, trial.bench, case)
            for each in stored:
                try:
                    assert store.find(each.key) == each
                    assert store.about(each.key) == trial.sort.about
                    assert {entry.key for entry in store.list()} == {key for key, _, _ in stored}
                except ObjectDamaged:
                    assert fault is Fault.FLIPPED_BACK
                except StorewardenError as error:
                    assert_passing(error)

    cases = [Case(fault, at) for at in range(1, 5)]
    cases = some(cases, FAULTS.index(fault), all_of_them=all_of_them)
    all_at_once((lambda case=case: one(case)) for case in cases)  # type: ignore[misc]


@extents
@faults
def test_a_fault_at_any_request_of_a_removal(
    s3_url: str, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), SORTS["with companion"])

    def one(number: int, at: int) -> None:
        stored = trial.put(trial.direct, trial.key(number))
        removed = None
        with proxy_to(s3_url) as proxy:
            try:
                removed = through(proxy, trial.bench, Case(fault, at)).remove(stored)
            except StorewardenError as error:
                assert_passing(error)
        met = trial.direct.find(stored.key)
        assert removed is not False
        assert met in ({None} if removed else {None, stored})
        if met is not None:
            trial.assert_whole(met)
            trial.direct.remove(met)

    all_at_once(
        (lambda number=number, at=at: one(number, at))  # type: ignore[misc]
        for number, at in enumerate(some(range(1, 4), FAULTS.index(fault), all_of_them=all_of_them))
    )

    trial.end()


@pytest.mark.parametrize(
    ("fault", "all_of_them"),
    [
        (Fault.ERROR_DONE, False),
        (Fault.REPLY_LOST, False),
        *(
            pytest.param(fault, True, marks=pytest.mark.soak)
            for fault in (
                *(Fault.BUSY, Fault.ERROR_DONE, Fault.REPLY_LOST, Fault.REPLY_CUT, Fault.SILENT),
            )
        ),
    ],
)
def test_a_sweep_under_faults_harms_no_object(
    s3_url: str, fault: Fault, *, all_of_them: bool
) -> None:
    trial = Trial(Bench.at(s3_url), SORTS["in parts"])
    trial.kept = 1
    met = trial.put(trial.direct, trial.key(0))
    for number in range(1, 3):
        trial.run(number, Case(Fault.BUSY, 5, lasting=True).rule())
    assert leftovers(trial.direct) == 2

    for at in some((1, 2, 3, 5), FAULTS.index(fault), all_of_them=all_of_them):
        with proxy_to(s3_url) as proxy:
            try:
                through(proxy, trial.bench, Case(fault, at)).sweep(FUTURE_NS)
            except StorewardenError as error:
                assert_passing(error)
        assert trial.direct.find(met.key) == met

    trial.end()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
@sorts
def test_thousands_of_uploads_over_a_network_that_fails_all_the_time(
    s3_url: str, sort: Sort, seed: int
) -> None:
    slow = {Fault.SILENT, Fault.REPLY_NEVER}
    patient = [fault for fault in Fault if fault not in slow]

    def rule_of(number: int) -> Rule:
        chance = random.Random(1000 * seed + number)
        often = chance.choice([0.05, 0.2, 0.5])
        kinds = list(Fault) if chance.random() < 0.1 else patient
        return lambda _: chance.choice(kinds) if chance.random() < often else None

    trial = Trial(Bench.at(s3_url), sort)
    all_at_once(
        (lambda number=number: trial.run(number, rule_of(number)))  # type: ignore[misc]
        for number in range(100)
    )
    trial.end()
