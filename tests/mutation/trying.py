"""Lets tests run against mutants, each in a process of its own that begins with all imports done.

What is wrong inside a function is put into the function that is there already: its code is
exchanged in a fork of a process that has collected all tests. So it is with plain values that a
module or a signature has. Only what survives that, and is not inside a function, takes a fork that
has not imported the module yet.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final, NamedTuple, NoReturn

import pytest

from tests.mutation.covering import OPTIONS
from tests.mutation.mutants import Mutant, Source, function_code

_BEGINS: Final = b"."
_MEMORY: Final = 8 << 30  # some wrongs build lists for ever
_PLAIN: Final = (int, float, str, bytes, tuple, frozenset, dict, re.Pattern)
_LEAST: Final = 20.0  # seconds that a test may take, on a machine with other work
_TIMES: Final = 20.0  # as long as it takes when nothing is wrong


class Trial(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    killed_by: str  # the test that failed; "" if none did
    ran_out: bool  # of time
    seconds: float
    tests: int  # that ran at most


Told = Callable[[Trial], None]
Run = Callable[[Path, int], bool]
"""Given a directory of its own and where to tell that a test begins: whether a test failed."""


class Work(NamedTuple):
    mutant: Mutant
    source: Source
    tests: Sequence[str]  # in the order in which they are to be run


# -- in a process that has all ---------------------------------------------------------------------


class Trying:
    """A plugin of pytest: runs no tests itself, but each mutant's in a fork."""

    def __init__(self, work: Sequence[Work], seconds: Mapping[str, float], told: Told) -> None:
        self._work, self._seconds, self._told = work, seconds, told
        self._killers: dict[tuple[str, str], list[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        loaded = _Loaded({work.source for work in self._work})
        gc.freeze()
        for work in self._work:
            self._try(work, items, loaded)
        return True

    def _try(self, work: Work, items: Mapping[str, pytest.Item], loaded: _Loaded) -> None:
        # What told another wrong in the same function is likely to tell this one as well.
        place = (work.mutant.file, work.mutant.function)
        before = [test for test in self._killers.get(place, ()) if test in work.tests]
        tests = [*before, *(test for test in work.tests if test not in before)]
        code = work.source.code(work.mutant)

        def run(scratch: Path, write_fd: int) -> bool:
            loaded.exchange(code, work)
            return _run([items[test] for test in tests], scratch, write_fd)

        trial = _forked(work.mutant, tests, self._seconds, run)
        if trial.killed_by:
            self._killers[place] = list(dict.fromkeys([trial.killed_by, *before]))[:5]
        self._told(trial)


class _Loaded:
    """The functions of some files as they are in this process."""

    def __init__(self, sources: Collection[Source]) -> None:
        paths = {str(source.path) for source in sources}
        self._functions: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename in paths:
                code = one.__code__
                self._functions[code.co_filename, code.co_qualname].append(one)

    def exchange(self, module: CodeType, work: Work) -> None:
        """Put a mutant in the place of what is there."""
        mutant, path = work.mutant, str(work.source.path)
        if mutant.function:
            new = function_code(module, mutant.function)
            found = self._functions[path, mutant.function]
            assert new is not None, mutant
            assert found, f"no function {mutant.function} of {path} was imported"
            for function in found:
                function.__code__ = new
        elif mutant.number >= 0:
            _exchange_values(work.source.module, module)


def _exchange_values(name: str, module: CodeType) -> None:
    """Run a module anew, aside; take over plain values of its own, of classes and signatures."""
    before = sys.modules[name]
    aside: dict[str, object] = {"__name__": name}
    sys.modules[name] = ModuleType(name)  # dataclasses look there for what types mean
    exec(module, aside)
    sys.modules[name] = before
    for key, old in list(vars(before).items()):
        new = aside.get(key)
        if isinstance(old, _PLAIN) and type(old) is type(new) and old != new:
            for user in [one for one in sys.modules.values() if vars(one).get(key) is old]:
                setattr(user, key, new)
        elif isinstance(old, type) and old.__module__ == name:
            _exchange_defaults(old, new)
        elif isinstance(old, FunctionType) and isinstance(new, FunctionType):
            old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def _exchange_defaults(old: type, new: object) -> None:
    for maker in ("__new__", "__init__"):
        function, other = getattr(old, maker), getattr(new, maker, None)
        if isinstance(function, FunctionType) and isinstance(other, FunctionType):
            function.__defaults__ = other.__defaults__


class _Failing:
    """Knows which test failed first."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _run(items: Sequence[pytest.Item], scratch: Path, write_fd: int) -> bool:
    watch = _Failing()
    for item in items:
        item.config._tmp_path_factory._basetemp = scratch  # type: ignore[attr-defined]
        os.write(write_fd, _BEGINS)
        item.config.pluginmanager.register(watch, "mutation-watch")
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        item.config.pluginmanager.unregister(watch)
        if watch.failed:
            return True
    return False


# -- in a process that imports it ------------------------------------------------------------------


class _Wrong(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module of ours with a wrong in it."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, vars(module))


class _Beats:
    """Tells that a test begins."""

    def __init__(self, write_fd: int) -> None:
        self._write_fd = write_fd

    def pytest_runtest_logstart(self) -> None:
        os.write(self._write_fd, _BEGINS)


def try_imported(work: Work, seconds: Mapping[str, float]) -> Trial:
    """Try a mutant whose module has to be imported anew; called before it ever was."""
    code = work.source.code(work.mutant)

    def run(scratch: Path, write_fd: int) -> bool:
        sys.meta_path.insert(0, _Wrong(work.source.module, code))
        files = dict.fromkeys(test.partition("::")[0] for test in work.tests)
        ended = pytest.main(
            [*OPTIONS, "-x", f"--basetemp={scratch / 'tests'}", *files],
            plugins=[_Beats(write_fd), _Only(work.tests)],
        )
        return ended != pytest.ExitCode.OK

    return _forked(work.mutant, work.tests, seconds, run, begin=60.0)


class _Only:
    """Keeps of what was collected only some tests, in the order in which they were named."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: at for at, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [item for item in items if item.nodeid in self._order]
        items[:] = sorted(wanted, key=lambda item: self._order[item.nodeid])


# -- a process for each ---------------------------------------------------------------------------


def _forked(
    mutant: Mutant,
    tests: Sequence[str],
    seconds: Mapping[str, float],
    run: Run,
    *,
    begin: float = 0.0,
) -> Trial:
    """Run something in a fork; true means killed. It tells before each test that it goes on."""
    began = time.monotonic()
    if not tests:
        return Trial(mutant, "", ran_out=False, seconds=0.0, tests=0)
    scratch = tempfile.mkdtemp(prefix="mutant-")
    read_fd, write_fd = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_fd)
        _in_child(scratch, write_fd, run)
    os.close(write_fd)
    limits = [_LEAST + _TIMES * seconds[test] for test in tests]
    at, ran_out = _follow(read_fd, limits, begin)
    with suppress(ProcessLookupError):
        if ran_out:
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started goes with it
    os.close(read_fd)
    shutil.rmtree(scratch, ignore_errors=True)
    killed = ran_out or os.waitstatus_to_exitcode(status) != 0
    by = tests[min(max(at - 1, 0), len(tests) - 1)] if killed else ""
    return Trial(mutant, by, ran_out, time.monotonic() - began, len(tests))


def _follow(read_fd: int, limits: Sequence[float], begin: float) -> tuple[int, bool]:
    """Wait until a fork ends; return how many tests it began, and whether one took too long."""
    at = 0
    while True:
        limit = limits[min(max(at - 1, 0), len(limits) - 1)] + (begin if at == 0 else 0.0)
        ready, _, _ = select.select([read_fd], [], [], limit)
        if not ready:
            return at, True
        if os.read(read_fd, 1) != _BEGINS:
            return at, False
        at += 1


def _in_child(scratch: str, write_fd: int, run: Run) -> NoReturn:
    status = 70
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        tempfile.tempdir = None
        os.environ["TMPDIR"] = scratch
        status = int(run(Path(scratch), write_fd))
    except BaseException:  # noqa: BLE001  # whatever it is: the mutant was noticed
        status = 1
    finally:
        os.write(write_fd, b"!")  # a process that a test left behind may keep it open
        os._exit(status)
