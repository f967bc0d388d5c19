"""What happens, read from a catalogue: looked for again and again, as another process wrote it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

from storewarden.api.events.heard import hear, wanted
from storewarden.api.reading.reader import Reader
from storewarden.catalogue.events import cursor as cursors
from storewarden.catalogue.events import feed
from storewarden.catalogue.events.cursor import Cursor
from storewarden.client.happened import Event, event_of
from storewarden.client.patience import Deadline
from storewarden.errors import StorewardenError

START = "start"
LOOK = 0.25  # seconds between two looks
AT_ONCE = 500


def listen(
    reader: Callable[[], Reader],
    kinds: Sequence[str],
    terms: Sequence[str],
    after: str | None,
    seconds: float | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Event, None, None]:
    """Yield what happens after an event, until so many seconds are over; for ever with None."""
    deadline = None if seconds is None else Deadline(seconds)
    first = reader()
    asked = wanted(kinds, terms, first.who, first.host_id)
    cursor = _begin(first, after)
    while True:
        more = False
        try:
            now = reader()
            told = hear(now.engine, asked, cursor, AT_ONCE, now.now_ns)
        except StorewardenError as error:
            if not error.transient:
                raise
        else:
            yield from (event_of(text) for _, _, text in told.events)
            cursor, more = told.cursor, told.more
        if deadline is not None and deadline.over:
            return
        if not more:
            sleep(LOOK if deadline is None else min(LOOK, deadline.left))


def _begin(reader: Reader, after: str | None) -> Cursor:
    if after is None:
        return feed.newest(reader.engine, reader.host_id)
    return Cursor() if after == START else cursors.read(after)
