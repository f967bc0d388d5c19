"""Records as answers."""

from __future__ import annotations

import json
from typing import Any

from storewarden.api.http.message import Response
from storewarden.api.reading.as_json import as_json


def record_of(record: Any, status: int = 200) -> Response:
    """Return a record as an answer."""
    return Response(status, json.dumps(as_json(record), separators=(",", ":")).encode("ascii"))
