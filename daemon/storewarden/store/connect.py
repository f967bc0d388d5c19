"""From what the configuration says of an object store to one that can be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from storewarden.config.schema import CHECKSUM, StoreSettings
from storewarden.errors import StoreRefused
from storewarden.store.contract import Store
from storewarden.store.credentials import S3Keys, for_obstore, given
from storewarden.store.limits import Limits, Sizes
from storewarden.store.multipart import Multipart
from storewarden.store.object import ObjectStore
from storewarden.store.remote import Remote
from storewarden.store.wire import Bucket, Wire

_REGION: Final = "us-east-1"
_EXTRA: Final = "pip install 'storewarden[object]'"


def connect(
    settings: StoreSettings,
    environ: Mapping[str, str] = os.environ,
    *,
    limits: Limits | None = None,
    sizes: Sizes | None = None,
) -> Store:
    """Return the object store that settings name by a URL; nothing is asked of it yet.

    Raises:
        StoreRefused: it cannot be used as it is configured.
    """
    limits = limits or Limits()
    address = urlsplit(settings.url or "")
    prefix = address.path.strip("/")
    try:
        if address.scheme == "s3":
            bucket = _bucket(settings, environ, address.netloc, prefix)
            keys = S3Keys(settings.name, environ)
            remote = Remote(settings.name, _s3(bucket, keys, limits), keys)
            multipart = Multipart(Wire(settings.name, bucket, keys, limits))
            receipts = settings.verify == CHECKSUM
            return ObjectStore(remote, multipart, limits=limits, sizes=sizes, receipts=receipts)
        said = given(settings.name, environ)
        client = _CLIENTS[address.scheme](address.netloc, prefix, said, limits)
        return ObjectStore(Remote(settings.name, client), None, limits=limits, sizes=sizes)
    except ImportError:
        raise StoreRefused(
            "an object store cannot be used",
            where=settings.name,
            why="obstore is not installed",
            remedy=_EXTRA,
        ) from None


def _bucket(settings: StoreSettings, environ: Mapping[str, str], name: str, prefix: str) -> Bucket:
    region = settings.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    region = region or _REGION
    endpoint = (
        settings.endpoint
        or environ.get("AWS_ENDPOINT_URL_S3")
        or environ.get("AWS_ENDPOINT_URL")
        or f"https://s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    )
    return Bucket(endpoint.rstrip("/"), name, f"{prefix}/" if prefix else "", region)


def _s3(bucket: Bucket, keys: S3Keys, limits: Limits) -> Any:
    from obstore.store import S3Store  # noqa: PLC0415  # 16 MB that only who has such a store pays for

    return S3Store(
        bucket.name,
        prefix=bucket.prefix.rstrip("/") or None,
        aws_endpoint_url_s3=bucket.endpoint,
        region=bucket.region,
        virtual_hosted_style_request=False,
        checksum_algorithm="SHA256",
        unsigned_payload=False,
        skip_signature=False,
        disable_tagging=True,
        disable_bulk_delete=True,  # its answer is 200 whatever became of the object
        client_options=_options(limits, http=bucket.endpoint.startswith("http:")),
        retry_config=_retries(limits),
        credential_provider=for_obstore(keys),  # type: ignore[arg-type]  # a dict of that form
    )


def _google(bucket: str, prefix: str, said: Mapping[str, str], limits: Limits) -> Any:
    from obstore.store import GCSStore  # noqa: PLC0415

    key = said.get("GOOGLE_SERVICE_ACCOUNT_KEY")
    config: dict[str, Any] = {"service_account_key": key} if key else {}
    return GCSStore(
        bucket,
        prefix=prefix or None,
        config=config,  # type: ignore[arg-type]  # a dict of that form
        client_options=_options(limits),
        retry_config=_retries(limits),
    )


def _azure(container: str, prefix: str, said: Mapping[str, str], limits: Limits) -> Any:
    from obstore.store import AzureStore  # noqa: PLC0415

    names = {
        "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
        "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
        "sas_key": "AZURE_STORAGE_SAS_KEY",
        "client_id": "AZURE_STORAGE_CLIENT_ID",
        "client_secret": "AZURE_STORAGE_CLIENT_SECRET",
        "tenant_id": "AZURE_STORAGE_TENANT_ID",
    }
    config: Any = {key: said[name] for key, name in names.items() if said.get(name)}
    return AzureStore(
        container,
        prefix=prefix or None,
        config=config,
        client_options=_options(limits),
        retry_config=_retries(limits),
    )


_CLIENTS: Final = {"gs": _google, "az": _azure}


def _options(limits: Limits, *, http: bool = False) -> Any:
    return {
        "allow_http": http,
        "connect_timeout": timedelta(seconds=limits.connect),
        "read_timeout": timedelta(seconds=limits.read),
        "timeout": timedelta(seconds=limits.request),
    }


def _retries(limits: Limits) -> Any:
    """Let the library try a little: what takes longer is for whoever called."""
    return {
        "max_retries": limits.attempts - 1,
        "retry_timeout": timedelta(seconds=limits.request),
        "backoff": {
            "init_backoff": timedelta(seconds=limits.pause),
            "max_backoff": timedelta(seconds=limits.pause * 8),
            "base": 2,
        },
    }
