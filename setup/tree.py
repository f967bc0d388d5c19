"""Make a tree: the program, and everything it needs, at the versions that the tests ran with.

    python setup/tree.py WHEEL DIRECTORY [--extra NAME …]

What is asked of the index when somebody installs is what it has that day. A package is something
else: it holds what was tested, so nothing is fetched here. The wheel is unpacked, and beside it go
the packages that this Python has for it, each file compared with the sum it was installed with.
Written is a folder that Python's site-packages can be; `built.json` in it tells what lies there.
"""

import argparse
import base64
import compileall
import csv
import hashlib
import importlib.machinery
import json
import os
import platform
import py_compile
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("object", "postgres", "terminal", "web")
"""All but `credentials`, which would double the size for one question that few ask."""
NOT_NEEDED = {
    "apsw/tests/",  # its own tests
    "apsw/sqlite_extra_binaries/",  # programs and extensions that nothing of ours loads
}
NOT_SHIPPED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""What tells of the place it was installed in, not of the package."""


class Unbuildable(Exception):
    """This Python does not hold what the program asks for."""


def main() -> int:
    """Make the tree that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--extra", action="append", default=[], help="more than is always in it")
    given = parser.parse_args()
    try:
        make(given.wheel, given.directory, (*EXTRAS, *given.extra))
    except Unbuildable as why:
        print(f"set-up stopped: {why}\n  → rm -rf .venv, and try again", file=sys.stderr)
        return 1
    return 0


def make(wheel: Path, directory: Path, extras: Iterable[str]) -> None:
    """Unpack the wheel and put beside it all that it needs with these extras."""
    directory.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    (ours,) = directory.glob("storewarden-*.dist-info")
    program = Distribution.at(ours)
    needed = sorted(closure(program, extras).values(), key=lambda found: found.name.lower())
    for package in needed:
        copy(package, directory)
    close_namespaces(directory)
    told = {
        "version": program.version,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "suffix": importlib.machinery.EXTENSION_SUFFIXES[0],
        "glibc": glibc(needed),
        "packages": [[one.name, one.version, licence(one)] for one in needed],
    }
    (directory / "storewarden/built.json").write_text(json.dumps(told, indent=1) + "\n")
    compiled(directory)


def closure(program: Distribution, extras: Iterable[str]) -> dict[str, Distribution]:
    """Return what the program needs, and what that needs, by name."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    open_ends = [(program, extra) for extra in ("", *extras)]
    while open_ends:
        package, extra = open_ends.pop()
        for wanted in map(Requirement, package.requires or ()):
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(wanted.name)
            found[name] = installed(wanted, package)
            for one in ("", *wanted.extras):
                if (name, one) not in seen:
                    seen.add((name, one))
                    open_ends.append((found[name], one))
    return found


def installed(wanted: Requirement, by: Distribution) -> Distribution:
    """Return the package that this Python has for a requirement."""
    try:
        here = distribution(wanted.name)
    except PackageNotFoundError:
        raise Unbuildable(f"{by.name} needs {wanted}, which is not installed here") from None
    if not wanted.specifier.contains(here.version, prereleases=True):
        raise Unbuildable(f"{by.name} needs {wanted}, but {here.version} is installed here")
    return here


def copy(package: Distribution, directory: Path) -> None:
    """Copy an installed package, as it was installed."""
    for name, digest in recorded(package):
        content = Path(str(package.locate_file(name))).read_bytes()
        if digest != sum_of(content):
            raise Unbuildable(f"{name} of {package.name} was changed after it was installed")
        place = directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def recorded(package: Distribution) -> Iterator[tuple[str, str]]:
    """Yield the files of a package that are shipped, with the sum each was installed with."""
    lines = package.read_text("RECORD")
    if lines is None:
        raise Unbuildable(f"{package.name} was not installed from a wheel")
    for name, digest, _size in csv.reader(lines.splitlines()):
        path = PurePosixPath(name)
        outside = path.is_absolute() or ".." in path.parts  # its commands
        if outside or path.suffix in {".pyc", ".pyi"} or path.name in NOT_SHIPPED:
            continue
        if not any(name.startswith(folder) for folder in NOT_NEEDED):
            yield name, digest


def sum_of(content: bytes) -> str:
    """Return the sum of a file as RECORD writes it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def close_namespaces(directory: Path) -> None:
    """Let no folder be completed, or replaced, by one of the same name elsewhere on the machine.

    A folder without `__init__.py` loses against one with it, wherever on the path that lies, and
    Debian has such a `backports`.
    """
    for folder in directory.iterdir():
        plain = folder.is_dir() and not folder.name.endswith((".dist-info", ".libs"))
        if plain and not (folder / "__init__.py").exists():
            (folder / "__init__.py").touch()


def glibc(packages: Iterable[Distribution]) -> str:
    """Return the oldest C library that all of these run with, as their wheels tell."""
    told = {(2, 17)}  # the first that manylinux knows
    for package in packages:
        tags = package.read_text("WHEEL") or ""
        if "-linux_" in tags:  # built on this machine, with its C library
            tags = f"-manylinux_{platform.libc_ver()[1].replace('.', '_')}_"
        if found := re.findall(r"-manylinux_(\d+)_(\d+)_", tags):
            told.add(min((int(major), int(minor)) for major, minor in found))
    return "{}.{}".format(*max(told))


def licence(package: Distribution) -> str:
    """Return a package's licence in a word or two."""
    told = package.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classified = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    if classified:
        return ", ".join(classified)
    return told["License"].splitlines()[0] if "License" in told else "see its files"


def compiled(directory: Path) -> None:
    """Compile everything: who runs it may not write there, and each start would compile it anew.

    Python does not compare these files with their sources, which nobody edits: a start is faster,
    and they are the same bytes whenever they are built.
    """
    done = compileall.compile_dir(
        directory,
        quiet=1,
        workers=os.cpu_count() or 1,
        stripdir=str(directory),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise Unbuildable("a source could not be compiled")


if __name__ == "__main__":
    sys.exit(main())
