"""The OpenAPI document is asked everything that it allows, and much that it does not.

schemathesis makes the requests; a real daemon answers them. No answer is a mistake of the program,
each is of a kind that the document has, and what the document forbids is refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.asking import Api
from tests.daemon import Daemon

PROGRAM = Path(sys.executable).parent / "schemathesis"
SEED = 7  # a quick run asks the same each time; the soak asks something else
# Refusals of what is wrong beside those that are expected anyhow: too slow, too large, too long.
REFUSED = [*range(400, 406), 406, 408, 409, 413, 415, 422, 431]
# Whether a valid request is accepted is not asked: a term has a grammar, a page a cursor, a file a
# root, none of which a schema can tell.
NOT_ASKED = "positive_data_acceptance"


def prepared(daemon: Daemon, base: Path) -> tuple[str, str]:
    """Return the address and the token of an administrator; things are there to be asked about."""
    said = daemon.verb("user", "add", "admin")
    assert said.returncode == 0, said.stderr
    given = daemon.verb("user", "token", "admin", "--scope", "admin", "--json")
    with Api(daemon.state / "api.sock") as api:
        api("PUT", "/workflows/w/scenes/s", {"number": 1})
        path = f"{daemon.root().decode()}/here.png"
        api("POST", "/files", {"path": path, "workflow": "w", "scene": "s"})
        api("POST", "/texts", {"path": path, "text": "words to be found"})
    address = str(daemon.told("metrics are served")[-1]["url"])
    return urlsplit(address).netloc, str(json.loads(given.stdout)["token"])


def narrowed(document: Any) -> Any:
    """Return the document with paths below the root named, so that some deeds are carried out."""
    if isinstance(document, list):
        return [narrowed(one) for one in document]
    if not isinstance(document, dict):
        return document
    made = {name: narrowed(one) for name, one in document.items()}
    for name in ("path", "image"):
        known = made.get("properties", {})
        if isinstance(known, dict) and known.get(name, {}).get("maxLength") == 8192:
            below = {"type": "string", "pattern": "^out/[a-z]{1,8}[.]png$"}
            known[name] = {"anyOf": [below, known[name]]}
    return made


def asked(tmp_path: Path, daemon: Daemon, *options: str) -> str:
    """Run schemathesis; return what it says where it finds something."""
    address, token = prepared(daemon, tmp_path)
    with Api(address, token) as api:
        document = narrowed(api("GET", "/openapi.json").json)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(
        f"[checks]\nnegative_data_rejection.expected-statuses = {[str(one) for one in REFUSED]}\n"
        '[parameters]\n"path.file" = "1"\n"path.workflow" = "w"\n"path.scene" = "s"\n'
    )
    done = subprocess.run(
        [
            *(str(PROGRAM), "run", "openapi.json", "--url", f"http://{address}/api/v1"),
            *("--header", f"Authorization: Bearer {token}", "--exclude-checks", NOT_ASKED),
            # a stream has no end; an administrator who is disabled could ask nothing more
            *("--exclude-operation-id", "events", "--exclude-operation-id", "change_user"),
            *("--no-shrink", "--continue-on-failure", *options),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = "\n".join(line[:300] for line in done.stdout.splitlines())
    return "" if done.returncode == 0 else f"{lines}\n{done.stderr}"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "out/here.png")
    return tmp_path


@pytest.mark.timeout(240)  # seconds of work, of which a busy machine makes many
def test_no_request_of_the_document_meets_a_mistake(base: Path) -> None:
    with Daemon(base / "d", {"out": base / "out"}) as daemon:
        options = ("--phases", "fuzzing", "-n", "3", "--seed", str(SEED))

        assert asked(base, daemon, *options) == ""


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_requests_of_the_document_meet_no_mistake(base: Path) -> None:
    with Daemon(base / "d", {"out": base / "out"}) as daemon:
        options = ("--phases", "examples,coverage,fuzzing,stateful", "-n", "300")

        assert asked(base, daemon, *options) == ""
