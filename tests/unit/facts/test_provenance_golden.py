"""What each tool's files tell, from their bytes to the facts, as it is kept in golden files."""

from dataclasses import fields

import pytest

from storewarden.facts.inspect import inspect
from storewarden.facts.provenance import TOOLS, raw
from storewarden.facts.reader import Reader
from storewarden.model import Lora, Outcome, Provenance
from tests.conftest import Golden
from tests.makers.tools import MADE, has_ffmpeg, made, unused_picture
from tests.missing import missing

_MOVING = (".mp4", ".webm", ".flac", ".mp3", ".opus")


def told(provenance: Provenance) -> str:
    """Return every field of a provenance, a line each; the texts kept raw are named only."""
    lines = []
    for field in fields(Provenance):
        value = getattr(provenance, field.name)
        if field.name == "raw":
            value = sorted(raw.unpack(value)) if value else []
        if isinstance(value, tuple):
            value = [_lora(one) for one in value]
        lines.append(f"{field.name}: {value!r}")
    return "\n".join(lines) + "\n"


def _lora(one: Lora) -> str:
    return f"{one.name}: {one.weight}"


@pytest.mark.parametrize("name", MADE)
def test_a_file_tells_how_it_was_made(name: str, golden: Golden) -> None:
    called = MADE[name][0]
    if called.endswith(_MOVING) and not has_ffmpeg():
        missing("ffmpeg", "apt install ffmpeg")

    facts = inspect(Reader.of_bytes(made(name)), called.encode())

    assert (facts.outcome, facts.reason) == (Outcome.READ, "")
    assert facts.provenance is not None
    assert facts.provenance.tool in TOOLS
    golden(f"provenance/{name}.txt", told(facts.provenance))


def test_a_photograph_tells_nothing_of_the_kind() -> None:
    facts = inspect(Reader.of_bytes(unused_picture()), b"a.jpg")

    assert facts.provenance is None
