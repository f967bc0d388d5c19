"""A real file system loses its power while acts are carried out: nothing is lost, all is done."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.mounts import namespace

TOP: Final = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "rounds", [4, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])]
)
def test_acts_survive_that_the_power_fails(tmp_path: Path, rounds: int) -> None:
    place, image = tmp_path / "disk", tmp_path / "image"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(512 << 20)
    if not shutil.which("mkfs.ext4"):
        pytest.skip("there is no mkfs.ext4 to make a file system with")
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with namespace() as inside:
        try:
            inside.run("mount", "-o", "loop", image, place)
        except AssertionError as error:
            pytest.skip(f"no file system in a file can be mounted here: {error}")
        inside.run("umount", place)

        begin = f"import sys; sys.path.insert(0, {str(TOP)!r}); from tests.shutting import main;"
        command = [*inside.enter, sys.executable, "-c", f"{begin} main(*sys.argv[1:])"]
        done = subprocess.run(
            [*command, str(image), str(place), str(rounds), "7"],
            capture_output=True,
            text=True,
            check=False,
        )

        print(done.stdout)  # noqa: T201  # pytest -s tells how many
        assert done.returncode == 0, done.stderr[-4000:]
