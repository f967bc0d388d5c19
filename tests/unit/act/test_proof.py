"""A proof is made by looking, and by nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from storewarden.act.identity import Identity
from storewarden.act.proof import Content, Proof, both, prove_by_receipt, prove_copy
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.store.contract import Looked, Opened, Stored
from storewarden.store.memory import MemoryStore
from tests.archived import Bytes

# The digest is what b3sum says of these seven bytes.
DIGEST = bytes.fromhex("3fba5250be9ac259c56e7250c526bc83bacb4be825f2799d3d59e5b4878dd74e")
CONTENT = Content(Identity(1, 2, 7, 4, 5), DIGEST)
KEY, OTHER = "renders/a~abcdefgh234567aa", "renders/a~abcdefgh234567bb"


def plain(opened: Opened) -> Iterator[bytes]:
    while piece := opened.read(3):
        yield piece


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("cold")


def put(store: MemoryStore, key: str = KEY, content: bytes = b"content") -> Stored:
    return store.put(key, Bytes(content), lambda: b"{}")


def test_what_was_read_to_its_end_is_proven(store: MemoryStore) -> None:
    stored = put(store)

    proof = prove_copy(store, stored, CONTENT, plain)

    assert (proof.content, proof.copies) == (CONTENT, (("cold", stored),))


def test_nobody_makes_a_proof_by_saying_so() -> None:
    with pytest.raises(TypeError):
        Proof(object(), CONTENT, ())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"conten", "6 bytes instead of 7"),
        (b"contents", "8 bytes instead of 7"),
        (b"Content", "digest"),
        (b"", "0 bytes instead of 7"),
    ],
)
def test_another_content_is_no_proof(store: MemoryStore, content: bytes, why: str) -> None:
    stored = put(store, content=content)

    with pytest.raises(ObjectDamaged) as refused:
        prove_copy(store, stored, CONTENT, plain)

    assert refused.value.why == why
    assert refused.value.where == f"cold: {KEY}"
    assert refused.value.remedy == "it is not used; the file stays where it is"


def test_a_digest_without_its_size_is_no_proof(store: MemoryStore) -> None:
    """What is said of a file has to be right in all of it."""
    longer = replace(CONTENT, identity=CONTENT.identity._replace(size=8))

    with pytest.raises(ObjectDamaged, match="7 bytes instead of 8"):
        prove_copy(store, put(store), longer, plain)


def test_an_object_that_holds_more_than_the_content_is_no_proof(store: MemoryStore) -> None:
    def begin(opened: Opened) -> Iterator[bytes]:
        yield opened.read(7)

    with pytest.raises(ObjectDamaged, match="there is more of it than what it holds"):
        prove_copy(store, put(store, content=b"content and more"), CONTENT, begin)


def test_an_object_that_came_in_its_place_is_no_proof(store: MemoryStore) -> None:
    stored = put(store)
    store.remove(stored)
    put(store)

    with pytest.raises(ObjectDamaged, match="replaced"):
        prove_copy(store, stored, CONTENT, plain)


def test_an_object_that_goes_while_it_is_read_is_no_proof(store: MemoryStore) -> None:
    stored = put(store)

    def removed_meanwhile(opened: Opened) -> Iterator[bytes]:
        yield from plain(opened)
        store.remove(stored)

    with pytest.raises(ObjectDamaged, match="replaced"):
        prove_copy(store, stored, CONTENT, removed_meanwhile)
    with pytest.raises(ObjectMissing):
        prove_copy(store, stored, CONTENT, plain)


class Vouching(MemoryStore):
    """Gives a receipt for whatever it took, and cannot be read."""

    def receipt(self, stored: Stored) -> bytes | None:
        return self.about(stored.key)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        raise AssertionError("it was read")


def told(_about: bytes) -> tuple[int, bytes]:
    return 7, DIGEST


def test_a_receipt_proves_without_reading() -> None:
    store = Vouching("cold")
    stored = put(store)

    proof = prove_by_receipt(store, stored, CONTENT, told)

    assert proof is not None
    assert (proof.content, proof.copies) == (CONTENT, (("cold", stored),))


def test_without_a_receipt_there_is_no_proof_but_reading(store: MemoryStore) -> None:
    assert prove_by_receipt(store, put(store), CONTENT, told) is None


@pytest.mark.parametrize("tells", [(8, DIGEST), (7, bytes(32))])
def test_a_receipt_for_another_content_is_no_proof(tells: tuple[int, bytes]) -> None:
    store = Vouching("cold")

    with pytest.raises(ObjectDamaged, match="it was made of another content"):
        prove_by_receipt(store, put(store), CONTENT, lambda _about: tells)


def test_two_proofs_of_one_content_are_one(store: MemoryStore) -> None:
    one = prove_copy(store, put(store), CONTENT, plain)
    other = prove_copy(store, put(store, OTHER), CONTENT, plain)
    elsewhere = replace(CONTENT, identity=CONTENT.identity._replace(inode=3))

    assert [stored.key for _, stored in both(one, other).copies] == [KEY, OTHER]
    assert both(one, other).content == CONTENT
    with pytest.raises(ValueError, match="no proof of each other"):
        both(one, prove_copy(store, one.copies[0][1], elsewhere, plain))
