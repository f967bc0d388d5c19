"""Pictures as Pillow writes them, with the texts that tools put into them."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, PngImagePlugin

PROMPT = (
    "lighthouse at dusk, stormy sea, <lora:sea:0.8>\n"
    "Negative prompt: blurry, text\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234567890, Size: 512x512, "
    "Model hash: 0123456789, Model: dreamshaper_8, Version: v1.9.4"
)
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
XMP_KEYWORD = "XML:com.adobe.xmp"
USER_COMMENT, MAKE, MODEL, DESCRIPTION, ORIENTATION = 0x9286, 0x010F, 0x0110, 0x010E, 0x0112
_EXIF = 0x8769


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32), shade: int = 0) -> Image.Image:
    """Return a picture that is not all of one colour."""
    image = Image.linear_gradient("L").resize(size).rotate(shade)
    if "A" in mode.removeprefix("LAB"):
        image.putalpha(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
        return image.convert("RGBA").convert(mode)
    return image.convert("RGB").convert(mode)


def written(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return a picture as a file of this format."""
    into = io.BytesIO()
    image.save(into, form, **options)
    return into.getvalue()


def moving(
    form: str, durations: Sequence[int], size: tuple[int, int] = (48, 32), **options: Any
) -> bytes:
    """Return pictures that follow one another, each shown for so many milliseconds."""
    images = [picture("RGB", size, 40 * number) for number in range(len(durations))]
    first, rest = images[0], images[1:]
    return written(
        first, form, save_all=True, append_images=rest, duration=list(durations), **options
    )


def png(
    texts: dict[str, str] | None = None,
    *,
    mode: str = "RGB",
    size: tuple[int, int] = (48, 32),
    packed: bool = False,
    **options: Any,
) -> bytes:
    """Return a PNG with texts; Pillow takes tEXt or zTXt where it can and iTXt where it must."""
    info = PngImagePlugin.PngInfo()
    for keyword, text in (texts or {}).items():
        if keyword == XMP_KEYWORD:
            info.add_itxt(keyword, text)
        else:
            info.add_text(keyword, text, zip=packed)
    return written(picture(mode, size), "PNG", pnginfo=info, **options)


def exif(
    *, comment: bytes | None = None, orientation: int | None = None, **texts: str
) -> Image.Exif:
    """Return EXIF with a user's comment, which begins with the eight bytes of its code."""
    block = Image.Exif()
    numbers = {"make": MAKE, "model": MODEL, "description": DESCRIPTION}
    for name, text in texts.items():
        block[numbers[name]] = text
    if orientation is not None:
        block[ORIENTATION] = orientation
    if comment is not None:
        block.get_ifd(_EXIF)[USER_COMMENT] = comment
    return block


def unicode_comment(text: str, encoding: str = "utf-16-be") -> bytes:
    """Return a user's comment as the tools around Stable Diffusion write it."""
    return b"UNICODE\0" + text.encode(encoding)
