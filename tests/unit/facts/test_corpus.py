"""Every file that the tests can make is looked into as a whole, as the daemon does it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from storewarden.facts.inspect import inspect
from storewarden.facts.kinds import KINDS
from storewarden.facts.reader import Reader
from storewarden.facts.sniff import HEAD, sniff
from storewarden.facts.wire import pack, unpack
from storewarden.model import Outcome
from tests.makers.corpus import GROUPS, made
from tests.missing import missing

# What `file` calls otherwise, and means the same or does not tell apart.
SAME = {
    "audio/ogg": {"audio/ogg", "audio/opus"},
    "audio/vnd.dolby.dd-raw": {"audio/ac3", "audio/eac3"},
    "audio/x-aiff": {"audio/aiff"},
    "audio/x-hx-aac-adts": {"audio/aac"},
    "audio/x-m4a": {"audio/mp4"},
    "audio/x-wav": {"audio/wav"},
    "image/vnd.adobe.photoshop": {"image/vnd.adobe.photoshop", "image/x-psb"},
    "image/x-icns": {"image/icns"},
    "image/x-jp2-codestream": {"image/jp2"},
    "image/x-portable-arbitrarymap": {"image/x-portable-anymap"},
    "image/x-portable-greymap": {"image/x-portable-graymap"},
    "application/gzip": {"application/gzip", "image/svg+xml"},
    "application/x-rar": {"application/vnd.rar"},
    "application/x-sqlite3": {"application/vnd.sqlite3"},
    "video/mpeg": {"video/mpeg", "video/dvd"},
    "video/webm": {"video/webm", "audio/webm"},
    "video/x-m4v": {"video/mp4"},
    "video/x-matroska": {"video/x-matroska", "audio/x-matroska"},
    "video/x-ms-asf": {"video/x-ms-asf", "video/x-ms-wmv", "audio/x-ms-wma"},
}
# Where `file` gives up, or takes what is inside for what it is.
VAGUE = {"application/octet-stream", "text/plain", "application/zip", "text/xml"}
# What nothing but its name tells: TGA has no signature, a packed SVG and a pickle may hold
# anything, and text in an encoding of one byte a character looks like nothing in particular.
BY_NAME = {"picture:tga", "picture:svg", "content:checkpoint", "content:prose"}


@pytest.mark.parametrize("group", GROUPS)
def test_a_file_of_any_maker_is_read_and_travels_as_json(group: str) -> None:
    for inspector, name, data in made(group):
        facts = inspect(Reader.of_bytes(data), name)

        assert (facts.outcome, facts.reason) == (Outcome.READ, "")
        assert facts.inspector == inspector or not inspector
        assert facts.kind in KINDS
        assert unpack(json.loads(json.dumps(pack(facts)))) == facts


@pytest.mark.parametrize("group", [group for group in GROUPS if group not in BY_NAME])
def test_a_file_under_no_name_or_a_wrong_one_is_what_it_is(group: str) -> None:
    for _, name, data in made(group):
        told = sniff(data[:HEAD], name)
        for wrong in (b"a", b"a.db", b"a.unknown", b"a.iso"):
            found = sniff(data[:HEAD], wrong)
            assert found.inspector in (told.inspector, "text", "json"), wrong


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_file_is_agrees_with_file(group: str, tmp_path: Path) -> None:
    if not shutil.which("file"):
        missing("file", "apt install file")
    for _, name, data in made(group):
        path = tmp_path / name.decode()
        path.write_bytes(data)
        done = subprocess.run(
            ["file", "--brief", "--mime-type", path], check=True, capture_output=True, text=True
        )
        said = done.stdout.strip().lower()  # video/MP2T, says 5.46
        if said not in VAGUE:
            assert sniff(data[:HEAD], name).mime in SAME.get(said, {said})
