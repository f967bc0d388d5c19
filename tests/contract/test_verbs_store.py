"""`storewarden store check` against a real S3 server: each mistake has its step and its remedy."""

from pathlib import Path

import pytest

from tests.objects import Bench
from tests.servers import swift
from tests.unit.cli.conftest import Ran, Run, here, run

__all__ = ["here", "run"]  # fixtures of the verbs' own tests


@pytest.fixture
def bench(s3_url: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench.at(s3_url)
    (here / "storewarden.yaml").write_text("roots: {a: ./a}\n")
    monkeypatch.setenv("STOREWARDEN_STORES_CLOUD_URL", f"s3://{bench.bucket}/media")
    monkeypatch.setenv("STOREWARDEN_STORES_CLOUD_ENDPOINT", s3_url)
    for name, value in swift.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return bench


def failed(ran: Ran) -> tuple[str, str, str]:
    """Return the step that failed, why, and what to do."""
    assert ran.code == 1
    assert not ran.json["ok"]
    last = ran.json["steps"][-1]
    return last["step"], last["why"], last["remedy"]


def test_a_bucket_that_can_be_used(bench: Bench, run: Run) -> None:
    ran = run("store", "check", "cloud", "--json")

    assert ran.code == 0
    assert [(one["step"], one["ok"]) for one in ran.json["steps"]] == [
        ("answers", True),
        ("lists", True),
        ("writes, reads back, removes", True),
        ("room", True),
    ]
    assert list(bench.store().list()) == []


@pytest.mark.parametrize(
    ("name", "value", "why", "remedy"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "the secret key is wrong", "credentials"),
        ("AWS_ACCESS_KEY_ID", "test:nobody", "key", "credentials"),
        ("STOREWARDEN_STORES_CLOUD_URL", "s3://nobody-made-this/x", "no such bucket", "make it"),
        ("STOREWARDEN_STORES_CLOUD_REGION", "eu-1", "the region is wrong", "set the store's"),
        ("STOREWARDEN_STORES_CLOUD_ENDPOINT", "http://127.0.0.1:9", "nobody listens", "endpoint"),
    ],
)
def test_what_is_wrong_is_told_at_the_first_step(
    bench: Bench,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    why: str,
    remedy: str,
) -> None:
    monkeypatch.setenv(name, value)

    step, told, what_to_do = failed(run("store", "check", "cloud", "--json"))

    assert (step, why in told, remedy in what_to_do) == ("answers", True, True), (told, what_to_do)
    assert list(bench.store().list()) == []


@pytest.mark.usefixtures("bench")
def test_without_a_key_it_is_said_how_to_give_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in swift.ENVIRONMENT:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")

    step, why, remedy = failed(run("store", "check", "cloud", "--json"))

    assert step == "answers"
    assert "no credentials" in why
    assert "LoadCredential=store.cloud:" in remedy
