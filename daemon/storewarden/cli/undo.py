"""``storewarden undo``: what was put away comes back, all that one command did or act by act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.acts import Act
    from storewarden.catalogue.engine import Engine
    from storewarden.cli.chosen import Chosen

_NUMBER = re.compile(r"[0-9]{1,18}")
_TOKEN = re.compile(r"#?\s*([a-z2-7]{8})")
_NOT = {
    "purge": ("what is purged does not come back", "storewarden restore has copies, if any"),
    "copy": ("a copy took nothing away", "the file is where it was"),
    "restore": ("it is put away again by the command that did it", "storewarden history"),
}


@verb
@click.argument("acts", nargs=-1, metavar="[ACT]...")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def undo(session: Session, acts: Sequence[str], dry_run: bool) -> int:
    """Take back what put files away: they come back to where they were, never over something.

    What was put off is given up: nothing more is tried, and what was begun is taken back.

    \b
    storewarden undo             all that the last command did
    storewarden undo k7mq2xva    all that this one did: the word that ends its line in the history
    storewarden undo 1204 1205   these acts

    What was archived, moved or trashed comes back; what was purged does not.
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session.settings
    from storewarden.cli import typed
    from storewarden.cli.chosen import Chosen
    from storewarden.cli.deeds import Deed, done, require_roots
    from storewarden.cli.listing import our_host
    from storewarden.daemon.acting.wish import Wanted
    from storewarden.errors import UsageError

    chosen, undoes, over = Chosen(), dict[int, int](), set[bool]()
    with session.reading() as engine:
        host = our_host(engine)
        command = ""
        for act in _meant(engine, host, acts):
            command = command or act.reason
            over.add(act.ended)
            _take(chosen, undoes, act)
        if len(over) > 1:
            raise UsageError(
                "some of these acts go on, and others are over",
                remedy="give up the former first, by a command of its own",
            )
        require_roots(session, engine, chosen)
    if session.output.terminal and command and not acts:
        session.output.text(f"undo: {command}", "head")
    line = typed.command("undo", acts)
    deed = Deed("give up" if over == {False} else "restore", chosen, line)

    def make(_engine: Engine, ids: Sequence[int]) -> list[Wanted]:
        return [Wanted(id_, "restore", undoes=undoes[id_]) for id_ in ids]

    return done(session, deed, make, yes=True, dry_run=dry_run, irreversible=False)


def _take(chosen: Chosen, undoes: dict[int, int], act: Act) -> None:
    """Count in a file that an act put away, with what went along."""
    file_id = act.file_id
    if file_id is None:
        raise _cannot(act, "the catalogue knows the file no more", "storewarden catalogue rebuild")
    if file_id in undoes:
        return
    undoes[file_id] = act.id
    chosen.ids.append(file_id)
    size = act.members[0].identity.size
    sums = chosen.roots.setdefault(act.root, [0, 0])
    sums[0] += 1
    sums[1] += size
    chosen.with_files += len(act.members) - 1
    chosen.with_bytes += act.size - size


def _meant(engine: Engine, host: int | None, words: Sequence[str]) -> Iterable[Act]:
    """Yield the acts that are meant; raises what is to be told when one cannot be taken back."""
    from storewarden.catalogue.gone_by import last_reason, of_command
    from storewarden.cli import typed
    from storewarden.errors import StorewardenError, UsageError
    from storewarden.measure.shown import shown

    if host is None:
        raise StorewardenError("there is nothing to take back", why="nothing was done here yet")
    if not words:
        reason = last_reason(engine, host)
        if reason is None:
            raise StorewardenError(
                "there is nothing to take back",
                why="no command put anything away that is still to be had",
                remedy="storewarden history tells what was done",
            )
        words = (typed.token(reason),)
    for word in words:
        token = _TOKEN.fullmatch(word)
        if _NUMBER.fullmatch(word):
            yield _by_number(engine, host, int(word))
        elif token is None:
            raise UsageError(
                "no act is called so", where=shown(word), remedy="storewarden history has numbers"
            )
        else:
            found = of_command(engine, host, token[1])
            first = next(found, None)
            if first is None:
                raise StorewardenError(
                    "nothing of this command can be taken back",
                    where=token[1],
                    why="it is unknown, put nothing away, or all of it is back or purged",
                    remedy="storewarden history",
                )
            yield first
            yield from found


def _by_number(engine: Engine, host: int, number: int) -> Act:
    from storewarden.catalogue import acts
    from storewarden.catalogue.gone_by import TAKEN_BACK
    from storewarden.errors import StorewardenError

    act = acts.read(engine, number)
    if act is None or act.host_id != host:
        raise StorewardenError("there is no such act", where=str(number))
    if not act.ended:
        return act
    if act.verb not in TAKEN_BACK:
        raise _cannot(act, *_NOT[act.verb])
    if act.state == "undone":
        raise _cannot(act, "it was taken back already", f"storewarden history {_place(act)}")
    if act.state != "done":
        raise _cannot(act, f"it is {act.state}: nothing was put away", "storewarden history")
    return act


def _cannot(act: Act, why: str, remedy: str) -> Exception:
    from storewarden.errors import StorewardenError

    where = f"{act.id}, {act.verb} of {_place(act)}"
    return StorewardenError("an act cannot be taken back", where=where, why=why, remedy=remedy)


def _place(act: Act) -> str:
    from storewarden.measure.shown import shown

    return f"{act.root}/{shown(act.path)}"
