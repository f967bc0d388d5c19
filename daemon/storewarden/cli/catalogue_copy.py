"""``storewarden catalogue copy``: the whole catalogue goes to another database, and is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.carry import Carried, Copied
    from storewarden.catalogue.engine import Engine

SHOWN = 16  # digits of a digest, on a terminal


@verb
@click.option(
    "--to",
    "url",
    metavar="URL",
    required=True,
    help="An empty one: sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
)
def copy(session: Session, url: str) -> int:
    """Copy the whole catalogue into an empty one, of the other database or the same.

    Afterwards all rows of each table are counted on both sides, and a digest of them is compared.
    Only then is the copy a catalogue: one that was interrupted is refused by every verb and by
    the daemon, and the same command begins it anew. The catalogue itself stays as it is. Refused
    while a daemon runs. Exit code 1 when the copy is not the same.
    """
    from storewarden.cli.progress import Progress
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    source, target = _opened(session, url)
    try:
        from storewarden.catalogue import carry

        with Progress("rows") as bar:
            copied = carry.copy(
                source, target, SystemClock(), heard=lambda rows, what: bar.update(rows, None, what)
            )
    finally:
        source.close()
        target.close()
    address = target.where if target.dialect == "postgresql" else f"sqlite://{target.where}"
    _tell(session.output, copied, source.where, address)
    return DONE if copied.same else FAILED


def _opened(session: Session, url: str) -> tuple[Engine, Engine]:
    """Open both; the source, of which something must be there, first."""
    settings = session.settings
    from storewarden.catalogue import drivers
    from storewarden.catalogue.connect import open_catalogue

    if drivers.is_server(url):  # else peewee would come without its driver
        drivers.choose(url)
        drivers.bring()
    source = session.catalogue()
    try:
        from storewarden.catalogue.version import require_current

        require_current(source)
        return source, open_catalogue(url, settings.state, role="storewarden-cli")
    except BaseException:
        source.close()
        raise


def _tell(output: Output, copied: Copied, source: str, target: str) -> None:
    if output.json:
        output.document(_document(copied, source, target))
    elif output.terminal:
        _table(output, copied, target)
    else:
        for each in copied.tables:
            output.fields("same" if each.same else "differs", *_figures(each).values())
    if copied.mended:
        note(
            f"storewarden: {copied.mended:,} rows had a text with a NUL, which PostgreSQL cannot"
            " hold: U+FFFD stands in its place"
        )
    if not copied.same:
        note(
            "storewarden: the copy is not the same and was not finished; nothing will use it:"
            " copy again"
        )


def _document(copied: Copied, source: str, target: str) -> dict[str, Any]:
    return {
        "from": source,
        "to": target,
        "same": copied.same,
        "rows": sum(each.source.rows for each in copied.tables),
        "mended": copied.mended,
        "tables": [{"same": each.same, **_figures(each)} for each in copied.tables],
    }


def _figures(each: Carried) -> dict[str, Any]:
    return {
        "table": each.table,
        "rows": each.source.rows,
        "rows_there": each.target.rows,
        "digest": each.source.digest,
        "digest_there": each.target.digest,
    }


def _table(output: Output, copied: Copied, target: str) -> None:
    there = [each for each in copied.tables if each.source.rows or not each.same]
    output.table(
        ("TABLE", "ROWS", "COPIED", "DIGEST", "OF THE COPY", ""),
        [
            (
                Cell(each.table, "head"),
                number(each.source.rows),
                number(each.target.rows),
                Cell(each.source.digest[:SHOWN]),
                Cell(each.target.digest[:SHOWN]),
                Cell("same", "good") if each.same else Cell("differs", "bad"),
            )
            for each in there
        ],
    )
    empty = len(copied.tables) - len(there)
    if empty:
        output.text(f"and {empty} tables without a row", "dim")
    if copied.same:
        rows = sum(each.source.rows for each in copied.tables)
        output.text(f"{rows:,} rows copied, the same on both sides", "good")
        output.text(f"To use it from now on, in the configuration: catalogue: {target}")
