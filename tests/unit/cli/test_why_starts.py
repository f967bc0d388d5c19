"""Asking why starts at once: a file that is where it was needs nothing of what acts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from storewarden.catalogue.engine import Engine

NEEDLESS = {
    "storewarden.catalogue.acts",
    "storewarden.catalogue.roots",
    "storewarden.policy.run",
    "difflib",
}


def test_a_present_file_is_told_without_what_acts(catalogue: Engine, here: Path) -> None:
    (here / "storewarden.yaml").write_text("roots: {save_outputs: save_outputs}\n")
    words = ["why", "save_outputs/cat.png", "--json"]
    code = (
        f"import sys, storewarden.cli as cli; cli.main({words!r});"
        f"print(sorted({NEEDLESS!r} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=dict(os.environ)
    )

    assert json.loads(done.stdout)["state"] == "present"
    assert done.stderr == b"[]\n"
