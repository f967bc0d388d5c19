"""How these tests ask for settings: a text, a few variables, the current directory."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from storewarden.config.load import load
from storewarden.config.schema import Settings
from storewarden.errors import ConfigError

NOWHERE = Path("/nowhere/storewarden.yaml")
HOME = {"HOME": "/home/warden"}


def settings(
    cwd: Path, text: str | bytes | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return what ./storewarden.yaml with this text, and these variables, come to."""
    if text is not None:
        data = text.encode() if isinstance(text, str) else text
        (cwd / "storewarden.yaml").write_bytes(data)
    return load(None, {**HOME, **(environ or {})}, cwd, system=NOWHERE)


def problems(
    cwd: Path, text: str | bytes | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return the problems instead."""
    with pytest.raises(ConfigError) as caught:
        settings(cwd, text, environ)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)
