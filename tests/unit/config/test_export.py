"""The schema for editors and the page for people say what the reader does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storewarden.config.export import json_schema
from storewarden.config.keys import GROUPS, ROOT_KEYS, SINGLE, TOP, Key
from storewarden.config.reference import renewed
from tests.unit.config.asking import problems, settings

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/configuration.md"
ALL = [*SINGLE, *ROOT_KEYS, *(key for keys in GROUPS.values() for key in keys)]


def literal(key: Key) -> bool:
    """Whether the default can be written: the socket's says where it is."""
    return bool(key.default) and key.name != "socket"


def properties() -> dict[str, Any]:
    whole = json_schema()["properties"]
    root = whole["roots"]["additionalProperties"]["anyOf"][1]["properties"]
    groups = {name: form for group in GROUPS for name, form in whole[group]["properties"].items()}
    return {**{key.name: whole[key.name] for key in SINGLE}, **root, **groups}


def allows(form: dict[str, Any], text: str) -> bool:
    """Judge a value as an editor would, for the few words of JSON Schema that we use."""
    if "anyOf" in form:
        return any(allows(each, text) for each in form["anyOf"])
    if "const" in form:
        return bool(form["const"] == text)
    if form["type"] == "array":
        return all(allows(form["items"], item) for item in json.loads(text))
    if form["type"] == "boolean":
        return text in {"true", "false"}
    fits = re.search(form.get("pattern", ""), text) and len(text) >= form.get("minLength", 0)
    return bool(fits) and text in form.get("enum", [text])


def test_the_schema_has_every_key_and_nothing_else() -> None:
    schema = json_schema()

    assert set(schema["properties"]) == set(TOP)
    assert list(properties()) == [key.name for key in ALL]
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.name)
def test_the_schema_allows_examples_and_defaults(key: Key) -> None:
    form = properties()[key.name]

    assert allows(form, key.example)
    assert not key.default or allows(form, key.default)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settle", "5"),
        ("settle", "5m"),
        ("watch_share", "0.5"),
        ("watch", "fanotify"),
        ("listen", "off"),
        ("catalogue", "/var/lib/x.db"),
        ("digest", "yes"),
        ("missing_share", "none"),
        ("partial", '["a/b"]'),
        ("exclude", '[""]'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(tmp_path: Path, name: str, text: str) -> None:
    of_root = name in {key.name for key in ROOT_KEYS}
    group = next(
        (f"{group}: " for group, keys in GROUPS.items() if name in {k.name for k in keys}), ""
    )
    line = f"roots: {{a: {{path: /a, {name}: {text}}}}}" if of_root else "roots: {a: /a}"
    if not of_root:
        line += f"\n{group}{{{name}: {text}}}" if group else f"\n{name}: {text}"

    assert len(problems(tmp_path, line)) == 1
    assert not allows(properties()[name], text)


@pytest.mark.parametrize("key", ROOT_KEYS[1:], ids=lambda key: key.name)
def test_a_default_that_is_written_out_changes_nothing(tmp_path: Path, key: Key) -> None:
    plain = settings(tmp_path, "roots: {a: /a}").roots

    assert (
        settings(tmp_path, f"roots: {{a: {{path: /a, {key.name}: {key.default}}}}}").roots == plain
    )


def test_other_defaults_written_out_change_nothing(tmp_path: Path) -> None:
    plain = settings(tmp_path, "roots: {a: /a}")
    text = "roots: {a: /a}\n"
    text += "".join(f"{key.name}: {key.default}\n" for key in SINGLE if key.name != "state")
    for group, keys in GROUPS.items():
        text += f"{group}:\n"
        text += "".join(f'  {key.name}: "{key.default}"\n' for key in keys if literal(key))

    assert settings(tmp_path, text) == plain


def test_the_page_of_keys_is_up_to_date() -> None:
    page = PAGE.read_text()

    assert renewed(page) == page, "python -m storewarden.config.reference renews it"


def test_reading_a_configuration_needs_no_heavy_library() -> None:
    import subprocess
    import sys

    heavy = "pydantic", "peewee", "apsw", "psycopg", "click", "rich", "prometheus_client"
    code = f"import sys, storewarden.config.load; print(set({heavy!r}) & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout.strip() == "set()"
