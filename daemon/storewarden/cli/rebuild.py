"""``storewarden catalogue rebuild``: what objects in a store tell of themselves is taken in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from storewarden.cli.output import Output, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.daemon.rebuilding import Taken


@verb
@click.option("--from-store", "store", metavar="NAME", required=True, help="Whose objects to read.")
@click.option(
    "--host", "hosts", metavar="NAME", multiple=True, help="Of this machine, not of ours."
)
def rebuild(session: Session, store: str, hosts: Sequence[str]) -> int:
    """Take in what the objects of a store tell of themselves: for when the catalogue was lost.

    Files that lie in their roots are told by a scan. What lies only in the store is archived again
    afterwards, and can be restored; a second time changes nothing. It writes the catalogue by
    itself, so that no daemon may run. Exit code 1 when an object could not be understood.

    Objects that another machine stored are left alone, unless it is named: after a machine was
    replaced, name the old one.
    """
    from storewarden.cli.deeds import store_of
    from storewarden.cli.progress import Progress
    from storewarden.errors import DONE, FAILED

    settings = session.settings
    store = store_of(session, store, "rebuild")
    from storewarden.daemon.rebuilding import rebuild_from
    from storewarden.measure import log

    log.setup("error", "text")
    with Progress("reading objects") as bar:
        taken = rebuild_from(
            settings, store, hosts, progress=lambda objects: bar.update(objects, None, store)
        )
    _tell(session.output, taken, store)
    return FAILED if taken.unreadable or taken.rebuilt.of_no_root else DONE


def _tell(output: Output, taken: Taken, store: str) -> None:
    from storewarden.measure.shown import shown

    done = taken.rebuilt
    figures = {
        "objects": taken.objects,
        "added": done.added,
        "linked": done.linked,
        "known": done.known,
        "of_no_root": done.of_no_root,
        "of_other_hosts": sum(taken.hosts.values()),
        "unreadable": taken.unreadable,
    }
    if output.json:
        more = {"hosts": dict(taken.hosts), "roots_missing": dict(taken.unknown)}
        output.document({**figures, **more, "problems": taken.problems})
    elif output.terminal:
        output.text(f"objects in {store}: {taken.objects:,}", "head")
        output.text(f"known again, archived there: {done.added:,}", "good")
        output.text(f"copies of files that are here: {done.linked:,}; known before: {done.known:,}")
    else:
        for name, value in figures.items():
            output.fields(name, value)
    for root, count in taken.unknown.most_common():
        note(f"storewarden: {count:,} objects are of a root that is not configured: {shown(root)}")
    for host, count in taken.hosts.most_common():
        again = f"storewarden catalogue rebuild --from-store {store} --host {shown(host)}"
        note(
            f"storewarden: {count:,} objects were stored by {shown(host)}; to take them in: {again}"
        )
    for problem in taken.problems:
        note(f"storewarden: {shown(problem)}")
