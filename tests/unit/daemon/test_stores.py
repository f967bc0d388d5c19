"""The stores of a configuration: each as it is configured, the right directory or none."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.clock import ManualClock
from storewarden.config.schema import RootSettings, Settings, StoreSettings
from storewarden.daemon.acting.stores import Stores, open_stores, prepare
from storewarden.errors import StoreRefused, StoreUnavailable


def settings(tmp_path: Path, *stores: StoreSettings) -> Settings:
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    roots = (RootSettings("uploads", bytes(tmp_path / "uploads")),)
    return Settings(state=state, catalogue="sqlite", roots=roots, stores=stores)


def directory(tmp_path: Path, name: str = "cold") -> StoreSettings:
    path = tmp_path / name
    path.mkdir(exist_ok=True)
    return StoreSettings(name, path=bytes(path))


def opened(configured: Settings, clock: ManualClock | None = None) -> Stores:
    clock = clock or ManualClock()
    return open_stores(configured, {}, clock=clock, sleep=clock.advance, chance=lambda: 1.0)


def put(stores: Stores, name: str, key: str) -> None:
    stores[name].put(key, io.BytesIO(b"content"), lambda: b"told")


def names(path: Path) -> list[str]:
    return sorted(str(one.relative_to(path)) for one in path.rglob("*"))


def test_a_directory_is_a_store_after_a_person_said_so_and_not_before(tmp_path: Path) -> None:
    configured = settings(tmp_path, directory(tmp_path))
    stores = opened(configured)
    with pytest.raises(StoreRefused, match="storewarden store prepare cold"):
        put(stores, "cold", "a")
    assert names(tmp_path / "cold") == []

    done = prepare(configured, "cold")

    assert done.new
    put(stores, "cold", "a")  # the very same stores: no restart
    assert [entry.key for entry in stores["cold"].list()] == ["a"]


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    configured = settings(tmp_path, directory(tmp_path))
    first = prepare(configured, "cold")

    again = prepare(configured, "cold")

    assert (again.identity, again.new) == (first.identity, False)


def test_a_disk_that_is_not_mounted_is_never_written_to(tmp_path: Path) -> None:
    configured = settings(tmp_path, directory(tmp_path))
    prepare(configured, "cold")
    (tmp_path / "cold").rename(tmp_path / "unplugged")
    (tmp_path / "cold").mkdir()

    with pytest.raises(StoreUnavailable, match="its disk is not mounted"):
        put(opened(configured), "cold", "a")
    with pytest.raises(StoreRefused, match="has no marker"):
        prepare(configured, "cold")

    assert names(tmp_path / "cold") == []


def test_another_store_in_its_place_is_never_written_to(tmp_path: Path) -> None:
    configured = settings(tmp_path, directory(tmp_path), directory(tmp_path, "warm"))
    prepare(configured, "cold")
    prepare(configured, "warm")
    (tmp_path / "cold").rename(tmp_path / "unplugged")
    (tmp_path / "warm").rename(tmp_path / "cold")
    before = names(tmp_path / "cold")

    with pytest.raises(StoreUnavailable, match="another store lies where one was"):
        put(opened(configured), "cold", "a")
    with pytest.raises(StoreRefused, match="prepare cold --instead"):
        prepare(configured, "cold")
    assert names(tmp_path / "cold") == before

    prepare(configured, "cold", instead=True)
    put(opened(configured), "cold", "a")


def test_a_store_whose_memory_was_lost_is_the_same_after_a_person_said_so(tmp_path: Path) -> None:
    configured = settings(tmp_path, directory(tmp_path))
    first = prepare(configured, "cold")
    put(opened(configured), "cold", "a")
    (tmp_path / "state/stores/cold.json").unlink()
    with pytest.raises(StoreRefused, match="never prepared"):
        opened(configured)["cold"].find("a")

    again = prepare(configured, "cold")

    assert (again.identity, again.new) == (first.identity, False)
    assert opened(configured)["cold"].find("a") is not None


def test_one_that_cannot_be_used_is_not_in_the_way_of_the_others(tmp_path: Path) -> None:
    away = StoreSettings("away", path=bytes(tmp_path / "nowhere"))
    far = StoreSettings("far", url="s3://bucket", endpoint="http://127.0.0.1:9")
    configured = settings(tmp_path, away, far, directory(tmp_path), StoreSettings("local"))
    prepare(configured, "cold")
    stores = opened(configured)

    assert list(stores) == ["away", "far", "cold"]
    for name in ("away", "far"):
        with pytest.raises((StoreRefused, StoreUnavailable)):
            stores[name].find("a")
        assert stores.state_of(name).why
    put(stores, "cold", "a")


def test_a_store_that_is_read_only_is_not_written_to_even_to_prepare_it(tmp_path: Path) -> None:
    configured = settings(tmp_path, replace(directory(tmp_path), read_only=True))
    with pytest.raises(StoreRefused, match="remove read_only"):
        prepare(configured, "cold")
    writable = settings(tmp_path, directory(tmp_path))
    prepare(writable, "cold")
    put(opened(writable), "cold", "a")
    stores = opened(configured)

    assert stores["cold"].about("a") == b"told"
    with pytest.raises(StoreRefused, match="a store is only read"):
        put(stores, "cold", "b")


def test_a_rate_paces_what_goes_to_a_store(tmp_path: Path) -> None:
    configured = settings(tmp_path, replace(directory(tmp_path), rate=4096))
    prepare(configured, "cold")
    clock = ManualClock()

    opened(configured, clock)["cold"].put("a", io.BytesIO(bytes(40_960)), lambda: b"told")

    assert clock.monotonic() - ManualClock().monotonic() == pytest.approx(10, abs=1.1)


def test_a_new_configuration_is_followed_and_what_did_not_change_stays(tmp_path: Path) -> None:
    old = settings(tmp_path, directory(tmp_path), directory(tmp_path, "warm"))
    prepare(old, "cold")
    stores = opened(old)
    put(stores, "cold", "a")
    state = stores.state_of("cold")

    stores.follow(settings(tmp_path, directory(tmp_path), directory(tmp_path, "third")))

    assert list(stores) == ["cold", "third"]
    assert stores.state_of("cold") == state


def test_who_has_no_object_store_does_not_pay_for_one(tmp_path: Path) -> None:
    """16 MB; nor does who has one and does not use it."""
    code = """
import sys
from pathlib import Path
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.stores import open_stores
stores = (StoreSettings("far", url="s3://bucket"), StoreSettings("near", path=b"/near"))
opened = open_stores(Settings(Path("/state"), "sqlite", (), stores=stores), {})
assert list(opened) == ["far", "near"]
loaded = [name for name in sys.modules if name.startswith(("obstore", "storewarden.store.connect"))]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("far", "storewarden store check far"),
        ("nothing", "there is no such store"),
        ("local", "there is no such store"),
    ],
)
def test_what_is_no_directory_is_not_prepared(tmp_path: Path, name: str, told: str) -> None:
    far = StoreSettings("far", url="s3://bucket")
    with pytest.raises(StoreRefused, match=told):
        prepare(settings(tmp_path, far, StoreSettings("local")), name)
