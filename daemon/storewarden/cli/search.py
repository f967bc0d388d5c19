"""``storewarden search``: files by words in their paths, prompts, transcripts and models."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.asked import WordsCommand, understood
from storewarden.cli.known import brief, clipped
from storewarden.cli.listing import fields, our_host, record, remarks, with_facts
from storewarden.cli.output import Cell, Output, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import FileRow
    from storewarden.catalogue.known import Known
    from storewarden.catalogue.search import Answer, Hit, Snippet
    from storewarden.config.schema import RootSettings

SCREENFUL = 20
MOST = 1000


@partial(verb, form=WordsCommand)
@click.argument("words", nargs=-1, required=True, metavar="WORD... [TERM]...")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    default=SCREENFUL,
    help=f"The best so many, {SCREENFUL} unless said.",
)
@click.option("--all-hosts", is_flag=True, help="Of every host that shares the catalogue.")
def search(session: Session, words: Sequence[str], limit: int, all_hosts: bool) -> int:
    """Find files by words in their path, prompt, transcript, summary and model.

    \b
    storewarden search lighthouse dusk         both words, in any order
    storewarden search '"at dusk"'             exactly this phrase
    storewarden search lighthouse -storm       and not this word
    storewarden search 'light*'                words that begin so
    storewarden search prompt:dusk model:flux  words of one field
    storewarden search dusk kind=video 'width>=1024'

    The best come first: words side by side before scattered ones, prompts before paths before
    transcripts, newer before older. Case and accents do not count. Each TERM narrows it down as
    in `storewarden files`.

    Exit code 0, also when nothing is found. In a pipe a line holds what `storewarden files`
    prints, then the field in which the words were found, and the words around them.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    output, now_ns = session.output, SystemClock().wall_ns()
    with session.reading() as engine:
        from storewarden.catalogue.search import search as find

        query, wanted = understood(words)
        host = None if all_hosts else our_host(engine)
        answer = find(engine, query, wanted, now_ns, host_id=host, limit=limit)
        _write(output, engine, answer)
        if not answer.hits and not output.json:
            note(_nothing(engine, host, session.settings.roots, narrowed=bool(wanted)))
    if answer.more and output.terminal:
        note(f"the best {len(answer.hits)}; there are more: --limit, or another word")
    return DONE


def _write(output: Output, engine: Engine, answer: Answer) -> None:
    rows = with_facts(engine, (hit.file for hit in answer.hits))
    for hit, (row, known) in zip(answer.hits, rows, strict=True):
        if output.json:
            output.record(as_json(hit, known))
        elif output.terminal:
            _for_people(output, hit, known)
        else:
            output.fields(*fields(row, known), *_first(hit.snippets))


def as_json(hit: Hit, known: Known | None) -> dict[str, Any]:
    """Return a hit as one line of JSON shows it: the file, and where the words are."""
    return {
        **record(hit.file, known),
        "score": hit.score,
        "snippets": [
            {"field": one.field, "text": one.text, "marks": [list(mark) for mark in one.marks]}
            for one in hit.snippets
        ],
    }


def _first(snippets: Sequence[Snippet]) -> tuple[str, str]:
    return (snippets[0].field, _on_one_line(snippets[0].text)) if snippets else ("", "")


def _for_people(output: Output, hit: Hit, known: Known | None) -> None:
    from storewarden.measure.shown import shown

    path = f"{hit.file.root}/{shown(hit.file.path)}"
    output.text(path, "head")
    output.text("  " + "  ".join(about(hit.file, known)), "dim")
    for snippet in hit.snippets:
        words = "".join(output.styled(cell) for cell in highlighted(snippet))
        output.text(f"  {output.styled(Cell(snippet.field + ':', 'dim'))} {words}")
    if not hit.snippets:
        _prompt(output, known)
    output.text()


def about(row: FileRow, known: Known | None) -> Iterator[str]:
    """Yield what a person wants to see beside a found file."""
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    yield from remarks(row)
    yield from (row.kind, format_size(row.size), moment(row.modified_ns))
    yield from brief(known)
    if known is None:
        return
    made = known.provenance
    if made is not None and made.seed is not None:
        yield f"seed {made.seed}"
    if known.workflow:
        yield f"workflow {shown(known.workflow)}"
    if known.scene:
        yield f"scene {shown(known.scene)}"


def highlighted(snippet: Snippet) -> Iterator[Cell]:
    """Yield the pieces of a snippet on one line, those that were asked for marked."""
    at = 0
    for begin, end in snippet.marks:
        yield Cell(_on_one_line(snippet.text[at:begin]))
        yield Cell(_on_one_line(snippet.text[begin:end]), "found")
        at = end
    yield Cell(_on_one_line(snippet.text[at:]))


def _on_one_line(text: str) -> str:
    """Return a piece of text without line breaks, and without anything that acts on a terminal."""
    from storewarden.measure.shown import shown

    return shown(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def _prompt(output: Output, known: Known | None) -> None:
    made = known.provenance if known is not None else None
    if made is not None and made.prompt:
        room = shutil.get_terminal_size().columns - 2
        output.text(f"  {clipped(_on_one_line(made.prompt[:1000]), room)}")


def _nothing(
    engine: Engine, host: int | None, roots: Iterable[RootSettings], *, narrowed: bool
) -> str:
    """Say what was searched, and what may yet come."""
    from storewarden.catalogue.find import totals
    from storewarden.catalogue.sweep import inspection_progress

    files = sum(one.files for one in totals(engine, host) if one.state == "present")
    left_out = [root.name for root in roots if not root.inspect]
    progress = inspection_progress(engine, host)
    waiting = sum(one.waiting for name, one in progress.items() if name not in left_out)
    told = "nothing found in the paths, prompts, transcripts and models of "
    told += "1 file" if files == 1 else f"{files:,} files"
    if narrowed:
        told += "; the terms leave out some"
    if waiting:
        wait = "waits" if waiting == 1 else "wait"
        told += f"; {waiting:,} of them still {wait} to be looked into: storewarden status"
    if left_out:
        told += f"; not looked into, as configured: {', '.join(left_out)}"
    return told
