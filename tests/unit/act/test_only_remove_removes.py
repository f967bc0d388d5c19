"""Only one module removes users' files; whoever else removes or renames something is listed here.

The list is the rule: a new line in it is a decision, and says whose files they are.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = Path(__file__).resolve().parents[3] / "daemon" / "storewarden"

# Who may, and why. A file is named, or a room by its directory with a slash at the end.
ALLOWED = {
    "act/remove.py": "the one: with a proof or an allowance, from a drawer of ours",
    "act/kernel.py": "the system calls themselves; a rename there never replaces",
    "act/drawers.py": "our own notes and empty drawers, and drawers from room to room",
    "act/landing.py": "what is being fetched and has no user's name yet; a link never replaces",
    "act/fetching.py": "the length of what is being fetched, holes included",
    "catalogue/keep.py": "the catalogue's own backups",
    "catalogue/keep_file.py": "the catalogue's own file, its backups and what lies beside it",
    "catalogue/keep_server.py": "the catalogue's own backups",
    "cli/service/machine.py": "the unit and the drop-ins that tell systemd of our service",
    "cli/user.py": "the file that we made for a token, when there is no token after all",
    "daemon/tending/backing_up.py": "an image in our scratch directory",
    "daemon/tending/bench.py": "our scratch directory",
    "daemon/tending/hands.py": "our scratch directory, when nobody works there",
    "daemon/tending/proven.py": "the image proven last, in the state directory",
    "daemon/tending/vacuuming.py": "our own marker, and the one whole copy, which is kept",
    "databases/check.py": "the private copy on which a database is checked",
    "databases/contents.py": "what was read of a database, in a file of ours",
    "databases/image/increment.py": "the length of an image in our scratch directory",
    "databases/image/sweep.py": "an image in our scratch directory, begun anew",
    "databases/image/take.py": "our own notes of which pages an image had",
    "databases/image/taking.py": "the length of an image in our scratch directory",
    "databases/private.py": "the private copy of a database and of its journal",
    "databases/restoring.py": "changed pages in our scratch directory",
    "databases/rewriting.py": "the proven copy, once the database itself passed its check",
    "databases/rows/keeping.py": "an archive of rows in our scratch directory",
    "databases/rows/packing.py": "an archive of rows in our scratch directory, new",
    "databases/tallies.py": "what applications tell of their statements, in our directory for it",
    "measure/journal.py": "a file in memory, which the journal is handed",
    "measure/listening.py": "our own socket, or one at which nobody listens any more",
    "store/directory.py": "objects of a directory store, met under their key and version",
    "store/disk.py": "the system calls of a directory store",
    "store/ground.py": "directories of a directory store that became empty",
    "store/half.py": "what was being put into a directory store",
    "store/known.py": "our own note in the state directory of which directory is which store",
    "watch/canary.py": "the file in our folder by which we hear whether events come",
    "watch/identity.py": "the marker in our folder",
}
REMOVING = frozenset(
    {
        *("unlink", "rmdir", "removedirs", "rmtree", "rename", "renames", "renameat2"),
        *("renameat", "unlinkat", "truncate", "ftruncate", "copyfile", "copy2", "symlink"),
    }
)
# Words that objects of other kinds have as well: only on these are they about files.
ON_FILES = {
    "replace": {"os"},
    "remove": {"os"},
    "link": {"os"},
    "copy": {"shutil"},
    "move": {"shutil"},
}


def removals(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a module in which something may be removed or replaced."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            word, on = node.func.attr, node.func.value
            name = on.id if isinstance(on, ast.Name) else ""
            path_replace = word == "replace" and len(node.args) == 1 and not node.keywords
            if word in REMOVING or name in ON_FILES.get(word, ()) or path_replace:
                yield node.lineno, word
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "shutil", "posix"}:
            for alias in node.names:
                if alias.name in REMOVING | set(ON_FILES):
                    yield node.lineno, alias.name
        elif isinstance(node, ast.Attribute) and node.attr == "O_TRUNC":
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and _opens_over(node):
            yield node.lineno, "open for writing over"


def _opens_over(node: ast.Call) -> bool:
    if not (isinstance(node.func, ast.Name) and node.func.id == "open"):
        return False
    modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and "w" in str(mode.value) for mode in modes)


def test_no_other_module_removes_or_replaces_a_file() -> None:
    found = {
        f"{path.relative_to(ROOMS)}:{line}: {word}"
        for path in sorted(ROOMS.rglob("*.py"))
        if str(path.relative_to(ROOMS)) not in ALLOWED
        for line, word in removals(path.read_text())
    }

    assert found == set()


def test_nobody_is_listed_who_removes_nothing() -> None:
    idle = [name for name in ALLOWED if not list(removals((ROOMS / name).read_text()))]

    assert idle == []


@pytest.mark.parametrize(
    "line",
    [
        "os.unlink(path)",
        "Path(path).unlink()",
        "os.replace(a, b)",
        "Path(a).replace(b)",
        "shutil.rmtree(path)",
        "kernel.rename(1, a, 2, b)",
        "from os import unlink",
        "os.open(path, os.O_WRONLY | os.O_TRUNC)",
        "open(path, 'wb')",
    ],
)
def test_what_removes_is_seen(line: str) -> None:
    assert len(list(removals(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "text.replace('a', 'b')",
        "dataclasses.replace(one, two=2)",
        "names.remove(one)",
        "store.remove(stored)",
        "open(path, 'rb')",
        "open(path)",
    ],
)
def test_what_removes_no_file_is_left_alone(line: str) -> None:
    assert list(removals(line)) == []
