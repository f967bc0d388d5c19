"""Too few watches, unreadable directories, dead threads: said within a moment, healed by itself."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.errors import WatchError
from storewarden.model import Blindness, RootDirty
from storewarden.watch import upkeep
from storewarden.watch.budget import Limit, WatchBudget
from storewarden.watch.tree import WatchSpec
from tests.descriptors import held
from tests.missing import kernel_limits, missing
from tests.watching import ROOT, Watching

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "RETRY_SECONDS", 0.3)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that any user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="storewarden-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def test_running_out_of_watches_is_said_and_healed(tmp_path: Path, quick_retry: None) -> None:
    for count in range(60):
        (tmp_path / f"d{count}").mkdir()
    limit = [Limit(40)]
    with Watching(tmp_path, budget=WatchBudget(limit=lambda: limit[0])) as watching:
        assert watching.emitter.figures().watches == 30
        (blind,) = watching.emitter.blind()
        assert blind.reason is Blindness.WATCHES_EXHAUSTED
        assert blind.remedy == "sudo sysctl -w fs.inotify.max_user_watches=65536"

        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "file").write_bytes(b"")
        watching.until(lambda: b"new/file" in watching.files)  # found, though not watched

        limit[0] = Limit(1000)
        watching.until(lambda: not watching.emitter.blind())

        # delivered by another thread, a moment after it is no longer blind
        watching.until(lambda: watching.of(RootDirty) == [RootDirty(ROOT, "watches-exhausted")])
        watching.assert_true()


def test_watches_given_back_by_one_root_heal_another(tmp_path: Path, quick_retry: None) -> None:
    for root in ("one", "two"):
        for count in range(20):
            (tmp_path / root / f"d{count}").mkdir(parents=True)
    budget = WatchBudget(share=1.0, limit=lambda: Limit(30))
    with (
        Watching(tmp_path / "one", budget=budget) as one,
        Watching(tmp_path / "two", budget=budget) as two,
    ):
        assert [len(watching.emitter.blind()) for watching in (one, two)] == [0, 1]
        shutil.rmtree(tmp_path / "one" / "d1")
        for count in range(2, 20):
            (tmp_path / "one" / f"d{count}").rmdir()
        two.until(lambda: not two.emitter.blind())

        two.assert_true()


def test_not_one_watch_left_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    budget = WatchBudget(limit=lambda: Limit(0, "user.max_inotify_watches"))

    with pytest.raises(
        WatchError, match=r"watched: No space left.*user\.max_inotify_watches=65536"
    ):
        Watching(tmp_path, budget=budget).__enter__()
    assert budget.used == 0


SEEN_FROM_INSIDE = """
    import os, sys, time
    from storewarden.errors import WatchError
    from storewarden.watch import upkeep
    from storewarden.watch.budget import Limit, WatchBudget
    from tests.watching import Watching

    upkeep.RETRY_SECONDS = 0.3
    limit = "/proc/sys/user/max_inotify_watches"
    with open(limit, "w") as file: file.write("40")
    root = sys.argv[1]
    # Our own count knows nothing of this limit: it is the kernel that says no.
    budget = WatchBudget(share=1.0, limit=lambda: Limit(9999))
    with Watching(root, budget=budget) as watching:
        (blind,) = watching.emitter.blind()
        print(blind.reason.value, watching.emitter.figures().watches, blind.detail)
        with open(limit, "w") as file: file.write("1000")
        watching.until(lambda: not watching.emitter.blind())
        watching.assert_true()
    print("healed")
    with open("/proc/sys/user/max_inotify_instances", "w") as file: file.write("0")
    try:
        Watching(root).__enter__()
    except WatchError as error:
        print(error)
"""


def test_the_kernel_itself_says_no(tmp_path: Path) -> None:
    kernel_limits()
    for count in range(60):
        (tmp_path / f"d{count}").mkdir()
    if subprocess.run(["unshare", "-Ur", "true"], check=False, capture_output=True).returncode:
        missing("a user namespace", "sudo sysctl -w kernel.unprivileged_userns_clone=1")
    child = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", textwrap.dedent(SEEN_FROM_INSIDE), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=TOP,
    )

    exhausted, healed, instances = child.stdout.splitlines() or [child.stderr, "", ""]
    assert exhausted == "watches-exhausted 40 40 watches stand; No space left on device"
    assert healed == "healed"
    assert instances.startswith("no events to be had: watched: Too many open files; sudo sysctl")


UNREADABLE = """
    import os, sys
    from storewarden.watch import upkeep
    from tests.watching import Watching

    upkeep.RETRY_SECONDS = 0.3
    root = sys.argv[1]
    os.makedirs(root + "/top/shut/below")
    os.makedirs(root + "/top/later/below")
    os.chmod(root + "/top/shut", 0)
    with Watching(root) as watching:
        print(sorted(watching.blind()))
        os.chmod(root + "/top/later", 0)
        watching.until(lambda: len(watching.blind()) == 2)
        os.rename(root + "/top", root + "/renamed")
        both = {b"renamed/shut", b"renamed/later"}
        watching.until(lambda: {path for _, path in watching.blind()} == both)
        os.chmod(root + "/renamed/shut", 0o700)
        os.chmod(root + "/renamed/later", 0o700)
        watching.until(lambda: not watching.blind())
        watching.assert_true()
        os.chmod(root + "/renamed/shut", 0)
        watching.until(lambda: watching.blind())
        os.chmod(root + "/renamed/shut", 0o700)
        watching.until(lambda: not watching.blind())
        watching.assert_true()
    print("healed")
"""


def test_unreadable_directories_are_said_and_healed(open_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(UNREADABLE), str(open_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=TOP,
        user=65534 if os.geteuid() == 0 else None,
    )

    assert child.stdout.splitlines() == [
        "[(<Blindness.UNREADABLE: 'directory-unreadable'>, b'top/shut')]",
        "healed",
    ], child.stderr


def test_a_dead_thread_is_reported_and_can_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watching(tmp_path) as watching:
        monkeypatch.setattr(
            watching.emitter._fold, "take", lambda *_: (_ for _ in ()).throw(OSError("injected"))
        )
        (tmp_path / "file").write_bytes(b"")
        watching.until(lambda: watching.observer.dead() == [ROOT])
        assert watching.blind() == {(Blindness.EMITTER_DEAD, b"")}
        assert watching.observer.budget.used == 0

        watching.observer.detach(ROOT)
        assert watching.observer.dead() == []
        watching.emitter = watching.observer.attach(watching.emitter.spec, watching)
        watching.scan()
        watching.assert_true()


def test_stopping_takes_no_time_and_gives_everything_back(tmp_path: Path) -> None:
    for count in range(2000):
        (tmp_path / f"d{count}").mkdir()
    descriptors = held()
    with Watching(tmp_path) as watching:
        began = time.monotonic()
        watching.observer.detach(ROOT)
        took = time.monotonic() - began
        assert not watching.emitter.is_alive()
    budget = watching.observer.budget
    del watching

    assert took < 0.2
    assert budget.used == 0
    assert held() == descriptors


@pytest.mark.parametrize("when", ["while a tree is moved in", "while the watches are placed"])
def test_even_a_long_walk_stops_at_once(tmp_path: Path, when: str) -> None:
    root, large = tmp_path / "root", tmp_path / "large"
    for count in range(6000):
        (large / f"a{count % 60}" / f"b{count}").mkdir(parents=True)
    root.mkdir()
    if when == "while the watches are placed":
        large.rename(root / "large")
    watching = Watching(root)
    watching.observer.start()
    attached: list[object] = []

    def attach() -> None:
        try:
            attached.append(watching.observer.attach(WatchSpec(ROOT, watching.path), watching))
        except WatchError as error:
            attached.append(error)

    attaching = threading.Thread(target=attach)
    attaching.start()
    if when == "while a tree is moved in":
        attaching.join()
        large.rename(root / "large")
    watching.until(lambda: watching.observer.budget.used > 100)
    began = time.monotonic()
    watching.observer.detach(ROOT)
    took = time.monotonic() - began
    attaching.join()
    watching.observer.stop()
    watching.observer.join()

    assert took < 0.3
    assert len(attached) == 1
    assert watching.observer.budget.used == 0


def test_what_a_handler_raises_costs_a_scan_and_nothing_else(tmp_path: Path) -> None:
    raised: list[bool] = []

    def fail_once() -> None:
        if not raised:
            raised.append(True)
            raise ValueError("injected")

    with Watching(tmp_path, slow=fail_once) as watching:
        (tmp_path / "file").write_bytes(b"")
        watching.until(lambda: b"file" in watching.files)

        assert watching.observer.handler_errors == 1
        assert watching.of(RootDirty) == [RootDirty(ROOT, "handler-error")]
        watching.assert_true()
