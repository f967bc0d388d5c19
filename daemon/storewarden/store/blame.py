"""Why an object store refused or failed, in our words, with what to do about it.

What libraries and servers say is read for its code and then dropped: it holds URLs, signatures and
names of keys, none of which belongs in a log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from storewarden.errors import (
    ObjectExists,
    ObjectMissing,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)

_CODE: Final = re.compile(r"<Code>\s*([A-Za-z0-9]{1,64})\s*</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})\b")

# What a server says: its code, why, and what mends it.
_REFUSED: Final = {
    "NoSuchBucket": ("there is no such bucket", "make it, or correct url"),
    "ContainerNotFound": ("there is no such container", "make it, or correct url"),
    "InvalidBucketName": ("that is no name of a bucket", "correct url"),
    "InvalidAccessKeyId": ("the access key is not known there", "correct the store's credentials"),
    "SignatureDoesNotMatch": ("the secret key is wrong", "correct the store's credentials"),
    "AccessDenied": (
        "the key may not do that",
        "allow it to list, read, write and delete in this bucket",
    ),
    "ExpiredToken": ("the session token is over", "give the store new credentials"),
    "InvalidToken": ("the session token is wrong", "give the store new credentials"),
    "AuthorizationHeaderMalformed": ("the region is wrong", "set the store's region"),
    "PermanentRedirect": ("the bucket is in another region", "set the store's region"),
    "IllegalLocationConstraintException": (
        "the bucket is in another region",
        "set the store's region",
    ),
    "RequestTimeTooSkewed": (
        "this machine's clock is wrong",
        "set the clock (timedatectl set-ntp true)",
    ),
    "InvalidObjectState": ("the object lies in an archive class", "restore it there first"),
    "EntityTooLarge": ("the object is larger than that store takes", "use another store for it"),
    "KeyTooLongError": ("the key is longer than that store takes", "shorten the prefix in url"),
}
_FULL: Final = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "InsufficientCapacity"}
_MISSING: Final = {"NoSuchKey", "NotFound", "BlobNotFound"}
_TAKEN: Final = {
    "PreconditionFailed",
    "ConditionNotMet",
    "BlobAlreadyExists",
    "ConditionalRequestConflict",
}
# What happens on the way: the next time it may go well.
_ON_THE_WAY: Final = {
    "SlowDown",
    "RequestTimeout",
    "ServerBusy",
    "IncompleteBody",
    "BadDigest",
    "InvalidDigest",
    "XAmzContentSHA256Mismatch",
    "XAmzContentChecksumMismatch",
}
_FAILURES: Final = 500
_KNOWN: Final = {*_REFUSED, *_FULL, *_MISSING, *_TAKEN, *_ON_THE_WAY}

# What a bare status says, and one whose code we do not know.
_BY_STATUS: Final = {
    301: "PermanentRedirect",
    307: "PermanentRedirect",
    401: "AccessDenied",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "PreconditionFailed",
    412: "PreconditionFailed",
    507: "QuotaExceeded",
}
_PASSING: Final = {0, 408, 425, 429}

# What stands in the words of libraries when no server answered, and what that means.
_NO_ANSWER: Final = {
    "dns error|not known|name resolution": (
        "its name is not known",
        "check endpoint, and the name service",
    ),
    "ConnectionRefused|Connection refused": (
        "nobody listens there",
        "check endpoint, and that the store runs",
    ),
    "[Cc]ertificate|CERTIFICATE|UnknownIssuer": (
        "its certificate is not trusted",
        "add its authority to those that this system trusts",
    ),
    "InvalidContentType|WRONG_VERSION|HandshakeFailure|SSL": (
        "it does not speak TLS there",
        "check endpoint: http or https",
    ),
    "[Uu]nreachable|No route": ("there is no route to it", "check the network"),
    "TimedOut|timed out|kind: Timeout": ("it did not answer in time", "it is tried again"),
    "": ("the connection broke", "it is tried again"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which store, and which of its objects, for people."""

    store: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.store}: {self.key}" if self.key else self.store


def from_words(error: BaseException, what: str, place: Place) -> StorewardenError:
    """Translate what obstore raised."""
    words = str(error)
    status, code = _STATUS.search(words), _CODE.search(words)
    if status or code:
        return from_answer(int(status[1]) if status else 0, code[1] if code else "", what, place)
    name = type(error).__name__
    if name == "FileNotFoundError":
        return ObjectMissing(what, where=str(place), why="there is no such object")
    if name in {"AlreadyExistsError", "PreconditionError"}:
        return taken(what, place)
    if name in {"PermissionDeniedError", "UnauthenticatedError"}:
        return _refused(what, place, *_REFUSED["AccessDenied"])
    if name in {"InvalidPathError", "ValueError"}:
        return _refused(what, place, "that store cannot have such a key", "")
    return no_answer(words, what, place)


def from_answer(status: int, code: str, what: str, place: Place) -> StorewardenError:
    """Translate what a server answered."""
    meant = code if code in _KNOWN else _BY_STATUS.get(status, code)
    if meant in _TAKEN:
        return taken(what, place)
    if meant in _FULL:
        return StoreFull(what, where=str(place), why="it has no room", remedy="make room there")
    if meant in _REFUSED:
        return _refused(what, place, *_REFUSED[meant])
    if meant in _MISSING:
        return ObjectMissing(what, where=str(place), why="there is no such object")
    why = f"it answered {' '.join(filter(None, (str(status or ''), code)))}"
    if status in _PASSING or status >= _FAILURES or code in _ON_THE_WAY:
        return StoreUnavailable(what, where=str(place), why=why, remedy="it is tried again")
    return _refused(what, place, why, "whoever runs the store knows what that means")


def no_answer(words: str, what: str, place: Place) -> StoreUnavailable:
    """Tell why nobody answered, from the words of a library."""
    why, remedy = next(told for signs, told in _NO_ANSWER.items() if re.search(signs, words))
    return StoreUnavailable(what, where=str(place), why=why, remedy=remedy)


def taken(what: str, place: Place) -> ObjectExists:
    """Say that a key bears another object."""
    return ObjectExists(what, where=str(place), why="another object has that key")


def _refused(what: str, place: Place, why: str, remedy: str) -> StoreRefused:
    return StoreRefused(what, where=str(place), why=why, remedy=remedy)
