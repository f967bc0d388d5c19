"""The page of the facts knows every fact that is kept and every term that asks for one."""

import re
from dataclasses import fields
from pathlib import Path

from storewarden.catalogue import terms
from storewarden.cli import sources
from storewarden.cli.reference import GROUPS, OTHER_TERMS, TABLE, markdown
from storewarden.facts import provenance
from storewarden.facts.inspect import inspect
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Reader
from storewarden.model import Media, Provenance
from tests.makers.tools import MADE, made

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/reference/facts.md"
TOLD = re.compile(r"^  ([a-z0-9_]+\.[a-z0-9_.]+) = ", re.MULTILINE)
KEPT = {fact.of for fact in TABLE}
ASKED = {fact.term for fact in TABLE if fact.term} | set(OTHER_TERMS)


def test_the_page_is_in_step_with_the_table() -> None:
    remedy = "python -m storewarden.cli.reference > docs/reference/facts.md"

    assert PAGE.read_text() == markdown(), remedy


def test_every_fact_of_the_content_is_told() -> None:
    assert {f"media.{field.name}" for field in fields(Media)} - KEPT == set()


def test_every_fact_of_the_making_is_told() -> None:
    names = {f"provenance.{field.name}" for field in fields(Provenance)}

    assert names - KEPT == {"provenance.raw"}  # it is unpacked, see `show --raw`
    assert "raw" in {fact.name for fact in TABLE}


def test_every_term_asks_for_a_fact_and_every_such_term_is_one() -> None:
    assert set(terms.NAMES) == ASKED


def test_every_fact_has_a_name_of_its_own_and_a_group() -> None:
    assert len({fact.name for fact in TABLE}) == len(TABLE)
    assert {fact.group for fact in TABLE} == set(GROUPS)


def test_every_reader_is_told() -> None:
    assert set(sources.READERS) == set(INSPECTORS)


def test_every_tool_is_told() -> None:
    assert set(sources.TOOLS) == set(provenance.TOOLS)


def test_every_fact_that_only_some_have_is_told() -> None:
    golden = (TOP / "tests/golden/facts").glob("*.txt")
    names = {name for page in golden for name in TOLD.findall(page.read_text())}
    for tool in MADE:
        names |= inspect(Reader.of_bytes(made(tool)), MADE[tool][0].encode()).more.keys()

    assert names - set(sources.MORE) == set()
    assert len(names) > 40
