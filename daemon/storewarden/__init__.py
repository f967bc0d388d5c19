"""Storewarden records every file that lands in the directories it watches.

The whole story, one direction, one room per stage:

    watch    the system's events, a scan or a timer say that something may have changed
      │        Change: a root, a path, what was seen; a hint, never a fact
    settle   waits until a file is quiet, folds many hints about it into one
      │        Candidate: worth a look now
    record   takes the stat, commits it in batches: from here on nothing is forgotten
      │        File: a row of the catalogue, the durable hand-off to everything below
    inspect  reads the file in the background: digest, kind, media, provenance
      │        Facts: what the file is
    decide   facts, policies and a time in; what should happen, when and why out; pure
      │        Decision: with its reasons
    act      one journalled job at a time; removes nothing without proof
      │        Outcome: what was done
    measure  counts it for Prometheus and for people

The scan is the truth and events are hints: whatever was missed, the next scan makes right.
``pipeline`` alone knows this order, ``daemon`` puts the parts together, ``cli`` is the door.
"""

TYPE_CHECKING = False  # as checkers know it; the module typing takes time of its own
if TYPE_CHECKING:
    from storewarden.databases.manager import DatabaseStorageManager
    from storewarden.databases.watching import watch_queries

__all__ = ["DatabaseStorageManager", "__version__", "watch_queries"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what applications ask for when they ask: verbs start without it."""
    if name == "DatabaseStorageManager":
        from storewarden.databases.manager import DatabaseStorageManager  # noqa: PLC0415

        return DatabaseStorageManager
    if name == "watch_queries":
        from storewarden.databases.watching import watch_queries  # noqa: PLC0415

        return watch_queries
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
