"""The verbs answer alike, whichever database holds the catalogue."""

import json
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.migrate import migrate
from storewarden.cli import main
from storewarden.clock import SystemClock
from tests.unit.cli.conftest import fill
from tests.unit.cli.rich import copies, fill_facts

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
    assert all((code, err) == (0, "") for code, _, err in file.values())


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
