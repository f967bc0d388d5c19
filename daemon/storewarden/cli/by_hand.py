"""``archive``, ``trash``, ``restore``, ``purge``, ``move``: by hand what policies do else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.chosen import Asked
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.chosen import Chosen
    from storewarden.daemon.acting.wish import Wanted

HERE = ("present", "held")
AWAY = ("trashed", "archived")
ARCHIVE = Asked("archive", HERE, HERE)
TRASH = Asked("trash", (*HERE, "archived"), HERE)
PURGE = Asked("purge", AWAY, ("trashed",))
RESTORE = Asked("restore", AWAY, AWAY, newest=True, copied=("missing", "purged"))
MOVE_AWAY = Asked("move", HERE, HERE)
MOVE_BACK = Asked("move", ("archived",), ("archived",), newest=True)
LOCAL = "local"

_words = click.argument("words", nargs=-1, metavar="TERM_OR_PATH...")
_yes = click.option("--yes", "-y", is_flag=True, help="Go on without asking.")
_dry_run = click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    return _words(_yes(_dry_run(function)))


@verb
@_options
@click.option("--to", "store", metavar="STORE", help="Where to; without it, the only store.")
def archive(
    session: Session, words: Sequence[str], yes: bool, dry_run: bool, store: str | None
) -> int:
    """Put files into a store, and free their place here once the copy is verified.

    \b
    storewarden archive --to nas holiday/*.png
    storewarden archive kind=video 'used>90d'

    Terms are those of `storewarden files`, and all have to be met; a directory is all below it.
    What belongs to a file goes with it. Each copy is read back whole before its file goes.
    storewarden restore brings it back.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli.deeds import store_of

    to = store_of(session, store, "archive")
    return _act(session, ARCHIVE, words, yes=yes, dry_run=dry_run, store=to)


@verb
@_options
def trash(session: Session, words: Sequence[str], yes: bool, dry_run: bool) -> int:
    """Put files into the trash of their root: gone from view, and to be had back at once.

    \b
    storewarden trash kind=video 'size>1GiB'
    storewarden trash save_outputs/drafts

    No byte is freed until they are purged. storewarden restore brings them back.
    """  # noqa: D301
    return _act(session, TRASH, words, yes=yes, dry_run=dry_run)


@verb
@_words
@_dry_run
@click.option("--to", metavar="PATH", help="To another place in the same root.")
@click.option("--store", metavar="NAME", help="From this store, where there are several copies.")
def restore(
    session: Session,
    words: Sequence[str],
    dry_run: bool,
    to: str | None,
    store: str | None,
) -> int:
    """Bring files back from the trash, or from a store: with their times, modes and attributes.

    \b
    storewarden restore save_outputs/cat.png
    storewarden restore 'gone<1d' state=trashed
    storewarden restore uploads/a.mp4 --to uploads/again/a.mp4

    They come to where they were, or with --to elsewhere; never over something. Of several that had
    one name comes the one that went last. What went together comes back together.
    """  # noqa: D301
    from storewarden.cli.deeds import store_of

    if store is not None:
        store = store_of(session, store, "restore")
    return _act(session, RESTORE, words, yes=True, dry_run=dry_run, store=store, to=to)


@verb
@_options
def purge(session: Session, words: Sequence[str], yes: bool, dry_run: bool) -> int:
    """Remove files from the trash, or with state=archived their copies from the stores, for good.

    \b
    storewarden purge 'gone>7d'
    storewarden purge save_outputs/drafts --yes
    storewarden purge state=archived path='drafts/*'

    Nothing brings them back. Where nobody can be asked, it wants --yes.
    """  # noqa: D301
    return _act(session, PURGE, words, yes=yes, dry_run=dry_run, irreversible=True)


@verb
@_options
@click.option("--to", "store", metavar="STORE", help="The store to move to; local moves back.")
def move(
    session: Session, words: Sequence[str], yes: bool, dry_run: bool, store: str | None
) -> int:
    """Move files to a store where they are for use from now on, or with --to local back.

    \b
    storewarden move --to nas kind=database name=analytics.db
    storewarden move --to local save_outputs/film.mp4

    Like archive, but policies about places count from now on from where it is.
    """  # noqa: D301
    from storewarden.cli.deeds import store_of

    to = store_of(session, store, "move", local=True)
    asked = MOVE_BACK if to == LOCAL else MOVE_AWAY
    return _act(session, asked, words, yes=yes, dry_run=dry_run, store=to)


def _act(
    session: Session,
    asked: Asked,
    words: Sequence[str],
    *,
    yes: bool,
    dry_run: bool,
    store: str | None = None,
    to: str | None = None,
    irreversible: bool = False,
) -> int:
    from storewarden.cli import typed
    from storewarden.cli.deeds import Deed, done, require_roots

    back = asked.verb == "restore"
    options = {"to": to, "store": store} if back else {"to": store}
    line = typed.command(asked.verb, words, **options)
    chosen, target = _chosen(session, asked, words, to)
    with session.reading() as engine:
        require_roots(session, engine, chosen)
    deed = Deed(asked.verb, chosen, line, store)
    make = _maker(asked.verb, store, target)
    return done(session, deed, make, yes=yes, dry_run=dry_run, irreversible=irreversible)


def _chosen(
    session: Session, asked: Asked, words: Sequence[str], to: str | None
) -> tuple[Chosen, Target | None]:
    """Return what is meant; raises what is to be told when that is nothing."""
    _ = session.settings
    from storewarden.cli.chosen import choose
    from storewarden.cli.listing import our_host, places
    from storewarden.clock import SystemClock

    now_ns = SystemClock().wall_ns()
    with session.reading() as engine:
        host = our_host(engine)
        chosen = choose(engine, host, words, now_ns, asked)
        if not chosen.files:
            raise _none(asked, words, chosen)
        if to is None:
            return chosen, None
        return chosen, _target(to, chosen, places(engine, host))


def _none(asked: Asked, words: Sequence[str], chosen: Chosen) -> Exception:
    import shlex

    from storewarden.errors import StorewardenError
    from storewarden.measure.shown import shown

    left = ", ".join(f"{count:,} {state}" for state, count in sorted(chosen.left_out.items()))
    where = shown(shlex.join(words))
    if not left:
        remedy = f"storewarden files {where} state=any"
        return StorewardenError("no such files", where=where, remedy=remedy)
    hints = {
        "restore": "what is present need not come back",
        "purge": "what is present goes by way of the trash; archived copies with state=archived",
        "trash": "what is archived goes to the trash with state=archived",
        "move": "from one store to another it goes by way of here: --to local, then --to STORE",
    }
    remedy = hints.get(asked.verb, "storewarden restore brings back what was put away")
    what = f"nothing to {asked.verb} among them"
    return StorewardenError(what, where=where, why=left, remedy=remedy)


class Target:
    """Another place for what comes back, relative to the root."""

    def __init__(self, below: bytes, *, directory: bool) -> None:
        self._below, self._directory = below, directory

    def of(self, name: bytes) -> bytes:
        """Return where a file of this name comes."""
        if not self._directory:
            return self._below
        return b"/".join(part for part in (self._below, name) if part)


def _target(to: str, chosen: Chosen, tops: dict[str, bytes]) -> Target:
    """Return the place that is meant; raises what is to be told when it is none of the root."""
    from storewarden.cli.located import candidates
    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown

    if len(chosen.roots) > 1:
        raise UsageError(
            "files of several roots have no one place",
            where=shown(to),
            why=", ".join(sorted(chosen.roots)),
            remedy="name files of one root",
        )
    (root,) = chosen.roots
    top = tops[root].rstrip(b"/")
    found = [
        one
        for one in candidates(os.fsencode(to), os.getcwdb(), tops)
        if one == top or one.startswith(top + b"/")
    ]
    if not found:
        raise UsageError(
            "a file comes back to its own root",
            where=shown(to),
            why=f"that is not below {shown(top)}",
            remedy="restore it there, and copy it from there to wherever",
        )
    directory = to.endswith("/") or os.path.isdir(found[0])
    if chosen.files > 1 and not directory:
        raise UsageError(
            "several files have no one name",
            where=shown(to),
            why=f"{chosen.files:,} files are meant",
            remedy=f"a directory ends with a slash: {shown(to)}/",
        )
    return Target(found[0][len(top) + 1 :], directory=directory)


def _maker(
    verb_: str, store: str | None, target: Target | None
) -> Callable[[Engine, Sequence[int]], list[Wanted]]:
    """Return what turns numbers of files into what is wanted of them."""

    def make(engine: Engine, ids: Sequence[int]) -> list[Wanted]:
        from storewarden.catalogue.find import files_by_id
        from storewarden.catalogue.gone_by import gone_by
        from storewarden.daemon.acting.wish import Wanted

        undoes = gone_by(engine, ids) if verb_ == "restore" else {}
        names = {row.id: row.name for row in files_by_id(engine, ids)} if target else {}
        return [
            Wanted(
                *(id_, verb_, store),
                to=target.of(names[id_]) if target and id_ in names else None,
                undoes=undoes.get(id_),
            )
            for id_ in ids
        ]

    return make
