"""Log lines for people, for the journal and for machines: one event, one line, facts beside it.

A message is a constant sentence; what it is about comes as facts:
``log.warning("root is blind", extra={"facts": {"root": name, "reason": reason}})``.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Literal, TextIO

from storewarden.measure import journal
from storewarden.measure.shown import shown, without_secrets

Format = Literal["auto", "text", "json", "journal"]
PACKAGE = "storewarden"
PRIORITY = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
COLOUR = {"CRITICAL": "\x1b[1;31m", "ERROR": "\x1b[31m", "WARNING": "\x1b[33m", "DEBUG": "\x1b[2m"}
PLAIN = "\x1b[0m"
RESERVED = frozenset({"time", "level", "logger", "message", "traceback"})


def setup(level: str = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Send every log line of this process to ``stream`` (stderr), in one form; may be called again.

    ``auto`` is ``journal`` when stderr is the journal's and ``text`` otherwise. The journal gets
    facts as fields of their own, if it can be reached. Libraries are heard from WARNING upwards.
    """
    handler = _handler(form, stream if stream is not None else sys.stderr)
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "ours", False)]:
        root.removeHandler(old)
        if isinstance(old, journal.Handler):
            old.close()
    handler.ours = True  # type: ignore[attr-defined]  # how the next setup() knows it
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    set_level(level)
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_died


def set_level(level: str) -> None:
    """Say how much is logged from now on; a reload may change it."""
    logging.getLogger(PACKAGE).setLevel(level.upper())


def journal_is(descriptor: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the journal reads this descriptor: systemd names its device and inode."""
    try:
        told = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{told.st_dev}:{told.st_ino}"


class Text(logging.Formatter):
    """``2026-11-21T07:30:01.123Z INFO watch: root is blind root=uploads``; a traceback below it."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole entry, without a newline at its end."""
        level = record.levelname
        if self._colour and level in COLOUR:
            level = f"{COLOUR[level]}{level}{PLAIN}"
        lines = [f"{_time(record)} {level} {_line(record)}"]
        lines += [f"  {line}" for line in _traceback(self, record)]
        return "\n".join(lines)


class Journal(logging.Formatter):
    """``<4>watch: root is blind root=uploads``: the journal adds the time; all lines are marked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole entry, without a newline at its end."""
        mark = f"<{_priority(record)}>"
        lines = [_line(record), *(f"  {line}" for line in _traceback(self, record))]
        return "\n".join(mark + line for line in lines)


class Json(logging.Formatter):
    """One object a line: time, level, logger, message, the facts by their names, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line of ASCII."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _told(record.getMessage()),
        }
        for key, value in _facts(record).items():
            name = f"{key}_" if key in RESERVED else str(key)
            plain = value is None or isinstance(value, bool | int) or _finite(value)
            entry[name] = value if plain else _told(value)
        if trace := _traceback(self, record):
            entry["traceback"] = "\n".join(trace)
        return json.dumps(entry)


class Once:
    """Logs a condition when it begins and when it ends, and is quiet in between; thread-safe.

    A condition is known by its key, such as ``("blind", root, reason)``.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._lasting: set[object] = set()

    def begins(
        self, key: object, message: str, level: int = logging.WARNING, /, **facts: object
    ) -> bool:
        """Log that the condition holds, unless that was said already; True when it is news."""
        with self._lock:
            if key in self._lasting:
                return False
            self._lasting.add(key)
        self._log.log(level, message, extra={"facts": facts})
        return True

    def ends(
        self, key: object, message: str, level: int = logging.INFO, /, **facts: object
    ) -> bool:
        """Log that the condition is over, if its beginning was logged; True when it is news."""
        with self._lock:
            if key not in self._lasting:
                return False
            self._lasting.remove(key)
        self._log.log(level, message, extra={"facts": facts})
        return True

    def lasting(self) -> frozenset[object]:
        """The keys of all conditions that have begun and not ended."""
        with self._lock:
            return frozenset(self._lasting)


def journal_entry(record: logging.LogRecord) -> dict[str, str]:
    """Return the fields of a record: the line as people read it, and each fact by its name."""
    facts = {journal.name_of(key): _told(value) for key, value in _facts(record).items()}
    trace = _traceback(logging.Formatter(), record)
    return {
        "MESSAGE": "\n".join([_line(record), *(f"  {line}" for line in trace)]),
        "PRIORITY": str(_priority(record)),
        "SYSLOG_IDENTIFIER": PACKAGE,
        "LOGGER": record.name,
        **facts,
        **({"TRACEBACK": "\n".join(trace)} if trace else {}),
    }


def _handler(form: Format, to: TextIO) -> logging.Handler:
    formatter = _formatter(form, to)
    if isinstance(formatter, Journal) and journal_is(_descriptor(to)) and journal.reachable():
        return journal.Handler(journal_entry)
    handler = logging.StreamHandler(to)
    handler.setFormatter(formatter)
    return handler


def _formatter(form: Format, to: TextIO) -> logging.Formatter:
    if form == "json":
        return Json()
    if form == "journal" or (form == "auto" and journal_is(_descriptor(to))):
        return Journal()
    return Text(colour=to.isatty() and "NO_COLOR" not in os.environ)


def _descriptor(to: TextIO) -> int:
    try:
        return to.fileno()
    except (OSError, ValueError):
        return -1


def _priority(record: logging.LogRecord) -> int:
    return next((p for limit, p in PRIORITY if record.levelno >= limit), 7)


def _time(record: logging.LogRecord) -> str:
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{second}.{int(record.msecs):03d}Z"


def _line(record: logging.LogRecord) -> str:
    """``room: message key=value …``."""
    facts = "".join(f" {key}={_quoted(value)}" for key, value in _facts(record).items())
    return f"{_room(record.name)}: {_told(record.getMessage())}{facts}"


def _room(logger: str) -> str:
    """``storewarden.watch.emitter`` is the room ``watch``; a library keeps its name."""
    parts = logger.split(".")
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 else logger


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, Mapping) else {}


def _finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)  # JSON has no word for the others


def _told(value: object) -> str:
    return without_secrets(shown(value))


def _quoted(value: object) -> str:
    """Return the value so that a reader sees where it ends."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _told(value)
    if text and not any(c in text for c in ' ="'):
        return text
    return '"' + text.replace('"', '\\"') + '"'


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[0] is None:
        return []
    return [_told(line) for line in formatter.formatException(record.exc_info).splitlines()]


def _thread_died(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread that nobody supervises."""
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else "?"
    error = args.exc_value if args.exc_value is not None else args.exc_type()
    logging.getLogger(f"{PACKAGE}.daemon").error(
        "a thread ended by an error", exc_info=error, extra={"facts": {"thread": name}}
    )
