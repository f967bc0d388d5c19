"""Services and programs that leave a mark of theirs and no words: OpenAI, Google, Adobe, cameras.

They write IPTC's digital source type into XMP, a program's name, or Content Credentials.
"""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import name
from storewarden.facts.provenance.xmp import Packet, source_type
from storewarden.model import Provenance

# What a program or the signer of a claim calls itself, and which tool that is.
_MARKS: Final = tuple(
    (re.compile(rf"(?<![a-z])(?:{words})(?![a-z])"), tool)
    for words, tool in (
        (r"dall[·. -]?e|chatgpt|openai|gpt-4o|sora", "openai"),
        (r"made with google ai|google c2pa|imagen", "google"),
        (r"firefly", "firefly"),
        (r"bing image creator|microsoft responsible ai", "microsoft"),
        (r"stability ?ai", "stability"),
    )
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
_GOOGLE: Final = "Made with Google AI"


def read(texts: Texts) -> Provenance | None:
    """Return the tool that left its mark, with the source type; prompts there are none."""
    packet = texts.by_where.get("xmp", "")
    source = source_type(packet) if packet else None
    signed = texts.more.get("c2pa.source_type")
    source = source or (signed if isinstance(signed, str) else None)
    if source in _CAPTURED:  # by a maker of programs that also make pictures up, perhaps
        return Provenance("camera", source_type=source)
    said = _said(texts, packet)
    for mark, tool in _MARKS:
        if mark.search(said):
            return Provenance(tool, tool_version=_version(packet, tool), source_type=source)
    if source is None:
        # China's mark for what machines made says that it is, and who published it
        marked = texts.named("aigc") or ":AIGC" in packet
        return Provenance("unknown", understood=False) if marked else None
    edited = _PHOTOSHOP in said and source in _SYNTHETIC
    tool = _PHOTOSHOP if edited else "unknown"
    return Provenance(tool, tool_version=_version(packet, tool), source_type=source)


def _said(texts: Texts, packet: str) -> str:
    said = [texts.named("software") or ""]
    for one in ("c2pa.generator", "c2pa.issuer"):
        value = texts.more.get(one)
        said.append(value if isinstance(value, str) else "")
    if packet:
        said.append(Packet(packet).value("CreatorTool") or "")
        credit = Packet(packet).value("Credit") or ""
        if credit.startswith(_GOOGLE):  # others credit people here
            said.append(credit)
    return "\n".join(one[:400] for one in said).lower()


def _version(packet: str, tool: str) -> str | None:
    """Return the version behind a program's name, as in ``Adobe Photoshop 25.3 (Macintosh)``."""
    creator = Packet(packet).value("CreatorTool") if packet else None
    at = (creator or "").lower().find(tool)
    rest = creator[at + len(tool) :].split() if creator and at >= 0 else []
    return name(rest[0]) if rest and rest[0][0].isdigit() else None
