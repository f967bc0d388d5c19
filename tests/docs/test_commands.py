"""The page of the commands knows every verb, every option, every field."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from storewarden.catalogue import terms
from storewarden.cli import files, scan, status
from storewarden.cli.door import door
from storewarden.cli.overview import Overview, Root

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/commands.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command


def test_every_verb_has_its_section() -> None:
    assert [name for name, _ in commands(door) if name not in SECTIONS] == []


@pytest.mark.parametrize("verb", [name for name, _ in commands(door)])
def test_every_option_is_told(verb: str) -> None:
    command = dict(commands(door))[verb]
    inner = dict(commands(command)) if isinstance(command, click.Group) else {}
    told = SECTIONS["All"] + SECTIONS[verb]
    options = {
        option
        for one in (command, *inner.values())
        for parameter in one.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }

    assert {option for option in options if option not in told} == set()
    assert [name for name in inner if f"`{name}" not in SECTIONS[verb]] == []


def test_every_field_is_told() -> None:
    shown = status.as_json(Overview(None, (Root("uploads", b"/u"),)), "sqlite", 0)
    fields = {*shown, *shown["roots"][0], *scan.COUNTS}

    assert {field for field in fields if not re.search(rf"\b{field}\b", PAGE)} == set()
    assert files.SCREENFUL == 100
    assert "is 100 unless said" in PAGE


def test_every_term_is_told() -> None:
    names = {name for name in terms.NAMES if not re.search(rf"`{name}`", SECTIONS["files"])}

    assert names == set()
