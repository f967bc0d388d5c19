"""The doctor's answer: for people, for pipes, as JSON; and all of it on this machine."""

import sys
from pathlib import Path

import pytest

from storewarden.cli.checks.finding import fail, ok, warn
from storewarden.cli.doctor import answer
from storewarden.cli.output import Output
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

FINDINGS = [
    ok("python", "3.13.5"),
    warn("inotify queue", "1,024 events: bursts overflow it", "sudo sysctl -w …=16384"),
    fail("root uploads", r"/srv/n\n is not there", "mkdir -p '/srv/n'"),
]


@pytest.mark.parametrize("form", ["people", "programs", "json"])
def test_the_answer(
    form: str,
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: form == "people", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")

    assert answer(Output(json=form == "json"), FINDINGS) == 1
    golden(f"cli/doctor-{form}.txt", capsys.readouterr().out)


def test_nothing_to_complain_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")

    assert answer(Output(json=False), FINDINGS[:1]) == 0
    assert capsys.readouterr().out.endswith("\nAll is well.\n")


def test_this_machine(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWARDEN_HTTP_LISTEN", "127.0.0.1:0")
    (here / "uploads" / "a" / "b").mkdir(parents=True)
    ran = run("doctor", "--json")

    subjects = [check["subject"] for check in ran.json["checks"]]
    assert (ran.code, ran.json["fail"]) == (0, 0)
    assert subjects[0] == "configuration"
    assert {"python", "state directory", "root uploads", "catalogue", "http"} <= {*subjects}
    assert not (here / "state").exists()  # it changes nothing


def test_roots_whose_use_is_counted_want_twice_the_watches(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREWARDEN_HTTP_LISTEN", "127.0.0.1:0")
    for directory in ("uploads/a/b", "others/c"):
        (here / directory).mkdir(parents=True)
    (here / "storewarden.yaml").write_text(
        "roots:\n  uploads: {path: uploads, usage: true}\n  others: {path: others}\n"
    )
    checks = {check["subject"]: check for check in run("doctor", "--json").json["checks"]}

    told = checks["inotify watches"]["told"]
    assert told.startswith("5 directories, 3 of them watched for their use as well")
