"""How the service stands: what systemd knows, and what the service cannot see or do there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pwd import struct_passwd
from typing import Final

from storewarden.cli.checks.finding import Finding, Level, fail, ok, warn
from storewarden.cli.output import Cell, Output
from storewarden.cli.service import machine, units
from storewarden.cli.service.units import UNIT, USER, Wanted
from storewarden.config.schema import Settings
from storewarden.measure.shown import shown, without_secrets

INSTALL: Final = "storewarden service install"
LOG: Final = "journalctl -u storewarden -n 50"
EXPOSURE: Final = re.compile(r"Overall exposure level for .*: ([0-9.]+) (\w+)")

_LINES: Final = 3

# What `Result=` says, and what to do. An exit code says more: see _exit.
RESULTS: Final = {
    "watchdog": ("it hung: the watchdog ended it", LOG),
    "timeout": ("it took longer than it may to start or to stop", LOG),
    "signal": ("a signal ended it", LOG),
    "core-dump": ("it crashed", LOG),
    "oom-kill": ("the kernel ended it for want of memory", "journalctl -k -g oom -n 20"),
    "start-limit-hit": ("it was started too often", "systemctl reset-failed storewarden"),
    "protocol": ("it never said that it was ready", LOG),
    "resources": ("systemd could not start it", LOG),
}
EXITS: Final = {
    1: ("it failed", LOG),
    2: ("its configuration is wrong", f"storewarden doctor --config {units.CONFIGURATION}"),
    3: ("another process holds the catalogue", "storewarden status tells which one"),
    203: ("its program cannot be started", f"is it there, and may {USER} read it? then: {INSTALL}"),
    217: (f"there is no user {USER}", INSTALL),
    226: ("a path that it is to see is not there", f"{INSTALL}, then: {LOG}"),
    238: ("its state directory cannot be made", f"is there room? df {units.STATE}"),
    243: ("a credential cannot be read", f"ls -l {units.CREDENTIALS}, then: {INSTALL}"),
}


def seen(settings: Settings, what: Wanted) -> Iterator[Finding]:
    """Look at the service and at what the configuration wants of it; changes nothing."""
    told = machine.properties(UNIT)
    yield from known()
    if told.get("LoadState") != "loaded":
        return
    yield from _credentials(what)
    who = machine.user(told.get("User") or USER)
    if who is None:
        yield fail("user", f"there is no user {told.get('User') or USER}", INSTALL)
        return
    yield from _configuration(who, what.config)
    yield from _catalogue_of_verbs(what)
    for root in settings.roots:
        yield from _root(told, who, root.name, root.path)
    for path in what.writes:
        if path not in {root.path for root in settings.roots}:
            yield from _path(told, who, path)


def known() -> Iterator[Finding]:
    """Say what systemd knows of the service."""
    told = machine.properties(UNIT)
    if told.get("LoadState") != "loaded":
        yield fail("unit", _load(told), INSTALL)
        return
    yield from _unit(told)
    yield from _state(told)
    yield from _watchdog(told)
    yield from _exposure()


def tell(output: Output, findings: Sequence[Finding]) -> None:
    """Write what was found."""
    if output.json:
        output.document(
            {
                "checks": [one._asdict() for one in findings],
                **{level.value: sum(one.level is level for one in findings) for level in Level},
            }
        )
        return
    if not output.terminal:
        for one in findings:
            output.fields(*one)
        return
    widest = max(len(one.subject) for one in findings)
    for one in findings:
        style = {Level.OK: "good", Level.WARN: "odd", Level.FAIL: "bad"}[one.level]
        level = output.styled(Cell(f"{one.level.value:<4}", style))  # type: ignore[arg-type]
        output.text(f"{level}  {one.subject:<{widest}}  {one.told}")
        if one.remedy:
            output.text(f"{'':<{widest + 6}}  {output.styled(Cell('→ ' + one.remedy, 'head'))}")


def worst(findings: Sequence[Finding]) -> str:
    """Return how bad the worst of them is."""
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK).value


def _load(told: Mapping[str, str]) -> str:
    state = told.get("LoadState", "")
    if state == "masked":
        return "it is masked: nothing starts it"
    return "it is not installed" if state in {"not-found", ""} else f"it cannot be read: {state}"


def _unit(told: Mapping[str, str]) -> Iterator[Finding]:
    where = told.get("FragmentPath", "")
    enabled = told.get("UnitFileState", "")
    if told.get("NeedDaemonReload") == "yes":
        yield warn("unit", f"{where}: it was changed since", "systemctl daemon-reload")
    elif enabled in {"enabled", "enabled-runtime", "linked"}:
        yield ok("unit", f"{where}, starts with the machine")
    else:
        remedy = "systemctl enable storewarden"
        yield warn("unit", f"{where}, does not start with the machine", remedy)


def _state(told: Mapping[str, str]) -> Iterator[Finding]:
    state, since = told.get("ActiveState", ""), told.get("ActiveEnterTimestamp", "")
    if state == "active":
        text = told.get("StatusText", "")
        yield ok("state", f"active since {since}" + (f": {shown(text)}" if text else ""))
    elif told.get("SubState") == "auto-restart":
        yield _failed(told)
    elif state in {"activating", "reloading", "deactivating"}:
        yield warn("state", f"{state} ({told.get('SubState', '')})", LOG)
    elif told.get("Result") == "exec-condition":  # a package's: it is left out until it is told
        why = "not running: when it was last started nobody had said what to watch"
        yield warn("state", why, "systemctl start storewarden")
    elif state == "failed" or told.get("Result", "success") != "success":
        yield _failed(told)
    else:
        yield warn("state", "not running", "systemctl start storewarden")
    if (restarts := int(told.get("NRestarts") or 0)) > 0:
        yield warn("restarts", f"{restarts} since it was started by hand", f"{LOG} -p warning")
    if state != "active":
        yield from (warn("it said", line) for line in _last_words())


def _failed(told: Mapping[str, str]) -> Finding:
    result = told.get("Result", "")
    again = ", it is tried again" if told.get("SubState") == "auto-restart" else ""
    since = told.get("InactiveEnterTimestamp") or told.get("StateChangeTimestamp", "")
    if result == "exit-code":
        code = int(told.get("ExecMainStatus") or 0)
        why, remedy = EXITS.get(code, (f"it ended with {code}", LOG))
    else:
        why, remedy = RESULTS.get(result, (f"it ended: {result}", LOG))
    return fail("state", f"failed since {since}{again}: {why}", remedy)


def _last_words() -> list[str]:
    """Return the last lines of the service itself."""
    own = f"_SYSTEMD_UNIT={UNIT}"
    said = machine.ask("journalctl", own, "-n", str(_LINES), "-o", "cat", "--no-pager", "-q")
    return [shown(without_secrets(line)) for line in said.out.splitlines() if line.strip()]


def _watchdog(told: Mapping[str, str]) -> Iterator[Finding]:
    if told.get("ActiveState") != "active":
        return  # only of one that runs it is known
    allowed = told.get("WatchdogUSec", "0")
    if allowed in {"", "0", "infinity"}:
        yield warn("watchdog", "off: a daemon that hangs stays so", "set WatchdogSec=60s")
    else:
        yield ok("watchdog", f"starts it anew when it says nothing for {allowed}")


def _exposure() -> Iterator[Finding]:
    said = machine.ask("systemd-analyze", "security", "--no-pager", UNIT)
    found = EXPOSURE.search(said.out)
    if found is not None:
        yield ok("exposure", f"{found[1]} of 10 ({found[2]}): systemd-analyze security storewarden")


def _credentials(what: Wanted) -> Iterator[Finding]:
    if what.credentials:
        yield ok("credentials", ", ".join(map(shown, what.credentials)))


def _configuration(who: struct_passwd, config: str) -> Iterator[Finding]:
    if not machine.may(who, os.fsencode(config), "r"):
        remedy = f"chown root:{USER} {config}; chmod 640 {config}; its directories must be open"
        yield fail("configuration", f"{config}: {who.pw_name} may not read it", remedy)
    else:
        yield ok("configuration", config)


def _catalogue_of_verbs(what: Wanted) -> Iterator[Finding]:
    """Say when verbs that are typed would look into another catalogue than the daemon's."""
    from storewarden.config.load import load
    from storewarden.errors import ConfigError

    try:
        theirs = load(Path(what.config), {"HOME": "/nowhere"}, Path("/")).state
    except ConfigError:
        return
    if theirs.is_relative_to("/nowhere"):
        told = "verbs look for the catalogue in a home, not where the service has it"
        yield warn("state", told, f"write into {what.config}: state: {units.STATE}")


def _root(told: Mapping[str, str], who: struct_passwd, name: str, path: bytes) -> Iterator[Finding]:
    subject = f"root {name}"
    if not os.path.isdir(path):
        yield warn(subject, f"{shown(path)} is not there; it is taken up with the next start")
        return
    if not _let_through(told, path):
        yield fail(subject, f"{shown(path)}: the service may only read there", _renew())
        return
    powers = told.get("AmbientCapabilities", "")
    if "cap_dac_override" not in powers and not _may(who, path, "rx"):
        yield fail(subject, f"{shown(path)}: {who.pw_name} may not read it", _access(path, "rX"))
    elif "cap_dac_override" not in powers and not _may(who, path, "w"):
        told_ = f"{shown(path)}: {who.pw_name} may read, and not move or remove"
        yield warn(subject, told_, _access(path, "rwX"))
    elif "cap_lease" not in powers and machine.others_in(path, who.pw_uid):
        told_ = (
            f"{shown(path)}: files of other users are recorded, but not moved or removed: "
            "whether one is in use cannot be told"
        )
        yield warn(subject, told_, _renew())
    else:
        yield ok(subject, shown(path))


def _path(told: Mapping[str, str], who: struct_passwd, path: bytes) -> Iterator[Finding]:
    subject = "writes to"
    if not os.path.isdir(path):
        yield warn(subject, f"{shown(path)} is not there; it is taken up with the next start")
    elif not _let_through(told, path):
        yield fail(subject, f"{shown(path)}: the service may only read there", _renew())
    elif "cap_dac_override" in told.get("AmbientCapabilities", "") or _may(who, path, "rwx"):
        yield ok(subject, shown(path))
    else:
        yield fail(subject, f"{shown(path)}: {who.pw_name} may not", _access(path, "rwX"))


def _may(who: struct_passwd, path: bytes, what: str) -> bool:
    return machine.may(who, path, what, bound=units.below(path, units.OWN))


def _let_through(told: Mapping[str, str], path: bytes) -> bool:
    """Tell whether the running unit lets the service write to a path."""
    words = told.get("ReadWritePaths", "")
    return any(units.below(path, [one]) for one in units.words(words))


def _access(path: bytes, rights: str) -> str:
    place = units.escaped(path).replace("%%", "%").replace("$$", "$")
    return (
        f"setfacl -R -m u:{USER}:{rights} -m d:u:{USER}:{rights} {place} "
        f"(and x on what it lies in), or: {INSTALL} --other-users"
    )


def _renew() -> str:
    return f"{INSTALL} && systemctl restart storewarden"
