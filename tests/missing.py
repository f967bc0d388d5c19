"""What a test needs and this machine lacks: a skip with its remedy, a failure where CI=true."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def missing(part: str, remedy: str) -> NoReturn:
    """End the test: `part` is not here, `remedy` is what to do about it."""
    sentence = f"{part} is missing: {remedy}"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def kernel_limits() -> None:
    """End the test where the kernel's limits cannot be set: in containers /proc/sys is read-only.

    A skip in CI too: nothing that could be installed gives a container that right.
    """
    if os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        pytest.skip("the kernel's limits are read-only here: run it outside of a container")


UNPACKED = Path(__file__).resolve().parents[1] / ".venv/servers/usr/bin"
"""Where `make test` puts programs it does not install."""


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program the test needs, or end the test with the package that has it."""
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    return found or missing(name, f"apt install {package or name}")
