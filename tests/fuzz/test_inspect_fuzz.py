"""One look as a whole, from the first bytes to the answer as JSON, withstands what is broken."""

import json

import pytest

from storewarden.facts.inspect import inspect
from storewarden.facts.reader import Reader
from storewarden.facts.wire import pack, unpack
from tests.fuzzing import LONG, endure
from tests.makers.corpus import GROUPS, made

WHOLE = "tests.fuzz.test_inspect_fuzz:whole"
SMALL = 16 << 10


def whole(data: bytes) -> None:
    """Look into a file under a name that leaves all open; fail where we made a mistake.

    Numbers beyond any column are left out on the way: the answer need not be the same.
    """
    facts = inspect(Reader.of_bytes(data), b"a")
    assert " failed: " not in facts.reason, facts.reason
    assert unpack(json.loads(json.dumps(pack(facts)))).kind == facts.kind


def seeds() -> list[bytes]:
    """Return what can be made without a program, of every format and of every tool."""
    wanted = [group for group in GROUPS if not group.startswith("media:")]
    wanted = [group for group in wanted if not any(word in group for word in NEED_PROGRAMS)]
    found = (file.data for group in wanted for file in made(group))
    return [data for data in found if len(data) <= SMALL]


NEED_PROGRAMS = ("mp4", "webm", "audio", "video")


@pytest.mark.timeout(300)
def test_a_look_into_anything_gives_an_answer() -> None:
    endure(WHOLE, seeds())


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_looks_into_anything_give_answers() -> None:
    endure(WHOLE, seeds(), LONG, random_seed=2)
