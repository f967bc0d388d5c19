"""A store on a real S3 server: what it says when it cannot be used, and what nobody gets to see."""

import logging
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from storewarden.config.schema import StoreSettings
from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.connect import connect
from storewarden.store.key import key_of
from storewarden.store.label import companion_of
from storewarden.store.limits import Limits, Sizes
from storewarden.store.object import ObjectStore
from storewarden.store.wire import Wire
from tests.objects import FUTURE_NS, HASTY, KIB, PATIENT, SIZES, Bench, leftovers
from tests.servers.proxy import Fault, proxy_to
from tests.servers.swift import ENVIRONMENT, REGION
from tests.stores import content_of, source_of, whole

KEY = key_of("root", b"renders/a.mp4", "abcdefgh234567aa")
CANARY = "canary-8f3a1c"
MIB = 1 << 20


@pytest.fixture
def bench(s3_url: str) -> Bench:
    return Bench.at(s3_url)


def secret(**more: str) -> dict[str, str]:
    return {**ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": CANARY, **more}


def opened(bench: Bench, limits: Limits = PATIENT, **changed: str) -> ObjectStore:
    settings = replace(bench.settings(), **changed)  # type: ignore[arg-type]
    store = connect(settings, ENVIRONMENT, limits=limits, sizes=SIZES)
    assert isinstance(store, ObjectStore)
    return store


def nobody() -> str:
    """Return the address of a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def distrusted(path: Path) -> Iterator[str]:
    """Lend a TLS server with a certificate that nobody signed."""
    key, certificate = path / "key", path / "certificate"
    making = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        [*making, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        context.wrap_socket(connection, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def told(call: Callable[[], object]) -> str:
    """Return the one line in which a call fails, with its kind before it."""
    with pytest.raises(StorewardenError) as caught:
        call()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_check_tells_that_there_is_no_such_bucket(bench: Bench) -> None:
    store = opened(bench, url="s3://nobody-made-this/x")

    for call in (store.check, lambda: store.find(KEY), lambda: list(store.list())):
        line = told(call)
        assert line.startswith("StoreRefused: ")
        assert "no such bucket; make it, or correct url" in line


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"AWS_SECRET_ACCESS_KEY": CANARY}, "the secret key is wrong; correct"),
        ({"AWS_ACCESS_KEY_ID": CANARY}, "the secret key is wrong; correct"),  # Swift says so
    ],
    ids=["secret", "key"],
)
def test_a_check_tells_that_the_keys_are_wrong(
    bench: Bench, changed: dict[str, str], why: str
) -> None:
    store = connect(bench.settings(), {**ENVIRONMENT, **changed}, limits=PATIENT)

    line = told(store.check)

    assert line.startswith("StoreRefused: the store cannot be used: cloud: ")
    assert why in line
    assert told(lambda: store.put(KEY, source_of(b"x"), lambda: b"")).startswith("StoreRefused")
    assert told(lambda: store.find(KEY)).startswith("StoreRefused")


def test_a_check_tells_that_the_region_is_wrong(bench: Bench) -> None:
    line = told(opened(bench, region="eu-1").check)

    assert "StoreRefused" in line
    assert "the region is wrong; set the store's region" in line


def test_a_check_tells_that_the_clock_is_wrong(bench: Bench) -> None:
    store = opened(bench)
    assert store._multipart is not None
    wire = store._multipart._wire
    late = Wire(
        wire.store,
        wire.bucket,
        wire._keys,
        wire.limits,
        now=lambda: datetime.now(UTC) - timedelta(hours=2),
    )
    store._multipart._wire = late

    assert "this machine's clock is wrong; set the clock" in told(store.check)


def test_a_check_tells_that_nobody_answers(bench: Bench, tmp_path: Path) -> None:
    with distrusted(tmp_path) as tls:
        cases = {
            f"http://{nobody()}": "nobody listens there; check endpoint",
            "http://nowhere.invalid": "its name is not known; check endpoint",
            bench.url.replace("http", "https"): "it does not speak TLS there; check endpoint",
            tls: "its certificate is not trusted; add its authority",
        }
        for endpoint, why in cases.items():
            store = opened(bench, endpoint=endpoint)
            for call in (store.check, partial(store.find, KEY)):
                line = told(call)
                assert line.startswith("StoreUnavailable: ")
                assert why in line
    with proxy_to(bench.url) as proxy:
        proxy.rule = lambda _: Fault.SILENT
        assert "it did not answer in time" in told(opened(bench, HASTY, endpoint=proxy.url).check)


def test_a_store_without_keys_says_how_to_give_them(bench: Bench) -> None:
    environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{nobody()}"}

    line = told(connect(bench.settings(), environ, limits=HASTY).check)

    assert "no credentials; put AWS_ACCESS_KEY_ID=" in line
    assert "LoadCredential=store.cloud:/path" in line


def test_keys_may_lie_in_a_credential_of_the_service(bench: Bench, tmp_path: Path) -> None:
    lines = [f"export {name}='{value}'" for name, value in ENVIRONMENT.items()]
    (tmp_path / "store.cloud").write_text("# of the bucket\n\n" + "\n".join(lines))
    environ = secret(CREDENTIALS_DIRECTORY=str(tmp_path))

    connect(bench.settings(), environ).check()

    (tmp_path / "store.cloud").write_text(CANARY)
    with pytest.raises(StoreRefused, match=r"store\.cloud:1: no NAME=value"):
        connect(bench.settings(), environ).check()


def test_no_secret_is_ever_shown(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environ = secret(AWS_SESSION_TOKEN=f"token-{CANARY}")
    store = connect(bench.settings(), environ, limits=HASTY)
    assert isinstance(store, ObjectStore)
    assert store._multipart is not None
    wire = store._multipart._wire

    for call in (
        store.check,
        lambda: store.find(KEY),
        lambda: store.about(KEY),
        lambda: store.open(KEY),
        lambda: list(store.list()),
        lambda: store.sweep(FUTURE_NS),
        lambda: store.put(KEY, source_of(content_of(6 * MIB)), lambda: b""),
    ):
        told(call)
    shown = [store, store._remote, store._remote._client, wire, wire._keys, wire._keys(), environ]
    assert CANARY not in "".join(repr(each) for each in shown[:-1])
    assert CANARY not in caplog.text


@pytest.mark.parametrize("about", [b"told", bytes(3000)], ids=["beside", "in a companion"])
def test_a_receipt_is_given_for_what_was_put_whole_where_it_is_wanted(
    bench: Bench, about: bytes
) -> None:
    store = opened(bench, verify="checksum")
    first = store.put(KEY, source_of(b"content"), lambda: about)
    later = store.put(f"{KEY}2", source_of(b"content"), lambda: about)

    assert store.receipt(later) == about
    assert store.receipt(later) is None  # once
    assert store.receipt(first) == about
    assert opened(bench, verify="checksum").receipt(first) is None  # of another's word


def test_no_receipt_is_given_unasked_nor_for_what_was_sent_in_parts(bench: Bench) -> None:
    reading, trusting = opened(bench), opened(bench, verify="checksum")
    small = reading.put(KEY, source_of(b"content"), lambda: b"told")
    large = trusting.put(f"{KEY}2", source_of(content_of(6 * MIB)), lambda: b"told")

    assert reading.receipt(small) is None
    assert trusting.receipt(large) is None


def test_a_companion_that_is_gone_leaves_the_object_readable(bench: Bench) -> None:
    store = bench.store()
    content = content_of(3 * MIB)
    store.put(KEY, source_of(content), lambda: b"told")
    met = store._remote.meet(KEY)
    assert met is not None
    assert met.label is not None

    store._remote.remove(companion_of(KEY, met.label.mark))

    with pytest.raises(ObjectDamaged):
        store.about(KEY)
    assert whole(store, KEY) == content


def test_what_others_put_is_read_and_tells_nothing(bench: Bench) -> None:
    store = bench.store()
    import obstore

    obstore.put(store._remote._client, KEY, b"theirs")

    met = store.find(KEY)
    assert met is not None
    assert whole(store, KEY) == b"theirs"
    with pytest.raises(ObjectDamaged):
        store.about(KEY)
    with pytest.raises(ObjectExists):
        store.put(KEY, source_of(b"ours"), lambda: b"")
    assert store.sweep(FUTURE_NS) == 0
    assert store.remove(met) is True


def test_what_is_replaced_while_it_is_read_is_damaged(bench: Bench) -> None:
    store = bench.store()
    first = store.put(KEY, source_of(content_of(3 * MIB)), lambda: b"")

    with store.open(KEY) as reading:
        reading.read(10)
        store.remove(first)
        store.put(KEY, source_of(content_of(3 * MIB)[::-1]), lambda: b"")
        with pytest.raises(ObjectDamaged, match="removed or replaced"):
            list(iter(partial(reading.read, MIB), b""))


def test_a_larger_object_than_the_parts_hold_is_refused_and_leaves_nothing(bench: Bench) -> None:
    sizes = Sizes(
        whole=KIB, part=4 * KIB, large_part=8 * KIB, small_parts=2, parts=4, flight=9 * KIB
    )
    store = bench.store(sizes=sizes)

    stored = store.put(KEY, source_of(content_of(24 * KIB)), lambda: b"")
    assert whole(store, KEY) == content_of(24 * KIB)
    store.remove(stored)
    with pytest.raises(StoreRefused, match="larger than 4 parts hold"):
        store.put(KEY, source_of(content_of(24 * KIB + 1)), lambda: b"")

    assert leftovers(store) == 0


def test_two_stores_in_one_bucket_do_not_see_each_other(bench: Bench) -> None:
    one = bench.store()
    other = connect(bench.settings(prefix="some/prefix2"), ENVIRONMENT, sizes=SIZES)
    one.put(KEY, source_of(content_of(3 * MIB)), lambda: b"one")
    assert one._multipart is not None
    one._multipart.begin("half", {})

    assert other.find(KEY) is None
    assert list(other.list()) == []
    assert other.sweep(FUTURE_NS) == 0
    assert one.sweep(FUTURE_NS) == 1
    assert one.about(KEY) == b"one"


def test_a_drip_ends_with_the_time_of_a_request(bench: Bench) -> None:
    """A server that sends a byte now and then keeps nobody for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def drip(connection: socket.socket) -> None:
            with connection:
                while not over.wait(0.1):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(connection,)).start()

        thread = threading.Thread(target=serve)
        thread.start()
        limits = Limits(connect=1, read=1, request=0.5, attempts=2, pause=0.01)
        settings = bench.settings(f"http://127.0.0.1:{listener.getsockname()[1]}")
        store = connect(settings, ENVIRONMENT, limits=limits)
        began = datetime.now(UTC)
        for call in (store.check, partial(store.find, KEY)):
            with pytest.raises(StoreUnavailable):
                call()
        assert datetime.now(UTC) - began < timedelta(seconds=15)
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_region_and_the_address_may_come_from_the_environment(bench: Bench) -> None:
    environ = {**ENVIRONMENT, "AWS_ENDPOINT_URL": bench.url, "AWS_REGION": REGION}
    settings = StoreSettings("cloud", url=f"s3://{bench.bucket}")

    connect(settings, environ, limits=PATIENT).check()
