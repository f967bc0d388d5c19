"""The group itself: every verb explains itself, and none is imported before it is asked for."""

import subprocess
import sys

import pytest

from storewarden.cli.policy import VERBS
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(run: Run, verb: str) -> None:
    ran = run("policy", verb, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: storewarden policy {verb} ")


def test_a_verb_that_is_none(run: Run) -> None:
    assert run("policy", "chekc").code == 2


def test_the_list_of_verbs_imports_none_of_them() -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-c"),
            (
                "import sys, storewarden.cli as cli; cli.main(['policy', '--help']);"
                "print([m for m in sys.modules if m.startswith('storewarden.cli.policy.')"
                " or m.startswith(('storewarden.policy', 'storewarden.catalogue'))])"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.splitlines()[-1] == "[]"
