"""Every route of the interface."""

from __future__ import annotations

from typing import Final

from storewarden.api.http import accounts, asking, listening, pages, telling
from storewarden.api.http.routes import Route


def every() -> tuple[Route, ...]:
    """Return all of them."""
    return ROUTES


ROUTES: Final[tuple[Route, ...]] = (
    *telling.ROUTES,
    *asking.ROUTES,
    *listening.ROUTES,
    *accounts.ROUTES,
    *pages.about(every),
)
