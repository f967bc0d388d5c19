"""Look into one file: what it is, what its headers tell, how it was made. It never fails."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS, NOTHING, Inspector
from storewarden.facts.provenance import credentials, provenance_of
from storewarden.facts.reader import Malformed, Reader
from storewarden.facts.sniff import HEAD, sniff
from storewarden.model import Facts, Media, Outcome, Provenance

# Raised when what every file goes through, the sniffing and the reading of texts for their origin,
# finds more than before: all files are then inspected again.
SHARED_VERSION: Final = 1

_MEDIA: Final = tuple(field.name for field in fields(Media))


def versions() -> dict[str, int]:
    """Return the version of each inspector; facts of a lower one are worth another look."""
    return {name: _version(inspector) for name, inspector in INSPECTORS.items()}


def _version(inspector: Inspector) -> int:
    return inspector.version + SHARED_VERSION - 1


def inspect(reader: Reader, name: bytes) -> Facts:
    """Return the facts of the file behind ``reader``, which is called ``name``.

    What an inspector found before it met something broken is kept, with the reason. A mistake of
    ours in an inspector costs that one file's facts and is told as such.
    """
    found = Found()
    sniffed = sniff(reader.some(0, HEAD), name)
    key = sniffed.inspector if sniffed.inspector in INSPECTORS else NOTHING
    inspector = INSPECTORS[key]
    reason = ""
    try:
        inspector.read(reader, found)
    except Malformed as error:
        reason = str(error)
    except OSError:
        raise  # the disk's fault, not the file's: it is tried again
    except Exception as error:  # noqa: BLE001  # one file must not stop the others
        reason = f"the {key} inspector failed: {type(error).__name__}: {error}"
    if found.more.get("c2pa.present"):
        credentials.read(reader, found)
    provenance, complaint = _provenance(found)
    reason = reason or complaint
    return Facts(
        kind=found.kind or sniffed.kind,
        mime=found.mime or sniffed.mime,
        inspector=key,
        version=_version(inspector),
        outcome=_outcome(key, found, reason),
        reason=reason,
        media=Media(**{name: getattr(found, name) for name in _MEDIA}),
        provenance=provenance,
        transcript=found.transcript,
        workflow=found.workflow,
        scene=found.scene,
        more=found.more,
    )


def _provenance(found: Found) -> tuple[Provenance | None, str]:
    try:
        return provenance_of(found), ""
    except Malformed as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001  # as above
        return None, f"the provenance reader failed: {type(error).__name__}: {error}"


def _outcome(key: str, found: Found, reason: str) -> Outcome:
    if not reason:
        return Outcome.NOTHING if key == NOTHING else Outcome.READ
    told = found.texts or found.more or found.transcript
    if told or any(getattr(found, name) is not None for name in _MEDIA):
        return Outcome.PARTLY
    return Outcome.REFUSED
