"""The kinds of events, and what each says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storewarden.errors import UsageError

EVENTS: Final[dict[str, str]] = {
    "created": "a file was seen for the first time",
    "changed": "it has other content than before",
    "saved-over": "a program wrote a new file beside it and put that in its place",
    "renamed": "it has another name or directory; `detail.was` is the one before",
    "missing": "it is gone from where it was, by another's hand",
    "returned": "it is back where it was",
    "replaced": "it was gone, and another file lies in its place",
    "described": "more is known of it: it was looked into, or a text of it was told",
    "pinned": "it was pinned: no policy takes it away",
    "unpinned": "its pin was taken off",
    "rated": "it was rated",
    "tagged": "it was given tags, or tags were taken from it",
    "owned": "somebody said whose it is",
    "told": "an application told of it",
    "copied": "there is a verified copy of it in a store",
    "moved": "it was moved to another place by a policy or a person",
    "archived": "it lies in a store, and no longer in its root",
    "trashed": "it lies in the trash",
    "purged": "it was removed for good",
    "restored": "it was brought back to its root",
    "restored-elsewhere": "it was brought back, and put elsewhere",
    "vanished": "it was removed from the trash by another's hand",
    "copy-replaced": "a copy in a store took the place of an older one",
    "copy-outdated": "a copy in a store is of what the file was before",
    "copy-lost": "a copy in a store is not there any more; there is another",
    "copy-damaged": "the last copy in a store is not what it should be",
    "copy-sound": "a copy that was damaged is what it should be again",
    "missed": (
        "the journal no longer reaches back to what was heard last, or the catalogue is another"
        " one: list anew what matters; what follows is all that is kept"
    ),
}

MISSED: Final = "missed"


def chosen(words: Iterable[str]) -> frozenset[str]:
    """Return the kinds of events that are meant, none for all; raises UsageError."""
    found = frozenset(part.strip() for word in words for part in word.split(",") if part.strip())
    for word in sorted(found):
        if word not in EVENTS:
            from difflib import get_close_matches  # noqa: PLC0415  # only a mistake needs it

            near = get_close_matches(word, EVENTS, n=1)
            raise UsageError(
                "there is no such event",
                where=word[:80].encode("ascii", "backslashreplace").decode(),
                remedy=f"did you mean {near[0]}?" if near else f"there are {', '.join(EVENTS)}",
            )
    return found
