"""Why a file may be removed: values that nothing but looking can make.

Whoever removes asks for one of these, and only the functions here make them: each has read the
stored copy to its end, or has the store's word for its checksum where somebody decided that this is
enough, or has seen that nothing is lost without one. A proof is of one content of one file; it does
not outlive the process, and is made anew after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from storewarden.act.identity import Identity
from storewarden.errors import ObjectDamaged
from storewarden.store.contract import Looked, Store, Stored

_MADE_HERE: Final = object()

Decode = Callable[[Looked], Iterator[bytes]]
"""Yields the content that an object was made from, piece by piece."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read from a file, all at one identity."""

    identity: Identity
    digest: bytes  # BLAKE3

    @property
    def size(self) -> int:
        return self.identity.size


class Proof:
    """That a content can be had again, from the objects in ``copies``."""

    __slots__ = ("content", "copies")

    def __init__(
        self, made_here: object, content: Content, copies: tuple[tuple[str, Stored], ...]
    ) -> None:
        if made_here is not _MADE_HERE:
            raise TypeError("a proof is made by looking, not by saying so")
        self.content = content
        self.copies = copies  # the name of the store, and the object


def prove_copy(store: Store, stored: Stored, content: Content, decode: Decode) -> Proof:
    """Read a stored object to its end and return the proof that it holds a content.

    Raises:
        ObjectMissing: it is not there.
        ObjectDamaged: it does not, or another object took its key, even while we read.
        StorewardenError: it cannot be read now.
    """
    hasher, size = blake3(), 0
    with store.look(stored) as looked:
        for piece in decode(looked):
            hasher.update(piece)
            size += len(piece)
        if looked.read(1):
            raise _no_proof(store, stored, "there is more of it than what it holds")
    if size != content.size or hasher.digest() != content.digest:
        why = f"{size} bytes instead of {content.size}" if size != content.size else "digest"
        raise _no_proof(store, stored, why)
    return Proof(_MADE_HERE, content, ((store.name, stored),))


def prove_by_receipt(
    store: Store, stored: Stored, content: Content, told: Callable[[bytes], tuple[int, bytes]]
) -> Proof | None:
    """Return the proof that a store gave as it took an object; None: it has to be read.

    ``told`` returns the size and the digest of the content that an object tells of.

    Raises:
        ObjectDamaged: the object was made of another content.
    """
    about = store.receipt(stored)
    if about is None:
        return None
    if told(about) != (content.size, content.digest):
        raise _no_proof(store, stored, "it was made of another content")
    return Proof(_MADE_HERE, content, ((store.name, stored),))


def _no_proof(store: Store, stored: Stored, why: str) -> ObjectDamaged:
    return ObjectDamaged(
        "a copy does not hold what was read",
        where=f"{store.name}: {stored.key}",
        why=why,
        remedy="it is not used; the file stays where it is",
    )


def both(one: Proof, other: Proof) -> Proof:
    """Return the proof of all copies that two proofs of the same content tell of."""
    if one.content != other.content:
        raise ValueError("two contents are no proof of each other")
    return Proof(_MADE_HERE, one.content, (*one.copies, *other.copies))
