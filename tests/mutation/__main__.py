"""``make mutation``: does a test notice each small wrong in the code that proves and recovers?"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NoReturn, TextIO

import pytest

from tests.mutation.covering import OPTIONS, Covered, cover
from tests.mutation.equivalent import read_equivalents
from tests.mutation.mutants import Mutant, Source
from tests.mutation.report import share, survivors, table
from tests.mutation.trying import Trial, Trying, Work, try_imported

FILES: Final = (
    *("act/identity.py", "act/proof.py", "act/allowance.py", "act/members.py", "act/leases.py"),
    *("act/remove.py", "act/aside.py", "act/leaving.py", "act/giveback.py", "act/entries.py"),
    *("act/execute.py", "act/recover.py", "act/carry/work.py", "act/carry/storing.py"),
    *("act/carry/away.py", "act/carry/fetched.py", "act/carry/trashed.py", "act/carry/purge.py"),
    *("act/carry/beside.py", "store/receipts.py"),
)
# Each is asked about every mutant whose line it runs.
TESTS: Final = (
    *("tests/unit/act", "tests/unit/store/test_receipts.py"),
    *("tests/contract/test_execute.py", "tests/contract/test_acts.py"),
    # These are about other code of that room, and take longest.
    *("--ignore=tests/unit/act/test_fetching_faults.py", "--ignore=tests/unit/act/test_codec.py"),
    *("--ignore=tests/unit/act/test_attributes.py", "--ignore=tests/unit/act/test_about.py"),
    "--ignore-glob=*/act/test_copying*.py",
)
# They take long, and are asked only about what the others did not notice.
SWEEPS: Final = (
    *("tests/crash/test_local_kill.py", "tests/crash/test_local_faults.py"),
    *("tests/crash/test_local_adversary.py", "tests/crash/test_execute_kill.py"),
    *("tests/crash/test_execute_faults.py", "tests/crash/test_execute_lease.py"),
    "tests/crash/test_beside.py",
)
LEAST: Final = 95.0  # percent
# Imported before anything is forked: none of them is ours.
_WARM: Final = ("peewee", "apsw", "blake3", "yaml", "backports.zstd")


def main() -> int:
    """Try all mutants and show what became of them; 0 if enough were killed."""
    asked = _arguments()
    log = Path(asked.log)
    log.mkdir(parents=True, exist_ok=True)
    os.chdir(Path(__file__).parents[2])
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in _WARM:
        importlib.import_module(name)
    sources = {file: Source(file) for file in asked.files or FILES}
    equivalents = read_equivalents()
    mutants = [one for source in sources.values() for one in source.mutants]
    for unknown in equivalents.unknown(mutants):
        _say("listed as equivalent, but no mutant: " + ": ".join(unknown))
    before = _trials(log / "trials.jsonl", mutants) if asked.again else {}
    wanted = [one for one in mutants if not before.get(one) or not before[one].killed_by]
    if asked.only_survivors:
        wanted = [one for one in wanted if one in before and one not in equivalents]
    quick = asked.tests or TESTS
    if not asked.trust:
        for stage in ("quick", "sweeps"):
            (log / stage / "covered.json").unlink(missing_ok=True)
    trials = before | _stage(sources, wanted, quick, log / "quick", asked.most)
    if not asked.tests and not asked.no_sweeps:
        left = [m for m, one in trials.items() if not one.killed_by and m not in equivalents]
        trials |= {
            mutant: one
            for mutant, one in _stage(sources, left, SWEEPS, log / "sweeps").items()
            if one.tests
        }
    ordered = [trials[one] for one in mutants if one in trials]
    _write(log / "trials.jsonl", ordered)
    _say(*survivors(ordered, equivalents), *table(ordered, equivalents))
    return int(share(ordered, equivalents).percent < LEAST)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help="below daemon/storewarden (default: the gate's)")
    parser.add_argument("--tests", nargs="+", help="these alone, and no sweeps")
    parser.add_argument("--no-sweeps", action="store_true", help="leave those that take long")
    parser.add_argument("--most", type=int, help="tests for each; those that survive are guesses")
    parser.add_argument("--trust", action="store_true", help="what tests covered last time")
    parser.add_argument("--again", action="store_true", help="only what was not killed last time")
    parser.add_argument(
        "--only-survivors", action="store_true", help="of those leave the new and the equivalent"
    )
    parser.add_argument(
        "--log",
        default=str(Path(tempfile.gettempdir()) / "storewarden-mutation"),
        help="where it is written what became of each (default: %(default)s)",
    )
    return parser.parse_args()


def _stage(
    sources: dict[str, Source],
    mutants: Sequence[Mutant],
    tests: Sequence[str],
    log: Path,
    most: int | None = None,
) -> dict[Mutant, Trial]:
    """Let some tests run against mutants, ``most`` against each."""
    if not mutants:
        return {}
    log.mkdir(exist_ok=True)
    began = time.monotonic()
    touched = [source for source in sources.values() if any(m.file == source.file for m in mutants)]
    told = log / "covered.json"
    if not told.exists():
        _in_fork(lambda: cover(touched, tests, told), log / "covering.txt")
    covered = Covered.read(told)
    _say(f"{len(covered.seconds)} tests, {time.monotonic() - began:.0f} s")
    all_work = [Work(one, sources[one.file], covered.may_kill(one)[:most]) for one in mutants]
    asked = {test for work in all_work for test in work.tests}
    control = Work(
        touched[0].unchanged(), touched[0], [test for test in covered.quickest() if test in asked]
    )
    done = _loaded([control, *all_work], covered, tests, log)
    again = [w for w in all_work if not w.mutant.function and not done[w.mutant].killed_by]
    for work in [control, *again] if again else []:
        trial = try_imported(work, covered.seconds)
        _tell(trial)
        if work is not control:
            done[work.mutant] = trial
    _say(f"{len(mutants)} mutants, {time.monotonic() - began:.0f} s")
    return done


def _loaded(
    work: Sequence[Work], covered: Covered, tests: Sequence[str], log: Path
) -> dict[Mutant, Trial]:
    """Try those that need no new import, in a process that has imported all once."""
    told = log / "trials.jsonl"
    told.write_text("")
    show = os.fdopen(os.dup(1), "w", buffering=1)  # the process that tries has another output

    def tell(trial: Trial) -> None:
        _tell(trial, show)
        with told.open("a") as file:
            file.write(_as_json(trial))

    def run() -> None:
        trying = Trying(work, covered.seconds, tell)
        ended = pytest.main([*OPTIONS, "--no-header", *tests], plugins=[trying])
        assert ended == pytest.ExitCode.OK

    _in_fork(run, log / "trying.txt")
    return _trials(told, [one.mutant for one in work])


def _tell(trial: Trial, to: TextIO = sys.stdout) -> None:
    mutant = trial.mutant
    if mutant.number < 0 and trial.killed_by:
        raise SystemExit(f"{trial.killed_by} fails in a trial where nothing is changed")
    if mutant.number >= 0 and not trial.killed_by:
        _say(f"survives: {mutant.file}:{mutant.line}: {mutant.told}", to=to)


def _say(*lines: str, to: TextIO = sys.stdout) -> None:
    to.write("".join(f"{line}\n" for line in lines))
    to.flush()


def _in_fork(run: Callable[[], None], output: Path | None = None) -> None:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _run_and_end(run, output)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"it ended with {os.waitstatus_to_exitcode(status)}; see {output}")


def _run_and_end(run: Callable[[], None], output: Path | None) -> NoReturn:
    status = 1
    try:
        if output is not None:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
        run()
        status = 0
    except (Exception, SystemExit):  # noqa: BLE001  # a fork has nobody to tell it to
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


# -- what became of each, kept for the next time --------------------------------------------------


def _as_json(trial: Trial) -> str:
    told = {"name": trial.mutant.name, **trial._asdict()}
    del told["mutant"]
    return json.dumps(told) + "\n"


def _write(path: Path, trials: Iterable[Trial]) -> None:
    path.write_text("".join(map(_as_json, trials)))


def _trials(path: Path, mutants: Iterable[Mutant]) -> dict[Mutant, Trial]:
    """Return what was written of mutants that still are what they were."""
    by_name = {one.name: one for one in mutants}
    found = {}
    for line in path.read_text().splitlines():
        told = json.loads(line)
        mutant = by_name.get(tuple(told.pop("name")))
        if mutant is not None:
            found[mutant] = Trial(mutant, **told)
    return found


if __name__ == "__main__":
    sys.exit(main())
