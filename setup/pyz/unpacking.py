"""Unpack a single-file Storewarden where nobody else may write, once, and become it.

Compiled parts cannot be loaded out of an archive, so a tree is made beside the user's other caches.
It is a Python environment of its own: the program, what it needs, and a link to the interpreter, so
that the processes which the program starts are of the same. At every start it is compared with what
it should hold, because caches are swept and machines lose power. It is locked as long as somebody
runs it; one that nobody ran for a month is removed when another is made.
"""

import contextlib
import fcntl
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import stat
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

UNUSED = 30 * 86400  # seconds after which a tree is not wanted any more
WHENCE = "_STOREWARDEN_PYZ"
"""Tells the program which file it came from."""


class NoPlace(Exception):
    """A place cannot hold the tree, and why."""


def main() -> NoReturn:
    """Become the program, with the arguments and the process number that this one was given."""
    archive = Path(__file__).resolve().parent
    with zipfile.ZipFile(archive) as packed:
        told = json.loads(packed.read("built.json"))
    fitting(told, archive)
    tree = found_or_made(told, archive)
    os.environ[WHENCE] = str(archive)
    python = str(tree / "bin/python3")
    os.execv(python, [python, "-I", str(tree / "bin/storewarden"), *sys.argv[1:]])


def fitting(told: Mapping[str, Any], archive: Path) -> None:
    """Return if this Python can load the compiled parts; else let one do that can, or end."""
    if importlib.machinery.EXTENSION_SUFFIXES[0] == told["suffix"]:
        return
    wanted = f"python{told['python']}"
    for python in (f"/usr/bin/{wanted}", shutil.which(wanted)):
        if python is not None and suffix_of(python) == told["suffix"]:
            os.execv(python, [python, str(archive), *sys.argv[1:]])
    sys.exit(
        f"storewarden: this file is for Python {told['python']} ({told['suffix']}), and this is"
        f" Python {sys.version_info.major}.{sys.version_info.minor}"
        f" ({importlib.machinery.EXTENSION_SUFFIXES[0]})\n"
        f"  → install {wanted}, or build the file here: make pyz"
    )


def suffix_of(python: str) -> str:
    """Return how the names of compiled parts end that another Python loads; nothing if it fails."""
    import subprocess  # noqa: PLC0415  # takes as long as all the rest, and is seldom needed

    told = "import importlib.machinery as known; print(known.EXTENSION_SUFFIXES[0])"
    with contextlib.suppress(OSError):
        ran = subprocess.run(
            [python, "-I", "-c", told], capture_output=True, text=True, check=False
        )
        return ran.stdout.strip()
    return ""


# -- where ---------------------------------------------------------------------------------------


def found_or_made(told: Mapping[str, Any], archive: Path) -> Path:
    """Return a whole tree, locked by this process; end where there is no place for one."""
    name = f"{told['version']}-{told['digest'][:12]}-{short(python_itself())}"
    reasons = []
    for place in places(os.environ, os.geteuid()):
        try:
            own(place)
            if not held(place / name, told["files"]):
                with locked(place):  # another start may be at it
                    if not held(place / name, told["files"]):
                        sweep(place, time.time())
                        unpack(archive, place / name)
                        if not held(place / name, told["files"]):
                            raise NoPlace("what was unpacked there is not whole")
        except (NoPlace, OSError) as why:
            reasons.append(f"  {place}: {why.strerror if isinstance(why, OSError) else why}")
        else:
            return place / name
    sys.exit(
        "storewarden: there is no place to unpack to:\n"
        + "\n".join(reasons)
        + "\n  → name a directory that you may write to: XDG_CACHE_HOME=/some/where"
    )


def places(environment: Mapping[str, str], user: int) -> Iterator[Path]:
    """Yield where a tree may lie, the best first."""
    if named := environment.get("CACHE_DIRECTORY"):  # systemd's, for a service
        yield Path(named.partition(":")[0])
    if cache := environment.get("XDG_CACHE_HOME"):
        yield Path(cache) / "storewarden"
    elif user == 0:
        yield Path("/var/cache/storewarden")
    if home := environment.get("HOME"):
        yield Path(home) / ".cache/storewarden"
    yield Path(environment.get("TMPDIR") or "/tmp") / f"storewarden-{user}"


def own(place: Path) -> None:
    """Make the place; refuse it where anybody else could put something into it."""
    if not place.is_absolute():
        raise NoPlace("is no absolute path")
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    seen = place.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        raise NoPlace("is no directory")
    if seen.st_uid not in {0, os.geteuid()} or seen.st_mode & 0o022:
        raise NoPlace("others may write there")
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        raise NoPlace("nothing may be executed there (noexec)")


@contextlib.contextmanager
def locked(place: Path) -> Iterator[None]:
    """Be the only one who makes and removes trees there."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def python_itself() -> str:
    """Return the interpreter, also where a virtual environment's link to it was started."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def short(text: str) -> str:
    """Return eight letters that stand for a text."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


# -- what ----------------------------------------------------------------------------------------


def held(tree: Path, files: Mapping[str, int]) -> bool:
    """Lock a tree while this process lives, whatever it becomes; false if it is not whole."""
    try:
        descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if not whole(tree, files):
        os.close(descriptor)
        return False
    os.set_inheritable(descriptor, True)  # noqa: FBT003  # the call knows no other form
    with contextlib.suppress(OSError):
        os.utime(tree)  # used just now, for who sweeps
    return True


def whole(tree: Path, files: Mapping[str, int]) -> bool:
    """Is everything there, at its size, and of somebody who may put it there?"""
    base = os.fspath(tree)
    try:
        os.stat(f"{base}/bin/python3")
        if os.lstat(base).st_uid not in {0, os.geteuid()}:
            return False
        return all(os.lstat(f"{base}/{name}").st_size == size for name, size in files.items())
    except OSError:
        return False


def unpack(archive: Path, tree: Path) -> None:
    """Make the tree, seen under its name only when it is whole."""
    made = (
        tree.parent / f".unpacking-{os.getpid()}"
    )  # under a lock: one that lies there is abandoned
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o755)
    try:
        with zipfile.ZipFile(archive) as outer, zipfile.ZipFile(outer.open("tree.zip")) as packed:
            packed.extractall(made)
        python = python_itself()
        (made / "bin/python3").symlink_to(python)
        (made / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\n")
        borrow_systemd(made)
        if tree.exists():
            tree.rename(made / "swept")  # somebody took files out of it
        made.rename(tree)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(tree / "swept", ignore_errors=True)


def borrow_systemd(made: Path) -> None:
    """Link the system's module for the journal and the service manager, where there is one."""
    known = importlib.util.find_spec("systemd")
    (packages,) = made.glob("lib/python3.*/site-packages")
    for place in (known.submodule_search_locations or ()) if known else ():
        if not (packages / "systemd").is_symlink() and (Path(place) / "__init__.py").exists():
            (packages / "systemd").symlink_to(place)


def sweep(place: Path, now: float) -> None:
    """Remove trees that nobody ran for long, and what unpacking left when it was killed."""
    for entry in place.iterdir():
        with contextlib.suppress(OSError):
            half = entry.name.startswith(".unpacking-")
            if not half and entry.lstat().st_mtime > now - UNUSED:
                continue
            descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry, ignore_errors=True)
            finally:
                os.close(descriptor)
