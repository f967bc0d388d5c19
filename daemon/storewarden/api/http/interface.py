"""Every route of the interface."""

from __future__ import annotations

from typing import Final

from storewarden.api.http import telling
from storewarden.api.http.routes import Route

ROUTES: Final[tuple[Route, ...]] = telling.ROUTES
