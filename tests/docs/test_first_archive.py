"""The guide to a first archive is followed, from its first command to its last, to a real server.

And a file is had back from its store by hand, as the page on stores says.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from storewarden.act.copying import copy
from storewarden.config.load import load
from storewarden.daemon.acting.stores import open_stores
from storewarden.store.directory import DirectoryStore
from tests.archived import MADE, Root, words
from tests.docs.playing import House, alike, house, noise, played, scenes
from tests.objects import Bench
from tests.servers import swift
from tests.unit.cli.conftest import Run, here, run

__all__ = ["here", "run"]  # fixtures of the verbs' own tests

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guide/first-archive-to-s3.md"
BY_HAND = DOCS / "reference/stores.md"
BUCKET, ENDPOINT = "my-archive", "http://127.0.0.1:8333"  # on the page
FILMS = ("harbour", "lighthouse", "regatta")


def block(page: Path, fence: str) -> str:
    found = re.search(rf"^```{fence}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in swift.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def configured_as_on_the_page(built: House, s3_url: str) -> None:
    """Write what the page shows, but for where this machine has its server and its files."""
    shown = yaml.safe_load(block(GUIDE, "yaml configuration"))
    assert shown["stores"]["cloud"]["endpoint"] == ENDPOINT
    assert shown["roots"] == {"media": "/srv/media"}
    shown["stores"]["cloud"]["endpoint"] = s3_url
    head, policies = "version: 1\npolicies:\n", block(GUIDE, "yaml policies")
    assert policies.startswith(head)
    built.configure(policies.removeprefix(head), stores=shown["stores"])


def emptied(built: House) -> None:
    """Make the bucket, with nothing in it."""
    swift.make_bucket(
        yaml.safe_load((built.here / "storewarden.yaml").read_text())["stores"]["cloud"][
            "endpoint"
        ],
        BUCKET,
    )
    settings = load(built.here / "storewarden.yaml", os.environ, built.here)
    store = open_stores(settings, os.environ)["cloud"]
    for entry in list(store.list()):
        found = store.find(entry.key)
        assert found is not None
        store.remove(found)


def lose_the_catalogue(built: House) -> None:
    for path in (built.here / "state").glob("catalogue*"):
        path.unlink()


@pytest.mark.usefixtures("keys")
def test_the_guide_is_followed_to_its_end(
    here: Path,
    run: Run,
    s3_url: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    written = scenes(GUIDE)["first-archive"]
    update = bool(request.config.getoption("--update-golden"))

    old_ns = time.time_ns() - 200 * 86_400 * 10**9
    with house(here, run) as built:
        configured_as_on_the_page(built, s3_url)
        emptied(built)
        for film in FILMS:
            path = built.put(f"media/{film}.mp4", noise(film, 400_000))
            os.utime(path, ns=(old_ns, old_ns))
        built.put("media/today.mp4", old=False)
        built.put("media/notes.txt", b"what to film next\n")
        built.later["lost"] = lambda: lose_the_catalogue(built)
        told = played(written, built, patience=2.0).replace(s3_url, ENDPOINT)
        films = {film: (here / f"media/{film}.mp4").exists() for film in FILMS}

    if update and told != written:
        GUIDE.write_text(GUIDE.read_text().replace(written, told))
    assert alike(told) == alike(written), "--update-golden writes the answers"
    assert films == {"harbour": True, "lighthouse": False, "regatta": False}


# Swift's key has a colon, at which curl parts a user from his secret: signed here, sent by curl.
CURL = """\
#!{python}
import os, sys
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit
from storewarden.store.signing import Keys, Unsigned, signed_headers
words = sys.argv[1:]
assert words[:3] == ["-fsS", "--aws-sigv4", "aws:amz:us-east-1:s3"], words
keys = Keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
assert words[3:5] == ["--user", f"{{keys.access_key}}:{{keys.secret_key}}"], words
at = urlsplit(words[-1])
unsigned = Unsigned("GET", at.netloc, at.path, "", {{}}, sha256(b"").hexdigest())
signed = signed_headers(unsigned, keys, "us-east-1", datetime.now(UTC))
headers = [word for name, value in signed.items() for word in ("-H", f"{{name}}: {{value}}")]
os.execv("{curl}", ["curl", "-fsS", *headers, *words[5:]])
"""


def in_a_shell(script: str, tmp_path: Path, **environ: str) -> list[str]:
    """Return the lines that a block of the page answers."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", **environ},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("where", ["directory", "bucket"])
def test_a_file_is_had_back_by_hand(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin/curl"
    curl.write_text(CURL.format(python=sys.executable, curl=shutil.which("curl")))
    curl.chmod(0o755)
    script = block(BY_HAND, f"sh by-hand {where}")
    shown = re.findall(r"'(save_outputs/[^']*)'", script)
    (tmp_path / "root").mkdir()
    root = Root(tmp_path / "root")
    name, content = b"renders/night sky.png", words(20_000)
    root.write(name, content)
    source = root.source(name)
    if where == "directory":
        (tmp_path / "cold").mkdir()
        store = DirectoryStore("cold", str(tmp_path / "cold"))
        store.prepare()
        environ = {}
    else:
        bench = Bench.at(request.getfixturevalue("s3_url"))
        store = bench.store()  # type: ignore[assignment]
        environ = {
            **swift.ENVIRONMENT,
            "ENDPOINT": bench.url,
            "BUCKET": bench.bucket,
            "PREFIX": "some/prefix",
        }
    done = copy(source, store, "yc4r2w7kq5xh3vbn", MADE)
    root.close()
    script = script.replace("/tmp/", f"{tmp_path}/")
    script = script.replace("/mnt/cold", str(tmp_path / "cold"))
    script = script.replace(shown[0], done.stored.key)
    assert re.sub("^renders/", "save_outputs/", done.stored.key) == shown[0]

    said = in_a_shell(script, tmp_path, **environ)

    assert (tmp_path / "night-sky.png").read_bytes() == content
    assert said[-1] == said[-2] == done.about.digest.hex()
    if where == "directory":
        assert base64.b64encode(name).decode() in "\n".join(said)
        assert any(line.startswith("renders/night sky.png") for line in said)
