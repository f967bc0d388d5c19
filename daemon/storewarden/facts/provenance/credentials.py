"""Content Credentials (C2PA): who made a claim about a file, who signed it, whether that holds.

The library is optional and reads a stranger's file in native code, so it gets a bounded view of
the file and no network: neither manifests that lie elsewhere nor the state of certificates are
fetched. Whether a signer is to be trusted is not judged: that would need a list of whom to trust.
"""

from __future__ import annotations

import io
import json
from typing import Any, Final

from storewarden.facts.found import Found
from storewarden.facts.provenance.values import Object, entries, mapping, name
from storewarden.facts.reader import Malformed, Reader

# To tell whether a file is what was signed takes all of its bytes.
MOST_VERIFIED: Final = 24 << 20
_BUFFER: Final = 128 << 10
_LONGEST: Final = 4 << 20  # of what the library answers
_SHORT: Final = 400
_VALID: Final = ("Valid", "Trusted")
_NO_NETWORK: Final = {
    "remote_manifest_fetch": False,
    "ocsp_fetch": False,
    "verify_trust": False,
    "verify_timestamp_trust": False,
}

_contexts: dict[bool, Any] = {}


def read(reader: Reader, found: Found) -> None:
    """Add what the credentials in a file tell to ``found.more``; it never fails."""
    try:
        answer = _asked(reader)
    except ImportError:
        return  # not installed
    except Exception:  # noqa: BLE001  # a native library's errors are its own
        found.more["c2pa.readable"] = False
        return
    if answer is not None:
        _tell(answer, found, verified=reader.size <= MOST_VERIFIED)


def _asked(reader: Reader) -> Object | None:
    import c2pa  # noqa: PLC0415  # optional, and 20 MB of code

    context = _context(verified=reader.size <= MOST_VERIFIED)
    stream = io.BufferedReader(_View(reader), _BUFFER)
    with c2pa.Reader(None, stream, None, context) as opened:
        answer = opened.json()
    return mapping(json.loads(answer)) if len(answer) <= _LONGEST else None


def _context(*, verified: bool) -> Any:
    import c2pa  # noqa: PLC0415  # as above

    if verified not in _contexts:
        verify = {**_NO_NETWORK, "verify_after_reading": verified}
        _contexts[verified] = c2pa.Context.from_dict(
            {"verify": verify, "core": {"allowed_network_hosts": []}}
        )
    return _contexts[verified]


def _tell(answer: Object, found: Found, *, verified: bool) -> None:
    manifests = mapping(answer.get("manifests"))
    active = mapping(manifests.get(str(answer.get("active_manifest"))))
    signature = mapping(active.get("signature_info"))
    state = answer.get("validation_state")
    _keep(found, "c2pa.generator", _generator(active))
    found.more["c2pa.signed"] = bool(signature)
    if verified and isinstance(state, str):
        found.more["c2pa.valid"] = state in _VALID
    _keep(found, "c2pa.issuer", signature.get("issuer"))
    _keep(found, "c2pa.signed_at", signature.get("time"))
    for manifest in (active, *list(manifests.values())[:16]):
        agent, source = _made(mapping(manifest))
        if source:
            _keep(found, "c2pa.agent", agent)
            _keep(found, "c2pa.source_type", source)
            break


def _generator(manifest: Object) -> str | None:
    for one in map(mapping, entries(manifest.get("claim_generator_info"))[:8]):
        called = name(one.get("name"))
        if called:
            return f"{called} {name(one.get('version')) or ''}".strip()
    return name(manifest.get("claim_generator"))


def _made(manifest: Object) -> tuple[str | None, str | None]:
    """Return the program that made the file and the digital source type, from the actions."""
    for assertion in map(mapping, entries(manifest.get("assertions"))[:64]):
        if not str(assertion.get("label")).startswith("c2pa.actions"):
            continue
        for action in map(mapping, entries(mapping(assertion.get("data")).get("actions"))[:64]):
            source = name(action.get("digitalSourceType"))
            if source:
                agent = action.get("softwareAgent")
                called = mapping(agent).get("name") if isinstance(agent, dict) else agent
                return name(called), source.rstrip("/").rsplit("/", 1)[-1]
    return None, None


def _keep(found: Found, key: str, value: object) -> None:
    told = name(value)
    if told:
        found.more[key] = told[:_SHORT]


class _View(io.RawIOBase):
    """A file as a stream, within what a file may cost to read."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._reader.some(self._at, len(buffer))
        except Malformed as error:
            raise OSError(str(error)) from None
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
