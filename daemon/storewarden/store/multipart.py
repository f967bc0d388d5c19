"""Uploads in parts to S3 that never overwrite, and what is left of those that never ended.

obstore sends parts as well, but its end of an upload replaces whatever bears the key by then, and
it cannot tell of uploads that somebody else began and never ended.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from storewarden.errors import ObjectMissing, StoreRefused, StoreUnavailable
from storewarden.store.wire import Request, Wire

_ADDING: Final = "an object cannot be stored"
_SWEEPING: Final = "what was left half stored cannot be removed"
_LISTED: Final = 1000  # uploads in one answer


class Part(NamedTuple):
    """A part that the server has."""

    number: int
    etag: str
    sha256: str  # base 64


class Unfinished(NamedTuple):
    """An upload that nobody ended."""

    key: str
    upload: str
    begun_ns: int


class Multipart:
    """Uploads in parts, of one bucket."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def begin(self, key: str, told: Mapping[str, str]) -> str:
        """Begin an upload; ``told`` is what the object will tell of itself in headers."""
        headers = {f"x-amz-meta-{name}": value for name, value in told.items()}
        headers |= {"content-type": "application/octet-stream"}
        headers |= {"x-amz-checksum-algorithm": "SHA256"}
        request = Request("POST", key, (("uploads", ""),), headers)
        answer = self._wire.ask(request, _ADDING)
        upload = _parsed(answer.body, self._wire.store).findtext("{*}UploadId")
        if not upload:
            raise StoreUnavailable(_ADDING, where=self._wire.store, why="no upload was begun")
        return upload

    def part(self, key: str, upload: str, number: int, body: bytes) -> Part:
        """Send a part; the server refuses it when a byte was changed on the way."""
        digest = b64encode(sha256(body).digest()).decode()
        query = (("partNumber", str(number)), ("uploadId", upload))
        headers = {"x-amz-checksum-sha256": digest}
        answer = self._wire.ask(Request("PUT", key, query, headers, body), _ADDING)
        etag = answer.headers.get("etag")
        if not etag:
            raise StoreUnavailable(_ADDING, where=self._wire.store, why="a part has no name")
        return Part(number, etag, digest)

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> None:
        """Let the object be seen, unless another one bears its key.

        Whoever gets no clear answer has to look: asking twice cannot tell its own object from
        another's.

        Raises:
            ObjectExists: another one does, or this one was completed before.
            ObjectMissing: there is no such upload: it was completed before, or swept.
        """
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
            f"<ChecksumSHA256>{part.sha256}</ChecksumSHA256></Part>"
            for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        headers = {"if-none-match": "*", "content-type": "application/xml"}
        request = Request("POST", key, (("uploadId", upload),), headers, body)
        self._wire.ask(request, _ADDING, attempts=1)

    def abort(self, key: str, upload: str) -> None:
        """Remove an upload and its parts; one that is not there is fine."""
        try:
            self._wire.ask(Request("DELETE", key, (("uploadId", upload),)), _SWEEPING)
        except ObjectMissing:
            return

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield all uploads below our prefix that nobody ended."""
        prefix = self._wire.bucket.prefix
        marker: tuple[tuple[str, str], ...] = ()
        while True:
            query = (("uploads", ""), ("prefix", prefix), ("max-uploads", str(_LISTED)), *marker)
            answer = self._wire.ask(Request("GET", query=query), _SWEEPING)
            tree = _parsed(answer.body, self._wire.store)
            for element in tree.iterfind("{*}Upload"):
                key = element.findtext("{*}Key", "")
                begun = datetime.fromisoformat(element.findtext("{*}Initiated", ""))
                if key.startswith(prefix):
                    yield Unfinished(
                        key.removeprefix(prefix),
                        element.findtext("{*}UploadId", ""),
                        int(begun.timestamp()) * 10**9,
                    )
            if tree.findtext("{*}IsTruncated") != "true":
                return
            marker = (
                ("key-marker", tree.findtext("{*}NextKeyMarker", "")),
                ("upload-id-marker", tree.findtext("{*}NextUploadIdMarker", "")),
            )

    def probe(self) -> None:
        """Ask for as little as can be asked: whoever may not, is told why.

        Raises:
            StorewardenError: why the bucket cannot be used.
        """
        query = (("list-type", "2"), ("max-keys", "1"), ("prefix", self._wire.bucket.prefix))
        try:
            self._wire.ask(Request("GET", query=query), "the store cannot be used")
        except ObjectMissing:
            raise StoreRefused(
                "the store cannot be used",
                where=self._wire.store,
                why="there is no such bucket",
                remedy="make it, or correct url",
            ) from None


def _parsed(body: bytes, store: str) -> ET.Element:
    """Return an answer of the server; it speaks XML without a document type."""
    try:
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:  # what could grow without end when read
            raise ET.ParseError
        return ET.fromstring(body)  # noqa: S314  # no entities, see above
    except ET.ParseError:
        raise StoreUnavailable(
            "an answer cannot be read",
            where=store,
            why="it is no XML",
            remedy="check that endpoint is an S3 server",
        ) from None
