"""``storewarden free``: room is made at once, by what is safest to go, and no more than asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.done_told import Item, files
from storewarden.cli.output import Output
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.daemon.acting.wish import Wanted, Wish
    from storewarden.policy.emergency import Freed, Freeing

TRASH, PURGE = "trash", "purge"
WHY = {
    1: "a store has a verified copy",
    2: "it can be made again",
    3: "it is in the trash",
    4: "a policy takes it from here anyway",
}


@verb
@click.argument("size")
@click.option("--root", metavar="NAME", help="On the disk of this root only.")
@click.option("--yes", "-y", is_flag=True, help="Go on without asking.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def free(session: Session, size: str, root: str | None, yes: bool, dry_run: bool) -> int:
    """Make room now: SIZE bytes are freed here, by what is safest to go, and no more than that.

    \b
    storewarden free 50GiB --dry-run
    storewarden free 50GiB --root save_outputs

    First goes what has a verified copy in a store: nothing is lost. Then what can be made again,
    for its tool, model, prompt and seed are known; then what is in the trash, the oldest first;
    then what policies would archive or move, before its time, or purge, now that it is due. What
    is held, pinned, required here, written to, or has hard links never goes.

    Where nobody can be asked, it wants --yes.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli import typed
    from storewarden.cli.acting import carry_out, drawn
    from storewarden.cli.asking import wanted
    from storewarden.cli.done_told import tell, well
    from storewarden.errors import DONE, FAILED

    size_ = _bytes(size)
    line = typed.command("free", [size], root=root)
    found = _found(session, size_, root)
    if session.output.terminal:
        _tell_sums(session.output, found)
    if dry_run:
        _tell_items(session, found)
        return DONE if not found.missing else FAILED
    if not found.files:
        raise _nothing(found)
    if not wanted(session, yes=yes, needs=f"{line} --yes"):
        return DONE
    with drawn("free", _acts(found), found.bytes) as bar:
        result = carry_out(session, _wishes(session, found, line), bar)
    more = {"wanted": size_, "missing": found.missing, "kept": _kept(found)}
    tell(session, result, _items(found), "gone from here", more=more)
    return DONE if well(result) and not found.missing else FAILED


def _bytes(text: str) -> int:
    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown
    from storewarden.units import UnitError, parse_size

    try:
        return parse_size(text)
    except UnitError as error:
        raise UsageError(
            "no size can be read", where=shown(text), why=error.reason, remedy=error.hint
        ) from error


def _found(session: Session, size: int, root: str | None) -> Freeing:
    from storewarden.cli.policies import policies_of

    policy_set = policies_of(session)
    with session.reading() as engine:
        from storewarden.catalogue.roots import host_id, this_machine
        from storewarden.catalogue.subjects import tops
        from storewarden.cli.meant import unknown
        from storewarden.clock import SystemClock
        from storewarden.pipeline.sparing import to_free

        host = host_id(engine, this_machine())
        places = tops(engine, host)
        if root is not None and root not in places:
            raise unknown("root", root, list(places))
        return to_free(engine, policy_set, size, SystemClock().wall_ns(), host or 0, root)


def _nothing(found: Freeing) -> Exception:
    from storewarden.errors import StorewardenError

    kept = ", ".join(f"{count:,} {why}" for why, count in _kept(found).items())
    return StorewardenError(
        "nothing may go",
        why=kept or "there is nothing here",
        remedy="storewarden files shows the largest: storewarden files 'size>1GiB'",
    )


# -- what is wanted -------------------------------------------------------------------------------


def _acts(found: Freeing) -> int:
    return len(found.files)


def _items(found: Freeing) -> Iterator[Item]:
    for one in found.files:
        yield Item(one.file_id, one.action.word, one.store)


def _wishes(session: Session, found: Freeing, line: str) -> Iterator[Wish]:
    """Yield what is wanted, safest first; what is here goes to the trash before it is purged."""
    from storewarden.cli import typed
    from storewarden.cli.acting import LARGEST
    from storewarden.cli.asking import who
    from storewarden.daemon.acting.wish import Wish

    asked_by, reason = who(), typed.numbered(line)
    alike = itertools.groupby(found.files, key=lambda one: (one.safety, one.action, one.store))
    for _, some in alike:
        while batch := list(itertools.islice(some, LARGEST)):
            for wanted in _steps(session, batch):
                yield Wish(wanted, asked_by, reason)


def _steps(session: Session, batch: Sequence[Freed]) -> Iterator[tuple[Wanted, ...]]:
    """Yield the acts of files that go alike, one after the other."""
    from storewarden.daemon.acting.wish import Wanted

    action, store = batch[0].action.word, batch[0].store
    ids = [one.file_id for one in batch]
    if action == PURGE:
        with session.reading() as engine:
            here = _present(engine, ids)
        if here:
            yield tuple(Wanted(id_, TRASH) for id_ in here)
    yield tuple(Wanted(id_, action, store) for id_ in ids)


def _present(engine: Engine, ids: Sequence[int]) -> list[int]:
    from storewarden.catalogue.find import files_by_id

    return [row.id for row in files_by_id(engine, ids) if row.state == "present"]


# -- what is told ---------------------------------------------------------------------------------


def _tell_sums(output: Output, found: Freeing) -> None:
    from storewarden.pipeline.sparing import by_safety
    from storewarden.units import format_size

    output.text(f"free: {files(len(found.files))}, {format_size(found.bytes)}", "head")
    for (safety, action), (count, size) in by_safety(found).items():
        told = f"{action:<8} {files(count)}, {format_size(size)}: {WHY[safety]}"
        output.text(f"  {told}", "odd" if action == PURGE else "")
    if found.missing:
        _tell_missing(output, found)


def _tell_missing(output: Output, found: Freeing) -> None:
    from storewarden.cli.output import note
    from storewarden.units import format_size

    if not output.terminal:
        return
    kept = ", ".join(f"{count:,} {why}" for why, count in _kept(found).items())
    note(f"storewarden: {format_size(found.missing)} of it cannot be freed; what stays: {kept}")


def _kept(found: Freeing) -> dict[str, int]:
    """Return how many files stay for which reason, the most first."""
    counts = sorted((-count, reason.value) for reason, count in found.kept.items())
    return {reason: -count for count, reason in counts}


def _tell_items(session: Session, found: Freeing) -> None:
    from storewarden.cli.done_told import with_rows, write_items
    from storewarden.cli.output import note

    output = session.output
    if output.json:
        told: dict[str, Any] = {
            "dry_run": True,
            "files": len(found.files),
            "bytes": found.bytes,
            "missing": found.missing,
            "kept": _kept(found),
        }
        write_items(session, told, _items(found), lambda _row: "would")
    elif not output.terminal:
        why = {one.file_id: one.why for one in found.files}
        for item, row in with_rows(session, _items(found)):
            output.fields(
                row.root, row.path, item.action, item.store or "", row.size, why[item.file_id]
            )
    else:
        note("nothing was done: --dry-run")
