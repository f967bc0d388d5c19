"""A picture that is drawn twice as large and made smaller, so that lines are smooth."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

ZOOM: Final = 2
Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom

BACK: Final = "#111217"
PANEL: Final = "#181b1f"
BORDER: Final = "#2a2d34"
TEXT: Final = "#d5d5e0"
MUTED: Final = "#8e8e9a"
GRID: Final = "#26292f"
NAMED: Final = {
    "green": "#73bf69",
    "orange": "#ff9830",
    "red": "#f2495c",
    "blue": "#5794f2",
}
PALETTE: Final = (
    *("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0"),
    *("#37872d", "#fade2a", "#447ebc", "#c15c17", "#e0752d", "#0a9396", "#b5838d", "#9aa0a6"),
)


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size * ZOOM)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: no text can be drawn")
    return found


class Canvas:
    """Draws in pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * ZOOM, height * ZOOM), BACK)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def box(self, box: Box, fill: str, outline: str | None = None, radius: float = 3) -> None:
        """Draw a rectangle with round corners."""
        self._draw.rounded_rectangle(_zoomed(box), radius * ZOOM, fill, outline, ZOOM)

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """Draw a line through points."""
        made = [(x * ZOOM, y * ZOOM) for x, y in points]
        if len(made) == 1:
            (x, y) = made[0]
            self._draw.ellipse((x - ZOOM, y - ZOOM, x + ZOOM, y + ZOOM), colour)
            return
        self._draw.line(made, colour, max(1, round(width * ZOOM)), "curve")

    def dashes(self, start: Point, end: Point, colour: str) -> None:
        """Draw a level line in dashes."""
        x, y = start
        while x < end[0]:
            self.line([(x, y), (min(x + 6, end[0]), y)], colour)
            x += 11

    def area(self, points: Sequence[Point], colour: str, opacity: float) -> None:
        """Fill what points surround."""
        if len(points) > 2:  # noqa: PLR2004  # two surround nothing
            made = [(x * ZOOM, y * ZOOM) for x, y in points]
            self._draw.polygon(made, (*_rgb(colour), round(opacity * 255)))

    def text(
        self, at: Point, text: str, size: float = 12, colour: str = TEXT, anchor: str = "la"
    ) -> None:
        """Write text; ``anchor`` is which of its points lies there, as Pillow names it."""
        place = at[0] * ZOOM, at[1] * ZOOM
        text = text.replace("µ", "u")  # which the font that Pillow brings does not have
        self._draw.text(place, text, colour, _font(size), anchor)

    def fitting(self, text: str, room: float, size: float = 12) -> str:
        """Return the text, shortened to the room it has."""
        if wide(text, size) <= room:
            return text
        while text and wide(text + "…", size) > room:
            text = text[:-1]
        return text + "…"

    def save(self, path: Path) -> None:
        """Write it as PNG, in the colours that are drawn and those between them and the ground."""
        small = self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        path.parent.mkdir(parents=True, exist_ok=True)
        few = small.quantize(palette=_palette(), dither=Image.Dither.NONE)
        few.save(path, optimize=True)


@functools.cache
def _palette() -> Image.Image:
    """Return our colours and their way to a panel's ground: a chosen palette mixes them up."""
    colours = [_rgb(name) for name in (BACK, PANEL, BORDER, GRID)]
    ways = {
        (TEXT, MUTED, *NAMED.values()): [step / 12 for step in range(1, 13)],
        PALETTE: [1.0, 0.85, 0.7, 0.55, 0.45, 0.35, 0.2, 0.1],
    }
    for names, shares in ways.items():
        colours += [_mixed(_rgb(name), _rgb(PANEL), share) for name in names for share in shares]
    found = list(dict.fromkeys(colours))[:256]
    image = Image.new("P", (1, 1))
    image.putpalette([part for colour in found for part in colour])
    return image


def _rgb(name: str) -> tuple[int, int, int]:
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


def _mixed(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def wide(text: str, size: float = 12) -> float:
    """Return how wide a text is."""
    return _font(size).getlength(text) / ZOOM


def _zoomed(box: Box) -> Box:
    left, top, right, bottom = box
    return left * ZOOM, top * ZOOM, right * ZOOM, bottom * ZOOM
