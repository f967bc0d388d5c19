"""``python -m bench [NAME…]``: run benchmarks and show what they measured. See README.md."""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from bench.daemon import Unmeasured
from bench.ground import Ground, scratch
from bench.machine import machine, sentence
from bench.report import Figure, as_json, markdown, table

# In the order of the table; each is a module with run(ground).
BENCHMARKS = (
    "burst",
    "burst-overflow",
    "first-scan",
    "rescan",
    "directories",
    "at-rest",
    "usage",
    "scrape",
    "instrumented",
    "facts-png",
    "facts-media",
    "digest",
    "backlog",
    "postgres",
    "search",
    "policies",
    "plans",
    "archive",
    "objects",
    "trash",
    "pressure",
    "beside",
    "backup",
    "vacuum",
    "rows",
    "tell",
    "events",
    "page",
    "stats",
)
_FILES = 1_000_000
_FEWEST = 5_000
_CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run what was asked for; 1 when something could not be measured, whatever the figures."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, _terminated)
    parent = Path(os.environ.get("STOREWARDEN_BENCH_DIR") or _CHECKOUT / ".bench")
    figures: list[Figure] = []
    failed: list[str] = []
    began = time.monotonic()
    compileall.compile_dir(_CHECKOUT / "daemon", quiet=1)  # as set-up does
    with scratch(parent) as directory:
        about = machine(directory)
        ground = Ground(directory, asked.files)
        try:
            for name in asked.names:
                _run(name, ground, figures, failed)
        except KeyboardInterrupt:
            failed.append("interrupted")
            ground.say("interrupted: cleaning up")
    if parent.name == ".bench" and not any(parent.iterdir()):
        parent.rmdir()
    _show(asked, figures, about, failed, time.monotonic() - began)
    return 1 if failed else 0


def _run(name: str, ground: Ground, figures: list[Figure], failed: list[str]) -> None:
    module = importlib.import_module(f"bench.{name.replace('-', '_')}")
    try:
        figures += [replace(figure, benchmark=name) for figure in module.run(ground)]
    except (Unmeasured, OSError, subprocess.SubprocessError, RuntimeError) as error:
        failed.append(f"{name}: {error}")


def _show(
    asked: argparse.Namespace,
    figures: Sequence[Figure],
    about: dict[str, object],
    failed: Sequence[str],
    seconds: float,
) -> None:
    if asked.markdown:
        print(markdown(figures, sentence(about)))
    else:
        print(f"\n{table(figures)}\n\n{sentence(about)} All took {seconds:.0f} s.")
    for line in failed:
        print(f"not measured: {line}", file=sys.stderr)
    if asked.json:
        asked.json.write_text(as_json(figures, about, failed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure Storewarden against what one would use instead. All of it takes "
        "about twenty minutes and 14 GB in $STOREWARDEN_BENCH_DIR, else in this checkout.",
        epilog="benchmarks: " + ", ".join(BENCHMARKS),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--files", type=int, default=_FILES, help="size of the large tree")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--markdown", action="store_true", help="the table for bench/README.md")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if asked.files < _FEWEST:
        parser.error(f"--files {asked.files}: at least {_FEWEST}")
    asked.names = asked.names or list(BENCHMARKS)
    return asked


def _terminated(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
