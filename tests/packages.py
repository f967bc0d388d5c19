"""The three packages, built once for a run of tests, and what pip needs to install one offline."""

import csv
import io
import subprocess
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

from setup import tree
from tests.servers.shared import Run, locked

TOP = Path(__file__).resolve().parents[1]
KINDS = ("wheel", "deb", "pyz")


def built(run: Run, kind: str) -> Path:
    """Return a package of this checkout; the first worker that asks builds it."""
    place = run.directory / f"package-{kind}"
    with locked(run.directory / f"package-{kind}.lock"):
        if not place.exists():
            build(kind, place)
    (package,) = place.iterdir()
    return package


def build(kind: str, place: Path) -> None:
    """Build a package as `make` does."""
    half = place.with_suffix(".half")
    subprocess.run(
        [TOP / f"setup/package-{kind}", half],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    half.rename(place)


def wheels(wheel: Path, place: Path) -> None:
    """Write what a wheel needs as the wheels they came in, made of what is installed here."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "unpacked")
    (ours,) = (place / "unpacked").glob("*.dist-info")
    for package in tree.closure(Distribution.at(ours), tree.EXTRAS).values():
        told = (package.read_text("WHEEL") or "").splitlines()
        # of several tags one for them all: they differ in the C library they ask for
        tag = next(line.removeprefix("Tag: ") for line in told if line.startswith("Tag: "))
        name = package.name.replace("-", "_").replace(".", "_")
        _write(package, place / f"{name}-{package.version}-{tag}.whl")


def _write(package: Distribution, wheel: Path) -> None:
    record = io.StringIO()
    lines = csv.writer(record)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, digest in tree.recorded(package):
            archive.write(str(package.locate_file(name)), name)
            lines.writerow((name, digest, ""))
        (folder,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        lines.writerow((f"{folder}/RECORD", "", ""))
        archive.writestr(f"{folder}/RECORD", record.getvalue())
