"""What failed, on which object, why, and what to do about it; transient or permanent.

Errors are translated where they enter: no module above the one that met it sees an ``OSError``,
an ``apsw.Error`` or a ``psycopg.Error``.
"""

from __future__ import annotations

DONE, FAILED, WRONG_USE, HELD = 0, 1, 2, 3  # exit codes, see DESIGN.md "Faces"


class StorewardenError(Exception):
    """Base of all expected errors; ``str()`` is one line: ``what: object: why; remedy``."""

    exit_code = FAILED
    transient = False

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what, where, why, remedy)
        self.what, self.where, self.why, self.remedy = what, where, why, remedy

    def __str__(self) -> str:
        line = ": ".join(part for part in (self.what, self.where, self.why) if part)
        return f"{line}; {self.remedy}" if self.remedy else line


class UsageError(StorewardenError):
    """A verb was called wrongly."""

    exit_code = WRONG_USE


class ConfigError(StorewardenError):
    """The configuration has problems; ``problems`` holds every one of them, a line each."""

    exit_code = WRONG_USE

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("the configuration cannot be used")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class PolicyError(ConfigError):
    """Policy files have problems; ``problems`` holds every one of them, a line each."""


class MapError(ConfigError):
    """A map of an application's tables has problems, by itself or beside these tables."""


class TransientError(StorewardenError):
    """Trying again can help."""

    transient = True


class PermanentError(StorewardenError):
    """Trying again cannot help before somebody changes something."""


class CatalogueBusy(TransientError):
    """Another connection holds the catalogue longer than we wait."""


class CatalogueFull(TransientError):
    """No space under the catalogue; nothing was lost, the batch is kept and tried again."""


class CatalogueUnavailable(TransientError):
    """The catalogue cannot be reached or written now (read-only, I/O error, server down)."""


class CatalogueCorrupt(PermanentError):
    """The catalogue's file is damaged."""


class CatalogueTooNew(PermanentError):
    """The catalogue was written by a newer program; this one refuses to touch it."""

    exit_code = WRONG_USE


class CatalogueRefused(PermanentError):
    """A row or a statement breaks a rule of the catalogue; nothing of its transaction was kept."""


class HeldByAnother(StorewardenError):
    """Another live process holds the lease."""

    exit_code = HELD


class LeaseLost(StorewardenError):
    """The lease was taken over while this process was paused; it must stop writing at once."""

    exit_code = HELD


class WatchError(TransientError):
    """A watch could not be placed."""


class StoreUnavailable(TransientError):
    """A store is away, too slow or failing now; nothing that is here was touched because of it."""


class StoreFull(TransientError):
    """A store has no room for an object."""


class StoreRefused(PermanentError):
    """A store may not be used so: wrong credentials, no such bucket, read-only, a wrong key."""


class ObjectExists(PermanentError):
    """A key is taken by another object, which stays as it is."""


class ObjectMissing(PermanentError):
    """There is no object under a key."""


class ObjectDamaged(PermanentError):
    """An object is not, or not wholly, what was put there."""


class FileChanged(PermanentError):
    """A file is not what it was when its act was decided; it was left as it is."""


class FileUnusable(TransientError):
    """A file of a root cannot be read, or made, now: permission, no room, an I/O error."""


class PlaceTaken(PermanentError):
    """Something stands where a file should come; it was left as it is."""


class DatabaseBusy(TransientError):
    """An application holds its database longer than we wait; it was left to it."""


class DatabaseUnavailable(TransientError):
    """The server of a database does not answer, or refuses us, now."""


class DatabaseChanged(TransientError):
    """A database changed while it was looked at: what was seen is none of its states."""


class DatabaseDamaged(PermanentError):
    """A database, or a backup of one, does not hold what it should."""


class DatabaseUnusable(PermanentError):
    """A file is no database that we can read: another format, encrypted, hostile, unreadable."""


class ListenerAway(TransientError):
    """A listener does not answer, or says that it cannot now; what it is to hear waits for it."""

    def __init__(self, what: str, *, where: str = "", why: str = "", later: float = 0.0) -> None:
        super().__init__(what, where=where, why=why)
        self.later = later  # seconds, after which it wants to be asked again


class ListenerRefused(PermanentError):
    """A listener answers, and does not take what it was sent."""


class WorkStopped(TransientError):
    """Work was given up because somebody asked for it; nothing half done was left."""


class NotKnown(PermanentError):
    """Nobody is known by a token, or it holds no longer."""


class NotAllowed(PermanentError):
    """Who asks is known, and may not do that."""


class NotThere(PermanentError):
    """There is no such thing, for all that who asks may know."""


class QuotaExceeded(PermanentError):
    """A user has as much as it may have: nothing more is taken in, and nothing is removed."""


class AlreadyThere(PermanentError):
    """There is such a thing, and it was to be a new one."""
