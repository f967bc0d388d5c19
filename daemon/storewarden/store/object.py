"""Stores on the other side of a network: S3 and what speaks like it, Google, Azure.

Every object bears a mark, made by chance when it is put. It tells our object from any other that
ever has its key, and, after an answer that never came, whether what is there is what we sent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, TypeVar

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.blame import Place, taken
from storewarden.store.contract import Entry, Looked, Opened, Reader, Space, Store, Stored, Telling
from storewarden.store.key import is_proper, refuse_improper, refuse_large
from storewarden.store.label import (
    OURS,
    SMALL,
    Label,
    companion_label,
    companion_of,
    hash_of,
    hash_of_upload,
    is_ours,
    new_mark,
    object_of,
    whole_label,
)
from storewarden.store.limits import Limits, Sizes
from storewarden.store.multipart import Multipart, Unfinished
from storewarden.store.ranged import Ranged, RangedLook
from storewarden.store.receipts import Receipts
from storewarden.store.remote import Met, Remote
from storewarden.store.sending import Sending, parts_of, read_up_to, sending

_ADDING: Final = "an object cannot be stored"
_CHECK: Final = f"{OURS}check/"


_Said = TypeVar("_Said")


class _Going(NamedTuple):
    """An object that is being put."""

    key: str
    mark: str


class ObjectStore(Store):
    """Objects in a bucket, below a prefix."""

    def __init__(
        self,
        remote: Remote,
        multipart: Multipart | None,
        *,
        limits: Limits | None = None,
        sizes: Sizes | None = None,
        receipts: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use a bucket; ``multipart`` is how S3 takes large objects, others do it in their way.

        ``receipts``: keep what the bucket says of small objects when it takes them.
        """
        self.name = remote.name
        self._remote, self._multipart, self._sleep = remote, multipart, sleep
        self._limits, self._sizes = limits or Limits(), sizes or Sizes()
        self._believed = False
        self._receipts = Receipts() if receipts else None

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        self._refuse(key)
        going = _Going(key, new_mark())
        first = read_up_to(source, self._sizes.whole + 1)
        try:
            if len(first) <= self._sizes.whole:
                return self._put_whole(going, first, self._told(key, about))
            if self._remote.meet(key) is not None:  # before much is sent in vain
                raise taken(_ADDING, self._place(key))
            if self._multipart is not None:
                size = self._put_in_parts(self._multipart, going, first, source, about)
            else:
                size = self._put_by_client(going, first, source, about)
            return self._seen(going, size)
        except StoreUnavailable:
            raise  # it may still appear, and shall tell of itself then
        except BaseException:
            self._forget(going)
            raise

    def _told(self, key: str, about: Telling) -> bytes:
        told = about()
        refuse_large(told, key, self.name)
        return told

    def _put_whole(self, going: _Going, content: bytes, told: bytes) -> Stored:
        if len(told) <= SMALL:
            label = whole_label(going.mark, len(content), told)
        else:
            self._tell_beside(going, len(content), told)
            label = Label(going.mark)
        said = self._add(going.key, content, label)
        stored = self._seen(going, len(content), said)
        if self._receipts is not None and said is not None:
            self._receipts.keep(stored, said.etag, content, told)
        return stored

    def _put_in_parts(
        self, multipart: Multipart, going: _Going, first: bytes, source: Reader, about: Telling
    ) -> int:
        headers = Label(going.mark).written()
        make = partial(Sending, multipart, going.key, headers, self._sizes.flight)
        with sending(make) as upload:
            size = upload.send(parts_of(first, source, self._sizes, self.name))
            told = self._told(going.key, about)
            self._tell_beside(going, size, told, hash_of_upload(upload.upload))
            self._surely(going, size, upload.complete)
        return size

    def _put_by_client(self, going: _Going, first: bytes, source: Reader, about: Telling) -> int:
        """Let obstore send the parts, in the way of Google and of Azure."""
        sizes: list[int] = []

        def parts() -> Iterator[bytes]:
            for part in parts_of(first, source, self._sizes, self.name):
                sizes.append(len(part))
                yield part

        def tell_and_look() -> None:
            self._tell_beside(going, sum(sizes), self._told(going.key, about))
            if self._remote.meet(going.key) is not None:
                raise taken(_ADDING, self._place(going.key))

        label, size = Label(going.mark), self._sizes.part
        try:
            self._remote.stream(going.key, parts(), label, size, tell_and_look)
        except StoreUnavailable:
            met = self._remote.meet(going.key)
            if met is None or not self._is_it(met, going, sum(sizes)):
                raise
        return sum(sizes)

    def _tell_beside(self, going: _Going, size: int, told: bytes, upload: str = "") -> None:
        """Store what an object will tell of itself as a companion."""
        label = companion_label(going.mark, size, told, upload)
        self._add(companion_of(*going), told, label)

    def _add(self, key: str, content: bytes, label: Label) -> Met | None:
        add = partial(self._remote.add, key, content, label)
        return self._surely(_Going(key, label.mark), len(content), add)

    def _surely(self, going: _Going, size: int, act: Callable[[], _Said]) -> _Said | None:
        """Do what lets an object be seen, until it is there or surely is not; return what was said.

        A reply that was lost makes the second request meet its own object: only the mark tells.
        """
        pause = self._limits.pause
        for left in reversed(range(self._limits.attempts)):
            try:
                return act()
            except (ObjectExists, ObjectMissing, StoreUnavailable) as error:
                met = self._remote.meet(going.key)
                if met is not None and self._is_it(met, going, size):
                    return None
                if met is not None:
                    raise taken(_ADDING, self._place(going.key)) from None
                if isinstance(error, ObjectMissing):
                    raise self._unavailable(going.key, "the upload was removed") from None
                if not left:
                    raise self._passing(error, going.key) from None
            self._sleep(pause)
            pause *= 2
        return None

    def _passing(self, error: StorewardenError, key: str) -> StorewardenError:
        """Return why it did not work: taken by what is not there is a server that is not sure."""
        if isinstance(error, ObjectExists):
            return self._unavailable(key, "it says that the key is taken, and shows nothing there")
        return error

    def _is_it(self, met: Met, going: _Going, size: int) -> bool:
        return met.label is not None and met.label.mark == going.mark and met.size == size

    def _seen(self, going: _Going, size: int, said: Met | None = None) -> Stored:
        """Return the object that was put, as it lies there.

        What a bucket says when it takes an object is believed once that was what it said later.
        """
        if said is not None and self._believed:
            return Stored(going.key, size, said.version)
        met = self._remote.meet(going.key)
        if met is None:
            raise self._unavailable(going.key, "it took the object, and has it not")
        if met.label is None or met.label.mark != going.mark:
            raise taken(_ADDING, self._place(going.key))
        if met.size != size:
            self._remote.remove(going.key)
            raise self._unavailable(going.key, f"it keeps {met.size} bytes of {size}")
        self._believed = said is not None and said.version == met.version
        return Stored(going.key, size, met.version)

    def _forget(self, going: _Going) -> None:
        """Remove what an object that is not there would tell; what cannot be is swept later."""
        with contextlib.suppress(StorewardenError):
            met = self._remote.meet(going.key)
            if met is None or met.label is None or met.label.mark != going.mark:
                self._remote.remove(companion_of(*going))

    def find(self, key: str) -> Stored | None:
        self._refuse(key)
        met = self._remote.meet(key)
        return met and Stored(key, met.size, met.version)

    def about(self, key: str) -> bytes:
        return self._about(key, self._met(key).label)

    def _about(self, key: str, label: Label | None) -> bytes:
        if label is not None and label.genuine and label.told is not None:
            return label.told
        if label is not None and label.told is None:
            with contextlib.suppress(ObjectMissing):
                told, beside = self._remote.small(companion_of(key, label.mark))
                if beside is not None and beside.hashed == hash_of(told):
                    return told
        raise ObjectDamaged(
            "an object does not tell what it once did",
            where=str(self._place(key)),
            remedy="its content can be read all the same",
        )

    def open(self, key: str, offset: int = 0) -> Opened:
        met = self._met(key)
        size = self._size_told(key, met.label)
        if size not in {None, met.size}:
            raise ObjectDamaged(
                "an object is not as long as it was",
                where=str(self._place(key)),
                why=f"{met.size} bytes instead of {size}",
            )
        fetch = partial(self._remote.range, key, met.etag)
        span = range(offset, met.size, self._sizes.range)
        return Ranged(fetch, self._place(key), span, self._limits, sleep=self._sleep)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        """Ask once for an object as long as one range: it comes with what it tells of itself."""
        self._refuse(stored.key)
        end = min(offset + self._sizes.range, stored.bytes)
        met, held = self._begun(stored, offset, end)
        if (met.size, met.version) != (stored.bytes, stored.version):
            raise self._replaced(stored.key)
        if len(held) > end - offset:
            held = held[:0]  # not what was asked for: it is asked again
        fetch = partial(self._remote.range, stored.key, met.etag)
        return RangedLook(
            *(fetch, self._place(stored.key)),
            range(offset + len(held), met.size, self._sizes.range),
            self._limits,
            held=held,
            about=self._about(stored.key, met.label),
            sleep=self._sleep,
        )

    def receipt(self, stored: Stored) -> bytes | None:
        return None if self._receipts is None else self._receipts.give(stored)

    def _begun(self, stored: Stored, start: int, end: int) -> tuple[Met, memoryview]:
        try:
            return self._remote.begin(stored.key, start, end)
        except StorewardenError as error:
            if isinstance(error, ObjectMissing) or error.transient:
                raise
            if self.find(stored.key) != stored:  # one that is shorter has no such range
                raise self._replaced(stored.key) from None
            raise

    def _replaced(self, key: str) -> ObjectDamaged:
        return ObjectDamaged("a copy was replaced", where=str(self._place(key)))

    def _size_told(self, key: str, label: Label | None) -> int | None:
        """Return how long an object once was, None when nobody knows."""
        if label is None or label.size is not None or label.told is not None:
            return label and label.size
        beside = self._remote.meet(companion_of(key, label.mark))
        return beside and beside.label and beside.label.size

    def list(self, prefix: str = "") -> Iterator[Entry]:
        # Buckets are asked for whole parts of keys.
        above, _, _ = prefix.rpartition("/")
        if above and not is_proper(f"{above}/x"):
            return
        for entry in self._remote.list(above):
            if entry.key.startswith(prefix) and not is_ours(entry.key):
                yield entry

    def remove(self, stored: Stored) -> bool:
        self._refuse(stored.key)
        met = self._remote.meet(stored.key)
        if met is None:
            return False
        if (met.size, met.version) != (stored.bytes, stored.version):
            raise taken("an object cannot be removed", self._place(stored.key))
        self._remote.remove(stored.key)
        if met.label is not None and met.label.told is None:
            with contextlib.suppress(StorewardenError):  # a companion without object is swept
                self._remote.remove(companion_of(stored.key, met.label.mark))
        return True

    def sweep(self, before_ns: int) -> int:
        swept = 0
        if self._multipart is not None:
            for unfinished in self._multipart.unfinished():
                if unfinished.begun_ns < before_ns and not self._is_in_use(unfinished):
                    self._multipart.abort(unfinished.key, unfinished.upload)
                    swept += 1
        for entry in self._remote.list(OURS.rstrip("/")):
            if entry.modified_ns < before_ns and self._tells_of_nothing(entry.key):
                self._remote.remove(entry.key)
                swept += 1
        return swept

    def _is_in_use(self, unfinished: Unfinished) -> bool:
        """Tell whether an object may be made of an upload's parts, which some servers forget."""
        met = self._remote.meet(unfinished.key)
        if met is None or (met.label is not None and met.label.told is not None):
            return False
        if met.label is None:
            return True
        beside = self._remote.meet(companion_of(unfinished.key, met.label.mark))
        if beside is None or beside.label is None:
            return True
        return beside.label.upload == hash_of_upload(unfinished.upload)

    def _tells_of_nothing(self, key: str) -> bool:
        if key.startswith(_CHECK):
            return True
        of, mark = object_of(key)
        met = self._remote.meet(of)
        return met is None or met.label is None or met.label.mark != mark

    def space(self) -> Space | None:
        return None

    def check(self) -> None:
        if self._multipart is not None:
            self._multipart.probe()
        key, content = _CHECK + new_mark(), b"Storewarden may remove this."
        going = _Going(key, new_mark())
        self._add(key, content, whole_label(going.mark, len(content), b""))
        try:
            self._seen(going, len(content))
            self._refuse_writing_over(key, content)
            read, _ = self._remote.small(key)
        finally:
            self._remote.remove(key)
        if read != content:
            raise ObjectDamaged(
                "the store cannot be used", where=self.name, why="it gives back something else"
            )

    def _refuse_writing_over(self, key: str, content: bytes) -> None:
        """Raise StoreRefused where nobody keeps two of us from writing to the same key."""
        try:
            self._remote.add(key, content, Label(new_mark()))
        except ObjectExists:
            return
        raise StoreRefused(
            "the store cannot be used",
            where=self.name,
            why="it writes over what is there, although it is told not to",
            remedy="use a server that knows conditional writes (If-None-Match)",
        )

    def _met(self, key: str) -> Met:
        self._refuse(key)
        met = self._remote.meet(key)
        if met is None:
            raise ObjectMissing("there is no such object", where=str(self._place(key)))
        return met

    def _refuse(self, key: str) -> None:
        refuse_improper(key, self.name)
        if is_ours(key):
            raise StoreRefused(
                "no object can have this key", where=str(self._place(key)), why="it is ours"
            )

    def _unavailable(self, key: str, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            _ADDING, where=str(self._place(key)), why=why, remedy="it is tried again"
        )

    def _place(self, key: str) -> Place:
        return Place(self.name, key)
