"""Facts are stored beside recording: one that is refused costs itself, a failure costs nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from storewarden.catalogue.inspections import Inspected, Stored
from storewarden.errors import CatalogueBusy, CatalogueRefused, LeaseLost
from storewarden.model import Facts, Outcome, Place, Transcript
from storewarden.pipeline.findings import Findings, Kept
from storewarden.pipeline.inbox import SweepAsked

ASKED = SweepAsked({"png": 2}, {"r": ("{workflow}/*",)})


def inspected(number: int, reason: str = "") -> Inspected:
    facts = Facts("image", "image/png", "png", 1, Outcome.READ, reason)
    return Inspected(number, b"", b"%d.png" % number, 1, 1, 1, facts, Place("w"))


class Catalogue:
    """Takes facts as the catalogue would; those with the reason "bad" it refuses."""

    def __init__(self) -> None:
        self.stored: list[Inspected] = []
        self.open: list[Inspected] = []
        self.noted: list[object] = []
        self.to_mark: list[int] = []
        self.error: Exception | None = None
        self.transactions = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        self.transactions += 1
        self.open = []
        if self.error is not None:
            raise self.error
        yield
        self.stored += self.open

    def store(self, some: Sequence[Inspected], now_ns: int) -> Stored:
        if any(one.facts.reason.startswith("bad") for one in some):
            raise CatalogueRefused("refused")
        if any(one.facts.reason == "worse" for one in some) or any(
            one.facts.outcome is Outcome.REFUSED and one.id == 66 for one in some
        ):
            raise CatalogueRefused("refused again")
        self.open += some
        return Stored()

    def note(self, places: object) -> None:
        self.noted.append(places)

    def step(self, versions: object, limit: int) -> int:
        return self.to_mark.pop(0) if self.to_mark else 0

    def pending(self, versions: object) -> bool:
        return bool(self.to_mark)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def findings(catalogue: Catalogue) -> Findings:
    return Findings(catalogue, catalogue, catalogue.batch)  # type: ignore[arg-type]  # all it uses


def keep_all(findings: Findings) -> list[Kept]:
    kept = []
    while findings.waiting():
        kept.append(findings.keep(0))
        assert len(kept) < 1000
    return kept


def test_all_facts_arrive_in_transactions_of_a_bounded_size(
    findings: Findings, catalogue: Catalogue
) -> None:
    findings.add(tuple(map(inspected, range(1000))))
    kept = keep_all(findings)
    assert [one.id for one in catalogue.stored] == list(range(1000))
    assert len(kept) >= 1000 / 128
    assert sum(one.taken for one in kept) == sum(inspected(n).weight for n in range(1000))


def test_facts_that_are_refused_cost_no_others(findings: Findings, catalogue: Catalogue) -> None:
    findings.add(tuple(inspected(n, "bad" if n in {3, 500} else "") for n in range(1000)))
    kept = keep_all(findings)
    assert [one.id for one in catalogue.stored] == list(range(1000))
    handed = [inspected(n, "bad" if n in {3, 500} else "") for n in range(1000)]
    assert sum(one.taken for one in kept) == sum(one.weight for one in handed)
    odd = [one for one in catalogue.stored if one.facts.outcome is Outcome.REFUSED]
    assert [one.id for one in odd] == [3, 500]
    assert odd[0].facts.reason == "the catalogue refused what was found in it"


def test_a_file_of_which_nothing_at_all_can_be_stored_is_left_behind(
    findings: Findings, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    findings.add((inspected(1), inspected(66, "bad"), inspected(2)))
    handed = (inspected(1), inspected(66, "bad"), inspected(2))
    assert sum(one.taken for one in keep_all(findings)) == sum(one.weight for one in handed)
    assert [one.id for one in catalogue.stored] == [1, 2]
    assert "cannot be stored" in caplog.text


@pytest.mark.parametrize("error", [CatalogueBusy("busy"), LeaseLost("lost")])
def test_what_cannot_be_stored_now_is_kept(
    findings: Findings, catalogue: Catalogue, error: Exception
) -> None:
    findings.add((inspected(1),))
    catalogue.error = error
    with pytest.raises(type(error)):
        findings.keep(0)
    catalogue.error = None
    keep_all(findings)
    assert [one.id for one in catalogue.stored] == [1]


def test_a_sweep_ends_with_what_it_marked_or_when_there_is_nothing_more(
    findings: Findings, catalogue: Catalogue
) -> None:
    catalogue.to_mark = [0, 0, 7, 5]
    findings.ask(ASKED)
    assert [one.marked for one in keep_all(findings)] == [0, 0, 7]
    findings.ask(ASKED)
    assert [one.marked for one in keep_all(findings)] == [5]
    findings.ask(ASKED)
    assert [one.marked for one in keep_all(findings)] == [0]
    assert catalogue.noted[0] == {"r": ("{workflow}/*",)}


def test_a_long_text_has_a_transaction_of_its_own(findings: Findings, catalogue: Catalogue) -> None:
    long = Transcript("text", "word " * 200_000)
    said = inspected(2)._replace(facts=replace(inspected(2).facts, transcript=long))
    findings.add((inspected(1), said, said, inspected(3)))
    keep_all(findings)
    assert catalogue.transactions == 4
    assert [one.id for one in catalogue.stored] == [1, 2, 2, 3]


def test_facts_come_before_a_sweep(findings: Findings, catalogue: Catalogue) -> None:
    findings.ask(ASKED)
    findings.add((inspected(1),))
    first, second = keep_all(findings)
    assert (first.taken, first.marked) == (inspected(1).weight, None)
    assert (second.taken, second.marked) == (0, 0)
