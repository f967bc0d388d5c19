"""The verbs answer alike, whichever database holds the catalogue."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.migrate import migrate
from storewarden.cli import main
from storewarden.clock import SystemClock
from tests.unit.cli.acting import Yard
from tests.unit.cli.conftest import Ran, fill
from tests.unit.cli.rich import copies, fill_facts
from tests.unit.cli.test_by_hand import steady

NOTES = """
version: 1
policies:
  - id: notes
    match: {ext: txt}
    clock: modified
    phases: [{after: 30d, do: archive, to: cold}]
"""

LINES = (
    ("files", "state=any"),
    ("files", "--json", "kind=image"),
    ("files", "name=*漢*"),
    ("files", "modified<100y", "--limit", "2"),
    ("show", "save_outputs/cat.png", "--json"),
    ("show", "save_outputs/gone.png"),
    ("show", "save_outputs/renders/a b/film.mp4"),
    ("files", "model=flux*", "width>=1024", "--json"),
    ("files", "width!=1024"),
    ("files", "prompt=dusk cat"),
    ("files", "lora=grain", f"seed={2**63 + 42}"),
    ("files", "language=en"),
    ("files", "workflow=story", "scene=3"),
    ("files", "inspected=no", "state=any"),
    ("files", "outcome=refused,partly"),
    ("files", "codec=h264", "duration>1min", "fps>=25", "used>1s"),
    ("search", "lighthouse at dusk"),
    ("search", "lighthouse", "--json"),
    ("search", "light*", "-ships", "root=uploads"),
    ("search", "漢"),
    ("search", '"oil on canvas"', "--limit", "1"),
    ("search", "-oil on canvas", "transcript:dusk"),
    ("same",),
    ("same", "--json", "kind=other"),
    ("status",),
    ("status", "--json"),
    ("history",),
    ("history", "save_outputs/cat.png", "--json"),
    ("pin", "save_outputs/renders", "kind=video", "--dry-run", "--json"),
    ("pin", "save_outputs/*.png", "--dry-run"),
    ("free", "1KB", "--dry-run"),
    ("free", "2MB", "--dry-run", "--json"),
    ("apply", "--dry-run", "--json"),
    ("why", "save_outputs/cat.png", "--json"),
    ("pin", "kind=image"),
    ("pin", "kind=image", "--json"),
    ("unpin", "save_outputs/cat.png"),
)


def answers(
    url: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[tuple[str, ...], tuple[int, str, str]]:
    (place / "state").mkdir()
    engine = open_catalogue(url, place / "state", role="test")
    migrate(engine, SystemClock())
    fill(engine, Path("/srv"))
    fill_facts(engine)
    copies(engine)
    engine.close()
    monkeypatch.chdir(place)
    monkeypatch.setenv("STOREWARDEN_STATE", str(place / "state"))
    monkeypatch.setenv("STOREWARDEN_CATALOGUE", url)
    told: dict[tuple[str, ...], tuple[int, str, str]] = {}
    for line in LINES:
        code = main([*line])
        out, err = capsys.readouterr()
        told[line] = (code, out.replace(str(place), "/here"), err)
    return told


def without_address(answer: str) -> Any:
    told = json.loads(answer)
    del told["catalogue"]
    return told


def test_both_answer_alike(
    postgres_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = [tmp_path / name for name in ("file", "server")]
    for place in places:
        place.mkdir()
    file = answers("sqlite", places[0], monkeypatch, capsys)
    server = answers(postgres_database, places[1], monkeypatch, capsys)

    alike = ("status", "--json")
    assert without_address(file.pop(alike)[1]) == without_address(server.pop(alike)[1])
    assert file == server
    assert {line: (code, err) for line, (code, _, err) in file.items() if code or err} == {}


def test_the_catalogue_looks_after_itself_on_a_server(
    postgres_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers(postgres_database, tmp_path, monkeypatch, capsys)

    codes = [main(["catalogue", verb]) for verb in ("status", "test", "backup", "restore")]

    assert codes == [0, 0, 0, 0]
    assert main(["files", "state=any"]) == 0
    assert len(capsys.readouterr().out.splitlines()[-11:]) == 11


def acts(yard: Yard) -> list[tuple[tuple[str, ...], int, str, str]]:
    """What a person does one after the other, and what each of it says."""
    told = []
    lines: tuple[tuple[str, ...], ...] = (
        ("trash", "kind=image", "--dry-run"),
        ("trash", "save_outputs/*.png", "size>15KB", "--dry-run", "--json"),
        ("trash", "kind=image"),
        ("files", "state=trashed"),
        ("undo",),
        ("archive", "--to", "cold", "save_outputs/renders"),
        ("why", "save_outputs/renders/film.mp4"),
        ("restore", "save_outputs/renders/film.mp4"),
        ("free", "1KB", "--yes"),
        ("status",),
        ("undo",),
        ("trash", "save_outputs/cat.png", "save_outputs/dog.png"),
        ("purge", "save_outputs/cat.png", "--yes"),
        ("restore", "save_outputs/cat.png"),
        ("restore", "save_outputs/dog.png", "--to", "save_outputs/again/dog.png"),
        ("move", "--to", "nas", "save_outputs/again"),
        ("move", "--to", "local", "save_outputs/again"),
        ("plan",),
        ("apply", "--policy", "notes", "--yes"),
        ("files", "state=any"),
        ("history", "--json"),
        ("history", "save_outputs/cat.png", "--json"),
    )
    for line in lines:
        ran = yard.run(*line)
        told.append((line, ran.code, steady(ran.out, yard.here), steady(ran.err, yard.here)))
    return told


def untimed(told: list[tuple[tuple[str, ...], int, str, str]]) -> list[Any]:
    """Leave out times, and the random ends of keys."""
    return [
        (line, code, re.sub(r"\b1[78]\d{17}\b", "T", re.sub(r"~[a-z2-7]{16}", "~K", out)), err)
        for line, code, out, err in told
    ]


def test_both_do_alike(
    postgres_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command(*arguments: str) -> Ran:
        code = main([*arguments])
        return Ran(code, *capsys.readouterr())

    told = []
    for url in ("sqlite", postgres_database):
        here = tmp_path / url[:4]
        here.mkdir()
        monkeypatch.chdir(here)
        yard = Yard(here, command)
        yard.policies(NOTES, catalogue=url)
        yard.prepare()
        yard.fill()
        told.append(untimed(acts(yard)))

    file, server = told
    assert file == server
    assert {line: code for line, code, _, _ in file if code} == {
        ("restore", "save_outputs/cat.png"): 1,  # nothing brings it back
    }
