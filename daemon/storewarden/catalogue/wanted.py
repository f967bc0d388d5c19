"""What one look into the index of words asks for."""

from __future__ import annotations

from dataclasses import dataclass

from storewarden.catalogue.orm import Node
from storewarden.catalogue.query import FIELDS, Item, Query


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query, how wide or narrow it is taken, and what else shall hold for a file."""

    query: Query
    whole: bool = False  # the free words stand together, in their order
    anywhere: bool = False  # items without a field may stand in the negative prompt as well
    above: int = 0  # only files with a higher number
    condition: Node | None = None  # what else a row of the index must meet

    def fields_of(self, item: Item) -> tuple[str, ...]:
        """Return where a wanted item may stand."""
        return FIELDS if self.anywhere and item.field is None else item.fields
