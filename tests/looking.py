"""One look into one file by one inspector, as a test asks for it."""

from storewarden.facts.found import Found
from storewarden.facts.inspectors import INSPECTORS
from storewarden.facts.reader import Malformed, Reader


def look(inspector: str, data: bytes) -> Found:
    """Return what is found in a file that is in order."""
    found = Found()
    INSPECTORS[inspector].read(Reader.of_bytes(data), found)
    return found


def complaint(inspector: str, data: bytes) -> tuple[Found, str]:
    """Return what is found in a file that is not, and what is wrong with it; "" is nothing."""
    found = Found()
    try:
        INSPECTORS[inspector].read(Reader.of_bytes(data), found)
    except Malformed as error:
        return found, str(error)
    return found, ""


def texts(found: Found) -> dict[str, str]:
    """Return the texts by where they were."""
    return {text.where: text.text for text in found.texts}
