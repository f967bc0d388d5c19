"""Who we are to an object store: from a credential of the service, the environment, the machine.

Never from the configuration: that is read by people, printed by `config` and kept in git.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from storewarden.errors import StoreRefused, StoreUnavailable
from storewarden.store.signing import Keys

DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what `LoadCredential=` names."""

_LARGEST: Final = 64 << 10
_EARLY: Final = timedelta(minutes=5)
_WAIT: Final = 2.0  # seconds; the machine's own service answers at once or not at all
_CONTAINER: Final = "http://169.254.170.2"
_MACHINE: Final = "http://169.254.169.254"
_ROLES: Final = "/latest/meta-data/iam/security-credentials/"

Fetch = Callable[[str, str, Mapping[str, str]], bytes]
"""Method, URL and headers; the answer."""


def given(store: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is said of who we are: the store's own credential, else the environment.

    The credential is a file `store.NAME`: lines `NAME=value` as in an environment, or the JSON of
    a Google service account.
    """
    directory = environ.get(DIRECTORY)
    if not directory:
        return environ
    path = os.path.join(directory, f"store.{store}")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST)
    except FileNotFoundError:
        return environ
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise StoreRefused(
            "the store's credential cannot be read", where=path, why=why, remedy="write it anew"
        ) from None
    if text.lstrip().startswith("{"):
        return {"GOOGLE_SERVICE_ACCOUNT_KEY": text}
    return _lines(text, path)


def _lines(text: str, path: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not separator:
            raise StoreRefused(
                "the store's credential cannot be read",
                where=f"{path}:{number}",
                why="no NAME=value",
                remedy="write lines like AWS_ACCESS_KEY_ID=…",
            )
        found[name.strip()] = value.strip().strip("\"'")
    return found


class S3Keys:
    """Keys for S3, fetched anew before they are over."""

    def __init__(
        self,
        store: str,
        environ: Mapping[str, str],
        *,
        fetch: Fetch | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._environ, self._now = store, environ, now
        self._fetch = fetch or _fetched
        self._lock = threading.Lock()
        self._keys: Keys | None = None

    def __call__(self) -> Keys:
        """Return keys that are good for some minutes.

        Raises:
            StoreRefused: nobody gave us any.
        """
        with self._lock:
            if self._keys is None or self._is_over(self._keys):
                self._keys = self._found()
            return self._keys

    def _is_over(self, keys: Keys) -> bool:
        return keys.expires is not None and self._now() > keys.expires - _EARLY

    def _found(self) -> Keys:
        said = given(self._store, self._environ)
        access, secret = said.get("AWS_ACCESS_KEY_ID"), said.get("AWS_SECRET_ACCESS_KEY")
        if access and secret:
            return Keys(access, secret, said.get("AWS_SESSION_TOKEN") or None)
        try:
            found = json.loads(self._from_container() or self._from_machine())
            return Keys(
                str(found["AccessKeyId"]),
                str(found["SecretAccessKey"]),
                str(found["Token"]),
                datetime.fromisoformat(found["Expiration"]),
            )
        except (OSError, HTTPException):
            remedy = (
                f"put AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=… into a file and name it to "
                f"the service: LoadCredential=store.{self._store}:/path; or set them as variables"
            )
            raise StoreRefused(
                "the store cannot be used", where=self._store, why="no credentials", remedy=remedy
            ) from None
        except (ValueError, KeyError, TypeError):
            raise StoreUnavailable(
                "the store cannot be used",
                where=self._store,
                why="the machine's credentials cannot be understood",
            ) from None

    def _from_container(self) -> bytes | None:
        """Return what ECS and EKS give to a container; None outside of one."""
        relative = self._environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = self._environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if relative:
            url = _CONTAINER + relative
        if not url:
            return None
        headers = {}
        if path := self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            with open(path, encoding="utf-8") as file:
                headers["Authorization"] = file.read(_LARGEST).strip()
        return self._fetch("GET", url, headers)

    def _from_machine(self) -> bytes:
        """Return what EC2 gives to a machine with a role (IMDSv2)."""
        at = self._environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", _MACHINE).rstrip("/")
        seconds = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
        token = self._fetch("PUT", f"{at}/latest/api/token", seconds).decode()
        headers = {"X-aws-ec2-metadata-token": token}
        role = self._fetch("GET", at + _ROLES, headers).decode().split()[0]
        return self._fetch("GET", at + _ROLES + role, headers)


def _fetched(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise OSError("no address")
    opener = build_opener(ProxyHandler({}))  # it is on this machine: no proxy may see it
    request = Request(url, headers=dict(headers), method=method)  # noqa: S310  # looked at above
    with opener.open(request, timeout=_WAIT) as answer:
        body: bytes = answer.read(_LARGEST)
        return body


def for_obstore(keys: S3Keys) -> Callable[[], dict[str, Any]]:
    """Return keys in the form in which obstore asks for them."""

    def provide() -> dict[str, Any]:
        found = keys()
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.session_token,
            "expires_at": found.expires,
        }

    return provide
