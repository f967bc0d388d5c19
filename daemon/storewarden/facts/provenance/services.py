"""Services and programs that leave a mark of theirs and no words: OpenAI, Google, Adobe, cameras.

They write IPTC's digital source type into XMP, a program's name, or Content Credentials.
"""

from __future__ import annotations

from typing import Final

from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import name
from storewarden.facts.provenance.xmp import Packet, source_type
from storewarden.model import Provenance

# What a program or the signer of a claim calls itself, in lower case, and which tool that is.
_MARKS: Final = (
    ("dall", "openai"),
    ("chatgpt", "openai"),
    ("openai", "openai"),
    ("gpt-4o", "openai"),
    ("sora", "openai"),
    ("made with google ai", "google"),
    ("google c2pa", "google"),
    ("imagen", "google"),
    ("firefly", "firefly"),
    ("bing image creator", "microsoft"),
    ("microsoft responsible ai", "microsoft"),
    ("stability", "stability"),
)
_PHOTOSHOP: Final = "photoshop"
_SYNTHETIC: Final = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
)
_CAPTURED: Final = (
    "digitalCapture",
    "computationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "minorHumanEdits",
)
_PROPERTIES: Final = ("CreatorTool", "Credit", "AISystemUsed", "GenAIModel")


def read(texts: Texts) -> Provenance | None:
    """Return the tool that left its mark, with the source type; prompts there are none."""
    packet = texts.by_where.get("xmp", "")
    source = source_type(packet) if packet else None
    signed = texts.more.get("c2pa.source_type")
    source = source or (signed if isinstance(signed, str) else None)
    said = _said(texts, packet)
    for mark, tool in _MARKS:
        if mark in said:
            return Provenance(tool, tool_version=_version(packet, tool), source_type=source)
    if source is None:
        return None
    if _PHOTOSHOP in said and source in _SYNTHETIC:
        return Provenance(_PHOTOSHOP, tool_version=_version(packet, _PHOTOSHOP), source_type=source)
    return Provenance("camera" if source in _CAPTURED else "unknown", source_type=source)


def _said(texts: Texts, packet: str) -> str:
    said = [texts.named("software") or "", texts.named("xpauthor") or ""]
    for one in ("c2pa.generator", "c2pa.issuer"):
        value = texts.more.get(one)
        said.append(value if isinstance(value, str) else "")
    if packet:
        asked = Packet(packet)
        said.extend(asked.value(one) or "" for one in _PROPERTIES if one in packet)
    return "\n".join(one[:400] for one in said).lower()


def _version(packet: str, tool: str) -> str | None:
    """Return the version behind a program's name, as in ``Adobe Photoshop 25.3 (Macintosh)``."""
    creator = Packet(packet).value("CreatorTool") if packet else None
    at = (creator or "").lower().find(tool)
    rest = creator[at + len(tool) :].split() if creator and at >= 0 else []
    return name(rest[0]) if rest and rest[0][0].isdigit() else None
