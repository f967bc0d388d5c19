"""``pin`` and ``unpin``: a person says of files that no policy takes them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from storewarden.cli.chosen import Asked
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.cli.chosen import Chosen

THERE = ("present", "held", "archived", "trashed")
AT_ONCE = 500  # a recorder waits no longer than for so many

_words = click.argument("words", nargs=-1, metavar="TERM_OR_PATH...")
_dry_run = click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")


@verb
@_words
@_dry_run
def pin(session: Session, words: Sequence[str], dry_run: bool) -> int:
    """Keep files where they are: no policy and no emergency takes a pinned file away.

    \b
    storewarden pin save_outputs/cat.png
    storewarden pin workflow=story 'rating>=4'

    By hand it can still be archived, trashed and purged.
    """  # noqa: D301  # click's mark for lines that stay as they are
    return _say(session, words, pinned=True, dry_run=dry_run)


@verb
@_words
@_dry_run
def unpin(session: Session, words: Sequence[str], dry_run: bool) -> int:
    """Take pins off files: policies decide about them again.

    \b
    storewarden unpin save_outputs/cat.png
    """  # noqa: D301
    return _say(session, words, pinned=False, dry_run=dry_run)


def _say(session: Session, words: Sequence[str], *, pinned: bool, dry_run: bool) -> int:
    _ = session.settings
    from storewarden.catalogue import marks
    from storewarden.catalogue.migrate import require_current
    from storewarden.cli.asking import who
    from storewarden.cli.chosen import choose
    from storewarden.cli.listing import our_host
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    name = "pin" if pinned else "unpin"
    asked = Asked(name, THERE, THERE, along=False)
    now_ns = SystemClock().wall_ns()
    changed = 0
    engine = session.catalogue(readonly=dry_run)
    try:
        require_current(engine)
        chosen = choose(engine, our_host(engine), words, now_ns, asked)
        if not chosen.files:
            raise _none(words)
        say = marks.pin if pinned else marks.unpin
        for batch in chosen.batches(AT_ONCE) if not dry_run else ():
            changed += say(engine, batch, now_ns, by=who())
    finally:
        engine.close()
    _tell(session, name, chosen, changed, dry_run=dry_run)
    return DONE


def _none(words: Sequence[str]) -> Exception:
    import shlex

    from storewarden.errors import StorewardenError
    from storewarden.measure.shown import shown

    where = shown(shlex.join(words))
    remedy = f"storewarden files {where} state=any"
    return StorewardenError("no such files", where=where, remedy=remedy)


def _tell(session: Session, name: str, chosen: Chosen, changed: int, *, dry_run: bool) -> None:
    from storewarden.units import format_size

    output, files = session.output, chosen.files
    if output.json:
        told = {"action": name, "dry_run": dry_run, "files": files, "bytes": chosen.size}
        output.document(told | {"changed": changed})
    elif not output.terminal:
        output.fields("files", files)
        output.fields("changed", changed)
    elif dry_run:
        output.text(f"{name}: {_files(files)}, {format_size(chosen.size)}")
        output.text("nothing was done: --dry-run", "dim")
    else:
        same = f"; {files - changed:,} were so already" if changed < files else ""
        output.text(f"{_files(changed)} {name}ned{same}", "good")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
