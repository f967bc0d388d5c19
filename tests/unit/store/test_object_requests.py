"""Signatures, keys and what servers say: without a server."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from storewarden.errors import (
    ObjectExists,
    ObjectMissing,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.blame import Place, from_answer, from_words
from storewarden.store.credentials import S3Keys
from storewarden.store.signing import Keys, Unsigned, signed_headers, written_path, written_query

NOW = datetime(2013, 5, 24, tzinfo=UTC)
# The keys of Amazon's own examples ("Signature Calculations for the Authorization Header").
EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
EMPTY = sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            Unsigned("GET", HOST, "/test.txt", "", {"range": "bytes=0-9"}, EMPTY),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Unsigned(
                "PUT",
                HOST,
                written_path("/test$file.text"),
                "",
                {
                    "date": "Fri, 24 May 2013 00:00:00 GMT",
                    "x-amz-storage-class": "REDUCED_REDUNDANCY",
                },
                sha256(b"Welcome to Amazon S3.").hexdigest(),
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Unsigned(
                "GET",
                HOST,
                "/",
                written_query([("prefix", "J"), ("max-keys", "2")]),
                {},
                EMPTY,
            ),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["GET", "PUT", "list"],
)  # fmt: skip
def test_signatures_are_those_of_amazons_examples(request_: Unsigned, signature: str) -> None:
    headers = signed_headers(request_, EXAMPLE, "us-east-1", NOW)

    assert headers["authorization"].endswith(f"Signature={signature}")


def test_keys_are_not_shown() -> None:
    keys = Keys("who", "secret", "token", NOW)

    assert not any(word in repr(keys) for word in ("who", "secret", "token'"))


class Machine:
    """What a machine with a role answers."""

    def __init__(self, *ends: datetime) -> None:
        self.ends = list(ends)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str]) -> bytes:
        self.asked.append((method, url))
        if url.endswith("/token"):
            return b"a token"
        if url.endswith("/security-credentials/"):
            assert headers["X-aws-ec2-metadata-token"] == "a token"
            return b"role\n"
        end = self.ends.pop(0).isoformat().replace("+00:00", "Z")
        found = {"AccessKeyId": f"key-{end}", "SecretAccessKey": "s", "Token": "t"}
        return json.dumps({**found, "Expiration": end}).encode()


def test_keys_of_the_machine_are_fetched_anew_before_they_are_over() -> None:
    now = [NOW]
    machine = Machine(NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    keys = S3Keys("cloud", {}, fetch=machine, now=lambda: now[0])

    first = keys()
    assert keys() is first
    assert first.session_token == "t"
    assert len(machine.asked) == 3
    now[0] += timedelta(minutes=56)

    assert keys() != first
    assert len(machine.asked) == 6


def test_keys_of_a_container_come_from_where_it_is_told() -> None:
    machine = Machine(NOW + timedelta(hours=1))
    environ = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}

    S3Keys("cloud", environ, fetch=machine, now=lambda: NOW)()

    assert machine.asked == [("GET", "http://169.254.170.2/v2/x")]


def test_a_machine_that_answers_something_else_is_tried_again() -> None:
    keys = S3Keys("cloud", {}, fetch=lambda *_: b"<html>")

    with pytest.raises(StoreUnavailable, match="cannot be understood"):
        keys()


def test_a_file_in_the_place_of_the_environment_is_not_mixed_with_it(tmp_path: object) -> None:
    with open(f"{tmp_path}/store.cloud", "w") as file:
        file.write("AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "AWS_SESSION_TOKEN": "of another"}

    assert S3Keys("cloud", environ)() == Keys("a", "b", None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchBucket", StoreRefused),
        (404, "NoSuchKey", ObjectMissing),
        (404, "", ObjectMissing),
        (404, "NoSuchUpload", ObjectMissing),
        (403, "InvalidAccessKeyId", StoreRefused),
        (403, "SomethingNew", StoreRefused),
        (301, "", StoreRefused),
        (412, "PreconditionFailed", ObjectExists),
        (412, "", ObjectExists),
        (409, "ConditionalRequestConflict", ObjectExists),
        (507, "", StoreFull),
        (403, "QuotaExceeded", StoreFull),
        (500, "InternalError", StoreUnavailable),
        (503, "SlowDown", StoreUnavailable),
        (429, "", StoreUnavailable),
        (400, "RequestTimeout", StoreUnavailable),
        (400, "BadDigest", StoreUnavailable),
        (400, "MalformedXML", StoreRefused),
        (501, "NotImplemented", StoreUnavailable),
    ],
)
def test_answers_are_translated(status: int, code: str, kind: type[StorewardenError]) -> None:
    error = from_answer(status, code, "it failed", Place("cloud", "a/b"))

    assert type(error) is kind
    assert str(error).startswith("it failed: cloud: a/b: ")
    words = f"Server returned non-2xx status code: {status} X: <Error><Code>{code}</Code></Error>"
    assert type(from_words(ValueError(words), "it failed", Place("cloud"))) is kind
