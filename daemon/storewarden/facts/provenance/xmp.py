"""What an XMP packet says of a file's making: searched, never parsed, as it is a stranger's."""

from __future__ import annotations

import html
import re
from typing import Final

_MOST: Final = 1 << 20
_LONGEST: Final = 64 << 10
_TAG: Final = re.compile(r"\s{0,20}(?:<rdf:(?:Alt|Seq|Bag|li)(?:\s[^<>]{0,200})?>\s{0,200}){0,3}")
_RESOURCE: Final = re.compile(r"""[^<>]{0,200}?\srdf:resource\s?=\s?["']([^"'<>]{1,300})["']""")


class Packet:
    """One packet, asked for properties by their name, whatever prefix they have."""

    __slots__ = ("_packet",)

    def __init__(self, packet: str) -> None:
        self._packet = packet[:_MOST]

    def value(self, name: str) -> str | None:
        """Return a property, written as an attribute, as an element or as the first of a list."""
        packet, at = self._packet, 0
        for _ in range(8):
            at = packet.find(f":{name}", at)
            if at < 0:
                return None
            at += len(name) + 1
            found = self._at(at)
            if found:
                return found
        return None

    def _at(self, at: int) -> str | None:
        rest = self._packet[at : at + 2]
        if rest[:1] == "=":
            quote = rest[1:]
            end = self._packet.find(quote, at + 2) if quote in ('"', "'") else -1
            return _unescaped(self._packet[at + 2 : end]) if 0 <= end <= at + _LONGEST else None
        if rest[:1] == ">":
            match = _TAG.match(self._packet, at + 1)
            begin = match.end() if match else at + 1
            end = self._packet.find("<", begin)
            return _unescaped(self._packet[begin:end]) if 0 <= end <= begin + _LONGEST else None
        resource = _RESOURCE.match(self._packet, at) if rest[:1].isspace() else None
        return resource[1] if resource else None


def _unescaped(value: str) -> str:
    return html.unescape(value).strip() if "&" in value else value.strip()


def source_type(packet: str) -> str | None:
    """Return IPTC's digital source type: the last part of the address that stands for it."""
    if "DigitalSourceType" not in packet:
        return None
    told = Packet(packet).value("DigitalSourceType") or ""
    word = told.rstrip("/").rsplit("/", 1)[-1].strip()
    return word if word.isalnum() and word.isascii() and len(word) < 64 else None  # noqa: PLR2004  # no word is longer
