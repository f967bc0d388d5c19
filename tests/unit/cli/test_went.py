"""What why tells of a file that is gone, or with which something was tried in vain."""

import json
import sys
from dataclasses import replace

import pytest

from storewarden.api.reading.judged import Why, judged
from storewarden.api.reading.went import Lies, Tried, Went
from storewarden.catalogue.held_back import HeldBack
from storewarden.cli.output import Output
from storewarden.cli.why_told import document, tell
from storewarden.policy import load
from tests.conftest import Golden
from tests.unit.cli.test_why import DAY, FILM, NOW, PLACE, POLICIES

REASON = "storewarden trash kind=video  # abcdefgh"
LIES = (Lies("cloud", "save_outputs/renders/two%0Alines %FF.mp4~abcdefgh234567aa", damaged=False),)
DAMAGED = (LIES[0]._replace(damaged=True),)
ARCHIVED = Went(
    *(1204, "archived to cloud", NOW - DAY, "the daemon", "renders", "30d after it was made"),
    *(LIES, "storewarden undo 1204"),
)


def case(state: str, went: Went | None, tried: Tried | None = None) -> Why:
    policies = load.read([("policies.yaml", POLICIES)], stores=["cloud"])
    away = state in {"archived", "trashed"}
    subject = replace(FILM, state=state, state_ns=NOW - DAY if away else None)
    why = judged(subject, PLACE, policies, NOW)
    gone_ns = None if state == "present" else NOW - DAY
    return why._replace(gone_ns=gone_ns, went=went, tried=tried)


WHYS = {
    "archived": case("archived", ARCHIVED),
    "trashed": case(
        "trashed",
        Went(
            *(7, "put into the trash", NOW - DAY, "anna\x1b[2J", None, REASON, ()),
            "storewarden undo 7",
        ),
    ),
    "purged": case("purged", Went(8, "purged", NOW - DAY, "anna", None, REASON, (), "")),
    "deleted": case("missing", Went(None, "", None, "", None, "", LIES, "storewarden restore a")),
    "damaged": case("archived", ARCHIVED._replace(lies=DAMAGED)),
    "tried": case(
        "present",
        None,
        Tried(9, "archive", "planned", NOW - DAY, NOW + DAY // 24, "the store is away: cloud"),
    ),
    "held": case("present", None)._replace(
        held=(
            HeldBack(
                *("renders", "max_objects", "renders: 4 files, at most 2 in one run", 2, 10, NOW),
                "storewarden apply --policy renders",
            ),
        ),
    ),
    "refused": case(
        "present", None, Tried(9, "trash", "refused", NOW - DAY, None, "it has 2 names\n")
    ),
}


@pytest.mark.parametrize("name", list(WHYS))
def test_for_people(
    name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    tell(Output(json=False), WHYS[name])
    shown = capsys.readouterr().out
    golden(f"cli/why-went-{name}.txt", shown.split("\nkeep-flux:", maxsplit=1)[0])


def test_for_pipes(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("archived", "tried"):
        tell(Output(json=False), WHYS[name])
    told = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    heads = {line[0]: line[1:] for line in told if line[0] in {"went", "copy", "tried"}}
    assert heads == {
        "went": [
            *("archived to cloud", str(NOW - DAY), "the daemon", "renders"),
            *("30d after it was made", "1204", "storewarden undo 1204"),
        ],
        "copy": [*LIES[0][:2], ""],
        "tried": ["9", "archive", "planned", str(NOW - DAY), "the store is away: cloud"],
    }


def test_for_programs() -> None:
    told = json.loads(json.dumps(document(WHYS["archived"])))
    assert told["went"]["lies"] == [{"store": "cloud", "key": LIES[0].key, "damaged": False}]
    assert (told["went"]["act"], told["tried"]) == (1204, None)
    held = document(WHYS["held"])["next"]["held"]
    assert [one["guard"] for one in held] == ["max_objects"]
    tried = json.loads(json.dumps(document(WHYS["tried"])))["tried"]
    assert (tried["state"], tried["again_ns"]) == ("planned", NOW + DAY // 24)
