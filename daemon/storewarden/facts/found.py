"""What an inspector gathers while it reads: as it goes, so that a broken file tells some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from storewarden.model import Scalar, Transcript

_MOST_TEXTS: Final = 256
_MOST_CHARACTERS: Final = 4 << 20  # of all texts together


class Text(NamedTuple):
    """A text that lay in the file, and where: ``png:parameters``, ``exif:UserComment``, ``xmp``."""

    where: str
    text: str


@dataclass(slots=True)
class Found:
    """Facts as they come. The names are those of model.Media; None is not told."""

    kind: str | None = None  # when the content tells more than its first bytes did
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration_ns: int | None = None
    codec: str | None = None
    audio_codec: str | None = None
    bit_rate: int | None = None
    fps: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    colour: str | None = None
    orientation: int | None = None
    pages: int | None = None
    transcript: Transcript | None = None
    workflow: str | None = None
    scene: str | None = None
    texts: list[Text] = field(default_factory=list)  # what may tell how the file was made
    more: dict[str, Scalar] = field(default_factory=dict)
    _room: int = _MOST_CHARACTERS

    def text(self, where: str, text: str) -> None:
        """Keep a text that may tell how the file was made; beyond a bound they are dropped."""
        if text and len(self.texts) < _MOST_TEXTS and len(text) <= self._room:
            self._room -= len(text)
            self.texts.append(Text(where, text))
