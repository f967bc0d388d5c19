"""What a test needs and this machine lacks: a skip with its remedy, a failure where CI=true."""

import os
from typing import NoReturn

import pytest


def missing(part: str, remedy: str) -> NoReturn:
    """End the test: `part` is not here, `remedy` is what to do about it."""
    sentence = f"{part} is missing: {remedy}"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
