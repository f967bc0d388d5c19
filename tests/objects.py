"""Object stores for tests: small parts on a real server, a fault at a chosen request."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from storewarden.config.schema import StoreSettings
from storewarden.store.connect import connect
from storewarden.store.label import is_ours
from storewarden.store.limits import Limits, Sizes
from storewarden.store.object import ObjectStore
from tests.servers import swift

KIB = 1 << 10
SIZES = Sizes(whole=64 * KIB, part=1024 * KIB, flight=2100 * KIB, range=700 * KIB)
# Every call ends within seconds: what a test waits for has to be short.
HASTY = Limits(connect=1.0, read=1.0, request=3.0, attempts=2, pause=0.01)
PATIENT = Limits(connect=5.0, read=20.0, request=40.0, attempts=3, pause=0.05)
FUTURE_NS = 1 << 62


@dataclass(frozen=True)
class Bench:
    """One bucket of a server, for one test."""

    url: str
    bucket: str

    @classmethod
    def at(cls, url: str) -> "Bench":
        bucket = f"tests-{os.getpid()}-{secrets.token_hex(4)}"
        swift.make_bucket(url, bucket)
        return cls(url, bucket)

    def settings(self, url: str | None = None, prefix: str = "some/prefix") -> StoreSettings:
        where = f"s3://{self.bucket}/{prefix}".rstrip("/")
        return StoreSettings("cloud", url=where, endpoint=url or self.url)

    def store(
        self,
        url: str | None = None,
        *,
        limits: Limits = PATIENT,
        sizes: Sizes = SIZES,
        environ: Mapping[str, str] = swift.ENVIRONMENT,
    ) -> ObjectStore:
        """Open the store, at another address than the server's if that is told."""
        store = connect(self.settings(url), environ, limits=limits, sizes=sizes)
        assert isinstance(store, ObjectStore)
        return store


def unfinished(store: ObjectStore) -> int:
    """Return how many uploads nobody ended."""
    return 0 if store._multipart is None else len(list(store._multipart.unfinished()))


def leftovers(store: ObjectStore) -> int:
    """Return how much lies there that is no object and tells of none."""
    companions = [entry.key for entry in store._remote.list("") if is_ours(entry.key)]
    return unfinished(store) + sum(map(store._tells_of_nothing, companions))
