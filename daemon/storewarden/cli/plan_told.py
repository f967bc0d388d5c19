"""A plan as people see it: what it comes to, what is not done and why, what comes first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from storewarden.cli.around import Around
from storewarden.cli.output import Cell, Output, Style, number
from storewarden.cli.plan_sums import (
    Course,
    courses,
    freed,
    full_on,
    guards,
    in_order,
    money,
    shares,
)
from storewarden.cli.plan_words import BLOCKED
from storewarden.cli.plot import picture
from storewarden.cli.when import moment
from storewarden.measure.shown import shown
from storewarden.pipeline.planning import Item, Plan
from storewarden.policy.forecast import DAY
from storewarden.units import format_duration, format_share, format_size

LABEL = 10
TALL = 8  # lines of a picture


def tell(output: Output, made: Plan, around: Around, first: Sequence[Item], count: int) -> None:
    """Write the whole plan; ``first`` are the items that are due first, of so many."""
    when = f"until {moment(around.until_ns)}" if around.ahead else f"now, {moment(around.now_ns)}"
    output.text(f"plan {made.id}: {when}", "head")
    output.text()
    if not made.sums:
        output.text("nothing is due" if not around.ahead else "nothing will be due")
    else:
        _table(output, made, around)
        output.text()
    for label, text, style in _remarks(made, around):
        head = output.styled(Cell(label + " " * (LABEL - len(label)), "dim"))
        output.text(f"{head} {output.styled(Cell(text, style))}")
    if first:
        output.text()
        _items(output, first, count)
    if around.ahead:
        for course in courses(made, around):
            output.text()
            _picture(output, course, around)


def _table(output: Output, made: Plan, around: Around) -> None:
    heads = ["policy", "action", "files", "bytes", "frees here", "not done"]
    rows = []
    for (policy, action, store), each in in_order(made):
        to = f" to {shown(store)}" if store else ""
        kept = sum(each.blocked.values()) + each.waits
        rows.append(
            [
                Cell(policy + (" (observed)" if policy in around.observed else "")),
                Cell(action.word + to),
                number(each.files),
                Cell(format_size(each.bytes), right=True),
                Cell(format_size(-each.here) if each.here else "–", right=True),
                Cell(f"{kept:,}" if kept else "–", "odd" if kept else "", right=True),
            ]
        )
    output.table(heads, rows)


def _remarks(made: Plan, around: Around) -> Iterator[tuple[str, str, Style]]:
    if made.sums:
        yield from _freed(made, around)
    yield from _paid(made, around)
    yield from _kept_back(made)
    observed = sorted({policy for policy, *_ in made.sums} & around.observed)
    if observed:
        first = "nothing is done before a person has applied their first plan"
        yield "observed", f"{', '.join(observed)}, new or changed: {first}", "odd"
    for policy, what in guards(made, around):
        yield "guard", f"{policy} would stop and wait for a person {what}", "bad"
    if around.frozen:
        remedy = "storewarden policy accept-clock"
        yield "clock", f"{around.frozen}: nothing is freed until that is known; {remedy}", "bad"


def _freed(made: Plan, around: Around) -> Iterator[tuple[str, str, Style]]:
    told = shares(made, around)
    of = ", ".join(f"{format_share(share)} of {shown(root)}" for root, share in told.items())
    yield "frees here", format_size(freed(made)) + (f": {of}" if of else ""), ""
    trashed = sum(each.rests for each in made.sums.values())
    if trashed:
        yield "", f"{format_size(trashed)} go to the trash, where they take their place", "dim"
    for store, change in sorted(made.stores.items()):
        if change:
            yield "elsewhere", f"{format_size(change)} more in {shown(store)}", ""


def _paid(made: Plan, around: Around) -> Iterator[tuple[str, str, Style]]:
    found = money(made, around)
    if found is None or not made.sums:
        return
    coin = around.settings.currency
    told = [] if found.here is None else [f"{found.here:,.2f} {coin} less here"]
    told.append(f"{found.there:,.2f} {coin} more in stores")
    saved = found.saved
    sum_ = "" if saved is None else f": {saved:,.2f} {coin} saved"
    back = f"; reading it all back would cost {found.back:,.2f} {coin}" if found.back else ""
    yield "a month", ", ".join(told) + sum_ + back, ""


def _kept_back(made: Plan) -> Iterator[tuple[str, str, Style]]:
    for block, words in BLOCKED.items():
        count = sum(each.blocked[block] for each in made.sums.values())
        if count:
            yield "blocked", f"{count:,} {_files(count)}: {words}", "odd"
    waits = sum(each.waits for each in made.sums.values())
    if waits:
        size = format_size(sum(each.waits_bytes for each in made.sums.values()))
        yield "waits", f"{waits:,} {_files(waits)}, {size}, until the disk is fuller", "odd"


def _items(output: Output, first: Sequence[Item], count: int) -> None:
    for item in first:
        due = "at a time not known " if item.due_ns is None else moment(item.due_ns)
        kept = ""
        if item.blocked:
            kept = f"  ({item.blocked.name.lower()})"
        elif item.waits:
            kept = "  (waits for space)"
        start = f"{output.styled(Cell(due, 'dim'))}  {item.action.word:<7}"
        size = f"{format_size(item.size):>10}"
        path = f"{shown(item.root)}/{shown(item.path)}"
        output.text(f"{start}  {size}  {path}{output.styled(Cell(kept, 'odd'))}")
    if count > len(first):
        output.text(f"… and {count - len(first):,} more: storewarden plan | less", "dim")


def _picture(output: Output, course: Course, around: Around) -> None:
    names = ", ".join(map(shown, course.disk.roots))
    now, end = (
        format_share(used / course.disk.total) for used in (course.disk.used, course.values[-1])
    )
    head = f"the disk of {names}, {format_size(course.disk.total)}: {now} full now, {end} then"
    otherwise = format_share(course.otherwise[-1] / course.disk.total)
    if course.otherwise[-1] != course.values[-1]:
        head += f", {otherwise} without these policies"
    output.text(head, "head")
    days = len(course.values) - 1
    below = ["now", *(f"+{_days(days * part // 3)}" for part in (1, 2, 3))] if days else ["now"]
    lines = picture(
        course.values,
        otherwise=course.otherwise,
        top=course.disk.total,
        left=["100%", *[""] * (TALL // 2 - 1), "50%", *[""] * (TALL // 2 - 1)],
        below=list(dict.fromkeys(below)),
        columns=min(100, shutil.get_terminal_size().columns),
    )
    for line in lines:
        output.text(line)
    full = full_on(course)
    if full is not None:
        when = moment(around.now_ns + full * DAY)[:10]
        output.text(f"full on {when}", "bad")
    known = around.growth or {}
    rate = sum(known[name].bytes_per_day for name in course.disk.roots if name in known)
    if any(name in known for name in course.disk.roots):
        longest = max(known[name].days for name in course.disk.roots if name in known)
        told = f"{format_size(rate)} more a day, as in the last {format_duration(longest * 86_400)}"
        output.text(f"with {told}; policies are reckoned for what is here now", "dim")
    else:
        output.text("without growth: it was not watched long enough to know it", "dim")


def _days(count: int) -> str:
    return f"{count}d"


def _files(count: int) -> str:
    return "file" if count == 1 else "files"
