"""The JSON Schema for editors lets pass what can be read, and has every key and every term."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from storewarden.policy.language import keys
from storewarden.policy.schema_json import json_schema
from storewarden.policy.terms import TERMS
from tests.conftest import GOLDEN
from tests.fuzzing import PROJECT

GOOD = sorted([*(GOLDEN / "policies/good").glob("*.yaml"), *(PROJECT / "policies").glob("*.yaml")])
REFUSED = (
    "policies-empty",
    "unknown-policy-key",
    "on-is-a-key-not-true",
    "id-missing",
    "id-not-a-name",
    "match-empty",
    "match-unknown-term",
    "match-unknown-kind",
    "size-without-unit",
    "age-bare-number",
    "age-without-comparison",
    "quoted-truth",
    "no-kind-of-statement",
    "phase-do-delete",
    "phase-after-number",
    "phase-both-times",
    "place-two-ways",
    "evaluate-without-all",
    "evaluate-else-local",
    "care-without-timer",
    "timer-both",
    "cron-a-time",
    "pressure-without-low",
    "guard-values",
    "hold-false",
    "test-without-given",
    "test-comparison",
)


def as_an_editor_reads(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())

    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_can_be_read_passes(path: Path) -> None:
    errors = list(validator().iter_errors(as_an_editor_reads(path)))

    assert [error.message for error in errors] == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_editor_can_see_is_refused(name: str) -> None:
    (path,) = (GOLDEN / "policies/wrong").glob(f"[0-9]*-{name}.yaml")

    assert not validator().is_valid(as_an_editor_reads(path))


def test_every_key_has_a_description_and_an_example_that_passes() -> None:
    properties = json_schema()["properties"]
    policy = properties["policies"]["items"]["properties"]

    assert list(properties) == [key.name for key in keys.TOP]
    assert list(policy) == [key.name for key in keys.POLICY]
    for key in keys.POLICY:
        assert policy[key.name]["description"] == key.about
        form = {**policy[key.name], "$defs": json_schema()["$defs"]}
        assert Draft202012Validator(form).is_valid(yaml.safe_load(key.example)), key.name


def test_every_term_of_a_match_is_there() -> None:
    mapping = json_schema()["$defs"]["match"]["anyOf"][1]["properties"]

    assert set(mapping) == {name for name, term in TERMS.items() if term.match} | {
        *("class", "all", "any", "not", "rows")
    }
