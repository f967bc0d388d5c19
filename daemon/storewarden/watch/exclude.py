"""Which names a root leaves alone; compiled once into regular expressions over bytes.

A pattern without a slash names files and directories at any depth: ``*.part``. A pattern with a
slash is a path from the root: ``cache/*/raw``; there ``*`` stays inside one name and ``**``
crosses slashes. A trailing slash means directories only: ``node_modules/``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

OURS = b".storewarden"  # a root's own folder: marker and trash; never watched, never recorded


class Exclusions:
    """The exclusions of one root. What lies in an excluded directory is excluded too."""

    def __init__(self, patterns: tuple[str, ...] = ()) -> None:
        self.patterns = patterns
        self.trivial = not patterns
        anywhere, paths, anywhere_directories, path_directories = _sorted(patterns)
        # A search over the whole path finds a directory excluded by itself or by one above it.
        parts = [rb"\A" + re.escape(OURS) + rb"(?=/|\Z)"]
        parts += [rb"(?:\A|/)" + one + rb"(?=/|\Z)" for one in anywhere + anywhere_directories]
        parts += [rb"\A" + one + rb"(?=/|\Z)" for one in paths + path_directories]
        self._directory = re.compile(rb"|".join(parts), re.DOTALL).search
        self.name = _matcher(anywhere)
        self._path = _matcher(paths)
        self._paths = bool(paths)
        self.by_path = bool(paths or path_directories)  # a rename can take a directory in or out

    def directory(self, relative: bytes) -> bool:
        """Tell whether a directory, or one above it, is excluded; the root itself never is."""
        return bool(relative) and self._directory(relative) is not None

    def file(self, directory: bytes, name: bytes) -> bool:
        """Tell whether a file is excluded by its name, its path, or a directory above it."""
        if not directory:
            return name == OURS or self.name(name) or (self._paths and self._path(name))
        return (
            self.name(name)
            or self._directory(directory) is not None
            or (self._paths and self._path(directory + b"/" + name))
        )


def names_matching(patterns: Iterable[str]) -> Callable[[bytes], bool]:
    """Return a quick test whether a single name matches one of the patterns."""
    return _matcher([_translate(os.fsencode(pattern)) for pattern in patterns])


def _sorted(patterns: Iterable[str]) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
    """Translate and sort: by name, by path, directories by name, directories by path."""
    kinds: tuple[list[bytes], ...] = ([], [], [], [])
    for text in patterns:
        pattern = os.fsencode(text)
        only_directories = pattern.endswith(b"/")
        pattern = pattern.rstrip(b"/")
        is_path = b"/" in pattern
        pattern = pattern.removeprefix(b"./").lstrip(b"/")
        if pattern:
            kinds[2 * only_directories + is_path].append(_translate(pattern))
    return kinds[0], kinds[1], kinds[2], kinds[3]


def _matcher(expressions: list[bytes]) -> Callable[[bytes], bool]:
    if not expressions:
        return _never
    match = re.compile(
        rb"|".join(rb"(?:" + one + rb")" for one in expressions), re.DOTALL
    ).fullmatch
    return lambda text: match(text) is not None


def _never(_: bytes) -> bool:
    return False


_GLOB = re.compile(rb"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def _translate(pattern: bytes) -> bytes:
    """Turn one glob into a regular expression that never lets ``*`` cross a slash."""
    return b"".join(_piece(piece) for piece in _GLOB.findall(pattern))


def _piece(piece: bytes) -> bytes:
    wild = {b"**/": rb"(?:.*/)?", b"**": rb".*", b"*": rb"[^/]*", b"?": rb"[^/]"}
    if piece in wild:
        return wild[piece]
    if len(piece) > 1 and piece.startswith(b"["):
        negated = piece.startswith(b"[!")
        inside = piece[2:-1] if negated else piece[1:-1]
        if not inside:
            return re.escape(piece)
        inside = re.sub(rb"([\\\[\]^&~|])", rb"\\\1", inside)
        return _valid(rb"[" + (rb"^/" if negated else b"") + inside + rb"]", piece)
    return re.escape(piece)


def _valid(expression: bytes, piece: bytes) -> bytes:
    """Return the class, or the literal text when it is none: ``[z-a]``."""
    try:
        re.compile(expression)
    except re.error:
        return re.escape(piece)
    return expression
