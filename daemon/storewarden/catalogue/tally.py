"""How many rows a table has, and a digest of all of them in which their order has no say.

Two databases sort texts and keep rows each in its own way. So each row has a digest, and the
table's is their sum: it is computed while rows pass, of any number of them, and is the same
wherever the same rows are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from storewarden.catalogue.engine import Row

_BYTES = 32
_NUL = "\\x00"  # as repr writes it


@dataclass(slots=True)
class Tally:
    """What was counted of the rows of one table so far."""

    rows: int = 0
    sum: int = 0

    @property
    def digest(self) -> str:
        """The digest of all rows, in hexadecimal digits."""
        return f"{self.sum % (1 << 8 * _BYTES):0{2 * _BYTES}x}"

    def add(self, row: Row) -> int:
        """Count one row; return about how many bytes it takes."""
        text = written(row).encode("utf-8", "surrogatepass")
        self.rows += 1
        self.sum += int.from_bytes(blake2b(text, digest_size=_BYTES).digest())
        return len(text)

    def add_all(self, rows: Iterable[Row]) -> Tally:
        """Count rows; return this."""
        for row in rows:
            self.add(row)
        return self

    def is_like(self, other: Tally) -> bool:
        """Tell whether the other counted the same rows."""
        return (self.rows, self.digest) == (other.rows, other.digest)


def written(row: Row) -> str:
    """Return a row as a text that no other row has; SQLite knows no minus nought, so nor do we."""
    text = repr(row)
    if "-0.0" not in text:
        return text
    return repr(tuple(cell + 0.0 if isinstance(cell, float) else cell for cell in row))


def without_nul(row: Row) -> Row:
    """Return a row whose texts PostgreSQL can hold: U+FFFD stands for NUL.

    That is how whatever is found in files is written into either database; a row that holds no
    such text is returned itself.
    """
    if _NUL not in repr(row):
        return row
    if not any(isinstance(cell, str) and "\0" in cell for cell in row):
        return row
    return tuple(cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell for cell in row)
