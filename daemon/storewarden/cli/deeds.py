"""What verbs that act have in common: sums first, then a word, then the acts, then what came."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storewarden.cli.done_told import Item, files
from storewarden.cli.output import Output, note
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.chosen import Chosen
    from storewarden.daemon.acting.wish import Wanted, Wish

PAST = {
    "copy": "copied",
    "archive": "archived",
    "move": "moved",
    "trash": "put into the trash",
    "purge": "purged",
    "restore": "restored",
    "give up": "given up",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person wants done to the files that were chosen."""

    verb: str
    chosen: Chosen
    command: str  # as it was typed, which is the reason that histories tell
    store: str | None = None

    @property
    def head(self) -> str:
        """Say what is to be done, in words."""
        return f"{self.verb} {self._way} {self.store}" if self.store else self.verb

    @property
    def past(self) -> str:
        """Say what was done, in words."""
        return f"{PAST[self.verb]} {self._way} {self.store}" if self.store else PAST[self.verb]

    @property
    def _way(self) -> str:
        return "from" if self.verb == "restore" else "to"

    def items(self) -> Iterator[Item]:
        """Yield what is asked for, file by file."""
        for file_id in self.chosen.ids:
            yield Item(file_id, self.verb, self.store)


Make = Callable[["Engine", Sequence[int]], list["Wanted"]]
"""Turns numbers of files into what is wanted of them."""


def done(
    session: Session, deed: Deed, make: Make, *, yes: bool, dry_run: bool, irreversible: bool
) -> int:
    """Tell what it comes to, ask, carry it out, tell what came of it; the exit code."""
    from storewarden.cli.acting import carry_out, drawn
    from storewarden.cli.asking import wanted
    from storewarden.cli.done_told import tell, well
    from storewarden.errors import DONE, FAILED

    output = session.output
    if output.terminal:
        _tell_sums(output, deed)
    if dry_run:
        _tell_items(session, deed)
        return DONE
    again = f"{deed.command} --yes" if irreversible else ""
    if not wanted(session, yes=yes, needs=again):
        return DONE
    with drawn(deed.verb, deed.chosen.files, deed.chosen.size) as bar:
        result = carry_out(session, _wishes(session, deed, make), bar)
    tell(session, result, deed.items(), deed.past)
    return DONE if well(result) else FAILED


def _wishes(session: Session, deed: Deed, make: Make) -> Iterator[Wish]:
    """Yield what is wanted, some thousand files at a time."""
    from storewarden.cli.asking import who
    from storewarden.cli.typed import numbered
    from storewarden.daemon.acting.wish import Wish

    asked_by, reason = who(), numbered(deed.command)
    for batch in deed.chosen.batches():
        with session.reading() as engine:
            wanted = tuple(make(engine, batch))
        if wanted:
            yield Wish(wanted, asked_by, reason)


# -- before ---------------------------------------------------------------------------------------


def _tell_sums(output: Output, deed: Deed) -> None:
    """Say how many files and bytes it is about, root by root."""
    from storewarden.units import format_size

    chosen = deed.chosen
    output.text(f"{deed.head}: {files(chosen.files)}, {format_size(chosen.size)}", "head")
    if len(chosen.roots) > 1:
        for root, (count, size) in sorted(chosen.roots.items()):
            output.text(f"  {root}: {files(count)}, {format_size(size)}")
    if chosen.with_files:
        along = f"{files(chosen.with_files)}, {format_size(chosen.with_bytes)}"
        output.text(f"  with what belongs to them: {along}", "dim")
    if chosen.left_out:
        output.text(f"  left out: {_left_out(chosen)}", "odd")


def _left_out(chosen: Chosen) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(chosen.left_out.items()))


def _tell_items(session: Session, deed: Deed) -> None:
    """List what would be done, file by file; on a terminal only its sums were told."""
    from storewarden.cli.done_told import with_rows, write_items

    output = session.output
    if output.json:
        told = {"dry_run": True, **_sums(deed)}
        write_items(session, told, deed.items(), lambda _row: "would")
    elif not output.terminal:
        for item, row in with_rows(session, deed.items()):
            output.fields(row.root, row.path, item.action, item.store or "", row.size)
    else:
        note("nothing was done: --dry-run")


def _sums(deed: Deed) -> dict[str, Any]:
    chosen = deed.chosen
    return {
        "action": deed.verb,
        "store": deed.store,
        "files": chosen.files,
        "bytes": chosen.size,
        "with_files": chosen.with_files,
        "left_out": dict(chosen.left_out),
    }


# -- what has to be there -------------------------------------------------------------------------


def require_roots(session: Session, engine: Engine, chosen: Chosen) -> None:
    """Raise what is to be told when the root of a file that was chosen is not there."""
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.listing import our_host
    from storewarden.errors import PermanentError
    from storewarden.measure.shown import shown

    known = {one.name for one in session.settings.roots}
    for name, top in tops(engine, our_host(engine)).items():
        if name not in chosen.roots:
            continue
        if name not in known:
            raise PermanentError(
                "a root is not configured any more",
                where=name,
                why=shown(top),
                remedy="name it under roots: in the configuration",
            )
        if not os.path.isdir(top):
            raise PermanentError(
                "a root is not there",
                where=f"{name}: {shown(top)}",
                why="nothing was done",
                remedy="storewarden doctor",
            )


def store_of(session: Session, name: str | None, verb: str, *, local: bool = False) -> str:
    """Return the store that is meant: the only one there is, unless one is named."""
    from difflib import get_close_matches

    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown

    there = session.settings.store_names
    if name is None and len(there) == 1:
        return there[0]
    if name in there or (local and name == "local"):
        return name
    if not there:
        raise UsageError(
            "there is no store",
            why=f"{verb} needs one",
            remedy="name one in the configuration: stores: {cold: {path: /mnt/cold}}",
        )
    if name is None:
        raise UsageError(
            "which store is not said", why=f"there are {', '.join(there)}", remedy="--to STORE"
        )
    near = get_close_matches(name, there, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(there)}"
    raise UsageError("there is no such store", where=shown(name), remedy=remedy)
