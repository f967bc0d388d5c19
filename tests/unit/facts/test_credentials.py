"""Content Credentials: who claims what, whether it is signed, and whether that holds."""

import importlib.util
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from storewarden.facts.found import Found
from storewarden.facts.inspect import inspect
from storewarden.facts.provenance import credentials
from storewarden.facts.reader import MOST_BYTES, Reader
from tests.makers.credentials import ISSUER, signed
from tests.makers.images import png
from tests.missing import missing


@pytest.fixture(autouse=True)
def _tools() -> None:
    if not importlib.util.find_spec("c2pa"):
        missing("c2pa-python", "make setup")
    if not shutil.which("openssl"):
        missing("openssl", "apt install openssl")


def told(content: bytes) -> dict[str, object]:
    found = Found()
    credentials.read(Reader.of_bytes(content), found)
    return dict(found.more)


@pytest.mark.parametrize(("form", "name"), [("PNG", b"a.png"), ("JPEG", b"a.jpg"), ("WEBP", b"a")])
def test_a_signed_picture_tells_who_made_it_and_who_signed(form: str, name: bytes) -> None:
    facts = inspect(Reader.of_bytes(signed(form)), name)

    assert {key: one for key, one in facts.more.items() if key.startswith("c2pa")} == {
        "c2pa.present": True,
        "c2pa.generator": "ChatGPT 1.0",
        "c2pa.signed": True,
        "c2pa.valid": True,
        "c2pa.issuer": ISSUER,
        "c2pa.agent": "GPT-4o",
        "c2pa.source_type": "trainedAlgorithmicMedia",
    }
    assert facts.provenance is not None
    assert facts.provenance.tool == "openai"
    assert facts.provenance.source_type == "trainedAlgorithmicMedia"


def test_a_picture_that_was_changed_since_is_signed_and_not_valid() -> None:
    content = bytearray(signed())
    content[-20] ^= 1  # in the pixels

    facts = told(bytes(content))

    assert (facts["c2pa.signed"], facts["c2pa.valid"]) == (True, False)


def test_of_a_large_file_is_not_said_whether_it_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_VERIFIED", 100)

    facts = told(signed())

    assert facts["c2pa.issuer"] == ISSUER
    assert "c2pa.valid" not in facts


@pytest.mark.parametrize("content", [b"", b"nothing", png()])
def test_what_cannot_be_read_is_said_to_be_there(content: bytes) -> None:
    assert told(content) == {"c2pa.readable": False}


def test_a_picture_that_is_cut_off_is_said_to_be_there() -> None:
    assert told(signed()[:6000]) == {"c2pa.readable": False}


def test_the_library_reads_no_more_than_a_file_may_cost() -> None:
    read = 0
    content = signed()

    def counted(offset: int, length: int) -> bytes:
        nonlocal read
        piece = content[offset : offset + length]
        read += max(length, len(piece))
        return piece

    credentials.read(Reader(counted, 1 << 40), Found())

    assert read <= MOST_BYTES + (1 << 20)


def test_a_file_without_them_costs_no_library(tmp_path: Path) -> None:
    program = (
        "import sys; from storewarden.facts.inspect import inspect;"
        "from storewarden.facts.reader import Reader;"
        "inspect(Reader.of_bytes(open(sys.argv[1], 'rb').read()), b'a.png');"
        "print('c2pa' in sys.modules)"
    )
    picture = tmp_path / "a.png"
    picture.write_bytes(png())

    done = subprocess.run(
        (sys.executable, "-c", program, picture), capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"


def test_without_the_library_they_are_only_known_to_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = signed()
    monkeypatch.setitem(sys.modules, "c2pa", None)

    facts = inspect(Reader.of_bytes(content), b"a.png")

    assert facts.more == {"c2pa.present": True}
    assert facts.reason == ""


def test_a_claim_that_lies_elsewhere_is_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        content = signed(remote=f"http://127.0.0.1:{port}/claim.c2pa")

        facts = told(content)

        with pytest.raises(BlockingIOError):
            server.accept()
    assert facts == {"c2pa.readable": False}
