"""The policies that are shipped and those that documents show: each is read and proves itself."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.config.load import load as load_configuration
from storewarden.policy.load import read
from storewarden.policy.rules import PolicySet
from storewarden.policy.sources import read_sources, shipped
from storewarden.policy.trial import run

TOP = Path(__file__).resolve().parents[2]
POLICIES = re.compile(r"^```yaml policies\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIGURATION = re.compile(r"^```yaml configuration\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STORES, TABLES = ("cloud", "cold", "nas"), ("app.conversations",)


class Snippet(NamedTuple):
    name: str
    text: str


def snippets() -> list[Snippet]:
    found = []
    for page in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]:
        text = page.read_text()
        for block in POLICIES.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            found.append(Snippet(f"{page.relative_to(TOP)}:{line}", block[1]))
    return found


def failed(policies: PolicySet) -> list[str]:
    return [
        f"expected {one.expected}, decided {one.decided}: {one.why}"
        for one in run(policies)
        if not one.passed
    ]


@pytest.mark.parametrize("snippet", snippets(), ids=lambda one: one.name)
def test_policies_in_the_documents_are_read_and_pass_their_own_tests(snippet: Snippet) -> None:
    policies = read([(snippet.name, snippet.text.encode())], stores=STORES, tables=TABLES)

    assert policies.policies
    assert failed(policies) == []


def test_the_reference_shows_every_part_of_the_language() -> None:
    assert len([one for one in snippets() if "reference/policies.md" in one.name]) > 8


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_policy_is_read_with_the_configuration_of_its_page(
    name: str, tmp_path: Path
) -> None:
    page = (TOP / f"docs/policies/{name}.md").read_text()
    shown = CONFIGURATION.search(page)
    assert shown is not None, "its page shows what to write"
    (tmp_path / "storewarden.yaml").write_text(shown[1])

    settings = load_configuration(None, {"HOME": "/home/me"}, tmp_path, system=tmp_path / "x")

    assert settings.policies == (f"shipped:{name}",)
    policies = read(
        read_sources(settings.policies), stores=settings.store_names, tables=settings.table_names
    )
    assert policies.tests, "it proves itself"
    assert failed(policies) == []
    assert f"[{name}]({name}.md)" in (TOP / "docs/policies/README.md").read_text()


def test_without_a_word_the_policy_is_the_one_that_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "storewarden.yaml").write_text("roots: {uploads: ./uploads}\n")

    settings = load_configuration(None, {"HOME": "/home/me"}, tmp_path, system=tmp_path / "x")

    assert settings.policies == ("shipped:safe-default",)
    policies = read(read_sources(settings.policies))
    assert not any(policy.destructive for policy in policies.policies)
