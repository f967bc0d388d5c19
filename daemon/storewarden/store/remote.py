"""What we ask of obstore, in our words: objects as they are met, and errors translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from storewarden.errors import ObjectMissing, StoreRefused, StorewardenError
from storewarden.store.blame import Place, from_words
from storewarden.store.contract import Entry
from storewarden.store.label import Label, read_label

_LOOKING: Final = "it cannot be seen whether an object is there"
_ADDING: Final = "an object cannot be stored"
_READING: Final = "an object cannot be read"
_LISTING: Final = "the objects cannot be listed"
_REMOVING: Final = "an object cannot be removed"
_PAGE: Final = 1000


class Met(NamedTuple):
    """An object as it was met."""

    size: int
    etag: str
    label: Label | None  # None: nobody of us made it
    number: str = ""  # where the bucket keeps versions

    @property
    def version(self) -> str:
        return f"{self.label.mark if self.label else ''}:{self.number or self.etag}"


class Remote:
    """One bucket, below a prefix, through obstore."""

    def __init__(self, name: str, client: Any, keys: Callable[[], object] = lambda: None) -> None:
        """Use a client; ``keys`` raises when there are none, which the client would not say."""
        import obstore  # noqa: PLC0415  # 16 MB that only who has such a store pays for

        self.name = name
        self._client = client
        self._keys = keys
        self._obstore = obstore
        self._errors = (obstore.exceptions.BaseError, OSError, ValueError)

    def meet(self, key: str) -> Met | None:
        """Return what is under a key; None when the bucket says that nothing is."""
        try:
            return self._met(key, {"head": True})
        except ObjectMissing:
            pass
        # A bare "not found" is said of a missing bucket as well; only an answer with words tells.
        try:
            return self._met(key, {})
        except ObjectMissing:
            return None

    def _met(self, key: str, options: dict[str, Any]) -> Met:
        try:
            answer = self._obstore.get(self._client, key, options=options)  # type: ignore[arg-type]
        except self._errors as error:
            raise self._translated(error, _LOOKING, key) from None
        return _met(answer)

    def add(self, key: str, content: bytes, label: Label) -> Met | None:
        """Store a small object where there is none; return what is told of it, if it is."""
        try:
            told = self._obstore.put(
                self._client,
                key,
                content,
                attributes=label.written(),
                mode="create",
                use_multipart=False,
            )
        except self._errors as error:
            raise self._translated(error, _ADDING, key) from None
        if not told["e_tag"]:
            return None
        return Met(len(content), told["e_tag"], label, told["version"] or "")

    def stream(
        self,
        key: str,
        parts: Iterator[bytes],
        label: Label,
        size: int,
        before_it_is_seen: Callable[[], None],
    ) -> None:
        """Store a large object; what bears its key by then is replaced, so look before.

        Without the last call nothing can be seen; the client has no way to remove what was sent.
        """
        try:
            writer = self._obstore.open_writer(
                self._client,
                key,
                attributes=label.written(),
                buffer_size=size,
                max_concurrency=2,
            )
        except self._errors as error:
            raise self._translated(error, _ADDING, key) from None
        for part in parts:
            self._written(writer.write, key, part)
        before_it_is_seen()
        self._written(writer.close, key)

    def _written(self, act: Callable[..., object], key: str, *arguments: bytes) -> None:
        try:
            act(*arguments)
        except self._errors as error:
            raise self._translated(error, _ADDING, key) from None

    def small(self, key: str) -> tuple[bytes, Label | None]:
        """Return a small object, and its label."""
        try:
            answer = self._obstore.get(self._client, key)
            headers = {str(name): value for name, value in answer.attributes.items()}
            return bytes(answer.bytes()), read_label(headers)
        except self._errors as error:
            raise self._translated(error, _READING, key) from None

    def range(self, key: str, etag: str, start: int, end: int) -> tuple[memoryview, int]:
        """Return bytes of one version of an object, and its whole size."""
        options: dict[str, Any] = {"range": (start, end)}
        if etag:
            options["if_match"] = etag
        try:
            answer = self._obstore.get(self._client, key, options=options)  # type: ignore[arg-type]
            return memoryview(answer.bytes()), answer.meta["size"]
        except self._errors as error:
            raise self._translated(error, _READING, key) from None

    def begin(self, key: str, start: int, end: int) -> tuple[Met, memoryview]:
        """Return an object as it is met, and its bytes from start to end; an empty span is none."""
        options: dict[str, Any] = {"range": (start, end)} if start < end else {}
        try:
            answer = self._obstore.get(self._client, key, options=options)  # type: ignore[arg-type]
            return _met(answer), memoryview(answer.bytes()) if options else memoryview(b"")
        except self._errors as error:
            raise self._translated(error, _READING, key) from None

    def list(self, prefix: str) -> Iterator[Entry]:
        """Yield all below a prefix that ends with a part of a key."""
        try:
            for page in self._obstore.list(self._client, prefix or None, chunk_size=_PAGE):
                for meta in page:
                    modified = int(meta["last_modified"].timestamp() * 1000) * 10**6
                    yield Entry(meta["path"], meta["size"], modified)
        except self._errors as error:
            raise self._translated(error, _LISTING, "") from None

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        try:
            self._obstore.delete(self._client, key)
        except self._errors as error:
            translated = self._translated(error, _REMOVING, key)
            if not isinstance(translated, ObjectMissing):
                raise translated from None

    def _translated(self, error: BaseException, what: str, key: str) -> StorewardenError:
        translated = from_words(error, what, Place(self.name, key))
        if isinstance(translated, StoreRefused):
            try:
                self._keys()
            except StorewardenError as told:
                return told
        return translated


def _met(answer: Any) -> Met:
    meta = answer.meta
    headers = {str(name): value for name, value in answer.attributes.items()}
    return Met(meta["size"], meta["e_tag"] or "", read_label(headers), meta["version"] or "")
