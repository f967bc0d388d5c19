"""Stand in the way of an act: fail, kill or interfere at each of its system calls."""

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from storewarden.act import proof as proofs
from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, look
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.members import Bundle, Member
from storewarden.act.proof import Content, Proof
from storewarden.store.contract import Stored

MARK = "abcdefgh23456722"
NOW = 1_700_000_000_000_000_000
MUTATING = ("create", "write", "mkdir", "chmod", "sync", "rename", "unlink", "rmdir")
LOOKING = ("open", "open_below", "stat", "fstat", "names", "read", "lease", "leased")
OURS = ".storewarden"
_TORN = 300  # bytes

Before = Callable[[int, str], None]


def nothing(_number: int, _name: str) -> None:
    """Do nothing at a call."""


class Standing(Kernel):
    """The kernel, with a test before and behind each call; nothing is synced, to be fast."""

    def __init__(self, before: Before = nothing, behind: Before = nothing) -> None:
        self.calls = 0
        for name in MUTATING + LOOKING:
            setattr(self, name, self._standing(name, getattr(self, name), before, behind))

    def _standing(
        self, name: str, call: Callable[..., Any], before: Before, behind: Before
    ) -> Callable[..., Any]:
        def standing(*arguments: Any) -> Any:
            self.calls += 1
            number = self.calls
            before(number, name)
            if name == "write" and len(arguments[1]) > _TORN:  # a disk takes less than it is given
                arguments = (arguments[0], arguments[1][: len(arguments[1]) // 2])
            done: Any = None if name == "sync" else call(*arguments)
            try:
                behind(number, name)
            except OSError:
                if name in {"create", "open", "open_below"}:
                    os.close(done)
                raise
            return done

        return standing


def killing(at: int, meddle: Before = nothing) -> Standing:
    """Return a kernel in which the process is gone before a mutating call, counted from 1."""
    left = [at]

    def before(number: int, name: str) -> None:
        left[0] -= name in MUTATING
        if not left[0]:
            os._exit(9)
        meddle(number, name)

    return Standing(before)


def killed(at: int, act: Callable[[Kernel], object], meddle: Before = nothing) -> bool:
    """Carry out an act in a process that is killed before its N-th mutating call; was it?"""
    child = os.fork()
    if not child:
        code = 1
        try:
            act(killing(at, meddle))
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}
    return code == 9


class Failing(Standing):
    """A kernel whose N-th call fails; ``late``: after it was done.

    ``lasting``: and every mutating call behind it.
    """

    def __init__(
        self,
        at: int,
        number: int,
        *,
        lasting: bool = False,
        late: bool = False,
        meddle: Before = nothing,
    ) -> None:
        self.failed = 0

        def fail(call: int, name: str) -> None:
            if call == at or (lasting and call > at and name in MUTATING):
                self.failed += 1
                raise OSError(number, os.strerror(number))

        def both(call: int, name: str) -> None:
            meddle(call, name)
            fail(call, name)

        super().__init__(*((meddle, fail) if late else (both, nothing)))


ERRORS: Sequence[int] = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE)


class Ground:
    """A root on the disk, with files whose contents are told from each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.put(b"bystander", b"not asked about")

    def put(self, path: bytes, content: bytes) -> Member:
        """Write a file; return what there is to decide on."""
        place = os.path.join(os.fsencode(self.path), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(content)
        return self.member(path)

    def member(self, path: bytes) -> Member:
        """Return what there is at a path."""
        return Member(path, Identity.of(os.lstat(os.path.join(os.fsencode(self.path), path))))

    def bundle(self, *paths: bytes, unused: bool = False) -> Bundle:
        """Return the bundle of files as they are."""
        return Bundle(tuple(map(self.member, paths)), MARK, NOW, unused=unused)

    def census(self) -> Mapping[bytes, list[bytes]]:
        """Return by content where it lies, our notes left out; a file with two names twice."""
        found = defaultdict(list)
        top = os.fsencode(self.path)
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                relative = os.path.relpath(path, top)
                ours = relative.startswith(OURS.encode())
                if os.path.islink(path) or (ours and not name.isdigit()):
                    continue
                with open(path, "rb") as file:
                    found[file.read()].append(relative)
        return {content: sorted(paths) for content, paths in found.items()}

    def names(self) -> list[str]:
        """Return all paths, our own included."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*"))

    def entry(self, room: Room = Room.TRASH) -> Entry:
        """Return what lies in the drawer of the act."""
        entry = look(self.fd, room, MARK)
        assert isinstance(entry, Entry)
        return entry

    def close(self) -> None:
        os.close(self.fd)


def proof_of(member: Member, content: bytes = b"") -> Proof:
    """Return a proof as `prove_copy` makes it; there is no store in these tests."""
    stored = Stored(f"key of {member.path!r}", len(content), "1")
    whole = Content(member.identity, b"\0" * 32)
    return Proof(proofs._MADE_HERE, whole, (("cold", stored),))
