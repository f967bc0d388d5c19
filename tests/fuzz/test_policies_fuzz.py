"""Whatever stands in a policy file is a set of policies or told as mistakes, soon."""

import random
import re
from functools import cache

import pytest

from storewarden.errors import PolicyError
from storewarden.policy.load import read
from tests.conftest import GOLDEN
from tests.fuzzing import LONG, PROJECT, endure

HERE = "tests.fuzz.test_policies_fuzz"
_WORDS = re.compile(rb"[\w.%>=<!*-]+|\s+|.", re.DOTALL)
_ODD = (
    b"never",
    b"0",
    b"-1",
    b"30",
    b"99999999999999999999y",
    b"1e400",
    b"1_000",
    b"~",
    b"''",
    b"[]",
    b"{}",
    b"[[]]",
    b"{a: b}",
    b"true",
    b"no",
    b'">= 4"',
    b'"!= x"',
    b'"*[!a-"',
    b"class",
    b"not",
    b"any",
    b"all",
    b"local",
    b'"((((("',
    b'"not not not"',
    b"'@daily'",
    b'"0 0 31 2 *"',
    b'"\\ud800"',
)


def loaded(data: bytes) -> None:
    """Read a policy file; every line of what is wrong with it fits a terminal."""
    told: tuple[str, ...] = ("nothing",)
    try:
        read([("a.yaml", data)], stores=("cold", "cloud"), tables=("app.conversations",))
    except PolicyError as error:
        told = error.problems
    assert told
    assert all(line.isprintable() for line in told)


def bent(data: bytes) -> None:
    """Read a policy file whose words are mixed up as the data says; its form mostly stays."""
    dice = random.Random(data)
    words = list(dice.choice(_in_words()))
    others = dice.choice(_in_words())
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        at = dice.randrange(len(words))
        other = dice.choice((*_ODD, *dice.choices(words, k=9), *dice.choices(others, k=9)))
        change = dice.randrange(4)
        if change == 0:
            words[at] = other
        elif change == 1:
            words.insert(at, other)
        elif change == 2 and len(words) > 1:
            del words[at]
        else:
            end = at + dice.randrange(40)
            words[at:at] = words[at:end] * dice.choice((1, 2, 20))
    loaded(b"".join(words))


@cache
def _in_words() -> tuple[tuple[bytes, ...], ...]:
    return tuple(tuple(_WORDS.findall(seed)) for seed in seeds() if seed)


def seeds() -> list[bytes]:
    """Return policies that are shipped, good and wrong ones."""
    files = [*(PROJECT / "policies").glob("*.yaml"), *(GOLDEN / "policies").rglob("*.yaml")]
    return [data for file in sorted(files) if len(data := file.read_bytes()) < 2000]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", ["loaded", "bent"])
def test_fifty_thousand_broken_policy_files_are_read_or_refused(target: str) -> None:
    endure(f"{HERE}:{target}", seeds())


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", ["loaded", "bent"])
def test_a_million_broken_policy_files_are_read_or_refused(target: str) -> None:
    endure(f"{HERE}:{target}", seeds(), LONG, random_seed=2)
