"""Midjourney: the command and its flags as the description, ended by the job's number."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.provenance.texts import Texts
from storewarden.facts.provenance.values import name, text, whole
from storewarden.facts.provenance.xmp import Packet, source_type
from storewarden.model import Provenance

TOOL: Final = "midjourney"
_JOB: Final = re.compile(r"Job ID:\s{0,4}([0-9a-fA-F-]{36})")
_FLAG: Final = re.compile(r"(?:^|\s)(?:--|—)([a-z]{1,20})(?![a-z-])", re.IGNORECASE)
_MOST_FLAGS: Final = 40


def read(texts: Texts) -> Provenance | None:
    """Return what a description with a job's number tells."""
    packet = texts.by_where.get("xmp", "")
    described = [
        texts.named("description"),
        texts.named("imagedescription"),
        texts.named("caption"),
    ]
    if "Job ID" in packet:
        described.append(Packet(packet).value("description"))
    for one in described:
        match = _JOB.search(one) if one and "Job ID" in one else None
        if one and match:
            return _told(one[: match.start()], source_type(packet))
    named = "idjourney" in (texts.named("software") or "")
    return Provenance(TOOL, understood=False) if named else None


def _told(command: str, source: str | None) -> Provenance:
    asked, flags = _divided(command.strip())
    version = flags.get("v", flags.get("version"))
    niji = flags.get("niji")
    return Provenance(
        TOOL,
        tool_version=name(f"niji {niji}" if niji is not None else version),
        prompt=text(asked),
        negative=text(flags.get("no")),
        seed=whole(flags.get("seed")),
        source_type=source,
    )


def _divided(command: str) -> tuple[str, dict[str, str]]:
    """Return the words of a command, and its flags with what stands behind each."""
    flags: dict[str, str] = {}
    asked, flag, begin = command, "", 0
    for match in _FLAG.finditer(command):
        if flag:
            flags.setdefault(flag, command[begin : match.start()].strip()[:1000])
        else:
            asked = command[: match.start()]
        flag, begin = match[1].lower(), match.end()
        if len(flags) >= _MOST_FLAGS:
            break
    if flag:
        flags.setdefault(flag, command[begin:].strip()[:1000])
    return asked, flags
